package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"portico/internal/tenant"
)

type passwordRow struct {
	TenantID   string
	UserID     string
	Hash       string
	ChangedAt  time.Time
	MustChange bool
}

func (passwordRow) TableName() string { return "passwords" }

// FindPassword returns the hash of the password of u, and whether it must be changed, or ErrNotFound.
func (db *DB) FindPassword(ctx context.Context, u tenant.User) (hash string, mustChange bool, err error) {
	var row passwordRow
	err = db.db(ctx).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Take(&row).Error
	return row.Hash, row.MustChange, found(err)
}

// SavePassword replaces the password of u. Unless rehashed says that only its hash is new, it counts as changed at now.
func (db *DB) SavePassword(ctx context.Context, u tenant.User, hash string, now time.Time, rehashed bool) error {
	row := passwordRow{TenantID: string(u.Tenant), UserID: u.ID, Hash: hash, ChangedAt: now}
	columns := []string{"hash", "changed_at", "must_change"}
	if rehashed {
		columns = columns[:1]
	}
	return db.db(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "tenant_id"}, {Name: "user_id"}},
		DoUpdates: clause.AssignmentColumns(columns),
	}).Create(&row).Error
}
