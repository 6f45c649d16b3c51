-- +goose Up
CREATE TABLE IF NOT EXISTS connections (
  tenant_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  connection_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name          VARCHAR(60) NOT NULL,
  preset        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  issuer        VARCHAR(500) NOT NULL,
  client_id     VARCHAR(255) NOT NULL,
  secret        BLOB NULL,
  enabled       BOOLEAN NOT NULL,
  settings      MEDIUMTEXT NOT NULL,
  created_at    DATETIME(6) NOT NULL,
  updated_at    DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, connection_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS identities (
  tenant_id      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  connection_id  VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject        VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id        VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  main           BOOLEAN NOT NULL,
  email          VARCHAR(254) NOT NULL,
  email_key      VARCHAR(254) NULL,
  email_verified BOOLEAN NOT NULL,
  content        MEDIUMTEXT NOT NULL,
  created_at     DATETIME(6) NOT NULL,
  seen_at        DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, subject),
  KEY identities_user (tenant_id, user_id),
  KEY identities_email (tenant_id, email_key)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS idp_flows (
  tenant_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state_hash    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  connection_id VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  browser_hash  CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id       VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  purpose       VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  return_to     VARCHAR(512) NOT NULL,
  sealed        BLOB NOT NULL,
  created_at    DATETIME(6) NOT NULL,
  expires_at    DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, state_hash),
  KEY idp_flows_expires (expires_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS idp_flows;
DROP TABLE IF EXISTS identities;
DROP TABLE IF EXISTS connections;
