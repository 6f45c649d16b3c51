-- +goose Up
ALTER TABLE documents ADD COLUMN confirms BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE documents ADD COLUMN shares BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE IF NOT EXISTS consents (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  user_id   TEXT NOT NULL CHECK (length(user_id) <= 128),
  document  TEXT NOT NULL CHECK (length(document) <= 32),
  number    INTEGER NOT NULL,
  state     TEXT NOT NULL CHECK (length(state) <= 8),
  event_id  TEXT NOT NULL CHECK (length(event_id) <= 36),
  locale    TEXT NOT NULL CHECK (length(locale) <= 35),
  since_at  DATETIME NOT NULL,
  link      TEXT NOT NULL CHECK (length(link) <= 43),
  PRIMARY KEY (tenant_id, user_id, document)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS consents_link ON consents (tenant_id, link);
CREATE INDEX IF NOT EXISTS consents_state ON consents (tenant_id, document, state, user_id);
-- +goose Down
DROP TABLE IF EXISTS consents;
ALTER TABLE documents DROP COLUMN shares;
ALTER TABLE documents DROP COLUMN confirms;
