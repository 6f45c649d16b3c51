-- +goose Up
CREATE TABLE IF NOT EXISTS closings (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id   VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  asked_at  DATETIME(6) NOT NULL,
  due_at    DATETIME(6) NOT NULL,
  asked_by  VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason    VARCHAR(500) NOT NULL,
  PRIMARY KEY (tenant_id, user_id),
  KEY closings_due (tenant_id, due_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS closings;
