package store

import (
	"context"
	"time"

	"portico/internal/privacy"
	"portico/internal/tenant"
)

// unproven are people of whom no address was ever proven, who have one, and of whom nothing else is to happen: administrators
// stay, a block or a restriction is somebody's decision, and who closes the account has their own day.
const unproven = `u.tenant_id = @tenant AND u.proven = FALSE AND u.email_verified = FALSE AND u.email_key IS NOT NULL AND u.created_at <= @created
	AND u.role = '' AND u.blocked = FALSE AND u.restricted = FALSE
	AND NOT EXISTS (SELECT 1 FROM closings c WHERE c.tenant_id = u.tenant_id AND c.user_id = u.user_id)`

// Unproven lists at most limit people that a filter finds, the oldest accounts or warnings first.
func (db *DB) Unproven(ctx context.Context, t tenant.ID, f privacy.Unproven, limit int) ([]tenant.User, error) {
	query := "SELECT u.user_id FROM users u WHERE " + unproven
	args := map[string]any{"tenant": string(t), "created": f.Created, "limit": limit}
	if f.User != "" {
		query, args["user"] = query+" AND u.user_id = @user", f.User
	}
	if f.Warned.IsZero() {
		query += " AND u.warned_at IS NULL ORDER BY u.created_at, u.user_id LIMIT @limit"
	} else {
		query, args["warned"] = query+" AND u.warned_at <= @warned ORDER BY u.warned_at, u.user_id LIMIT @limit", f.Warned
	}
	var ids []string
	err := db.db(ctx).Raw(query, args).Scan(&ids).Error
	users := make([]tenant.User, len(ids))
	for i, id := range ids {
		users[i] = tenant.User{Tenant: t, ID: id}
	}
	return users, err
}

// SaveWarned notes that u was told that the account is erased unless its address is proven.
func (db *DB) SaveWarned(ctx context.Context, u tenant.User, at time.Time) error {
	return db.db(ctx).Exec("UPDATE users SET warned_at = ? WHERE tenant_id = ? AND user_id = ?", at, string(u.Tenant), u.ID).Error
}

// ForgetWarned makes as if nobody had been told, so that everybody is told of another period anew.
func (db *DB) ForgetWarned(ctx context.Context, t tenant.ID) error {
	return db.db(ctx).Exec("UPDATE users SET warned_at = NULL WHERE tenant_id = ? AND proven = FALSE AND warned_at IS NOT NULL", string(t)).Error
}
