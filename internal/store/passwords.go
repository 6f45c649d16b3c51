package store

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"gorm.io/gorm/clause"

	"portico/internal/audit"
	"portico/internal/password"
	"portico/internal/profile"
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

// HasPassword reports whether u has a password.
func (db *DB) HasPassword(ctx context.Context, u tenant.User) (bool, error) {
	_, _, err := db.FindPassword(ctx, u)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
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

// SavePasswordReset writes what a new password changes in the profile of its owner, and nothing else.
func (db *DB) SavePasswordReset(ctx context.Context, p profile.Profile) error {
	before, err := db.Facets(ctx, p.User)
	if err != nil {
		return err
	}
	err = db.saveColumns(ctx, p, "version", "email_verified", "user_metadata", "app_metadata", "age_state", "last_password_reset", "updated_at")
	return errors.Join(err, db.saveFacets(ctx, p, before))
}

type resetRow struct {
	TenantID    string
	RequestID   string
	Address     string
	BrowserHash string
	Language    string
	IP          string
	UserAgent   string
	OriginID    string
	AskedAt     time.Time
}

func (resetRow) TableName() string { return "reset_requests" }

func resetRowOf(r password.Request) resetRow {
	row := resetRow{
		TenantID: string(r.Tenant), RequestID: r.ID, Address: r.Address, BrowserHash: r.Browser, Language: r.Language,
		UserAgent: cut(r.Origin.UserAgent, 400), OriginID: cut(r.Origin.RequestID, 64), AskedAt: r.AskedAt,
	}
	if r.Origin.IP.IsValid() {
		row.IP = r.Origin.IP.String()
	}
	return row
}

func (r resetRow) request() password.Request {
	request := password.Request{
		ID: r.RequestID, Tenant: tenant.ID(r.TenantID), Address: r.Address, Browser: r.BrowserHash, Language: r.Language,
		Origin: audit.Origin{UserAgent: r.UserAgent, RequestID: r.OriginID}, AskedAt: r.AskedAt.UTC(),
	}
	request.Origin.IP, _ = netip.ParseAddr(r.IP)
	return request
}

// AddResetRequest queues a request for a new password.
func (db *DB) AddResetRequest(ctx context.Context, r password.Request) error {
	row := resetRowOf(r)
	return db.db(ctx).Create(&row).Error
}

// TenantsAsking lists the tenants that have requests for a new password waiting.
func (db *DB) TenantsAsking(ctx context.Context) ([]tenant.ID, error) {
	var ids []tenant.ID
	err := db.db(ctx).Model(&resetRow{}).Distinct().Pluck("tenant_id", &ids).Error
	return ids, err
}

// ResetRequests returns the requests of a tenant that wait, the oldest first.
func (db *DB) ResetRequests(ctx context.Context, t tenant.ID, limit int) ([]password.Request, error) {
	var rows []resetRow
	err := db.db(ctx).Where("tenant_id = ?", string(t)).Order("asked_at").Limit(limit).Find(&rows).Error
	requests := make([]password.Request, len(rows))
	for i, row := range rows {
		requests[i] = row.request()
	}
	return requests, err
}

// TakeResetRequest removes a request and reports whether this call was the one that did.
func (db *DB) TakeResetRequest(ctx context.Context, r password.Request) (bool, error) {
	result := db.db(ctx).Where("tenant_id = ? AND request_id = ?", string(r.Tenant), r.ID).Delete(&resetRow{})
	return result.RowsAffected > 0, result.Error
}

// RequirePasswordChange makes u choose a new password before anything else.
func (db *DB) RequirePasswordChange(ctx context.Context, u tenant.User) error {
	return db.db(ctx).Model(&passwordRow{}).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).
		UpdateColumn("must_change", true).Error
}
