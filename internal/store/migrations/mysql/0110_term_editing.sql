-- +goose Up
ALTER TABLE term_versions
  ADD COLUMN edited_at      DATETIME(6) NULL,
  ADD COLUMN edited_by      VARCHAR(128) NOT NULL DEFAULT '',
  ADD COLUMN deleted_at     DATETIME(6) NULL,
  ADD COLUMN audience_name  VARCHAR(120) NOT NULL DEFAULT '',
  ADD COLUMN audience_value VARCHAR(64) NOT NULL DEFAULT '';
-- +goose Down
ALTER TABLE term_versions
  DROP COLUMN edited_at, DROP COLUMN edited_by, DROP COLUMN deleted_at, DROP COLUMN audience_name, DROP COLUMN audience_value;
