-- +goose Up
CREATE TABLE IF NOT EXISTS term_notices (
  tenant_id   TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  document    TEXT NOT NULL CHECK (length(document) <= 32),
  number      INTEGER NOT NULL,
  user_id     TEXT NOT NULL CHECK (length(user_id) <= 128),
  locale      TEXT NOT NULL CHECK (length(locale) <= 35),
  noticed_at  DATETIME NOT NULL,
  mailed_at   DATETIME NULL,
  seen_at     DATETIME NULL,
  declined_at DATETIME NULL,
  due_at      DATETIME NULL,
  PRIMARY KEY (tenant_id, document, number, user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS term_notices_user ON term_notices (tenant_id, user_id);
ALTER TABLE documents ADD COLUMN personal_notice BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE term_versions ADD COLUMN latest_at DATETIME NULL;
-- +goose Down
ALTER TABLE term_versions DROP COLUMN latest_at;
ALTER TABLE documents DROP COLUMN personal_notice;
DROP TABLE IF EXISTS term_notices;
