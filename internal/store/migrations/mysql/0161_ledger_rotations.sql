-- +goose Up
CREATE TABLE IF NOT EXISTS ledger_rotations (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  serial     INT NOT NULL,
  public     VARCHAR(512) NOT NULL,
  sealed     BLOB NOT NULL,
  statement  TEXT NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, serial)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS ledger_days (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  day       VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  size      BIGINT NOT NULL,
  told_at   DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, day)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS ledger_days;
DROP TABLE IF EXISTS ledger_rotations;
