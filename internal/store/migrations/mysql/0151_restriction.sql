-- +goose Up
ALTER TABLE users
  ADD COLUMN restricted         BOOLEAN NOT NULL DEFAULT FALSE,
  ADD COLUMN restricted_at      DATETIME(6) NULL,
  ADD COLUMN restricted_by      VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN restriction_reason VARCHAR(500) NOT NULL DEFAULT '',
  ADD KEY users_restricted (tenant_id, restricted, user_id);
-- +goose Down
ALTER TABLE users
  DROP KEY users_restricted, DROP COLUMN restriction_reason, DROP COLUMN restricted_by, DROP COLUMN restricted_at, DROP COLUMN restricted;
