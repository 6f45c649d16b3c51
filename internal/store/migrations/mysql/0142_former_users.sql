-- +goose Up
CREATE TABLE IF NOT EXISTS former_users (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  former_id VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id   VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (tenant_id, former_id),
  KEY former_users_user (tenant_id, user_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO former_users (tenant_id, former_id, user_id)
  SELECT tenant_id, user_id, actor_id FROM audit_events WHERE type = 'linked' AND actor_kind = 'user' AND user_id <> actor_id;
-- +goose Down
DROP TABLE IF EXISTS former_users;
