-- +goose Up
CREATE TABLE IF NOT EXISTS guard_counters (
  tenant_id    TEXT NOT NULL,
  counter_key  TEXT NOT NULL CHECK (length(counter_key) = 64),
  account_hash TEXT NOT NULL CHECK (length(account_hash) <= 64),
  user_id      TEXT NOT NULL,
  place        TEXT NOT NULL CHECK (length(place) <= 45),
  tries        INTEGER NOT NULL,
  last_at      DATETIME NOT NULL,
  expires_at   DATETIME NOT NULL,
  blocked_at   DATETIME NULL,
  PRIMARY KEY (tenant_id, counter_key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS guard_account ON guard_counters (tenant_id, account_hash);
CREATE INDEX IF NOT EXISTS guard_blocked ON guard_counters (tenant_id, blocked_at, counter_key);
CREATE INDEX IF NOT EXISTS guard_expires ON guard_counters (tenant_id, expires_at);
-- +goose Down
DROP TABLE IF EXISTS guard_counters;
