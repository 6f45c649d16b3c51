-- +goose Up
ALTER TABLE privacy_requests ADD COLUMN subject TEXT NOT NULL DEFAULT '' CHECK (length(subject) <= 128);
ALTER TABLE privacy_requests ADD COLUMN old_value TEXT NOT NULL DEFAULT '' CHECK (length(old_value) <= 350);
ALTER TABLE privacy_requests ADD COLUMN new_value TEXT NOT NULL DEFAULT '' CHECK (length(new_value) <= 350);
ALTER TABLE privacy_requests ADD COLUMN note TEXT NOT NULL DEFAULT '' CHECK (length(note) <= 2000);
ALTER TABLE privacy_requests ADD COLUMN outcome TEXT NOT NULL DEFAULT '' CHECK (length(outcome) <= 16);
ALTER TABLE privacy_requests ADD COLUMN extended_at DATETIME NULL;
ALTER TABLE privacy_requests ADD COLUMN extension TEXT NOT NULL DEFAULT '' CHECK (length(extension) <= 2000);
ALTER TABLE privacy_requests ADD COLUMN contact TEXT NOT NULL DEFAULT '' CHECK (length(contact) <= 254);
ALTER TABLE privacy_requests ADD COLUMN reference TEXT NOT NULL DEFAULT '' CHECK (length(reference) <= 200);
ALTER TABLE privacy_requests ADD COLUMN locale TEXT NOT NULL DEFAULT '' CHECK (length(locale) <= 35);
ALTER TABLE privacy_requests ADD COLUMN open_key TEXT NULL CHECK (length(open_key) <= 64);
CREATE UNIQUE INDEX IF NOT EXISTS privacy_requests_once ON privacy_requests (tenant_id, open_key);
CREATE INDEX IF NOT EXISTS privacy_requests_due ON privacy_requests (tenant_id, open, due_at, request_id);
-- +goose Down
DROP INDEX IF EXISTS privacy_requests_due;
DROP INDEX IF EXISTS privacy_requests_once;
ALTER TABLE privacy_requests DROP COLUMN open_key;
ALTER TABLE privacy_requests DROP COLUMN locale;
ALTER TABLE privacy_requests DROP COLUMN reference;
ALTER TABLE privacy_requests DROP COLUMN contact;
ALTER TABLE privacy_requests DROP COLUMN extension;
ALTER TABLE privacy_requests DROP COLUMN extended_at;
ALTER TABLE privacy_requests DROP COLUMN outcome;
ALTER TABLE privacy_requests DROP COLUMN note;
ALTER TABLE privacy_requests DROP COLUMN new_value;
ALTER TABLE privacy_requests DROP COLUMN old_value;
ALTER TABLE privacy_requests DROP COLUMN subject;
