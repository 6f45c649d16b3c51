package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"portico/internal/ledger"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
)

type documentRow struct {
	TenantID        string
	Document        string
	Assent          string
	GoverningLocale string
	Position        int
	Confirms        bool
	Shares          bool
	MinNoticeDays   int
	PersonalNotice  bool
	RetiredAt       *time.Time
	Marketing       bool
	ConsentMonths   int
}

func (documentRow) TableName() string { return "documents" }

type versionRow struct {
	TenantID        string
	Document        string
	Number          int
	Materiality     string
	Gates           bool
	CreatedAt       time.Time
	CreatedBy       string
	PublishedAt     *time.Time
	PublishedBy     string
	AnnounceAt      *time.Time
	EffectiveAt     *time.Time
	EnforceAt       *time.Time
	Reason          string
	WithdrawnAt     *time.Time
	WithdrawReason  string
	GoverningSHA256 string `gorm:"column:governing_sha256"`
	ManifestSHA256  string `gorm:"column:manifest_sha256"`
	AudienceNumber  int
	AudienceLocale  string
	JoinedBefore    *time.Time
	ReacceptMonths  int
	SubmittedAt     *time.Time
	SubmittedBy     string
	ApprovedAt      *time.Time
	ApprovedBy      string
	EditedAt        *time.Time
	EditedBy        string
	DeletedAt       *time.Time
	LatestAt        *time.Time
	AudienceName    string
	AudienceValue   string
	Exempt          bool   `gorm:"column:exempt_untranslated"`
	Untranslated    string // languages, each between spaces
}

func (versionRow) TableName() string { return "term_versions" }

func versionRowOf(t tenant.ID, v terms.Version) versionRow {
	return versionRow{
		TenantID: string(t), Document: v.Document, Number: v.Number, Materiality: string(v.Materiality), CreatedAt: v.CreatedAt,
		CreatedBy: v.CreatedBy, PublishedAt: orNull(v.PublishedAt), PublishedBy: v.PublishedBy, AnnounceAt: orNull(v.AnnounceAt),
		EffectiveAt: orNull(v.EffectiveAt), EnforceAt: orNull(v.EnforceAt), Reason: v.Reason, WithdrawnAt: orNull(v.WithdrawnAt),
		WithdrawReason: v.WithdrawReason, GoverningSHA256: v.Governing, ManifestSHA256: v.Manifest,
		AudienceNumber: v.Audience.Number, AudienceLocale: v.Audience.Locale, JoinedBefore: orNull(v.Audience.JoinedBefore),
		ReacceptMonths: v.ReacceptMonths, SubmittedAt: orNull(v.SubmittedAt), SubmittedBy: v.SubmittedBy,
		ApprovedAt: orNull(v.ApprovedAt), ApprovedBy: v.ApprovedBy, EditedAt: orNull(v.EditedAt), EditedBy: v.EditedBy,
		AudienceName: v.Audience.Name, AudienceValue: v.Audience.Value, LatestAt: orNull(v.LatestAt), Exempt: v.Exempt,
	}
}

func (r versionRow) version() terms.Version {
	return terms.Version{
		Document: r.Document, Number: r.Number, Materiality: terms.Materiality(r.Materiality), CreatedAt: r.CreatedAt.UTC(),
		CreatedBy: r.CreatedBy, PublishedAt: orZero(r.PublishedAt), PublishedBy: r.PublishedBy, AnnounceAt: orZero(r.AnnounceAt),
		EffectiveAt: orZero(r.EffectiveAt), EnforceAt: orZero(r.EnforceAt), Reason: r.Reason, WithdrawnAt: orZero(r.WithdrawnAt),
		WithdrawReason: r.WithdrawReason, Governing: r.GoverningSHA256, Manifest: r.ManifestSHA256,
		Audience: terms.Audience{
			Number: r.AudienceNumber, Locale: r.AudienceLocale, JoinedBefore: orZero(r.JoinedBefore), Name: r.AudienceName, Value: r.AudienceValue,
		},
		ReacceptMonths: r.ReacceptMonths, SubmittedAt: orZero(r.SubmittedAt), SubmittedBy: r.SubmittedBy,
		ApprovedAt: orZero(r.ApprovedAt), ApprovedBy: r.ApprovedBy, EditedAt: orZero(r.EditedAt), EditedBy: r.EditedBy,
		LatestAt: orZero(r.LatestAt), Exempt: r.Exempt, Untranslated: strings.Fields(r.Untranslated),
	}
}

type textRow struct {
	TenantID     string
	Document     string
	Number       int
	Locale       string
	Revision     int
	Title        string
	Source       string
	HTML         string
	SourceSHA256 string `gorm:"column:source_sha256"`
	HTMLSHA256   string `gorm:"column:html_sha256"`
	Summary      string
	ChangeNote   string
	AddedAt      *time.Time
}

func (textRow) TableName() string { return "term_texts" }

func (r textRow) text() terms.Text {
	t := terms.Text{
		Document: r.Document, Number: r.Number, Locale: r.Locale, Revision: r.Revision, Title: r.Title, Source: r.Source,
		HTML: r.HTML, SourceSHA256: r.SourceSHA256, HTMLSHA256: r.HTMLSHA256, ChangeNote: r.ChangeNote, AddedAt: orZero(r.AddedAt),
	}
	_ = json.Unmarshal([]byte(r.Summary), &t.Summary)
	return t
}

// Library reads every document, version and text of a tenant.
func (db *DB) Library(ctx context.Context, t tenant.ID) (terms.Library, error) {
	var documents []documentRow
	var versions []versionRow
	id := string(t)
	if err := db.db(ctx).Where("tenant_id = ?", id).Order("position, document").Find(&documents).Error; err != nil {
		return terms.Library{}, err
	}
	if err := db.db(ctx).Where("tenant_id = ? AND deleted_at IS NULL", id).Order("document, number").Find(&versions).Error; err != nil {
		return terms.Library{}, err
	}
	texts, err := db.texts(ctx, t)
	if err != nil {
		return terms.Library{}, err
	}
	var library terms.Library
	for _, r := range documents {
		library.Documents = append(library.Documents, terms.Document{
			Tenant: t, Key: r.Document, Assent: terms.Assent(r.Assent), GoverningLocale: r.GoverningLocale, Order: r.Position,
			Confirms: r.Confirms, Shares: r.Shares, NoticeDays: r.MinNoticeDays, PersonalNotice: r.PersonalNotice, RetiredAt: orZero(r.RetiredAt),
			Marketing: r.Marketing, ConsentMonths: r.ConsentMonths,
		})
	}
	for _, r := range versions {
		library.Versions = append(library.Versions, r.version())
	}
	for _, r := range texts {
		library.Texts = append(library.Texts, r.text())
	}
	return library, nil
}

// AddDocument stores a document. One that exists already stays as it is.
func (db *DB) AddDocument(ctx context.Context, d terms.Document) error {
	row := documentRow{
		TenantID: string(d.Tenant), Document: d.Key, Assent: string(d.Assent), GoverningLocale: d.GoverningLocale, Position: d.Order,
		Confirms: d.Confirms, Shares: d.Shares, MinNoticeDays: d.NoticeDays, PersonalNotice: d.PersonalNotice,
		Marketing: d.Marketing, ConsentMonths: d.ConsentMonths,
	}
	return db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
}

// AddText stores a text, or another revision of it.
func (db *DB) AddText(ctx context.Context, t tenant.ID, text terms.Text) error {
	summary, err := json.Marshal(text.Summary)
	if err != nil {
		return err
	}
	row := textRow{
		TenantID: string(t), Document: text.Document, Number: text.Number, Locale: text.Locale, Revision: text.Revision,
		Title: text.Title, Source: text.Source, HTML: text.HTML, SourceSHA256: text.SourceSHA256,
		HTMLSHA256: text.HTMLSHA256, Summary: string(summary), ChangeNote: text.ChangeNote,
		AddedAt: orNull(text.AddedAt),
	}
	return db.db(ctx).Create(&row).Error
}

type presentationRow struct {
	TenantID string
	SHA256   string `gorm:"column:sha256"`
	Content  string
	FirstAt  time.Time
}

func (presentationRow) TableName() string { return "presentations" }

// AddPresentation keeps a screen, once.
func (db *DB) AddPresentation(ctx context.Context, t tenant.ID, sha, content string, now time.Time) error {
	var known int64
	query := db.db(ctx).Model(&presentationRow{}).Where("tenant_id = ? AND sha256 = ?", string(t), sha)
	if err := query.Count(&known).Error; err != nil || known > 0 {
		return err
	}
	row := presentationRow{string(t), sha, content, now}
	return db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
}

type assentEventRow struct {
	TenantID   string
	EventID    string
	UserID     string
	Type       string
	Document   string
	Number     int
	Nonce      string
	OccurredAt time.Time
	Payload    string
	Salt       string
	Commitment string
	LeafIndex  *int64
}

func (assentEventRow) TableName() string { return "assent_events" }

// AppendAssent adds to the record of assent, with its commitment for the ledger; nothing changes or removes an entry.
func (db *DB) AppendAssent(ctx context.Context, e terms.Event) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	row := assentEventRow{
		TenantID: string(e.User.Tenant), EventID: e.ID, UserID: e.User.ID, Type: e.Type, Document: e.Document, Number: e.Number,
		Nonce: e.Nonce, OccurredAt: e.OccurredAt, Payload: string(payload),
	}
	row.Salt, row.Commitment = ledger.Commit(row.Payload)
	err = db.db(ctx).Create(&row).Error
	if duplicate(err) {
		return terms.ErrRecorded
	}
	return err
}

// Assents lists what u decided, with accounts that became part of theirs (terms.md 1.5, case 17), newest first.
func (db *DB) Assents(ctx context.Context, u tenant.User) ([]terms.Event, error) {
	ids, err := db.IDs(ctx, u)
	if err != nil {
		return nil, err
	}
	var rows []assentEventRow
	err = db.db(ctx).Where("tenant_id = ? AND user_id IN ? AND payload IS NOT NULL", string(u.Tenant), ids).
		Order("event_id DESC").Limit(500).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	events := make([]terms.Event, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal([]byte(row.Payload), &events[i]); err != nil {
			return nil, err
		}
		events[i].User, events[i].Placed = u, row.LeafIndex != nil
	}
	return events, nil
}

type assentRow struct {
	TenantID   string
	UserID     string
	Document   string
	Number     int
	EventID    string
	Locale     string
	AcceptedAt time.Time
	ExpiresAt  *time.Time
}

func (assentRow) TableName() string { return "assents" }

// Party reads since when u has an account, what their profile says, every version that u has accepted, and of which they were told.
func (db *DB) Party(ctx context.Context, u tenant.User) (terms.Party, error) {
	var rows []struct {
		JoinedAt time.Time
		Assent   assentRow `gorm:"embedded"`
		Recorded bool
	}
	err := db.db(ctx).Raw(`SELECT u.created_at AS joined_at, a.document IS NOT NULL AS recorded, a.tenant_id, a.user_id, a.document,
			a.number, a.event_id, a.locale, a.accepted_at, a.expires_at
		FROM users u LEFT JOIN assents a ON a.tenant_id = u.tenant_id AND a.user_id = u.user_id
		WHERE u.tenant_id = ? AND u.user_id = ? ORDER BY a.document, a.number`, string(u.Tenant), u.ID).Scan(&rows).Error
	var p terms.Party
	for _, r := range rows {
		p.JoinedAt = r.JoinedAt.UTC()
		if r.Recorded {
			p.Accepted = append(p.Accepted, r.Assent.standing())
		}
	}
	if err == nil {
		p.Facets, err = db.Facets(ctx, u)
	}
	if err == nil {
		p.Notices, err = db.noticesOf(ctx, u)
	}
	return p, err
}

func (r assentRow) standing() terms.Standing {
	return terms.Standing{
		Document: r.Document, Number: r.Number, Event: r.EventID, Locale: r.Locale, At: r.AcceptedAt.UTC(), ExpiresAt: orZero(r.ExpiresAt),
	}
}

// SaveStanding notes that u has accepted a version.
func (db *DB) SaveStanding(ctx context.Context, u tenant.User, s terms.Standing) error {
	row := assentRow{string(u.Tenant), u.ID, s.Document, s.Number, s.Event, s.Locale, s.At, orNull(s.ExpiresAt)}
	return db.db(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "tenant_id"}, {Name: "user_id"}, {Name: "document"}, {Name: "number"}},
		DoUpdates: clause.AssignmentColumns([]string{"event_id", "locale", "accepted_at", "expires_at"}),
	}).Create(&row).Error
}

// MirrorAssent notes an acceptance in app_metadata, where applications that came from elsewhere look for it (rule T-4).
func (db *DB) MirrorAssent(ctx context.Context, u tenant.User, patch func(before profile.Metadata) profile.Metadata) error {
	p, err := db.LockProfile(ctx, u)
	if err != nil {
		return err
	}
	changed := patch(p.AppMetadata)
	if len(changed) == 0 {
		return nil
	}
	before := p.Facets()
	p.AppMetadata = p.AppMetadata.Patch(changed)
	return errors.Join(db.saveColumns(ctx, p, "app_metadata", "age_state"), db.saveFacets(ctx, p, before))
}
