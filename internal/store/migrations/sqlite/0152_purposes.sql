-- +goose Up
ALTER TABLE documents ADD COLUMN marketing BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE documents ADD COLUMN consent_months INTEGER NOT NULL DEFAULT 0;
ALTER TABLE consents ADD COLUMN expires_at DATETIME NULL;
CREATE INDEX IF NOT EXISTS consents_expires ON consents (tenant_id, state, expires_at);
-- +goose Down
DROP INDEX IF EXISTS consents_expires;
ALTER TABLE consents DROP COLUMN expires_at;
ALTER TABLE documents DROP COLUMN consent_months;
ALTER TABLE documents DROP COLUMN marketing;
