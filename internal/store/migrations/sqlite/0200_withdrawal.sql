-- +goose Up
ALTER TABLE privacy_requests ADD COLUMN name TEXT NOT NULL DEFAULT '' CHECK (length(name) <= 150);
-- +goose Down
ALTER TABLE privacy_requests DROP COLUMN name;
