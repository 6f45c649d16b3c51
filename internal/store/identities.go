package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"portico/internal/idp"
	"portico/internal/profile"
	"portico/internal/tenant"
)

type identityRow struct {
	TenantID      string
	ConnectionID  string
	Subject       string
	UserID        string
	Main          bool
	Email         string
	EmailKey      *string
	EmailVerified bool
	Content       string
	CreatedAt     time.Time
	SeenAt        time.Time
}

func (identityRow) TableName() string { return "identities" }

func identityRowOf(l idp.Linked) (identityRow, error) {
	content, err := json.Marshal(l.Identity)
	return identityRow{
		TenantID: string(l.User.Tenant), ConnectionID: l.Connection, Subject: l.Subject, UserID: l.User.ID, Main: l.Main, Email: l.Email,
		EmailKey: optional(profile.EmailKey(l.Email)), EmailVerified: l.EmailVerified, Content: string(content), CreatedAt: l.CreatedAt, SeenAt: l.SeenAt,
	}, err
}

func (r identityRow) linked() (idp.Linked, error) {
	l := idp.Linked{
		User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, Connection: r.ConnectionID, Main: r.Main,
		CreatedAt: r.CreatedAt.UTC(), SeenAt: r.SeenAt.UTC(),
	}
	return l, json.Unmarshal([]byte(r.Content), &l.Identity)
}

// LockIdentity finds the identity with a subject and keeps others from changing it until the transaction ends, or
// returns idp.ErrNotFound.
func (db *DB) LockIdentity(ctx context.Context, t tenant.ID, connection, subject string) (idp.Linked, error) {
	var row identityRow
	err := found(db.forUpdate(db.db(ctx)).
		Where("tenant_id = ? AND connection_id = ? AND subject = ?", string(t), connection, subject).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return idp.Linked{}, idp.ErrNotFound
	}
	if err != nil {
		return idp.Linked{}, err
	}
	return row.linked()
}

// AddIdentity stores an identity. It returns idp.ErrTaken when somebody has it.
func (db *DB) AddIdentity(ctx context.Context, l idp.Linked) error {
	row, err := identityRowOf(l)
	if err != nil {
		return err
	}
	err = db.db(ctx).Create(&row).Error
	if duplicate(err) {
		return idp.ErrTaken
	}
	return err
}

// SaveIdentity writes what a provider said last, and whose the identity is.
func (db *DB) SaveIdentity(ctx context.Context, l idp.Linked) error {
	row, err := identityRowOf(l)
	if err != nil {
		return err
	}
	return db.db(ctx).Model(&row).
		Where("tenant_id = ? AND connection_id = ? AND subject = ?", row.TenantID, row.ConnectionID, row.Subject).
		Select("user_id", "main", "email", "email_key", "email_verified", "content", "seen_at").UpdateColumns(&row).Error
}

// Identities lists the identities of u, the main one first.
func (db *DB) Identities(ctx context.Context, u tenant.User) ([]idp.Linked, error) {
	var rows []identityRow
	err := db.db(ctx).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).
		Order("main DESC, created_at, connection_id, subject").Limit(100).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	identities := make([]idp.Linked, len(rows))
	for i, row := range rows {
		if identities[i], err = row.linked(); err != nil {
			return nil, err
		}
	}
	return identities, nil
}

// FindByConnection returns the profile with an address among those that came by a connection, or profile.ErrNotFound.
func (db *DB) FindByConnection(ctx context.Context, t tenant.ID, connection, email string) (profile.Profile, error) {
	var row userRow
	err := db.db(ctx).Where("tenant_id = ? AND connection = ? AND email_key = ?", string(t), connection,
		profile.EmailKey(email)).Take(&row).Error
	return profileOr(row, err)
}

// SaveSynced writes what a provider may change of a profile: names and picture, and nothing else (rule N-7).
func (db *DB) SaveSynced(ctx context.Context, p profile.Profile) error {
	before, err := db.FindProfile(ctx, p.User)
	if err != nil {
		return err
	}
	if err := db.saveColumns(ctx, p, "name", "given_name", "family_name", "nickname", "picture", "updated_at"); err != nil {
		return err
	}
	return db.saveWords(ctx, p, &before)
}

// manage fills in which attributes of p the provider of its main identity owns.
func (db *DB) manage(ctx context.Context, p *profile.Profile) error {
	var row identityRow
	err := found(db.db(ctx).Where("tenant_id = ? AND user_id = ? AND main = ?", string(p.User.Tenant), p.User.ID, true).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	main, err := row.linked()
	if err != nil {
		return err
	}
	c, err := db.FindConnection(ctx, p.User.Tenant, main.Connection)
	if errors.Is(err, idp.ErrNotFound) {
		return nil
	}
	p.Managed, p.ManagedBy = main.Managed(c), c.Name
	return err
}
