-- +goose Up
CREATE TABLE IF NOT EXISTS sessions (
  tenant_id        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  session_hash     CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id          VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at       DATETIME(6) NOT NULL,
  seen_at          DATETIME(6) NOT NULL,
  authenticated_at DATETIME(6) NOT NULL,
  idle_at          DATETIME(6) NOT NULL,
  expires_at       DATETIME(6) NOT NULL,
  keep             BOOLEAN NOT NULL,
  ip               VARCHAR(45) NOT NULL,
  user_agent       VARCHAR(400) NOT NULL,
  content          MEDIUMTEXT NOT NULL,
  PRIMARY KEY (tenant_id, session_hash),
  KEY sessions_user (tenant_id, user_id, created_at),
  KEY sessions_expires (expires_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS devices (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  device_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seen_at     DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, user_id, device_hash)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS devices;
DROP TABLE IF EXISTS sessions;
