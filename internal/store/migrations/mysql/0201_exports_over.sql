-- +goose Up
ALTER TABLE exports ADD KEY exports_over (tenant_id, state, expires_at);
-- +goose Down
ALTER TABLE exports DROP KEY exports_over;
