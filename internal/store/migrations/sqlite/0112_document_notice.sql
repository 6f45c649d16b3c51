-- +goose Up
ALTER TABLE documents ADD COLUMN min_notice_days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE documents ADD COLUMN retired_at DATETIME NULL;
-- +goose Down
ALTER TABLE documents DROP COLUMN retired_at;
ALTER TABLE documents DROP COLUMN min_notice_days;
