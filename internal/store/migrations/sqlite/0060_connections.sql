-- +goose Up
CREATE TABLE IF NOT EXISTS connections (
  tenant_id     TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  connection_id TEXT NOT NULL CHECK (length(connection_id) <= 40),
  name          TEXT NOT NULL CHECK (length(name) <= 60),
  preset        TEXT NOT NULL CHECK (length(preset) <= 32),
  issuer        TEXT NOT NULL CHECK (length(issuer) <= 500),
  client_id     TEXT NOT NULL CHECK (length(client_id) <= 255),
  secret        BLOB NULL,
  enabled       BOOLEAN NOT NULL,
  settings      TEXT NOT NULL CHECK (json_valid(settings)),
  created_at    DATETIME NOT NULL,
  updated_at    DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, connection_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identities (
  tenant_id      TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  connection_id  TEXT NOT NULL CHECK (length(connection_id) <= 40),
  subject        TEXT NOT NULL CHECK (length(subject) <= 255),
  user_id        TEXT NOT NULL CHECK (length(user_id) <= 128),
  main           BOOLEAN NOT NULL,
  email          TEXT NOT NULL CHECK (length(email) <= 254),
  email_key      TEXT NULL CHECK (length(email_key) <= 254),
  email_verified BOOLEAN NOT NULL,
  content        TEXT NOT NULL CHECK (json_valid(content)),
  created_at     DATETIME NOT NULL,
  seen_at        DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, connection_id, subject)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS identities_user ON identities (tenant_id, user_id);
CREATE INDEX IF NOT EXISTS identities_email ON identities (tenant_id, email_key);
CREATE TABLE IF NOT EXISTS idp_flows (
  tenant_id     TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  state_hash    TEXT NOT NULL CHECK (length(state_hash) = 64),
  connection_id TEXT NOT NULL CHECK (length(connection_id) <= 40),
  browser_hash  TEXT NOT NULL CHECK (length(browser_hash) <= 64),
  user_id       TEXT NOT NULL CHECK (length(user_id) <= 128),
  purpose       TEXT NOT NULL CHECK (length(purpose) <= 16),
  return_to     TEXT NOT NULL CHECK (length(return_to) <= 512),
  sealed        BLOB NOT NULL,
  created_at    DATETIME NOT NULL,
  expires_at    DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, state_hash)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idp_flows_expires ON idp_flows (expires_at);
-- +goose Down
DROP TABLE IF EXISTS idp_flows;
DROP TABLE IF EXISTS identities;
DROP TABLE IF EXISTS connections;
