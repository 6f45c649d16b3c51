-- +goose Up
ALTER TABLE privacy_requests ADD COLUMN name VARCHAR(150) NOT NULL DEFAULT '';
-- +goose Down
ALTER TABLE privacy_requests DROP COLUMN name;
