-- +goose Up
ALTER TABLE privacy_requests
  ADD COLUMN subject     VARCHAR(128) NOT NULL DEFAULT '',
  ADD COLUMN old_value   VARCHAR(350) NOT NULL DEFAULT '',
  ADD COLUMN new_value   VARCHAR(350) NOT NULL DEFAULT '',
  ADD COLUMN note        VARCHAR(2000) NOT NULL DEFAULT '',
  ADD COLUMN outcome     VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN extended_at DATETIME(6) NULL,
  ADD COLUMN extension   VARCHAR(2000) NOT NULL DEFAULT '',
  ADD COLUMN contact     VARCHAR(254) NOT NULL DEFAULT '',
  ADD COLUMN reference   VARCHAR(200) NOT NULL DEFAULT '',
  ADD COLUMN locale      VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN open_key    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD UNIQUE KEY privacy_requests_once (tenant_id, open_key),
  ADD KEY privacy_requests_due (tenant_id, open, due_at, request_id);
-- +goose Down
ALTER TABLE privacy_requests
  DROP KEY privacy_requests_due, DROP KEY privacy_requests_once, DROP COLUMN open_key, DROP COLUMN locale, DROP COLUMN reference,
  DROP COLUMN contact, DROP COLUMN extension, DROP COLUMN extended_at, DROP COLUMN outcome, DROP COLUMN note,
  DROP COLUMN new_value, DROP COLUMN old_value, DROP COLUMN subject;
