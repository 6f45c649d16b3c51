package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"portico/internal/guard"
	"portico/internal/tenant"
)

type counterRow struct {
	TenantID    string
	CounterKey  string
	AccountHash string
	UserID      string
	Place       string
	Tries       int
	LastAt      time.Time
	ExpiresAt   time.Time
	BlockedAt   *time.Time
}

func (counterRow) TableName() string { return "guard_counters" }

func (r counterRow) counter() guard.Counter {
	return guard.Counter{
		Key: r.CounterKey, Account: r.AccountHash, User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, Place: r.Place,
		Count: r.Tries, LastAt: r.LastAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), BlockedAt: orZero(r.BlockedAt),
	}
}

// CountUp counts a tally once more. Parallel calls all count: the new values are computed from the stored ones by one
// statement, which locks the row until the count is read.
func (db *DB) CountUp(ctx context.Context, t tenant.ID, tally guard.Tally, now time.Time) (guard.Counter, error) {
	row := counterRow{
		TenantID: string(t), CounterKey: tally.Key, AccountHash: tally.Account, UserID: tally.User.ID, Place: tally.Place,
		Tries: 1, LastAt: now, ExpiresAt: now.Add(tally.Length),
	}
	err := db.InTx(ctx, func(ctx context.Context) error {
		err := db.db(ctx).Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "tenant_id"}, {Name: "counter_key"}},
			DoUpdates: countingUp(tally, now),
		}).Create(&row).Error
		if err != nil {
			return err
		}
		return db.db(ctx).Where("tenant_id = ? AND counter_key = ?", string(t), tally.Key).Take(&row).Error
	})
	return row.counter(), err
}

// countingUp says how the columns change. MySQL computes them one after the other, each from what the earlier have
// become; SQLite computes all from the old values. So every column comes after those that are computed from it.
func countingUp(tally guard.Tally, now time.Time) clause.Set {
	expires := gorm.Expr("CASE WHEN expires_at <= ? THEN ? ELSE expires_at END", now, now.Add(tally.Length))
	if tally.Sliding {
		expires = gorm.Expr("?", now.Add(tally.Length))
	}
	blocked := gorm.Expr("NULL")
	if tally.BlockFrom > 0 {
		blocked = gorm.Expr("CASE WHEN expires_at <= ? THEN NULL WHEN blocked_at IS NULL AND tries + 1 >= ? THEN ? ELSE blocked_at END",
			now, tally.BlockFrom, now)
	}
	return clause.Set{
		{Column: clause.Column{Name: "blocked_at"}, Value: blocked},
		{Column: clause.Column{Name: "tries"}, Value: gorm.Expr("CASE WHEN expires_at > ? THEN tries + 1 WHEN expires_at > ? THEN ? ELSE 1 END",
			now, now.Add(-tally.Length), tally.Carry+1)},
		{Column: clause.Column{Name: "expires_at"}, Value: expires},
		{Column: clause.Column{Name: "last_at"}, Value: now},
		{Column: clause.Column{Name: "user_id"}, Value: tally.User.ID},
	}
}

// SaveCounter stores a counter as it is.
func (db *DB) SaveCounter(ctx context.Context, t tenant.ID, c guard.Counter) error {
	row := counterRow{
		TenantID: string(t), CounterKey: c.Key, AccountHash: c.Account, UserID: c.User.ID, Place: c.Place, Tries: c.Count,
		LastAt: c.LastAt, ExpiresAt: c.ExpiresAt, BlockedAt: orNull(c.BlockedAt),
	}
	return db.db(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "tenant_id"}, {Name: "counter_key"}},
		DoUpdates: clause.AssignmentColumns([]string{"user_id", "place", "tries", "last_at", "expires_at", "blocked_at"}),
	}).Create(&row).Error
}

// Counters finds counters by their keys.
func (db *DB) Counters(ctx context.Context, t tenant.ID, keys ...string) (map[string]guard.Counter, error) {
	var rows []counterRow
	err := db.db(ctx).Where("tenant_id = ? AND counter_key IN ?", string(t), keys).Find(&rows).Error
	counters := make(map[string]guard.Counter, len(rows))
	for _, row := range rows {
		counters[row.CounterKey] = row.counter()
	}
	return counters, err
}

// ForgetCounters removes counters by their keys and says how many there were.
func (db *DB) ForgetCounters(ctx context.Context, t tenant.ID, keys ...string) (int, error) {
	result := db.db(ctx).Where("tenant_id = ? AND counter_key IN ?", string(t), keys).Delete(&counterRow{})
	return int(result.RowsAffected), result.Error
}

// ForgetAccount removes every counter of failures of an account.
func (db *DB) ForgetAccount(ctx context.Context, t tenant.ID, account string) error {
	return db.db(ctx).Where("tenant_id = ? AND account_hash = ?", string(t), account).Delete(&counterRow{}).Error
}

// SearchBlocks finds the counters that are blocks at now, the newest first.
func (db *DB) SearchBlocks(ctx context.Context, t tenant.ID, f guard.Filter, now time.Time) ([]guard.Counter, error) {
	query := db.db(ctx).Where("tenant_id = ? AND blocked_at IS NOT NULL AND expires_at > ?", string(t), now)
	if f.Account != "" {
		query = query.Where("account_hash = ?", f.Account)
	}
	if since, key, ok := guard.ParseCursor(f.After); ok {
		query = query.Where("(blocked_at < ? OR (blocked_at = ? AND counter_key < ?))", since, since, key)
	}
	var rows []counterRow
	err := query.Order("blocked_at DESC, counter_key DESC").Limit(f.Limit).Find(&rows).Error
	counters := make([]guard.Counter, len(rows))
	for i, row := range rows {
		counters[i] = row.counter()
	}
	return counters, err
}
