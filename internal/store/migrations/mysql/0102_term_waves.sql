-- +goose Up
CREATE TABLE IF NOT EXISTS term_waves (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  document   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number     INT NOT NULL,
  kind       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  done       BOOLEAN NOT NULL,
  due_at     DATETIME(6) NOT NULL,
  started_at DATETIME(6) NULL,
  done_at    DATETIME(6) NULL,
  after_user VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sent       INT NOT NULL,
  PRIMARY KEY (tenant_id, document, number, kind),
  KEY term_waves_due (done, due_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS term_waves;
