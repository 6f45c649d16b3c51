-- +goose Up
CREATE TABLE IF NOT EXISTS privacy_requests (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  request_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  asked_at    DATETIME(6) NOT NULL,
  due_at      DATETIME(6) NOT NULL,
  open        BOOLEAN NOT NULL,
  answered_at DATETIME(6) NULL,
  answered_by VARCHAR(128) NOT NULL,
  answer      VARCHAR(2000) NOT NULL,
  PRIMARY KEY (tenant_id, request_id),
  KEY privacy_requests_user (tenant_id, user_id, request_id),
  KEY privacy_requests_open (tenant_id, open, request_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS privacy_requests;
