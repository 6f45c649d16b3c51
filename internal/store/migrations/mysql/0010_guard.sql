-- +goose Up
CREATE TABLE IF NOT EXISTS guard_counters (
  tenant_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  counter_key  CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id      VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  place        VARCHAR(45) NOT NULL,
  tries        BIGINT NOT NULL,
  last_at      DATETIME(6) NOT NULL,
  expires_at   DATETIME(6) NOT NULL,
  blocked_at   DATETIME(6) NULL,
  PRIMARY KEY (tenant_id, counter_key),
  KEY guard_account (tenant_id, account_hash),
  KEY guard_blocked (tenant_id, blocked_at, counter_key),
  KEY guard_expires (tenant_id, expires_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS guard_counters;
