-- +goose Up
CREATE TABLE IF NOT EXISTS exports (
  tenant_id  TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  export_id  TEXT NOT NULL CHECK (length(export_id) = 36),
  user_id    TEXT NOT NULL CHECK (length(user_id) <= 128),
  layer      TEXT NOT NULL CHECK (length(layer) <= 16),
  state      TEXT NOT NULL CHECK (length(state) <= 16),
  language   TEXT NOT NULL CHECK (length(language) <= 35),
  ip         TEXT NOT NULL CHECK (length(ip) <= 45),
  user_agent TEXT NOT NULL CHECK (length(user_agent) <= 400),
  asked_at   DATETIME NOT NULL,
  next_at    DATETIME NOT NULL,
  claim      TEXT NOT NULL CHECK (length(claim) <= 36),
  attempts   INTEGER NOT NULL,
  done       INTEGER NOT NULL,
  total      INTEGER NOT NULL,
  chunks     INTEGER NOT NULL,
  size       INTEGER NOT NULL,
  ready_at   DATETIME NULL,
  expires_at DATETIME NULL,
  PRIMARY KEY (tenant_id, export_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS exports_user ON exports (tenant_id, user_id, export_id);
CREATE INDEX IF NOT EXISTS exports_due ON exports (state, next_at);
CREATE TABLE IF NOT EXISTS export_chunks (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  export_id TEXT NOT NULL CHECK (length(export_id) = 36),
  claim     TEXT NOT NULL CHECK (length(claim) <= 36),
  number    INTEGER NOT NULL,
  sealed    BLOB NOT NULL,
  made_at   DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, export_id, claim, number)
);
CREATE INDEX IF NOT EXISTS export_chunks_made ON export_chunks (made_at);
-- +goose Down
DROP TABLE IF EXISTS export_chunks;
DROP TABLE IF EXISTS exports;
