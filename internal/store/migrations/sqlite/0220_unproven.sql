-- +goose Up
ALTER TABLE users ADD COLUMN proven BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN warned_at DATETIME NULL;
UPDATE users SET proven = TRUE WHERE email_verified = TRUE OR EXISTS (SELECT 1 FROM email_changes e
  WHERE e.tenant_id = users.tenant_id AND e.user_id = users.user_id AND e.old_verified = TRUE);
CREATE INDEX IF NOT EXISTS users_unproven ON users (tenant_id, proven, warned_at, created_at);
-- +goose Down
DROP INDEX IF EXISTS users_unproven;
ALTER TABLE users DROP COLUMN warned_at;
ALTER TABLE users DROP COLUMN proven;
