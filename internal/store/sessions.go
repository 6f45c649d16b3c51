package store

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"portico/internal/idp"
	"portico/internal/session"
	"portico/internal/tenant"
)

type sessionRow struct {
	TenantID        string
	SessionHash     string
	UserID          string
	CreatedAt       time.Time
	SeenAt          time.Time
	AuthenticatedAt time.Time
	IdleAt          time.Time
	ExpiresAt       time.Time
	Keep            bool
	IP              string
	UserAgent       string
	Content         string
	ProviderSession *string
}

func (sessionRow) TableName() string { return "sessions" }

func sessionRowOf(s session.Session) (sessionRow, error) {
	content, err := contentOf(s)
	if err != nil {
		return sessionRow{}, err
	}
	row := sessionRow{
		TenantID: string(s.User.Tenant), SessionHash: s.Hash, UserID: s.User.ID, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt,
		AuthenticatedAt: s.AuthenticatedAt, IdleAt: s.IdleAt, ExpiresAt: s.ExpiresAt, Keep: s.Keep,
		UserAgent: cut(s.UserAgent, 400), Content: content,
		ProviderSession: optional(idp.SessionKey(s.Content[idp.ContentConnection], s.Content[idp.ContentSID])),
	}
	if s.IP.IsValid() {
		row.IP = s.IP.String()
	}
	return row, nil
}

func contentOf(s session.Session) (string, error) {
	if len(s.Content) == 0 {
		return "", nil
	}
	content, err := json.Marshal(s.Content)
	return string(content), err
}

func (r sessionRow) session() session.Session {
	s := session.Session{
		Hash: r.SessionHash, User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, CreatedAt: r.CreatedAt.UTC(),
		SeenAt: r.SeenAt.UTC(), AuthenticatedAt: r.AuthenticatedAt.UTC(), IdleAt: r.IdleAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
		Keep: r.Keep, UserAgent: r.UserAgent,
	}
	s.IP, _ = netip.ParseAddr(r.IP)
	if r.Content != "" {
		_ = json.Unmarshal([]byte(r.Content), &s.Content)
	}
	return s
}

// AddSession stores a session.
func (db *DB) AddSession(ctx context.Context, s session.Session) error {
	row, err := sessionRowOf(s)
	if err != nil {
		return err
	}
	return db.db(ctx).Create(&row).Error
}

// liveRow is a session joined with its person.
type liveRow struct {
	Session       sessionRow
	Email         string
	EmailVerified bool
	Name          string
	GivenName     string
	FamilyName    string
	Nickname      string
	Username      string
	PhoneNumber   string
	PendingEmail  string
	Role          string
	Blocked       bool
	BlockedUntil  *time.Time
	BlockMessage  string
	Restricted    bool
	JoinedAt      *time.Time
	UserMetadata  string
	HasPassword   bool
	MustChange    bool
	ClosesAt      *time.Time
	AgeState      string
	WarnedAt      *time.Time
	Undecided     bool
}

// columns are where the columns of findSession go, in their order.
func (r *liveRow) columns() []any {
	s := &r.Session
	return []any{
		&s.TenantID, &s.SessionHash, &s.UserID, &s.CreatedAt, &s.SeenAt, &s.AuthenticatedAt, &s.IdleAt, &s.ExpiresAt, &s.Keep, &s.IP,
		&s.UserAgent, &s.Content, &r.Email, &r.EmailVerified, &r.Name, &r.GivenName, &r.FamilyName, &r.Nickname, &r.Username,
		&r.PhoneNumber, &r.PendingEmail, &r.Role, &r.Blocked, &r.BlockedUntil, &r.BlockMessage, &r.Restricted, &r.JoinedAt, &r.WarnedAt,
		&r.UserMetadata, &r.AgeState, &r.ClosesAt, &r.HasPassword, &r.MustChange, &r.Undecided,
	}
}

// asked is the condition that the version called by alias is meant for the person u with the id @who: terms.Version.Asks in SQL.
func asked(alias string) string {
	return strings.ReplaceAll(` AND (@v.joined_before IS NULL OR u.created_at < @v.joined_before)
		AND (@v.audience_locale = '' OR EXISTS (SELECT 1 FROM assents b WHERE b.tenant_id = @v.tenant_id AND b.user_id = @who
			AND b.document = @v.document AND b.number = @v.audience_number AND b.locale = @v.audience_locale))
		AND (@v.audience_name = '' OR EXISTS (SELECT 1 FROM user_facets f WHERE f.tenant_id = @v.tenant_id AND f.user_id = @who
			AND f.name = @v.audience_name AND f.value = @v.audience_value))
		AND (@v.untranslated = '' OR INSTR(@v.untranslated, CONCAT(' ', `+speaks("@v.tenant_id", "@who")+`, ' ')) = 0)`, "@v", alias)
}

// enforced is the condition that the version called by alias is asked of the person with the id @who at @now, as far as time
// decides: terms.Version.Enforced in SQL.
func enforced(alias string) string {
	return strings.ReplaceAll(`@v.enforce_at <= @now AND (@v.latest_at IS NULL OR @v.latest_at <= @now OR EXISTS (SELECT 1 FROM term_notices o
			WHERE o.tenant_id = @v.tenant_id AND o.document = @v.document AND o.number = @v.number AND o.user_id = @who AND o.due_at <= @now))`, "@v", alias)
}

// owes is the condition that the person u, whose tenant and id are in these columns, has terms to accept before anything
// else at @now: terms.Library.Satisfies in SQL.
func owes(tenantColumn, userColumn string) string {
	condition := `EXISTS (SELECT 1 FROM term_versions v WHERE v.tenant_id = @tenant_of AND v.gates = TRUE AND ` + enforced("v") + `
		AND v.effective_at <= @now AND v.withdrawn_at IS NULL` + asked("v") + `
		AND NOT EXISTS (SELECT 1 FROM assents a
			JOIN term_versions w ON w.tenant_id = a.tenant_id AND w.document = a.document AND w.number = a.number
			WHERE a.tenant_id = v.tenant_id AND a.user_id = @who AND a.document = v.document AND w.withdrawn_at IS NULL
			AND (a.expires_at IS NULL OR a.expires_at > @now) AND (a.number >= v.number OR w.governing_sha256 = v.governing_sha256))
		AND NOT EXISTS (SELECT 1 FROM term_versions n WHERE n.tenant_id = v.tenant_id AND n.document = v.document AND n.number > v.number
			AND n.gates = TRUE AND ` + enforced("n") + ` AND n.effective_at <= @now AND n.withdrawn_at IS NULL` + asked("n") + `))`
	return strings.NewReplacer("@tenant_of", tenantColumn, "@who", userColumn).Replace(condition)
}

// waiting is the version that the person u may decide about before they must, as "told document number", or "new document
// number" before a page has said so, or "".
var waiting = strings.ReplaceAll(`COALESCE((SELECT MIN(CONCAT(CASE WHEN t.seen_at IS NULL THEN 'new ' ELSE 'told ' END, v.document, ' ', v.number))
	FROM term_versions v LEFT JOIN term_notices t ON t.tenant_id = v.tenant_id AND t.document = v.document AND t.number = v.number AND t.user_id = u.user_id
	WHERE v.tenant_id = u.tenant_id AND v.gates = TRUE AND v.announce_at <= @now AND v.withdrawn_at IS NULL
	AND NOT (v.effective_at <= @now AND `+enforced("v")+`)`+asked("v")+`
	AND NOT EXISTS (SELECT 1 FROM assents a WHERE a.tenant_id = v.tenant_id AND a.user_id = u.user_id AND a.document = v.document
		AND a.number >= v.number)), '')`, "@who", "u.user_id")

// undecided is the condition that the person with the id in the second column may have something to decide about: a version that
// is announced or applies, and that neither their acceptance of it nor of a later one settles. Most people have none, and then
// they neither owe terms nor have any waiting; whoever may have some is looked at once more, with findGate.
const undecided = `EXISTS (SELECT 1 FROM term_versions v WHERE v.tenant_id = s.tenant_id AND v.gates = TRUE AND v.withdrawn_at IS NULL
		AND (v.announce_at <= @now OR v.effective_at <= @now)
		AND NOT EXISTS (SELECT 1 FROM assents a
			JOIN term_versions w ON w.tenant_id = a.tenant_id AND w.document = a.document AND w.number = a.number
			WHERE a.tenant_id = s.tenant_id AND a.user_id = s.user_id AND a.document = v.document AND a.number >= v.number
			AND w.withdrawn_at IS NULL AND (a.expires_at IS NULL OR a.expires_at > @now)))`

// findGate reads whether a person owes terms, and what waits for them.
var findGate = `SELECT ` + owes("u.tenant_id", "u.user_id") + `, ` + waiting + `
	FROM users u WHERE u.tenant_id = @tenant AND u.user_id = @user`

// findSession reads the session and its person in one statement: it runs for every request of somebody who is signed in.
const findSession = `SELECT s.tenant_id, s.session_hash, s.user_id, s.created_at, s.seen_at, s.authenticated_at, s.idle_at,
	s.expires_at, s.keep, s.ip, s.user_agent, s.content,
	COALESCE(u.email, '') AS email, COALESCE(u.email_verified, FALSE) AS email_verified, COALESCE(u.name, '') AS name,
	COALESCE(u.given_name, '') AS given_name, COALESCE(u.family_name, '') AS family_name, COALESCE(u.nickname, '') AS nickname,
	COALESCE(u.username, '') AS username, COALESCE(u.phone_number, '') AS phone_number,
	CASE WHEN e.done_at IS NULL THEN COALESCE(e.new_email, '') ELSE '' END AS pending_email, COALESCE(u.role, '') AS role, COALESCE(u.blocked, FALSE) AS blocked,
	u.blocked_until, COALESCE(u.block_message, '') AS block_message, COALESCE(u.restricted, FALSE) AS restricted, u.created_at AS joined_at, u.warned_at,
	COALESCE(u.user_metadata, '') AS user_metadata, COALESCE(u.age_state, '') AS age_state, z.due_at AS closes_at, p.user_id IS NOT NULL AS has_password, COALESCE(p.must_change, FALSE) AS must_change,
	u.user_id IS NOT NULL AND ` + undecided + `
	FROM sessions s
	LEFT JOIN users u ON u.tenant_id = s.tenant_id AND u.user_id = s.user_id
	LEFT JOIN passwords p ON p.tenant_id = s.tenant_id AND p.user_id = s.user_id
	LEFT JOIN email_changes e ON e.tenant_id = s.tenant_id AND e.user_id = s.user_id
	LEFT JOIN closings z ON z.tenant_id = s.tenant_id AND z.user_id = s.user_id
	WHERE s.tenant_id = @tenant AND s.session_hash = @hash`

// FindSession reads a session with its person, or returns session.ErrNone.
func (db *DB) FindSession(ctx context.Context, t tenant.ID, hash string) (session.Live, error) {
	var row liveRow
	err := db.first(ctx, db.session, map[string]any{"tenant": string(t), "hash": hash}, row.columns()...)
	if errors.Is(err, ErrNotFound) || (err == nil && row.Session.UserID != "" && row.JoinedAt == nil) {
		return session.Live{}, session.ErrNone
	}
	if err != nil {
		return session.Live{}, err
	}
	var owed bool
	var waits string
	if row.Undecided {
		who := map[string]any{"tenant": row.Session.TenantID, "user": row.Session.UserID}
		if err := db.first(ctx, db.gate, who, &owed, &waits); err != nil && !errors.Is(err, ErrNotFound) {
			return session.Live{}, err
		}
	}
	return session.Live{Session: row.Session.session(), Person: session.Person{
		Email: row.Email, EmailVerified: row.EmailVerified, Name: row.Name, GivenName: row.GivenName, FamilyName: row.FamilyName,
		Nickname: row.Nickname, Username: row.Username, PhoneNumber: row.PhoneNumber, PendingEmail: row.PendingEmail, Role: row.Role,
		Blocked: row.Blocked, BlockedUntil: orZero(row.BlockedUntil), BlockMessage: row.BlockMessage, Restricted: row.Restricted,
		CreatedAt: orZero(row.JoinedAt), UserMetadata: row.UserMetadata, HasPassword: row.HasPassword, MustChange: row.MustChange, TermsOwed: owed,
		TermsWaiting: waits,
		ClosesAt:     orZero(row.ClosesAt), WarnedAt: orZero(row.WarnedAt),
		Age: row.AgeState,
	}}, nil
}

func (db *DB) sessionColumns(ctx context.Context, s session.Session, columns map[string]any) error {
	return db.db(ctx).Table("sessions").Where("tenant_id = ? AND session_hash = ?", string(s.User.Tenant), s.Hash).
		UpdateColumns(columns).Error
}

// TouchSession notes when a session was used last and when it will be idle for too long.
func (db *DB) TouchSession(ctx context.Context, s session.Session) error {
	return db.sessionColumns(ctx, s, map[string]any{"seen_at": s.SeenAt, "idle_at": s.IdleAt})
}

// SaveContent replaces what a session remembers.
func (db *DB) SaveContent(ctx context.Context, s session.Session) error {
	content, err := contentOf(s)
	if err != nil {
		return err
	}
	return db.sessionColumns(ctx, s, map[string]any{"content": content})
}

// Sessions lists the sessions of u, newest first.
func (db *DB) Sessions(ctx context.Context, u tenant.User) ([]session.Session, error) {
	var rows []sessionRow
	err := db.db(ctx).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).
		Order("created_at DESC").Limit(200).Find(&rows).Error
	return sessionsOf(rows), err
}

// ProviderSessions lists the sessions that were opened by a connection in the provider's own session sid.
func (db *DB) ProviderSessions(ctx context.Context, t tenant.ID, connection, sid string) ([]session.Session, error) {
	var rows []sessionRow
	err := db.db(ctx).Where("tenant_id = ? AND provider_session = ?", string(t), idp.SessionKey(connection, sid)).Find(&rows).Error
	return sessionsOf(rows), err
}

func sessionsOf(rows []sessionRow) []session.Session {
	sessions := make([]session.Session, len(rows))
	for i, row := range rows {
		sessions[i] = row.session()
	}
	return sessions
}

// EndSession removes one session of u and reports whether there was one.
func (db *DB) EndSession(ctx context.Context, u tenant.User, hash string) (bool, error) {
	result := db.db(ctx).Exec("DELETE FROM sessions WHERE tenant_id = ? AND user_id = ? AND session_hash = ?",
		string(u.Tenant), u.ID, hash)
	return result.RowsAffected > 0, result.Error
}

// EndSessions removes the sessions of u except one and says how many.
func (db *DB) EndSessions(ctx context.Context, u tenant.User, except string) (int, error) {
	result := db.db(ctx).Exec("DELETE FROM sessions WHERE tenant_id = ? AND user_id = ? AND session_hash <> ?",
		string(u.Tenant), u.ID, except)
	return int(result.RowsAffected), result.Error
}

type deviceRow struct {
	TenantID   string
	UserID     string
	DeviceHash string
	SeenAt     time.Time
}

func (deviceRow) TableName() string { return "devices" }

// KnowDevice notes that u uses a device and reports whether u had used it before.
func (db *DB) KnowDevice(ctx context.Context, u tenant.User, device string, now time.Time) (bool, error) {
	row := deviceRow{string(u.Tenant), u.ID, device, now}
	result := db.db(ctx).Model(&row).Where("tenant_id = ? AND user_id = ? AND device_hash = ?", row.TenantID, row.UserID, device).
		UpdateColumn("seen_at", now)
	if result.Error != nil || result.RowsAffected > 0 {
		return true, result.Error
	}
	err := db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
	return false, err
}
