-- +goose Up
CREATE TABLE IF NOT EXISTS privacy_requests (
  tenant_id   TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  request_id  TEXT NOT NULL CHECK (length(request_id) <= 36),
  user_id     TEXT NOT NULL CHECK (length(user_id) <= 128),
  kind        TEXT NOT NULL CHECK (length(kind) <= 16),
  asked_at    DATETIME NOT NULL,
  due_at      DATETIME NOT NULL,
  open        BOOLEAN NOT NULL,
  answered_at DATETIME NULL,
  answered_by TEXT NOT NULL CHECK (length(answered_by) <= 128),
  answer      TEXT NOT NULL CHECK (length(answer) <= 2000),
  PRIMARY KEY (tenant_id, request_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS privacy_requests_user ON privacy_requests (tenant_id, user_id, request_id);
CREATE INDEX IF NOT EXISTS privacy_requests_open ON privacy_requests (tenant_id, open, request_id);
-- +goose Down
DROP TABLE IF EXISTS privacy_requests;
