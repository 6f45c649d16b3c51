-- +goose Up
CREATE TABLE IF NOT EXISTS user_facets (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  user_id   TEXT NOT NULL CHECK (length(user_id) <= 128),
  name      TEXT NOT NULL CHECK (length(name) <= 120),
  value     TEXT NOT NULL CHECK (length(value) <= 64),
  PRIMARY KEY (tenant_id, user_id, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS user_facets_value ON user_facets (tenant_id, name, value, user_id);
-- +goose Down
DROP TABLE IF EXISTS user_facets;
