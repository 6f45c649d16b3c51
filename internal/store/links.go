package store

import (
	"context"

	"portico/internal/idp"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// Twins lists the connections of accounts other than u whose verified address is email: by the identities that say so, and
// by the address that an account has here.
func (db *DB) Twins(ctx context.Context, u tenant.User, email string) ([]string, error) {
	var connections []string
	key, t, id := profile.EmailKey(email), string(u.Tenant), u.ID
	err := db.db(ctx).Raw(`SELECT i.connection_id FROM identities i
		WHERE i.tenant_id = ? AND i.email_key = ? AND i.email_verified = ? AND i.user_id <> ?
		UNION SELECT u.connection FROM users u WHERE u.tenant_id = ? AND u.connection = ? AND u.email_key = ? AND u.email_verified = ? AND u.user_id <> ?
		ORDER BY 1 LIMIT 20`, t, key, true, id, t, profile.Database, key, true, id).Scan(&connections).Error
	return connections, err
}

// AbsorbProfile removes the account gone and everything that is of no use without it. What people accepted, what is on
// record and what was asked for stays; the latter waits with into from now on.
func (db *DB) AbsorbProfile(ctx context.Context, into, gone tenant.User) error {
	t := string(gone.Tenant)
	err := db.db(ctx).Exec("UPDATE privacy_requests SET user_id = ? WHERE tenant_id = ? AND user_id = ?", into.ID, t, gone.ID).Error
	if err != nil {
		return err
	}
	if err := db.db(ctx).Exec("UPDATE former_users SET user_id = ? WHERE tenant_id = ? AND user_id = ?", into.ID, t, gone.ID).Error; err != nil {
		return err
	}
	if err := db.db(ctx).Create(&formerRow{t, gone.ID, into.ID}).Error; err != nil {
		return err
	}
	for _, table := range []string{"user_words", "user_facets", "passwords", "email_changes", "devices", "guardians", "users"} {
		if err := db.db(ctx).Exec("DELETE FROM "+table+" WHERE tenant_id = ? AND user_id = ?", t, gone.ID).Error; err != nil {
			return err
		}
	}
	return nil
}

// Closing reports whether the account of u is about to be closed, or u asked for that in the days when a person answered.
func (db *DB) Closing(ctx context.Context, u tenant.User) (bool, error) {
	closing, err := db.FindClosing(ctx, u)
	if err != nil || closing.Pending() {
		return closing.Pending(), err
	}
	var n int64
	err = db.db(ctx).Model(&requestRow{}).
		Where("tenant_id = ? AND user_id = ? AND kind = ? AND open = ?", string(u.Tenant), u.ID, string(privacy.Close), true).Count(&n).Error
	return n > 0, err
}

// RemoveIdentity removes an identity of an account.
func (db *DB) RemoveIdentity(ctx context.Context, l idp.Linked) error {
	return db.db(ctx).Exec("DELETE FROM identities WHERE tenant_id = ? AND connection_id = ? AND subject = ? AND user_id = ?",
		string(l.User.Tenant), l.Connection, l.Subject, l.User.ID).Error
}

// FindByProvider returns the profile with a verified address that an identity provider says is theirs, of several the one
// whose identity was used last, or profile.ErrNotFound.
func (db *DB) FindByProvider(ctx context.Context, t tenant.ID, email string) (profile.Profile, error) {
	var id string
	err := db.db(ctx).Raw(`SELECT i.user_id FROM identities i JOIN users u ON u.tenant_id = i.tenant_id AND u.user_id = i.user_id
		WHERE i.tenant_id = ? AND i.email_key = ? AND i.main = ? AND u.email_key = i.email_key AND u.email_verified = ?
		ORDER BY i.seen_at DESC LIMIT 1`, string(t), profile.EmailKey(email), true, true).Scan(&id).Error
	if err != nil {
		return profile.Profile{}, err
	}
	return db.FindProfile(ctx, tenant.User{Tenant: t, ID: id})
}
