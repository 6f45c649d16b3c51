package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/tenant"
)

type requestRow struct {
	TenantID   string
	RequestID  string
	UserID     string
	Kind       string
	Subject    string
	OldValue   string
	NewValue   string
	Note       string
	Name       string
	Contact    string
	Reference  string
	Locale     string
	AskedAt    time.Time
	DueAt      time.Time
	ExtendedAt *time.Time
	Extension  string
	Open       bool
	OpenKey    *string
	AnsweredAt *time.Time
	AnsweredBy string
	Answer     string
	Outcome    string
}

func (requestRow) TableName() string { return "privacy_requests" }

func requestRowOf(r privacy.Request) requestRow {
	row := requestRow{
		TenantID: string(r.User.Tenant), RequestID: r.ID, UserID: r.User.ID, Kind: string(r.Kind), Subject: r.Subject, OldValue: r.Old,
		NewValue: r.New, Note: r.Note, Name: r.Name, Contact: r.Contact, Reference: r.Reference, Locale: cut(r.Locale, 35), AskedAt: r.At, DueAt: r.DueAt,
		ExtendedAt: orNull(r.ExtendedAt), Extension: r.Extension, Open: r.Open(), AnsweredAt: orNull(r.AnsweredAt),
		AnsweredBy: r.AnsweredBy, Answer: r.Answer, Outcome: string(r.Outcome),
	}
	if row.Open {
		row.OpenKey = optional(r.OpenKey())
	}
	return row
}

func (r requestRow) request() privacy.Request {
	return privacy.Request{
		ID: r.RequestID, User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, Kind: privacy.Kind(r.Kind), Subject: r.Subject,
		Old: r.OldValue, New: r.NewValue, Note: r.Note, Name: r.Name, Contact: r.Contact, Reference: r.Reference, Locale: r.Locale, At: r.AskedAt.UTC(),
		DueAt: r.DueAt.UTC(), ExtendedAt: orZero(r.ExtendedAt), Extension: r.Extension, AnsweredAt: orZero(r.AnsweredAt),
		AnsweredBy: r.AnsweredBy, Answer: r.Answer, Outcome: privacy.Outcome(r.Outcome),
	}
}

// AddRequest stores a request. Of those with one OpenKey the database lets a single one be open.
func (db *DB) AddRequest(ctx context.Context, r privacy.Request) error {
	row := requestRowOf(r)
	err := db.db(ctx).Create(&row).Error
	if duplicate(err) {
		return privacy.ErrOpen
	}
	return err
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

// SearchRequests lists requests that wait, the most urgent first, or those that are answered, the newest first.
func (db *DB) SearchRequests(ctx context.Context, t tenant.ID, f privacy.Filter) ([]privacy.Request, error) {
	query := db.db(ctx).Where("tenant_id = ? AND open = ?", string(t), !f.Closed)
	if f.Kind != "" {
		query = query.Where("kind = ?", string(f.Kind))
	}
	due, id, paged := privacy.ParseCursor(f.After)
	switch {
	case paged && f.Closed:
		query = query.Where("request_id < ?", id)
	case paged:
		query = query.Where("(due_at > ? OR (due_at = ? AND request_id > ?))", due, due, id)
	}
	order := "due_at, request_id"
	if f.Closed {
		order = "request_id DESC"
	}
	return requestsOf(query.Order(order).Limit(f.Limit))
}

func requestOr(query *gorm.DB) (privacy.Request, error) {
	var row requestRow
	err := found(query.Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return privacy.Request{}, privacy.ErrNotFound
	}
	return row.request(), err
}

// FindRequest finds a request, or returns privacy.ErrNotFound.
func (db *DB) FindRequest(ctx context.Context, t tenant.ID, id string) (privacy.Request, error) {
	return requestOr(db.db(ctx).Where("tenant_id = ? AND request_id = ?", string(t), id))
}

// FindOpen finds the request with an OpenKey that is open, or returns privacy.ErrNotFound.
func (db *DB) FindOpen(ctx context.Context, t tenant.ID, key string) (privacy.Request, error) {
	return requestOr(db.db(ctx).Where("tenant_id = ? AND open_key = ?", string(t), key))
}

// LockRequest is FindRequest, and keeps others from answering it until the transaction ends.
func (db *DB) LockRequest(ctx context.Context, t tenant.ID, id string) (privacy.Request, error) {
	return requestOr(db.forUpdate(db.db(ctx)).Where("tenant_id = ? AND request_id = ?", string(t), id))
}

func (db *DB) saveRequest(ctx context.Context, r privacy.Request, columns ...string) error {
	row := requestRowOf(r)
	return db.db(ctx).Model(&row).Where("tenant_id = ? AND request_id = ?", row.TenantID, row.RequestID).
		Select(columns).UpdateColumns(&row).Error
}

// SaveAnswer closes a request.
func (db *DB) SaveAnswer(ctx context.Context, r privacy.Request) error {
	return db.saveRequest(ctx, r, "open", "open_key", "answered_at", "answered_by", "answer", "outcome")
}

// SaveExtension gives a request a later term.
func (db *DB) SaveExtension(ctx context.Context, r privacy.Request) error {
	return db.saveRequest(ctx, r, "due_at", "extended_at", "extension")
}

// SaveRestriction writes the restriction of an account, or its end.
func (db *DB) SaveRestriction(ctx context.Context, p profile.Profile) error {
	return db.saveColumns(ctx, p, "restricted", "restricted_at", "restricted_by", "restriction_reason")
}

// IsRestricted reports whether somebody's account is restricted; whoever is gone has none.
func (db *DB) IsRestricted(ctx context.Context, u tenant.User) (bool, error) {
	var restricted bool
	err := db.db(ctx).Raw("SELECT restricted FROM users WHERE tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Scan(&restricted).Error
	return restricted, err
}
