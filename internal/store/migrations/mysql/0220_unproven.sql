-- +goose Up
ALTER TABLE users
  ADD COLUMN proven    BOOLEAN NOT NULL DEFAULT FALSE,
  ADD COLUMN warned_at DATETIME(6) NULL;
UPDATE users SET proven = TRUE WHERE email_verified = TRUE OR EXISTS (SELECT 1 FROM email_changes e
  WHERE e.tenant_id = users.tenant_id AND e.user_id = users.user_id AND e.old_verified = TRUE);
CREATE INDEX users_unproven ON users (tenant_id, proven, warned_at, created_at);
-- +goose Down
DROP INDEX users_unproven ON users;
ALTER TABLE users DROP COLUMN warned_at, DROP COLUMN proven;
