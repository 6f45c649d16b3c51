-- +goose Up
CREATE TABLE IF NOT EXISTS tickets (
  tenant_id       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ticket_hash     CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id         VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind            VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address         VARCHAR(254) NOT NULL,
  note            VARCHAR(254) NOT NULL,
  browser_hash    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code_mac        CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code_tries      INT NOT NULL,
  code_expires_at DATETIME(6) NOT NULL,
  created_at      DATETIME(6) NOT NULL,
  expires_at      DATETIME(6) NOT NULL,
  used_at         DATETIME(6) NULL,
  voided_at       DATETIME(6) NULL,
  PRIMARY KEY (tenant_id, ticket_hash),
  KEY tickets_user (tenant_id, user_id, kind, created_at),
  KEY tickets_browser (tenant_id, browser_hash, kind, created_at),
  KEY tickets_expires (expires_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS email_changes (
  tenant_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id      VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  new_email    VARCHAR(254) NOT NULL,
  old_email    VARCHAR(254) NOT NULL,
  old_verified BOOLEAN NOT NULL,
  requested_at DATETIME(6) NOT NULL,
  confirmed_at DATETIME(6) NULL,
  approved_at  DATETIME(6) NULL,
  due_at       DATETIME(6) NOT NULL,
  done_at      DATETIME(6) NULL,
  frozen_until DATETIME(6) NULL,
  PRIMARY KEY (tenant_id, user_id),
  KEY email_changes_due (due_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS email_changes;
DROP TABLE IF EXISTS tickets;
