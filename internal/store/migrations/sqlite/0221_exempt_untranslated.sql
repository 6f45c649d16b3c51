-- +goose Up
ALTER TABLE term_versions ADD COLUMN exempt_untranslated BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE term_versions ADD COLUMN untranslated TEXT NOT NULL DEFAULT '' CHECK (length(untranslated) <= 255);
-- +goose Down
ALTER TABLE term_versions DROP COLUMN untranslated;
ALTER TABLE term_versions DROP COLUMN exempt_untranslated;
