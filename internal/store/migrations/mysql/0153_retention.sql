-- +goose Up
CREATE TABLE IF NOT EXISTS retention (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  entity    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  days      INT NOT NULL,
  ran_at    DATETIME(6) NULL,
  removed   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, entity)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
ALTER TABLE audit_events ADD KEY audit_at (tenant_id, at, ip);
-- +goose Down
ALTER TABLE audit_events DROP KEY audit_at;
DROP TABLE IF EXISTS retention;
