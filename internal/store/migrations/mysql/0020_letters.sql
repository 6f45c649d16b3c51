-- +goose Up
CREATE TABLE IF NOT EXISTS letters (
  tenant_id  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  letter_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  language   VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  to_address VARCHAR(320) NOT NULL,
  sealed     MEDIUMBLOB NULL,
  state      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  attempts   INT NOT NULL,
  next_at    DATETIME(6) NOT NULL,
  claim      VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  queued_at  DATETIME(6) NOT NULL,
  sent_at    DATETIME(6) NULL,
  error      VARCHAR(500) NOT NULL,
  PRIMARY KEY (tenant_id, letter_id),
  KEY letters_due (state, next_at),
  KEY letters_list (tenant_id, state, letter_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS letters;
