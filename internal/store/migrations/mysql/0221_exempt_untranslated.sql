-- +goose Up
ALTER TABLE term_versions
  ADD COLUMN exempt_untranslated BOOLEAN NOT NULL DEFAULT FALSE,
  ADD COLUMN untranslated        VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '';
-- +goose Down
ALTER TABLE term_versions DROP COLUMN untranslated, DROP COLUMN exempt_untranslated;
