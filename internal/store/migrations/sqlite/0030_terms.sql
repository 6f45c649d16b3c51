-- +goose Up
CREATE TABLE IF NOT EXISTS documents (
  tenant_id        TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  document         TEXT NOT NULL CHECK (length(document) <= 32),
  assent           TEXT NOT NULL CHECK (length(assent) <= 16),
  governing_locale TEXT NOT NULL CHECK (length(governing_locale) <= 35),
  position         INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, document)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS term_versions (
  tenant_id        TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  document         TEXT NOT NULL CHECK (length(document) <= 32),
  number           INTEGER NOT NULL,
  materiality      TEXT NOT NULL CHECK (length(materiality) <= 16),
  gates            BOOLEAN NOT NULL,
  created_at       DATETIME NOT NULL,
  created_by       TEXT NOT NULL CHECK (length(created_by) <= 128),
  published_at     DATETIME NULL,
  published_by     TEXT NOT NULL CHECK (length(published_by) <= 128),
  announce_at      DATETIME NULL,
  effective_at     DATETIME NULL,
  enforce_at       DATETIME NULL,
  reason           TEXT NOT NULL CHECK (length(reason) <= 1000),
  withdrawn_at     DATETIME NULL,
  withdraw_reason  TEXT NOT NULL CHECK (length(withdraw_reason) <= 1000),
  governing_sha256 TEXT NOT NULL CHECK (length(governing_sha256) <= 64),
  manifest_sha256  TEXT NOT NULL CHECK (length(manifest_sha256) <= 64),
  PRIMARY KEY (tenant_id, document, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS term_versions_gate ON term_versions (tenant_id, gates, enforce_at);
CREATE TABLE IF NOT EXISTS term_texts (
  tenant_id     TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  document      TEXT NOT NULL CHECK (length(document) <= 32),
  number        INTEGER NOT NULL,
  locale        TEXT NOT NULL CHECK (length(locale) <= 35),
  revision      INTEGER NOT NULL,
  title         TEXT NOT NULL CHECK (length(title) <= 200),
  source        TEXT NOT NULL,
  html          TEXT NOT NULL,
  source_sha256 TEXT NOT NULL CHECK (length(source_sha256) <= 64),
  html_sha256   TEXT NOT NULL CHECK (length(html_sha256) <= 64),
  summary       TEXT NOT NULL CHECK (json_valid(summary)),
  change_note   TEXT NOT NULL,
  PRIMARY KEY (tenant_id, document, number, locale, revision)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS presentations (
  tenant_id TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  sha256    TEXT NOT NULL CHECK (length(sha256) <= 64),
  content   TEXT NOT NULL,
  first_at  DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, sha256)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS assent_events (
  tenant_id   TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  event_id    TEXT NOT NULL CHECK (length(event_id) <= 36),
  user_id     TEXT NOT NULL CHECK (length(user_id) <= 128),
  type        TEXT NOT NULL CHECK (length(type) <= 24),
  document    TEXT NOT NULL CHECK (length(document) <= 32),
  number      INTEGER NOT NULL,
  nonce       TEXT NOT NULL CHECK (length(nonce) <= 64),
  occurred_at DATETIME NOT NULL,
  payload     TEXT NOT NULL,
  PRIMARY KEY (tenant_id, event_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS assent_events_nonce ON assent_events (tenant_id, user_id, document, nonce);
CREATE INDEX IF NOT EXISTS assent_events_user ON assent_events (tenant_id, user_id, event_id);
CREATE TABLE IF NOT EXISTS assents (
  tenant_id   TEXT NOT NULL CHECK (length(tenant_id) <= 32),
  user_id     TEXT NOT NULL CHECK (length(user_id) <= 128),
  document    TEXT NOT NULL CHECK (length(document) <= 32),
  number      INTEGER NOT NULL,
  event_id    TEXT NOT NULL CHECK (length(event_id) <= 36),
  locale      TEXT NOT NULL CHECK (length(locale) <= 35),
  accepted_at DATETIME NOT NULL,
  PRIMARY KEY (tenant_id, user_id, document, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS assents_version ON assents (tenant_id, document, number);
-- +goose Down
DROP TABLE IF EXISTS assents;
DROP TABLE IF EXISTS assent_events;
DROP TABLE IF EXISTS presentations;
DROP TABLE IF EXISTS term_texts;
DROP TABLE IF EXISTS term_versions;
DROP TABLE IF EXISTS documents;
