-- +goose Up
CREATE TABLE IF NOT EXISTS audit_events (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at         DATETIME(6) NOT NULL,
  type       VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id   VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ip         VARCHAR(45) NOT NULL,
  user_agent VARCHAR(400) NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  session_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  fields     VARCHAR(1000) NOT NULL,
  detail     JSON NOT NULL,
  PRIMARY KEY (tenant_id, event_id),
  KEY audit_user (tenant_id, user_id, event_id),
  KEY audit_actor (tenant_id, actor_id, event_id),
  KEY audit_type (tenant_id, type, event_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS audit_events;
