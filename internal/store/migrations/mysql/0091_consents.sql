-- +goose Up
ALTER TABLE documents ADD COLUMN confirms BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE documents ADD COLUMN shares BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE IF NOT EXISTS consents (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id   VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  document  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number    INT NOT NULL,
  state     VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  locale    VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  since_at  DATETIME(6) NOT NULL,
  link      CHAR(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (tenant_id, user_id, document),
  UNIQUE KEY consents_link (tenant_id, link),
  KEY consents_state (tenant_id, document, state, user_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS consents;
ALTER TABLE documents DROP COLUMN shares;
ALTER TABLE documents DROP COLUMN confirms;
