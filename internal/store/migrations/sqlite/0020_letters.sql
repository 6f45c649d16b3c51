-- +goose Up
CREATE TABLE IF NOT EXISTS letters (
  tenant_id  TEXT NOT NULL,
  letter_id  TEXT NOT NULL CHECK (length(letter_id) <= 36),
  user_id    TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (length(kind) <= 32),
  language   TEXT NOT NULL CHECK (length(language) <= 35),
  to_address TEXT NOT NULL CHECK (length(to_address) <= 320),
  sealed     BLOB NULL,
  state      TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed')),
  attempts   INTEGER NOT NULL,
  next_at    DATETIME NOT NULL,
  claim      TEXT NOT NULL,
  queued_at  DATETIME NOT NULL,
  sent_at    DATETIME NULL,
  error      TEXT NOT NULL CHECK (length(error) <= 500),
  PRIMARY KEY (tenant_id, letter_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS letters_due ON letters (state, next_at);
CREATE INDEX IF NOT EXISTS letters_list ON letters (tenant_id, state, letter_id);
-- +goose Down
DROP TABLE IF EXISTS letters;
