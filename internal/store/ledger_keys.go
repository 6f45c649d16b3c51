package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"portico/internal/ledger"
	"portico/internal/tenant"
)

type ledgerKeyRow struct {
	TenantID  string
	Public    string
	Sealed    []byte
	CreatedAt time.Time
}

func (ledgerKeyRow) TableName() string { return "ledger_keys" }

// rotationRow is a key that followed another.
type rotationRow struct {
	TenantID  string
	Serial    int
	Public    string
	Sealed    []byte
	Statement string
	CreatedAt time.Time
}

func (rotationRow) TableName() string { return "ledger_rotations" }

// LedgerKeys lists the keys of a tenant's ledger, the first one first.
func (db *DB) LedgerKeys(ctx context.Context, t tenant.ID) ([]ledger.Key, error) {
	var rows []rotationRow
	err := db.db(ctx).Raw(`SELECT tenant_id, 0 AS serial, public, sealed, '' AS statement, created_at FROM ledger_keys WHERE tenant_id = ?
		UNION ALL SELECT tenant_id, serial, public, sealed, statement, created_at FROM ledger_rotations WHERE tenant_id = ? ORDER BY serial`,
		string(t), string(t)).Scan(&rows).Error
	keys := make([]ledger.Key, len(rows))
	for i, r := range rows {
		keys[i] = ledger.Key{Serial: r.Serial, Public: r.Public, Sealed: r.Sealed, Statement: r.Statement, At: r.CreatedAt.UTC()}
	}
	return keys, err
}

// AddLedgerKey keeps the first key of a tenant's ledger unless there is one already, and returns the one that is kept.
func (db *DB) AddLedgerKey(ctx context.Context, t tenant.ID, k ledger.Key) (ledger.Key, error) {
	row := ledgerKeyRow{string(t), k.Public, k.Sealed, k.At}
	if err := db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return ledger.Key{}, err
	}
	var kept ledgerKeyRow // read with a lock: a transaction that began before another replica was first does not see it otherwise
	err := db.forUpdate(db.db(ctx)).Where("tenant_id = ?", string(t)).Take(&kept).Error
	return ledger.Key{Public: kept.Public, Sealed: kept.Sealed, At: kept.CreatedAt.UTC()}, err
}

// RotateLedgerKey adds a key that follows, and erases the private parts of those before it.
func (db *DB) RotateLedgerKey(ctx context.Context, t tenant.ID, k ledger.Key) error {
	row := rotationRow{string(t), k.Serial, k.Public, k.Sealed, k.Statement, k.At}
	if err := db.db(ctx).Create(&row).Error; err != nil {
		return err
	}
	if err := db.db(ctx).Exec("UPDATE ledger_keys SET sealed = ? WHERE tenant_id = ?", []byte{}, string(t)).Error; err != nil {
		return err
	}
	return db.db(ctx).Exec("UPDATE ledger_rotations SET sealed = ? WHERE tenant_id = ? AND serial < ?", []byte{}, string(t), k.Serial).Error
}

type ledgerDayRow struct {
	TenantID string
	Day      string
	Size     int64
	ToldAt   time.Time
}

func (ledgerDayRow) TableName() string { return "ledger_days" }

// TellDay notes that a checkpoint of this size was told to the auditor on a day, and reports whether it was the first of
// that day.
func (db *DB) TellDay(ctx context.Context, t tenant.ID, day string, size int64, now time.Time) (bool, error) {
	row := ledgerDayRow{string(t), day, size, now}
	err := db.db(ctx).Create(&row).Error
	if duplicate(err) {
		return false, nil
	}
	return err == nil, err
}

// Told returns the newest checkpoint that was told to the auditor before a moment, or the zero Head.
func (db *DB) Told(ctx context.Context, t tenant.ID, before time.Time) (ledger.Head, error) {
	var row headRow
	err := db.db(ctx).Raw(`SELECT c.tenant_id, c.size, c.checkpoint, c.signed_at FROM ledger_days d
		JOIN ledger_checkpoints c ON c.tenant_id = d.tenant_id AND c.size = d.size
		WHERE d.tenant_id = ? AND d.told_at < ? ORDER BY d.day DESC LIMIT 1`, string(t), before).Scan(&row).Error
	return row.head(), err
}
