-- +goose Up
CREATE INDEX guard_user ON guard_counters (tenant_id, user_id, counter_key);
-- +goose Down
DROP INDEX guard_user ON guard_counters;
