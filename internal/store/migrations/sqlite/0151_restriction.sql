-- +goose Up
ALTER TABLE users ADD COLUMN restricted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN restricted_at DATETIME NULL;
ALTER TABLE users ADD COLUMN restricted_by TEXT NOT NULL DEFAULT '' CHECK (length(restricted_by) <= 128);
ALTER TABLE users ADD COLUMN restriction_reason TEXT NOT NULL DEFAULT '' CHECK (length(restriction_reason) <= 500);
CREATE INDEX IF NOT EXISTS users_restricted ON users (tenant_id, restricted, user_id);
-- +goose Down
DROP INDEX IF EXISTS users_restricted;
ALTER TABLE users DROP COLUMN restriction_reason;
ALTER TABLE users DROP COLUMN restricted_by;
ALTER TABLE users DROP COLUMN restricted_at;
ALTER TABLE users DROP COLUMN restricted;
