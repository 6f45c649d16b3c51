-- +goose Up
CREATE TABLE IF NOT EXISTS retention (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  entity    TEXT NOT NULL CHECK (length(entity) <= 32),
  days      INTEGER NOT NULL,
  ran_at    DATETIME NULL,
  removed   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, entity)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS audit_at ON audit_events (tenant_id, at, ip);
-- +goose Down
DROP INDEX IF EXISTS audit_at;
DROP TABLE IF EXISTS retention;
