-- +goose Up
CREATE TABLE IF NOT EXISTS documents (
  tenant_id        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  document         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  assent           VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  governing_locale VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  position         INT NOT NULL,
  PRIMARY KEY (tenant_id, document)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS term_versions (
  tenant_id        VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  document         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number           INT NOT NULL,
  materiality      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  gates            BOOLEAN NOT NULL,
  created_at       DATETIME(6) NOT NULL,
  created_by       VARCHAR(128) NOT NULL,
  published_at     DATETIME(6) NULL,
  published_by     VARCHAR(128) NOT NULL,
  announce_at      DATETIME(6) NULL,
  effective_at     DATETIME(6) NULL,
  enforce_at       DATETIME(6) NULL,
  reason           VARCHAR(1000) NOT NULL,
  withdrawn_at     DATETIME(6) NULL,
  withdraw_reason  VARCHAR(1000) NOT NULL,
  governing_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  manifest_sha256  CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (tenant_id, document, number),
  KEY term_versions_gate (tenant_id, gates, enforce_at)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS term_texts (
  tenant_id     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  document      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number        INT NOT NULL,
  locale        VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  revision      INT NOT NULL,
  title         VARCHAR(200) NOT NULL,
  source        MEDIUMTEXT NOT NULL,
  html          MEDIUMTEXT NOT NULL,
  source_sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  html_sha256   CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  summary       JSON NOT NULL,
  change_note   TEXT NOT NULL,
  PRIMARY KEY (tenant_id, document, number, locale, revision)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS presentations (
  tenant_id VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sha256    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content   MEDIUMTEXT NOT NULL,
  first_at  DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, sha256)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS assent_events (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  event_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  type        VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  document    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number      INT NOT NULL,
  nonce       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  occurred_at DATETIME(6) NOT NULL,
  payload     MEDIUMTEXT NOT NULL,
  PRIMARY KEY (tenant_id, event_id),
  UNIQUE KEY assent_events_nonce (tenant_id, user_id, document, nonce),
  KEY assent_events_user (tenant_id, user_id, event_id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS assents (
  tenant_id   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  user_id     VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  document    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number      INT NOT NULL,
  event_id    CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  locale      VARCHAR(35) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  accepted_at DATETIME(6) NOT NULL,
  PRIMARY KEY (tenant_id, user_id, document, number),
  KEY assents_version (tenant_id, document, number)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- +goose Down
DROP TABLE IF EXISTS assents;
DROP TABLE IF EXISTS assent_events;
DROP TABLE IF EXISTS presentations;
DROP TABLE IF EXISTS term_texts;
DROP TABLE IF EXISTS term_versions;
DROP TABLE IF EXISTS documents;
