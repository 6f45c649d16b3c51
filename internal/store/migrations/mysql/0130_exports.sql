-- +goose Up
CREATE TABLE IF NOT EXISTS exports (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  export_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  layer      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  language   VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ip         VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_agent VARCHAR(400) NOT NULL,
  asked_at   DATETIME(6) NOT NULL,
  next_at    DATETIME(6) NOT NULL,
  claim      VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  attempts   INT NOT NULL,
  done       INT NOT NULL,
  total      INT NOT NULL,
  chunks     INT NOT NULL,
  size       BIGINT NOT NULL,
  ready_at   DATETIME(6) NULL,
  expires_at DATETIME(6) NULL,
  PRIMARY KEY (tenant_id, export_id),
  KEY exports_user (tenant_id, user_id, export_id),
  KEY exports_due (state, next_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS export_chunks (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  export_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  claim     VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number    INT NOT NULL,
  sealed    MEDIUMBLOB NOT NULL,
  made_at   DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, export_id, claim, number),
  KEY export_chunks_made (made_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS export_chunks;
DROP TABLE IF EXISTS exports;
