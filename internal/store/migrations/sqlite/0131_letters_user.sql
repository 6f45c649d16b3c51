-- +goose Up
CREATE INDEX IF NOT EXISTS letters_user ON letters (tenant_id, user_id, letter_id);
-- +goose Down
DROP INDEX IF EXISTS letters_user;
