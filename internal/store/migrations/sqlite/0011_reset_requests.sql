-- +goose Up
CREATE TABLE IF NOT EXISTS reset_requests (
  tenant_id    TEXT NOT NULL,
  request_id   TEXT NOT NULL CHECK (length(request_id) = 36),
  address      TEXT NOT NULL CHECK (length(address) <= 254),
  browser_hash TEXT NOT NULL CHECK (length(browser_hash) <= 64),
  language     TEXT NOT NULL CHECK (length(language) <= 35),
  ip           TEXT NOT NULL CHECK (length(ip) <= 45),
  user_agent   TEXT NOT NULL CHECK (length(user_agent) <= 400),
  origin_id    TEXT NOT NULL CHECK (length(origin_id) <= 64),
  asked_at     DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, request_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS reset_requests_asked ON reset_requests (tenant_id, asked_at);
-- +goose Down
DROP TABLE IF EXISTS reset_requests;
