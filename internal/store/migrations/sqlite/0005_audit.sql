-- +goose Up
CREATE TABLE IF NOT EXISTS audit_events (
  tenant_id  TEXT NOT NULL,
  event_id   TEXT NOT NULL CHECK (length(event_id) = 36),
  at         DATETIME NOT NULL,
  type       TEXT NOT NULL CHECK (length(type) <= 40),
  actor_kind TEXT NOT NULL CHECK (length(actor_kind) <= 16),
  actor_id   TEXT NOT NULL,
  user_id    TEXT NOT NULL,
  ip         TEXT NOT NULL CHECK (length(ip) <= 45),
  user_agent TEXT NOT NULL CHECK (length(user_agent) <= 400),
  request_id TEXT NOT NULL CHECK (length(request_id) <= 64),
  session_hash TEXT NOT NULL CHECK (length(session_hash) <= 64),
  fields     TEXT NOT NULL CHECK (length(fields) <= 1000),
  detail     TEXT NOT NULL CHECK (json_valid(detail)),
  PRIMARY KEY (tenant_id, event_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS audit_user ON audit_events (tenant_id, user_id, event_id);
CREATE INDEX IF NOT EXISTS audit_actor ON audit_events (tenant_id, actor_id, event_id);
CREATE INDEX IF NOT EXISTS audit_type ON audit_events (tenant_id, type, event_id);
-- +goose Down
DROP TABLE IF EXISTS audit_events;
