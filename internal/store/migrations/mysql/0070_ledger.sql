-- +goose Up
ALTER TABLE assent_events ADD COLUMN salt VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';
ALTER TABLE assent_events ADD COLUMN commitment VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';
ALTER TABLE assent_events ADD COLUMN leaf_index BIGINT NULL;
CREATE UNIQUE INDEX assent_events_leaf ON assent_events (tenant_id, leaf_index);
CREATE INDEX assent_events_waiting ON assent_events (leaf_index, tenant_id);
CREATE TABLE IF NOT EXISTS ledger_keys (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  public     VARCHAR(512) NOT NULL,
  sealed     BLOB NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS ledger_heads (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  size       BIGINT NOT NULL,
  checkpoint TEXT NOT NULL,
  signed_at  DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS ledger_checkpoints (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  size       BIGINT NOT NULL,
  checkpoint TEXT NOT NULL,
  signed_at  DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, size)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS ledger_hashes (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number    BIGINT NOT NULL,
  hash      BINARY(32) NOT NULL,
  PRIMARY KEY (tenant_id, number)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS ledger_hashes;
DROP TABLE IF EXISTS ledger_checkpoints;
DROP TABLE IF EXISTS ledger_heads;
DROP TABLE IF EXISTS ledger_keys;
ALTER TABLE assent_events DROP INDEX assent_events_waiting;
ALTER TABLE assent_events DROP INDEX assent_events_leaf;
ALTER TABLE assent_events DROP COLUMN leaf_index;
ALTER TABLE assent_events DROP COLUMN commitment;
ALTER TABLE assent_events DROP COLUMN salt;
