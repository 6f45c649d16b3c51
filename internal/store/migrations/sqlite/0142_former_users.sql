-- +goose Up
CREATE TABLE IF NOT EXISTS former_users (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  former_id TEXT NOT NULL CHECK (length(former_id) <= 128),
  user_id   TEXT NOT NULL CHECK (length(user_id) <= 128),
  PRIMARY KEY (tenant_id, former_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS former_users_user ON former_users (tenant_id, user_id);
INSERT OR IGNORE INTO former_users (tenant_id, former_id, user_id)
  SELECT tenant_id, user_id, actor_id FROM audit_events WHERE type = 'linked' AND actor_kind = 'user' AND user_id <> actor_id;
-- +goose Down
DROP TABLE IF EXISTS former_users;
