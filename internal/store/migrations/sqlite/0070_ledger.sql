-- +goose Up
ALTER TABLE assent_events ADD COLUMN salt TEXT NOT NULL DEFAULT '' CHECK (length(salt) <= 64);
ALTER TABLE assent_events ADD COLUMN commitment TEXT NOT NULL DEFAULT '' CHECK (length(commitment) <= 64);
ALTER TABLE assent_events ADD COLUMN leaf_index INTEGER NULL;
CREATE UNIQUE INDEX IF NOT EXISTS assent_events_leaf ON assent_events (tenant_id, leaf_index);
CREATE INDEX IF NOT EXISTS assent_events_waiting ON assent_events (leaf_index, tenant_id);
CREATE TABLE IF NOT EXISTS ledger_keys (
  tenant_id  TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  public     TEXT NOT NULL CHECK (length(public) <= 512),
  sealed     BLOB NOT NULL,
  created_at DATETIME NOT NULL,
  PRIMARY KEY (tenant_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_heads (
  tenant_id  TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  size       INTEGER NOT NULL,
  checkpoint TEXT NOT NULL,
  signed_at  DATETIME NOT NULL,
  PRIMARY KEY (tenant_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_checkpoints (
  tenant_id  TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  size       INTEGER NOT NULL,
  checkpoint TEXT NOT NULL,
  signed_at  DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, size)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_hashes (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  number    INTEGER NOT NULL,
  hash      BLOB NOT NULL,
  PRIMARY KEY (tenant_id, number)
) WITHOUT ROWID;
-- +goose Down
DROP TABLE IF EXISTS ledger_hashes;
DROP TABLE IF EXISTS ledger_checkpoints;
DROP TABLE IF EXISTS ledger_heads;
DROP TABLE IF EXISTS ledger_keys;
DROP INDEX IF EXISTS assent_events_waiting;
DROP INDEX IF EXISTS assent_events_leaf;
ALTER TABLE assent_events DROP COLUMN leaf_index;
ALTER TABLE assent_events DROP COLUMN commitment;
ALTER TABLE assent_events DROP COLUMN salt;
