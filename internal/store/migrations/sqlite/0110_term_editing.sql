-- +goose Up
ALTER TABLE term_versions ADD COLUMN edited_at DATETIME NULL;
ALTER TABLE term_versions ADD COLUMN edited_by TEXT NOT NULL DEFAULT '' CHECK (length(edited_by) <= 128);
ALTER TABLE term_versions ADD COLUMN deleted_at DATETIME NULL;
ALTER TABLE term_versions ADD COLUMN audience_name TEXT NOT NULL DEFAULT '' CHECK (length(audience_name) <= 120);
ALTER TABLE term_versions ADD COLUMN audience_value TEXT NOT NULL DEFAULT '' CHECK (length(audience_value) <= 64);
-- +goose Down
ALTER TABLE term_versions DROP COLUMN audience_value;
ALTER TABLE term_versions DROP COLUMN audience_name;
ALTER TABLE term_versions DROP COLUMN deleted_at;
ALTER TABLE term_versions DROP COLUMN edited_by;
ALTER TABLE term_versions DROP COLUMN edited_at;
