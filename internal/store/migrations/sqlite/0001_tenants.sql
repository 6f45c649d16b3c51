-- +goose Up
CREATE TABLE IF NOT EXISTS tenants (
  tenant_id  TEXT NOT NULL PRIMARY KEY CHECK (length(tenant_id) <= 32),
  settings   TEXT NOT NULL CHECK (json_valid(settings)),
  created_at DATETIME NOT NULL
);
CREATE TABLE IF NOT EXISTS tenant_hosts (
  host      TEXT NOT NULL PRIMARY KEY CHECK (length(host) <= 253),
  tenant_id TEXT NOT NULL
);
-- +goose Down
DROP TABLE IF EXISTS tenant_hosts;
DROP TABLE IF EXISTS tenants;
