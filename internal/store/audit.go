package store

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/tenant"
)

type auditRow struct {
	TenantID    string
	EventID     string
	At          time.Time
	Type        string
	ActorKind   string
	ActorID     string
	UserID      string
	IP          string
	UserAgent   string
	RequestID   string
	SessionHash string
	Fields      string
	Detail      string
}

func (auditRow) TableName() string { return "audit_events" }

func auditRowOf(e audit.Event) (auditRow, error) {
	detail := "{}"
	if len(e.Detail) > 0 {
		content, err := json.Marshal(e.Detail)
		if err != nil {
			return auditRow{}, err
		}
		detail = string(content)
	}
	ip := ""
	if e.Origin.IP.IsValid() {
		ip = e.Origin.IP.String()
	}
	return auditRow{
		TenantID: string(e.User.Tenant), EventID: e.ID, At: e.At.UTC().Truncate(time.Microsecond), Type: string(e.Type),
		ActorKind: string(e.Actor.Kind), ActorID: e.Actor.ID, UserID: e.User.ID,
		IP: ip, UserAgent: cut(e.Origin.UserAgent, 400), RequestID: cut(e.Origin.RequestID, 64), SessionHash: e.Origin.Session,
		Fields: cut(strings.Join(e.Fields, ","), 1000), Detail: detail,
	}, nil
}

func (r auditRow) event() audit.Event {
	e := audit.Event{
		ID: r.EventID, At: r.At.UTC(), Type: audit.Type(r.Type), Actor: audit.Actor{Kind: audit.ActorKind(r.ActorKind), ID: r.ActorID},
		User:   tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID},
		Origin: audit.Origin{UserAgent: r.UserAgent, RequestID: r.RequestID, Session: r.SessionHash},
	}
	address, _, _ := strings.Cut(r.IP, "/") // of an old event only the network is left
	e.Origin.IP, _ = netip.ParseAddr(address)
	if r.Fields != "" {
		e.Fields = strings.Split(r.Fields, ",")
	}
	_ = json.Unmarshal([]byte(r.Detail), &e.Detail)
	return e
}

// cut shortens s to at most n bytes without splitting a character: what a stranger's client sends must never
// make a write fail.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// AppendEvent adds a line to the record. There is no way to change or remove one.
func (db *DB) AppendEvent(ctx context.Context, e audit.Event) error {
	row, err := auditRowOf(e)
	if err != nil {
		return err
	}
	return db.db(ctx).Create(&row).Error
}

// SearchEvents finds lines of a tenant, newest first. With After set the page is the next newer one.
func (db *DB) SearchEvents(ctx context.Context, t tenant.ID, f audit.Filter) ([]audit.Event, error) {
	query := db.db(ctx).Where("tenant_id = ?", string(t))
	if f.User != "" {
		query = query.Where("user_id = ?", f.User)
	}
	if f.Actor != "" {
		query = query.Where("actor_id = ?", f.Actor)
	}
	if len(f.Types) > 0 {
		query = query.Where("type IN ?", f.Types)
	}
	if !f.Since.IsZero() {
		query = query.Where("at >= ?", f.Since)
	}
	if !f.Until.IsZero() {
		query = query.Where("at < ?", f.Until)
	}
	if f.Before != "" {
		query = query.Where("event_id < ?", f.Before)
	}
	order := "event_id DESC"
	if f.After != "" {
		query, order = query.Where("event_id > ?", f.After), "event_id"
	}
	var rows []auditRow
	if err := query.Order(order).Limit(f.Limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	events := make([]audit.Event, len(rows))
	for i, row := range rows {
		at := i
		if f.After != "" {
			at = len(rows) - 1 - i
		}
		events[at] = row.event()
	}
	return events, nil
}
