package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"portico/internal/privacy"
	"portico/internal/tenant"
)

type requestRow struct {
	TenantID   string
	RequestID  string
	UserID     string
	Kind       string
	AskedAt    time.Time
	DueAt      time.Time
	Open       bool
	AnsweredAt *time.Time
	AnsweredBy string
	Answer     string
}

func (requestRow) TableName() string { return "privacy_requests" }

func (r requestRow) request() privacy.Request {
	return privacy.Request{
		ID: r.RequestID, User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, Kind: privacy.Kind(r.Kind), At: r.AskedAt.UTC(),
		DueAt: r.DueAt.UTC(), AnsweredAt: orZero(r.AnsweredAt), AnsweredBy: r.AnsweredBy, Answer: r.Answer,
	}
}

// AddRequest stores a request.
func (db *DB) AddRequest(ctx context.Context, r privacy.Request) error {
	row := requestRow{
		TenantID: string(r.User.Tenant), RequestID: r.ID, UserID: r.User.ID, Kind: string(r.Kind), AskedAt: r.At, DueAt: r.DueAt, Open: true,
	}
	return db.db(ctx).Create(&row).Error
}

func requestsOf(query *gorm.DB) ([]privacy.Request, error) {
	var rows []requestRow
	err := query.Find(&rows).Error
	requests := make([]privacy.Request, len(rows))
	for i, row := range rows {
		requests[i] = row.request()
	}
	return requests, err
}

// Requests lists what u asked for, newest first.
func (db *DB) Requests(ctx context.Context, u tenant.User) ([]privacy.Request, error) {
	return requestsOf(db.db(ctx).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Order("request_id DESC").Limit(100))
}

// OpenRequests lists requests that wait, the oldest first: they are due in that order.
func (db *DB) OpenRequests(ctx context.Context, t tenant.ID, after string, limit int) ([]privacy.Request, error) {
	return requestsOf(db.db(ctx).Where("tenant_id = ? AND open = ? AND request_id > ?", string(t), true, after).
		Order("request_id").Limit(limit))
}

// LockRequest finds a request and keeps others from answering it until the transaction ends.
func (db *DB) LockRequest(ctx context.Context, t tenant.ID, id string) (privacy.Request, error) {
	var row requestRow
	err := found(db.forUpdate(db.db(ctx)).Where("tenant_id = ? AND request_id = ?", string(t), id).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return privacy.Request{}, privacy.ErrNotFound
	}
	return row.request(), err
}

// SaveAnswer closes a request.
func (db *DB) SaveAnswer(ctx context.Context, r privacy.Request) error {
	return db.db(ctx).Exec(`UPDATE privacy_requests SET open = ?, answered_at = ?, answered_by = ?, answer = ?
		WHERE tenant_id = ? AND request_id = ?`, false, r.AnsweredAt, r.AnsweredBy, r.Answer, string(r.User.Tenant), r.ID).Error
}
