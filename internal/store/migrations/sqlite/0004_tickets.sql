-- +goose Up
CREATE TABLE IF NOT EXISTS tickets (
  tenant_id       TEXT NOT NULL,
  ticket_hash     TEXT NOT NULL CHECK (length(ticket_hash) = 64),
  user_id         TEXT NOT NULL,
  kind            TEXT NOT NULL CHECK (length(kind) <= 32),
  address         TEXT NOT NULL CHECK (length(address) <= 254),
  note            TEXT NOT NULL CHECK (length(note) <= 254),
  browser_hash    TEXT NOT NULL CHECK (length(browser_hash) <= 64),
  code_mac        TEXT NOT NULL CHECK (length(code_mac) <= 64),
  code_tries      INTEGER NOT NULL,
  code_expires_at DATETIME NOT NULL,
  created_at      DATETIME NOT NULL,
  expires_at      DATETIME NOT NULL,
  used_at         DATETIME NULL,
  voided_at       DATETIME NULL,
  PRIMARY KEY (tenant_id, ticket_hash)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tickets_user ON tickets (tenant_id, user_id, kind, created_at);
CREATE INDEX IF NOT EXISTS tickets_browser ON tickets (tenant_id, browser_hash, kind, created_at);
CREATE INDEX IF NOT EXISTS tickets_expires ON tickets (expires_at);
CREATE TABLE IF NOT EXISTS email_changes (
  tenant_id    TEXT NOT NULL,
  user_id      TEXT NOT NULL,
  new_email    TEXT NOT NULL CHECK (length(new_email) <= 254),
  old_email    TEXT NOT NULL CHECK (length(old_email) <= 254),
  old_verified BOOLEAN NOT NULL,
  requested_at DATETIME NOT NULL,
  confirmed_at DATETIME NULL,
  approved_at  DATETIME NULL,
  due_at       DATETIME NOT NULL,
  done_at      DATETIME NULL,
  frozen_until DATETIME NULL,
  PRIMARY KEY (tenant_id, user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS email_changes_due ON email_changes (due_at);
-- +goose Down
DROP TABLE IF EXISTS email_changes;
DROP TABLE IF EXISTS tickets;
