-- +goose Up
CREATE TABLE IF NOT EXISTS guardians (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id   VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address   VARCHAR(254) NOT NULL,
  asked_at  DATETIME(6) NULL,
  due_at    DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, user_id),
  KEY guardians_due (tenant_id, due_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS guardians;
