-- +goose Up
ALTER TABLE sessions ADD COLUMN provider_session TEXT NULL CHECK (length(provider_session) = 64);
CREATE INDEX IF NOT EXISTS sessions_provider ON sessions (tenant_id, provider_session);
-- +goose Down
DROP INDEX IF EXISTS sessions_provider;
ALTER TABLE sessions DROP COLUMN provider_session;
