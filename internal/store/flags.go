package store

import (
	"context"
	"encoding/json"

	"portico/internal/profile"
	"portico/internal/tenant"
)

// Flagged lists people whose user_metadata speaks of a consent given elsewhere, by id, after the one called after, with that
// metadata.
func (db *DB) Flagged(ctx context.Context, t tenant.ID, after string, limit int) ([]profile.Profile, error) {
	var rows []struct{ UserID, UserMetadata string }
	err := db.db(ctx).Raw(`SELECT user_id, user_metadata FROM users WHERE tenant_id = ? AND user_id > ? AND user_metadata LIKE '%consentGiven%'
		ORDER BY user_id LIMIT ?`, string(t), after, limit).Scan(&rows).Error
	people := make([]profile.Profile, len(rows))
	for i, row := range rows {
		people[i] = profile.Profile{User: tenant.User{Tenant: t, ID: row.UserID}}
		_ = json.Unmarshal([]byte(row.UserMetadata), &people[i].UserMetadata) // what is no object says nothing
	}
	return people, err
}
