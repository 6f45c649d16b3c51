-- +goose Up
CREATE INDEX IF NOT EXISTS guard_user ON guard_counters (tenant_id, user_id, counter_key);
-- +goose Down
DROP INDEX IF EXISTS guard_user;
