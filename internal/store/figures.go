package store

import (
	"context"
	"strings"
	"time"

	"portico/internal/admin"
	"portico/internal/mail"
	"portico/internal/tenant"
)

// counted are the figures of a tenant and what each counts. No count goes beyond @most, so that a tenant with a million
// people is as quick as one with ten.
var counted = []struct{ column, from string }{
	{"users", "users WHERE tenant_id = @tenant"},
	{"unverified", "users WHERE tenant_id = @tenant AND email_verified = FALSE"},
	{"blocked", "users WHERE tenant_id = @tenant AND blocked = TRUE AND (blocked_until IS NULL OR blocked_until > @now)"},
	{"owing", "users u WHERE u.tenant_id = @tenant AND " + owes("u.tenant_id", "u.user_id")},
	{"letters", "letters WHERE tenant_id = @tenant AND state = @failed"},
	{"requests", "privacy_requests WHERE tenant_id = @tenant AND open = TRUE"},
	{"due", "privacy_requests WHERE tenant_id = @tenant AND open = TRUE AND due_at <= @soon"},
}

// Figures counts what the start page of the administration shows, in one statement.
func (db *DB) Figures(ctx context.Context, t tenant.ID, now time.Time) (admin.Figures, error) {
	columns := make([]string, len(counted))
	for i, c := range counted {
		columns[i] = "(SELECT COUNT(*) FROM (SELECT 1 AS one FROM " + c.from + " LIMIT @most) AS some) AS " + c.column
	}
	var row struct{ Users, Unverified, Blocked, Owing, Letters, Requests, Due int }
	err := db.db(ctx).Raw("SELECT "+strings.Join(columns, ", "), map[string]any{
		"tenant": string(t), "now": now, "failed": string(mail.Failed), "most": admin.MostCounted + 1, "soon": now.Add(admin.Soon),
	}).Scan(&row).Error
	return admin.Figures(row), err
}
