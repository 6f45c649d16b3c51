-- +goose Up
CREATE TABLE IF NOT EXISTS reset_requests (
  tenant_id    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  request_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  address      VARCHAR(254) NOT NULL,
  browser_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  language     VARCHAR(35) NOT NULL,
  ip           VARCHAR(45) NOT NULL,
  user_agent   VARCHAR(400) NOT NULL,
  origin_id    VARCHAR(64) NOT NULL,
  asked_at     DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, request_id),
  KEY reset_requests_asked (tenant_id, asked_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS reset_requests;
