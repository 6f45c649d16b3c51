package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"portico/internal/tenant"
	"portico/internal/verification"
)

type changeRow struct {
	TenantID    string
	UserID      string
	NewEmail    string
	OldEmail    string
	OldVerified bool
	RequestedAt time.Time
	ConfirmedAt *time.Time
	ApprovedAt  *time.Time
	DueAt       time.Time
	DoneAt      *time.Time
	FrozenUntil *time.Time
}

func (changeRow) TableName() string { return "email_changes" }

func (r changeRow) change() verification.Change {
	return verification.Change{
		User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, NewEmail: r.NewEmail, OldEmail: r.OldEmail,
		OldVerified: r.OldVerified, RequestedAt: r.RequestedAt.UTC(), ConfirmedAt: orZero(r.ConfirmedAt),
		ApprovedAt: orZero(r.ApprovedAt), DueAt: r.DueAt.UTC(), DoneAt: orZero(r.DoneAt), FrozenUntil: orZero(r.FrozenUntil),
	}
}

func changeOr(query *gorm.DB, u tenant.User) (verification.Change, error) {
	var row changeRow
	err := found(query.Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return verification.Change{User: u}, nil
	}
	return row.change(), err
}

// FindChange returns the latest change of address of u; without one it is empty.
func (db *DB) FindChange(ctx context.Context, u tenant.User) (verification.Change, error) {
	return changeOr(db.db(ctx), u)
}

// LockChange is FindChange, and keeps others from changing it until the transaction ends.
func (db *DB) LockChange(ctx context.Context, u tenant.User) (verification.Change, error) {
	return changeOr(db.forUpdate(db.db(ctx)), u)
}

// SaveChange stores the latest change of address of its user.
func (db *DB) SaveChange(ctx context.Context, c verification.Change) error {
	row := changeRow{
		TenantID: string(c.User.Tenant), UserID: c.User.ID, NewEmail: c.NewEmail, OldEmail: c.OldEmail, OldVerified: c.OldVerified,
		RequestedAt: c.RequestedAt, ConfirmedAt: orNull(c.ConfirmedAt), ApprovedAt: orNull(c.ApprovedAt), DueAt: c.DueAt,
		DoneAt: orNull(c.DoneAt), FrozenUntil: orNull(c.FrozenUntil),
	}
	return db.db(ctx).Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "tenant_id"}, {Name: "user_id"}},
		DoUpdates: clause.AssignmentColumns([]string{
			"new_email", "old_email", "old_verified", "requested_at", "confirmed_at", "approved_at", "due_at", "done_at", "frozen_until",
		}),
	}).Create(&row).Error
}

// DropChange gives up a change of address of u that has not taken effect, if there is one.
func (db *DB) DropChange(ctx context.Context, u tenant.User) error {
	return db.db(ctx).Model(&changeRow{}).Where("tenant_id = ? AND user_id = ? AND done_at IS NULL", string(u.Tenant), u.ID).
		UpdateColumn("new_email", "").Error
}

// DueChanges finds confirmed changes of every tenant whose wait is over: work for the process, shown to nobody.
func (db *DB) DueChanges(ctx context.Context, now time.Time, limit int) ([]verification.Change, error) {
	var rows []changeRow
	err := db.db(ctx).Where("due_at <= ? AND done_at IS NULL AND confirmed_at IS NOT NULL", now).
		Order("due_at").Limit(limit).Find(&rows).Error
	changes := make([]verification.Change, len(rows))
	for i, row := range rows {
		changes[i] = row.change()
	}
	return changes, err
}
