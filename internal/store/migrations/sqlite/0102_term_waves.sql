-- +goose Up
CREATE TABLE IF NOT EXISTS term_waves (
  tenant_id  TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  document   TEXT NOT NULL CHECK (length(document) <= 32),
  number     INTEGER NOT NULL,
  kind       TEXT NOT NULL CHECK (length(kind) <= 32),
  done       BOOLEAN NOT NULL,
  due_at     DATETIME NOT NULL,
  started_at DATETIME NULL,
  done_at    DATETIME NULL,
  after_user TEXT NOT NULL CHECK (length(after_user) <= 128),
  sent       INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, document, number, kind)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS term_waves_due ON term_waves (done, due_at);
-- +goose Down
DROP TABLE IF EXISTS term_waves;
