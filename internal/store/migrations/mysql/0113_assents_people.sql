-- +goose Up
CREATE INDEX assents_people ON assents (tenant_id, document, number, user_id);
-- +goose Down
DROP INDEX assents_people ON assents;
