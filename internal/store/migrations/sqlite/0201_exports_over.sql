-- +goose Up
CREATE INDEX IF NOT EXISTS exports_over ON exports (tenant_id, state, expires_at);
-- +goose Down
DROP INDEX IF EXISTS exports_over;
