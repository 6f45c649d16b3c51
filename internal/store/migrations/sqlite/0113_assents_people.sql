-- +goose Up
CREATE INDEX IF NOT EXISTS assents_people ON assents (tenant_id, document, number, user_id);
-- +goose Down
DROP INDEX IF EXISTS assents_people;
