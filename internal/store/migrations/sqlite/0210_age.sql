-- +goose Up
ALTER TABLE users ADD COLUMN age_state TEXT NOT NULL DEFAULT '' CHECK (length(age_state) <= 16);
-- +goose Down
ALTER TABLE users DROP COLUMN age_state;
