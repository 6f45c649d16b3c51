package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm/clause"

	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
)

type consentRow struct {
	TenantID  string
	UserID    string
	Document  string
	Number    int
	State     string
	EventID   string
	Locale    string
	SinceAt   time.Time
	Link      string
	ExpiresAt *time.Time
}

func (consentRow) TableName() string { return "consents" }

func (r consentRow) choice() terms.Choice {
	return terms.Choice{
		User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, Document: r.Document, Number: r.Number, State: terms.State(r.State),
		Event: r.EventID, Locale: r.Locale, Since: r.SinceAt.UTC(), Link: r.Link, ExpiresAt: orZero(r.ExpiresAt),
	}
}

// Consents lists where u stands on every purpose they were ever asked about.
func (db *DB) Consents(ctx context.Context, u tenant.User) ([]terms.Choice, error) {
	var rows []consentRow
	err := db.db(ctx).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Order("document").Find(&rows).Error
	choices := make([]terms.Choice, len(rows))
	for i, row := range rows {
		choices[i] = row.choice()
	}
	return choices, err
}

// ConsentByLink finds the consent with this name, or returns terms.ErrLink.
func (db *DB) ConsentByLink(ctx context.Context, t tenant.ID, link string) (terms.Choice, error) {
	var row consentRow
	err := found(db.db(ctx).Where("tenant_id = ? AND link = ?", string(t), link).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return terms.Choice{}, terms.ErrLink
	}
	return row.choice(), err
}

// SaveConsent brings where somebody stands on a purpose up to date.
func (db *DB) SaveConsent(ctx context.Context, c terms.Choice) error {
	row := consentRow{string(c.User.Tenant), c.User.ID, c.Document, c.Number, string(c.State), c.Event, c.Locale, c.Since, c.Link, orNull(c.ExpiresAt)}
	return db.db(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "tenant_id"}, {Name: "user_id"}, {Name: "document"}},
		DoUpdates: clause.AssignmentColumns([]string{"number", "state", "event_id", "locale", "since_at", "expires_at"}),
	}).Create(&row).Error
}

// Consenters lists who consents to a purpose, has proven their address (rule V-7), is neither blocked nor restricted, and is not
// known to be too young without a guardian's approval (GDPR article 8(1)), by id, after the one called after.
func (db *DB) Consenters(ctx context.Context, t tenant.ID, document, after string, limit int) ([]terms.Consenter, error) {
	var rows []struct {
		Consent consentRow `gorm:"embedded"`
		Email   string
		Name    string
	}
	err := db.db(ctx).Raw(`SELECT c.*, u.email, u.name FROM consents c
		JOIN users u ON u.tenant_id = c.tenant_id AND u.user_id = c.user_id
		WHERE c.tenant_id = ? AND c.document = ? AND c.state = ? AND (c.expires_at IS NULL OR c.expires_at > ?) AND c.user_id > ? AND u.email_verified = TRUE AND u.blocked = FALSE AND u.restricted = FALSE
		AND u.age_state NOT IN ? ORDER BY c.user_id LIMIT ?`,
		string(t), document, string(terms.On), db.now(), after, []profile.AgeState{profile.AgePending, profile.AgeUnder}, limit).Scan(&rows).Error
	people := make([]terms.Consenter, len(rows))
	for i, row := range rows {
		people[i] = terms.Consenter{Choice: row.Consent.choice(), Email: row.Email, Name: row.Name}
	}
	return people, err
}

// ExpiredConsents locks consents that are on though their time is over, at most limit.
func (db *DB) ExpiredConsents(ctx context.Context, t tenant.ID, now time.Time, limit int) ([]terms.Choice, error) {
	var rows []consentRow
	err := db.forUpdate(db.db(ctx)).Where("tenant_id = ? AND state = ? AND expires_at <= ?", string(t), string(terms.On), now).
		Order("expires_at, user_id").Limit(limit).Find(&rows).Error
	choices := make([]terms.Choice, len(rows))
	for i, row := range rows {
		choices[i] = row.choice()
	}
	return choices, err
}

// CountConsents says how many consent, by document.
func (db *DB) CountConsents(ctx context.Context, t tenant.ID) (map[string]int64, error) {
	var rows []struct {
		Document string
		Count    int64
	}
	err := db.db(ctx).Raw(`SELECT document, COUNT(*) AS count FROM consents
		WHERE tenant_id = ? AND state = ? AND (expires_at IS NULL OR expires_at > ?) GROUP BY document`, string(t), string(terms.On), db.now()).Scan(&rows).Error
	counts := map[string]int64{}
	for _, row := range rows {
		counts[row.Document] = row.Count
	}
	return counts, err
}
