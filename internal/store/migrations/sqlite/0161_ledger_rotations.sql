-- +goose Up
CREATE TABLE IF NOT EXISTS ledger_rotations (
  tenant_id  TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  serial     INTEGER NOT NULL,
  public     TEXT NOT NULL CHECK (length(public) <= 512),
  sealed     BLOB NOT NULL,
  statement  TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, serial)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_days (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  day       TEXT NOT NULL CHECK (length(day) <= 10),
  size      INTEGER NOT NULL,
  told_at   DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, day)
) WITHOUT ROWID;
-- +goose Down
DROP TABLE IF EXISTS ledger_days;
DROP TABLE IF EXISTS ledger_rotations;
