-- +goose Up
ALTER TABLE term_texts ADD COLUMN added_at DATETIME NULL;
-- +goose Down
ALTER TABLE term_texts DROP COLUMN added_at;
