-- +goose Up
CREATE INDEX letters_user ON letters (tenant_id, user_id, letter_id);
-- +goose Down
DROP INDEX letters_user ON letters;
