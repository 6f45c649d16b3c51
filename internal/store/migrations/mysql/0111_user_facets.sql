-- +goose Up
CREATE TABLE IF NOT EXISTS user_facets (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id   VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name      VARCHAR(120) NOT NULL,
  value     VARCHAR(64) NOT NULL,
  PRIMARY KEY (tenant_id, user_id, name),
  KEY user_facets_value (tenant_id, name, value, user_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS user_facets;
