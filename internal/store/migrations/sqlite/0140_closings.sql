-- +goose Up
CREATE TABLE IF NOT EXISTS closings (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  user_id   TEXT NOT NULL CHECK (length(user_id) <= 128),
  asked_at  DATETIME NOT NULL,
  due_at    DATETIME NOT NULL,
  asked_by  TEXT NOT NULL CHECK (length(asked_by) <= 128),
  reason    TEXT NOT NULL CHECK (length(reason) <= 500),
  PRIMARY KEY (tenant_id, user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS closings_due ON closings (tenant_id, due_at);
-- +goose Down
DROP TABLE IF EXISTS closings;
