-- +goose Up
ALTER TABLE term_versions ADD COLUMN audience_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE term_versions ADD COLUMN audience_locale TEXT NOT NULL DEFAULT '' CHECK (length(audience_locale) <= 35);
ALTER TABLE term_versions ADD COLUMN joined_before DATETIME NULL;
ALTER TABLE term_versions ADD COLUMN reaccept_months INTEGER NOT NULL DEFAULT 0;
ALTER TABLE term_versions ADD COLUMN submitted_at DATETIME NULL;
ALTER TABLE term_versions ADD COLUMN submitted_by TEXT NOT NULL DEFAULT '' CHECK (length(submitted_by) <= 128);
ALTER TABLE term_versions ADD COLUMN approved_at DATETIME NULL;
ALTER TABLE term_versions ADD COLUMN approved_by TEXT NOT NULL DEFAULT '' CHECK (length(approved_by) <= 128);
-- +goose Down
ALTER TABLE term_versions DROP COLUMN audience_number;
ALTER TABLE term_versions DROP COLUMN audience_locale;
ALTER TABLE term_versions DROP COLUMN joined_before;
ALTER TABLE term_versions DROP COLUMN reaccept_months;
ALTER TABLE term_versions DROP COLUMN submitted_at;
ALTER TABLE term_versions DROP COLUMN submitted_by;
ALTER TABLE term_versions DROP COLUMN approved_at;
ALTER TABLE term_versions DROP COLUMN approved_by;
