-- +goose Up
ALTER TABLE assents ADD COLUMN expires_at DATETIME(6) NULL;
-- +goose Down
ALTER TABLE assents DROP COLUMN expires_at;
