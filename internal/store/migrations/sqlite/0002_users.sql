-- +goose Up
CREATE TABLE IF NOT EXISTS users (
  tenant_id      TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  user_id        TEXT NOT NULL CHECK (length(user_id) <= 128),
  version        INTEGER NOT NULL,
  connection     TEXT NOT NULL CHECK (length(connection) <= 64),
  email          TEXT NOT NULL CHECK (length(email) <= 254),
  email_key      TEXT NULL CHECK (length(email_key) <= 254),
  email_verified BOOLEAN NOT NULL,
  username       TEXT NULL CHECK (length(username) <= 128),
  name           TEXT NOT NULL CHECK (length(name) <= 150),
  given_name     TEXT NOT NULL CHECK (length(given_name) <= 150),
  family_name    TEXT NOT NULL CHECK (length(family_name) <= 150),
  nickname       TEXT NOT NULL CHECK (length(nickname) <= 350),
  picture        TEXT NOT NULL CHECK (length(picture) <= 2048),
  phone_number   TEXT NOT NULL CHECK (length(phone_number) <= 16),
  phone_verified BOOLEAN NOT NULL,
  user_metadata  TEXT NOT NULL CHECK (json_valid(user_metadata)),
  app_metadata   TEXT NOT NULL CHECK (json_valid(app_metadata)),
  role           TEXT NOT NULL CHECK (length(role) <= 16),
  blocked        BOOLEAN NOT NULL,
  blocked_at     DATETIME NULL,
  blocked_until  DATETIME NULL,
  blocked_by     TEXT NOT NULL,
  block_reason   TEXT NOT NULL CHECK (length(block_reason) <= 500),
  block_message  TEXT NOT NULL CHECK (length(block_message) <= 500),
  created_at     DATETIME NOT NULL,
  updated_at     DATETIME NOT NULL,
  edited_at      DATETIME NOT NULL,
  last_login     DATETIME NULL,
  last_ip        TEXT NOT NULL CHECK (length(last_ip) <= 45),
  logins_count   INTEGER NOT NULL,
  last_password_reset DATETIME NULL,
  PRIMARY KEY (tenant_id, user_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS users_email ON users (tenant_id, connection, email_key);
CREATE UNIQUE INDEX IF NOT EXISTS users_username ON users (tenant_id, connection, username);
CREATE INDEX IF NOT EXISTS users_blocked ON users (tenant_id, blocked, user_id);
CREATE INDEX IF NOT EXISTS users_verified ON users (tenant_id, email_verified, user_id);
CREATE INDEX IF NOT EXISTS users_role ON users (tenant_id, role, user_id);
CREATE TABLE IF NOT EXISTS passwords (
  tenant_id   TEXT NOT NULL,
  user_id     TEXT NOT NULL,
  hash        TEXT NOT NULL CHECK (length(hash) <= 512),
  changed_at  DATETIME NOT NULL,
  must_change BOOLEAN NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS user_words (
  tenant_id TEXT NOT NULL,
  word      TEXT NOT NULL CHECK (length(word) <= 64),
  user_id   TEXT NOT NULL,
  PRIMARY KEY (tenant_id, word, user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS user_words_user ON user_words (tenant_id, user_id);
-- +goose Down
DROP TABLE IF EXISTS user_words;
DROP TABLE IF EXISTS passwords;
DROP TABLE IF EXISTS users;
