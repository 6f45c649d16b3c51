-- +goose Up
ALTER TABLE term_versions
  ADD COLUMN audience_number INT NOT NULL DEFAULT 0,
  ADD COLUMN audience_locale VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN joined_before   DATETIME(6) NULL,
  ADD COLUMN reaccept_months INT NOT NULL DEFAULT 0,
  ADD COLUMN submitted_at    DATETIME(6) NULL,
  ADD COLUMN submitted_by    VARCHAR(128) NOT NULL DEFAULT '',
  ADD COLUMN approved_at     DATETIME(6) NULL,
  ADD COLUMN approved_by     VARCHAR(128) NOT NULL DEFAULT '';
-- +goose Down
ALTER TABLE term_versions
  DROP COLUMN audience_number, DROP COLUMN audience_locale, DROP COLUMN joined_before, DROP COLUMN reaccept_months,
  DROP COLUMN submitted_at, DROP COLUMN submitted_by, DROP COLUMN approved_at, DROP COLUMN approved_by;
