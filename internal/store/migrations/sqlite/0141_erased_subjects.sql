-- +goose Up
CREATE TABLE IF NOT EXISTS erased_subjects (
  tenant_id  TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  subject    TEXT NOT NULL CHECK (length(subject) <= 64),
  pseudonym  TEXT NOT NULL CHECK (length(pseudonym) <= 64),
  erased_at  DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, subject)
) WITHOUT ROWID;
-- +goose Down
DROP TABLE IF EXISTS erased_subjects;
