package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm/clause"

	"portico/internal/age"
	"portico/internal/profile"
	"portico/internal/tenant"
)

type guardianRow struct {
	TenantID string
	UserID   string
	Address  string
	AskedAt  *time.Time
	DueAt    time.Time
}

func (guardianRow) TableName() string { return "guardians" }

// SaveAge writes what app_metadata says of somebody's age, and with it the column that the statement for sessions reads.
func (db *DB) SaveAge(ctx context.Context, p profile.Profile) error {
	before, err := db.Facets(ctx, p.User)
	if err != nil {
		return err
	}
	return errors.Join(db.saveColumns(ctx, p, "version", "app_metadata", "age_state", "updated_at"), db.saveFacets(ctx, p, before))
}

// FindGuardian returns whom u has named, in the state of the transaction; without one its DueAt is zero.
func (db *DB) FindGuardian(ctx context.Context, u tenant.User) (age.Guardian, error) {
	var row guardianRow
	err := found(db.db(ctx).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return age.Guardian{User: u}, nil
	}
	return age.Guardian{User: u, Address: row.Address, AskedAt: orZero(row.AskedAt), DueAt: row.DueAt.UTC()}, err
}

// SaveGuardian stores whom somebody has named, in the place of whom they named before.
func (db *DB) SaveGuardian(ctx context.Context, g age.Guardian) error {
	row := guardianRow{string(g.User.Tenant), g.User.ID, g.Address, orNull(g.AskedAt), g.DueAt}
	return db.db(ctx).Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "tenant_id"}, {Name: "user_id"}}, DoUpdates: clause.AssignmentColumns([]string{"address", "asked_at", "due_at"}),
	}).Create(&row).Error
}

// ForgetGuardian removes the address that u has named, and not that one is waited for.
func (db *DB) ForgetGuardian(ctx context.Context, u tenant.User) error {
	return db.db(ctx).Exec("UPDATE guardians SET address = '', asked_at = NULL WHERE tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Error
}

// RemoveGuardian forgets whom u has named.
func (db *DB) RemoveGuardian(ctx context.Context, u tenant.User) error {
	return db.db(ctx).Exec("DELETE FROM guardians WHERE tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Error
}

// DueGuardians lists people of a tenant whose guardian has not answered until now, the longest due first.
func (db *DB) DueGuardians(ctx context.Context, t tenant.ID, now time.Time, limit int) ([]tenant.User, error) {
	var ids []string
	err := db.db(ctx).Model(&guardianRow{}).Where("tenant_id = ? AND due_at <= ?", string(t), now).Order("due_at, user_id").Limit(limit).
		Pluck("user_id", &ids).Error
	users := make([]tenant.User, len(ids))
	for i, id := range ids {
		users[i] = tenant.User{Tenant: t, ID: id}
	}
	return users, err
}
