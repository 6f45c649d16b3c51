package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"portico/internal/ledger"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/tenant"
)

type closingRow struct {
	TenantID string
	UserID   string
	AskedAt  time.Time
	DueAt    time.Time
	AskedBy  string
	Reason   string
}

func (closingRow) TableName() string { return "closings" }

func closingOr(query *gorm.DB, u tenant.User) (privacy.Closing, error) {
	var row closingRow
	err := found(query.Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return privacy.Closing{User: u}, nil
	}
	return privacy.Closing{User: u, AskedAt: row.AskedAt.UTC(), DueAt: orZero(&row.DueAt), By: row.AskedBy, Reason: row.Reason}, err
}

// FindClosing returns the closing of u; without one it is not pending.
func (db *DB) FindClosing(ctx context.Context, u tenant.User) (privacy.Closing, error) {
	return closingOr(db.db(ctx), u)
}

// LockClosing is FindClosing, and keeps others from cancelling or executing it until the transaction ends.
func (db *DB) LockClosing(ctx context.Context, u tenant.User) (privacy.Closing, error) {
	return closingOr(db.forUpdate(db.db(ctx)), u)
}

// AddClosing stores that an account is about to be closed.
func (db *DB) AddClosing(ctx context.Context, c privacy.Closing) error {
	row := closingRow{string(c.User.Tenant), c.User.ID, c.AskedAt, c.DueAt, c.By, c.Reason}
	return db.db(ctx).Create(&row).Error
}

// RemoveClosing gives up a closing.
func (db *DB) RemoveClosing(ctx context.Context, u tenant.User) error {
	return db.db(ctx).Exec("DELETE FROM closings WHERE tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Error
}

// DueClosings lists whose account is to be erased at now, the longest due first.
func (db *DB) DueClosings(ctx context.Context, t tenant.ID, now time.Time, limit int) ([]tenant.User, error) {
	var ids []string
	err := db.db(ctx).Model(&closingRow{}).Where("tenant_id = ? AND due_at <= ?", string(t), now).Order("due_at, user_id").Limit(limit).
		Pluck("user_id", &ids).Error
	users := make([]tenant.User, len(ids))
	for i, id := range ids {
		users[i] = tenant.User{Tenant: t, ID: id}
	}
	return users, err
}

// CountStayingAdmins counts the administrators of a tenant who are neither blocked at now nor closing their account, besides u,
// and keeps others from changing that until the transaction ends.
func (db *DB) CountStayingAdmins(ctx context.Context, u tenant.User, now time.Time) (int, error) {
	admins, err := db.LockAdmins(ctx, u.Tenant, now)
	if err != nil {
		return 0, err
	}
	staying := 0
	for _, id := range admins {
		closing, err := db.FindClosing(ctx, tenant.User{Tenant: u.Tenant, ID: id})
		if err != nil {
			return 0, err
		}
		if id != u.ID && !closing.Pending() {
			staying++
		}
	}
	return staying, nil
}

// Addresses lists where u can be reached: the address, the one that is to become it, and the one before when that was
// replaced after since. The first is the profile's own, empty when there is none.
func (db *DB) Addresses(ctx context.Context, p profile.Profile, since time.Time) ([]string, error) {
	change, err := db.FindChange(ctx, p.User)
	if err != nil {
		return nil, err
	}
	all := []string{p.Email}
	if change.Pending() {
		all = append(all, change.NewEmail)
	}
	if change.OldEmail != "" && !change.DoneAt.IsZero() && change.DoneAt.After(since) {
		all = append(all, change.OldEmail)
	}
	known, distinct := map[string]bool{}, all[:0]
	for i, one := range all {
		if key := profile.EmailKey(one); i == 0 || (key != "" && !known[key]) {
			known[key] = true
			distinct = append(distinct, one)
		}
	}
	return distinct, nil
}

type formerRow struct {
	TenantID string
	FormerID string
	UserID   string
}

func (formerRow) TableName() string { return "former_users" }

// IDs lists u's id, and the ids of accounts that became part of theirs.
func (db *DB) IDs(ctx context.Context, u tenant.User) ([]string, error) {
	var ids []string
	err := db.db(ctx).Model(&formerRow{}).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Order("former_id").Pluck("former_id", &ids).Error
	return append([]string{u.ID}, ids...), err
}

// EntriesOf lists the entries of the ledger that are about one of ids, oldest first.
func (db *DB) EntriesOf(ctx context.Context, t tenant.ID, ids []string) ([]ledger.Entry, error) {
	var rows []assentEventRow
	err := db.db(ctx).Where("tenant_id = ? AND user_id IN ?", string(t), ids).Order("event_id").Find(&rows).Error
	return entriesOf(rows), err
}

type erasedRow struct {
	TenantID  string
	Subject   string
	Pseudonym string
	ErasedAt  time.Time
}

func (erasedRow) TableName() string { return "erased_subjects" }

// AddErased notes erasures; those that are known already stay as they are.
func (db *DB) AddErased(ctx context.Context, subjects []privacy.Subject) error {
	if len(subjects) == 0 {
		return nil
	}
	rows := make([]erasedRow, len(subjects))
	for i, s := range subjects {
		rows[i] = erasedRow{string(s.Tenant), s.MAC, s.Pseudonym, s.At}
	}
	return db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(rows, 200).Error
}

// Erased lists the erasures of a tenant.
func (db *DB) Erased(ctx context.Context, t tenant.ID) ([]privacy.Subject, error) {
	var rows []erasedRow
	err := db.db(ctx).Where("tenant_id = ?", string(t)).Order("subject").Find(&rows).Error
	subjects := make([]privacy.Subject, len(rows))
	for i, r := range rows {
		subjects[i] = privacy.Subject{Tenant: t, MAC: r.Subject, Pseudonym: r.Pseudonym, At: r.ErasedAt.UTC()}
	}
	return subjects, err
}

// FindErased finds the erasure of a person by any of the marks that they may have.
func (db *DB) FindErased(ctx context.Context, t tenant.ID, marks []string) (privacy.Subject, bool, error) {
	var row erasedRow
	err := found(db.db(ctx).Where("tenant_id = ? AND subject IN ?", string(t), marks).Limit(1).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return privacy.Subject{}, false, nil
	}
	return privacy.Subject{Tenant: t, MAC: row.Subject, Pseudonym: row.Pseudonym, At: row.ErasedAt.UTC()}, err == nil, err
}

// UserIDs lists the ids of a tenant's people after one of them, in their order.
func (db *DB) UserIDs(ctx context.Context, t tenant.ID, after string, limit int) ([]string, error) {
	var ids []string
	err := db.db(ctx).Table("users").Where("tenant_id = ? AND user_id > ?", string(t), after).Order("user_id").Limit(limit).
		Pluck("user_id", &ids).Error
	return ids, err
}
