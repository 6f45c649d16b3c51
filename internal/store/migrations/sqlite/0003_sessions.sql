-- +goose Up
CREATE TABLE IF NOT EXISTS sessions (
  tenant_id        TEXT NOT NULL,
  session_hash     TEXT NOT NULL CHECK (length(session_hash) = 64),
  user_id          TEXT NOT NULL,
  created_at       DATETIME NOT NULL,
  seen_at          DATETIME NOT NULL,
  authenticated_at DATETIME NOT NULL,
  idle_at          DATETIME NOT NULL,
  expires_at       DATETIME NOT NULL,
  keep             BOOLEAN NOT NULL,
  ip               TEXT NOT NULL CHECK (length(ip) <= 45),
  user_agent       TEXT NOT NULL CHECK (length(user_agent) <= 400),
  content          TEXT NOT NULL,
  PRIMARY KEY (tenant_id, session_hash)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_user ON sessions (tenant_id, user_id, created_at);
CREATE INDEX IF NOT EXISTS sessions_expires ON sessions (expires_at);
CREATE TABLE IF NOT EXISTS devices (
  tenant_id   TEXT NOT NULL,
  user_id     TEXT NOT NULL,
  device_hash TEXT NOT NULL CHECK (length(device_hash) = 64),
  seen_at     DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, user_id, device_hash)
) WITHOUT ROWID;
-- +goose Down
DROP TABLE IF EXISTS devices;
DROP TABLE IF EXISTS sessions;
