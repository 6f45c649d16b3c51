-- +goose Up
CREATE TABLE IF NOT EXISTS term_notices (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  document    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number      INT NOT NULL,
  user_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  locale      VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  noticed_at  DATETIME(6) NOT NULL,
  mailed_at   DATETIME(6) NULL,
  seen_at     DATETIME(6) NULL,
  declined_at DATETIME(6) NULL,
  due_at      DATETIME(6) NULL,
  PRIMARY KEY (tenant_id, document, number, user_id),
  KEY term_notices_user (tenant_id, user_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
ALTER TABLE documents ADD COLUMN personal_notice BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE term_versions ADD COLUMN latest_at DATETIME(6) NULL;
-- +goose Down
ALTER TABLE term_versions DROP COLUMN latest_at;
ALTER TABLE documents DROP COLUMN personal_notice;
DROP TABLE IF EXISTS term_notices;
