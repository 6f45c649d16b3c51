-- +goose Up
ALTER TABLE documents
  ADD COLUMN min_notice_days INT NOT NULL DEFAULT 0,
  ADD COLUMN retired_at      DATETIME(6) NULL;
-- +goose Down
ALTER TABLE documents DROP COLUMN min_notice_days, DROP COLUMN retired_at;
