-- +goose Up
CREATE TABLE IF NOT EXISTS guardians (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  user_id   TEXT NOT NULL CHECK (length(user_id) <= 128),
  address   TEXT NOT NULL CHECK (length(address) <= 254),
  asked_at  DATETIME NULL,
  due_at    DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS guardians_due ON guardians (tenant_id, due_at);
-- +goose Down
DROP TABLE IF EXISTS guardians;
