-- +goose Up
ALTER TABLE sessions ADD COLUMN provider_session CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL;
CREATE INDEX sessions_provider ON sessions (tenant_id, provider_session);
-- +goose Down
DROP INDEX sessions_provider ON sessions;
ALTER TABLE sessions DROP COLUMN provider_session;
