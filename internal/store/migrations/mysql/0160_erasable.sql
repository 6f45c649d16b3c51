-- +goose Up
ALTER TABLE assent_events MODIFY COLUMN payload MEDIUMTEXT NULL;
ALTER TABLE assent_events MODIFY COLUMN salt VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL;
-- +goose Down
UPDATE assent_events SET payload = '' WHERE payload IS NULL;
UPDATE assent_events SET salt = '' WHERE salt IS NULL;
ALTER TABLE assent_events MODIFY COLUMN payload MEDIUMTEXT NOT NULL;
ALTER TABLE assent_events MODIFY COLUMN salt VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';
