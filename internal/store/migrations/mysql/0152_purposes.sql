-- +goose Up
ALTER TABLE documents
  ADD COLUMN marketing      BOOLEAN NOT NULL DEFAULT FALSE,
  ADD COLUMN consent_months INT NOT NULL DEFAULT 0;
ALTER TABLE consents
  ADD COLUMN expires_at DATETIME(6) NULL,
  ADD KEY consents_expires (tenant_id, state, expires_at);
-- +goose Down
ALTER TABLE consents DROP KEY consents_expires, DROP COLUMN expires_at;
ALTER TABLE documents DROP COLUMN consent_months, DROP COLUMN marketing;
