-- +goose Up
CREATE TABLE IF NOT EXISTS users (
  tenant_id      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id        VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version        BIGINT NOT NULL,
  connection     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  email          VARCHAR(254) NOT NULL,
  email_key      VARCHAR(254) NULL,
  email_verified BOOLEAN NOT NULL,
  username       VARCHAR(128) NULL,
  name           VARCHAR(150) NOT NULL,
  given_name     VARCHAR(150) NOT NULL,
  family_name    VARCHAR(150) NOT NULL,
  nickname       VARCHAR(350) NOT NULL,
  picture        VARCHAR(2048) NOT NULL,
  phone_number   VARCHAR(16) NOT NULL,
  phone_verified BOOLEAN NOT NULL,
  user_metadata  JSON NOT NULL,
  app_metadata   JSON NOT NULL,
  role           VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  blocked        BOOLEAN NOT NULL,
  blocked_at     DATETIME(6) NULL,
  blocked_until  DATETIME(6) NULL,
  blocked_by     VARCHAR(128) NOT NULL,
  block_reason   VARCHAR(500) NOT NULL,
  block_message  VARCHAR(500) NOT NULL,
  created_at     DATETIME(6) NOT NULL,
  updated_at     DATETIME(6) NOT NULL,
  edited_at      DATETIME(6) NOT NULL,
  last_login     DATETIME(6) NULL,
  last_ip        VARCHAR(45) NOT NULL,
  logins_count   BIGINT NOT NULL,
  last_password_reset DATETIME(6) NULL,
  PRIMARY KEY (tenant_id, user_id),
  UNIQUE KEY users_email (tenant_id, connection, email_key),
  UNIQUE KEY users_username (tenant_id, connection, username),
  KEY users_blocked (tenant_id, blocked, user_id),
  KEY users_verified (tenant_id, email_verified, user_id),
  KEY users_role (tenant_id, role, user_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS passwords (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  hash        VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  changed_at  DATETIME(6) NOT NULL,
  must_change BOOLEAN NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS user_words (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  word      VARCHAR(64) NOT NULL,
  user_id   VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (tenant_id, word, user_id),
  KEY user_words_user (tenant_id, user_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS user_words;
DROP TABLE IF EXISTS passwords;
DROP TABLE IF EXISTS users;
