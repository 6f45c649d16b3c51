-- +goose Up
ALTER TABLE users ADD COLUMN age_state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';
-- +goose Down
ALTER TABLE users DROP COLUMN age_state;
