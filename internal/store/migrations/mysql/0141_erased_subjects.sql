-- +goose Up
CREATE TABLE IF NOT EXISTS erased_subjects (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  subject    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  pseudonym  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  erased_at  DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, subject)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS erased_subjects;
