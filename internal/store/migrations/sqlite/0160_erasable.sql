-- +goose Up
ALTER TABLE assent_events RENAME COLUMN payload TO old_payload;
ALTER TABLE assent_events ADD COLUMN payload TEXT NULL;
UPDATE assent_events SET payload = old_payload;
ALTER TABLE assent_events DROP COLUMN old_payload;
ALTER TABLE assent_events RENAME COLUMN salt TO old_salt;
ALTER TABLE assent_events ADD COLUMN salt TEXT NULL CHECK (length(salt) <= 64);
UPDATE assent_events SET salt = old_salt;
ALTER TABLE assent_events DROP COLUMN old_salt;
-- +goose Down
ALTER TABLE assent_events RENAME COLUMN payload TO old_payload;
ALTER TABLE assent_events ADD COLUMN payload TEXT NOT NULL DEFAULT '';
UPDATE assent_events SET payload = COALESCE(old_payload, '');
ALTER TABLE assent_events DROP COLUMN old_payload;
ALTER TABLE assent_events RENAME COLUMN salt TO old_salt;
ALTER TABLE assent_events ADD COLUMN salt TEXT NOT NULL DEFAULT '' CHECK (length(salt) <= 64);
UPDATE assent_events SET salt = COALESCE(old_salt, '');
ALTER TABLE assent_events DROP COLUMN old_salt;
