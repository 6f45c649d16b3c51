package terms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
)

// The types of event in the record of assent.
const (
	Accepted     = "accepted"
	Acknowledged = "acknowledged"
	Declined     = "declined"
	Given        = "consented"
	Withdrawn    = "withdrawn"
	Objected     = "objected"
	Resumed      = "objection_withdrawn"
	Expired      = "expired"
	// Published and TakenBack are about a version, of nobody: a text that is swapped quietly becomes visible in the ledger.
	Published = "version_published"
	TakenBack = "version_withdrawn"
	Ended     = "document_retired"
	// GuardianApproved says that a parent or guardian approved that somebody who is too young uses the service.
	GuardianApproved = "guardian_approved"
	// Closing and Kept are about the account itself.
	Closing = "erasure_scheduled"
	Kept    = "erasure_cancelled"
)

// The ways an assent comes about.
const (
	MethodSignUp   = "signup"
	MethodGate     = "gate"
	MethodSettings = "settings"
	MethodMail     = "mail"
	MethodOneClick = "one_click_mail"
	MethodSignal   = "signal"
	MethodTime     = "time"
	MethodGuardian = "guardian"
)

// Event is one entry of the record of assent (terms.md 1.2). It is stored with all its fields as canonical JSON, which is
// what a receipt will speak of; it is never changed.
type Event struct {
	ID           string      `json:"event_id"`
	Schema       int         `json:"schema_version"`
	User         tenant.User `json:"-"`
	Tenant       string      `json:"tenant"`
	Subject      string      `json:"subject"`
	Type         string      `json:"type"`
	Document     string      `json:"document"`
	Number       int         `json:"number"`
	Manifest     string      `json:"manifest_sha256"`
	LocaleShown  string      `json:"locale_shown"`
	LocaleWanted string      `json:"locale_wanted"`
	Revision     int         `json:"text_revision"`
	SourceSHA256 string      `json:"source_sha256"`
	HTMLSHA256   string      `json:"html_sha256"`
	Previous     string      `json:"previous_event,omitempty"`
	Method       string      `json:"method"`
	Presentation string      `json:"presentation_sha256"`
	Control      string      `json:"control"`
	DiffFrom     int         `json:"diff_from,omitempty"`
	DiffTo       int         `json:"diff_to,omitempty"`
	Script       bool        `json:"script"`
	Purposes     []Box       `json:"purposes,omitempty"`
	SignedInAt   time.Time   `json:"authenticated_at,omitzero"`
	SignedInBy   string      `json:"authenticated_by,omitempty"`
	SignInLevel  string      `json:"authenticator_level,omitempty"`
	Session      string      `json:"session_sha256,omitempty"`
	IP           string      `json:"ip"`
	UserAgent    string      `json:"user_agent"`
	AcceptLang   string      `json:"accept_language,omitempty"`
	OptOut       string      `json:"sec_gpc,omitempty"`
	RequestID    string      `json:"request_id"`
	OccurredAt   time.Time   `json:"occurred_at"`
	IssuedAt     time.Time   `json:"page_issued_at,omitzero"`
	Deadline     time.Time   `json:"deadline,omitzero"`
	Nonce        string      `json:"nonce"`
	Actor        string      `json:"actor,omitempty"`
	Reason       string      `json:"reason,omitempty"`
	Evidence     string      `json:"evidence,omitempty"`
	AgeRule      string      `json:"age_rule,omitempty"`
	Guardian     string      `json:"guardian_channel,omitempty"`

	Source map[string]string `json:"import_source,omitempty"`
	// Placed says whether the entry has its place in the ledger's tree; it is no part of the record.
	Placed bool `json:"-"`
}

// Box is a box of the form by which a decision was made: which purpose, and whether it was ticked.
type Box struct {
	Purpose string `json:"purpose"`
	Ticked  bool   `json:"ticked"`
}

// Standing is a version that a person has accepted: derived from the record, and rebuildable from it.
type Standing struct {
	Document string
	Number   int
	Event    string
	Locale   string
	At       time.Time
	// ExpiresAt is when they are asked again, or zero (case 21).
	ExpiresAt time.Time
}

// Presentation is the screen on which an assent was given, without anything of the person: what a court would ask to see.
type Presentation struct {
	Build   string   `json:"build"`
	Screen  string   `json:"screen"`
	Locale  string   `json:"locale"`
	Control string   `json:"control"`
	Words   []string `json:"words"` // statement, labels of the buttons, texts of the links, in the order of the page
}

// statement is what was agreed to, as the screen said it.
func (p Presentation) statement() string {
	if len(p.Words) == 0 {
		return ""
	}
	return p.Words[0]
}

func (p Presentation) encode() (sha, content string) {
	encoded, _ := json.Marshal(p) // only texts
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:]), string(encoded)
}

// Decision is what a form says about one document: the very text it showed, by number and hash, and where it was shown.
// Nonce is one per form that was shown, so that sending it twice records it once.
type Decision struct {
	Document     string
	Number       int
	HTMLSHA256   string
	LocaleWanted string
	Nonce        string
	Method       string
	Presentation Presentation
	DiffFrom     int
	AcceptLang   string
	OptOut       string
	IssuedAt     time.Time
	SignedInBy   string // "password", or "provider" and its id
	Script       bool   // whether the browser ran ours
	Boxes        []Box
}

// level is how sure the way of signing in is (NIST SP 800-63B-4): one factor of ours, or what a provider does not say.
func (d Decision) level() string {
	if d.SignedInBy == ByPassword {
		return "aal1"
	}
	return ""
}

// ByPassword says that somebody signed in with their password.
const ByPassword = "password"

// AcceptAtSignUp records what somebody accepted with the account that is being created, in its transaction. It returns
// ErrChanged when a text is no longer the one in force, or when one that gates was not shown.
func (s *Service) AcceptAtSignUp(ctx context.Context, u tenant.User, decisions []Decision) error {
	library, now, err := s.fresh(ctx, u.Tenant)
	if err != nil {
		return err
	}
	if err := complete(library, now, decisions); err != nil {
		return err
	}
	for _, d := range decisions {
		e, err := s.record(ctx, library, now, u, d, Accepted)
		if err != nil {
			return err
		}
		if err := s.mirror(ctx, u, d, e); err != nil {
			return err
		}
	}
	return nil
}

// CheckAtSignUp is AcceptAtSignUp without its effect: it says the same about a form, whoever sends it.
func (s *Service) CheckAtSignUp(ctx context.Context, t tenant.ID, decisions []Decision) error {
	library, now, err := s.fresh(ctx, t)
	if err != nil {
		return err
	}
	return complete(library, now, decisions)
}

// complete reports whether decisions are about the texts in force, all of them.
func complete(library Library, now time.Time, decisions []Decision) error {
	type version struct {
		document string
		number   int
	}
	accepted := map[version]bool{}
	for _, d := range decisions {
		if _, _, ok := shown(library, now, d); !ok {
			return ErrChanged
		}
		accepted[version{d.Document, d.Number}] = true
	}
	for _, document := range library.Documents {
		current, ok := library.Current(document.Key, now)
		if document.Gates() && ok && !accepted[version{document.Key, current.Number}] {
			return ErrChanged
		}
	}
	return nil
}

// Accept records that u accepted a document. The text must be the one in force or an announced one; else it returns
// ErrChanged and records nothing (case 1). A form that is sent twice is recorded once.
func (s *Service) Accept(ctx context.Context, u tenant.User, d Decision) error {
	return s.decide(ctx, u, d, Accepted)
}

// Decline records that u declined a document. Nothing else happens: the gate stays.
func (s *Service) Decline(ctx context.Context, u tenant.User, d Decision) error {
	return s.decide(ctx, u, d, Declined)
}

func (s *Service) decide(ctx context.Context, u tenant.User, d Decision, what string) error {
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		library, now, err := s.fresh(ctx, u.Tenant)
		if err != nil {
			return err
		}
		e, err := s.record(ctx, library, now, u, d, what)
		if err != nil {
			return err
		}
		if what == Declined {
			return s.log.Record(ctx, audit.Event{Type: audit.TermsDeclined, User: u, Fields: []string{d.Document}})
		}
		return s.thank(ctx, library, u, d, e)
	})
	if errors.Is(err, ErrChanged) {
		return errors.Join(err, s.log.Record(ctx, audit.Event{Type: audit.TermsStaleForm, User: u, Fields: []string{d.Document}}))
	}
	if errors.Is(err, ErrRecorded) {
		return nil
	}
	return err
}

// ErrRecorded says that a form was sent before.
var ErrRecorded = errors.New("decision is recorded already")

// record appends the event and brings the standing up to date.
func (s *Service) record(ctx context.Context, library Library, now time.Time, u tenant.User, d Decision, what string) (Event, error) {
	document, ok := library.Document(d.Document)
	if !ok || !document.Assent.Gates() {
		return Event{}, ErrNotFound
	}
	if document.Retired() {
		return Event{}, ErrChanged
	}
	version, text, ok := shown(library, now, d)
	if !ok {
		return Event{}, ErrChanged
	}
	if what == Accepted && document.Assent == Acknowledge {
		what = Acknowledged
	}
	party, err := s.store.Party(ctx, u)
	if err != nil {
		return Event{}, err
	}
	before := library.standing(d.Document, party.Accepted)
	e, err := eventOf(ctx, u, d, version, text, now)
	if err != nil {
		return Event{}, err
	}
	sha, content := d.Presentation.encode()
	e.Type, e.Previous, e.Presentation, e.Control = what, before.Event, sha, d.Presentation.Control
	if err := s.store.AddPresentation(ctx, u.Tenant, sha, content, now); err != nil {
		return Event{}, err
	}
	if err := s.store.AppendAssent(ctx, e); err != nil {
		return Event{}, err
	}
	if what == Declined {
		return e, s.noticed(ctx, library, Notice{
			User: u, Document: d.Document, Number: version.Number, Locale: text.Locale, At: now, SeenAt: now, DeclinedAt: now,
		})
	}
	after := Standing{Document: d.Document, Number: version.Number, Event: e.ID, Locale: text.Locale, At: now}
	after.ExpiresAt = expiry(version, u, now)
	return e, s.store.SaveStanding(ctx, u, after)
}

// expiry is when an acceptance ends to count: after the version's months, give or take a tenth by the person's id, so that
// not everybody is asked on one day (case 21).
func expiry(v Version, u tenant.User, now time.Time) time.Time {
	if v.ReacceptMonths == 0 {
		return time.Time{}
	}
	sum := sha256.Sum256([]byte(u.ID))
	term := now.AddDate(0, v.ReacceptMonths, 0).Sub(now)
	spread := time.Duration(int64(term) / 5 * int64(sum[0]) / 255)
	return now.Add(term - term/10 + spread).Truncate(time.Microsecond)
}

// shown finds the version and text that a form showed: in force now, or announced; to the letter, in any revision of it
// (case 3).
func shown(library Library, now time.Time, d Decision) (Version, Text, bool) {
	version, ok := library.Current(d.Document, now)
	if !ok || version.Number != d.Number {
		version, ok = library.Version(d.Document, d.Number)
		if !ok || !version.Announced(now) {
			return Version{}, Text{}, false
		}
	}
	text, ok := library.revision(d.Document, version.Number, d.HTMLSHA256)
	return version, text, ok
}

func eventOf(ctx context.Context, u tenant.User, d Decision, v Version, t Text, now time.Time) (Event, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Event{}, err
	}
	origin, live := audit.OriginOf(ctx), session.From(ctx)
	e := Event{
		ID: id.String(), Schema: 1, User: u, Tenant: string(u.Tenant), Subject: u.ID, Document: d.Document, Number: v.Number,
		Manifest: v.Manifest, LocaleShown: t.Locale, LocaleWanted: d.LocaleWanted, Revision: t.Revision,
		SourceSHA256: t.SourceSHA256, HTMLSHA256: t.HTMLSHA256, Method: d.Method, DiffFrom: d.DiffFrom, DiffTo: v.Number,
		SignedInAt: live.AuthenticatedAt, Session: live.Hash, UserAgent: origin.UserAgent, AcceptLang: d.AcceptLang,
		SignedInBy: d.SignedInBy, SignInLevel: d.level(), Script: d.Script, Purposes: d.Boxes,
		OptOut: d.OptOut, RequestID: origin.RequestID, OccurredAt: now, IssuedAt: d.IssuedAt, Deadline: v.EnforceAt, Nonce: d.Nonce,
	}
	if origin.IP.IsValid() {
		e.IP = origin.IP.String()
	}
	if d.DiffFrom == 0 {
		e.DiffTo = 0
	}
	return e, nil
}

// ReceiptPath is where a person finds the proof of an event of theirs.
func ReceiptPath(event string) string { return "/account/terms/" + event + "/receipt" }

// PromisePath is where a person finds what was promised about an event of theirs, before its proof can be made.
func PromisePath(event string) string { return "/account/terms/" + event + "/promise" }

// about is an event of a version itself, which the ledger keeps with the manifest.
func about(ctx context.Context, what string, actor tenant.User, v Version, now time.Time) (Event, error) {
	e, err := eventOf(ctx, tenant.User{Tenant: actor.Tenant}, Decision{Document: v.Document}, v, Text{}, now)
	e.Type, e.Method, e.Control, e.Nonce = what, "admin", actor.ID, e.ID
	return e, err
}

// thank records the acceptance where people look, mirrors it for older applications (rule T-4), and mails a copy.
func (s *Service) thank(ctx context.Context, library Library, u tenant.User, d Decision, e Event) error {
	if err := s.mirror(ctx, u, d, e); err != nil {
		return err
	}
	if err := s.log.Record(ctx, audit.Event{Type: audit.TermsAccepted, User: u, Fields: []string{d.Document}}); err != nil {
		return err
	}
	t := tenant.From(ctx)
	p, err := s.store.FindProfile(ctx, u)
	if err != nil || p.Email == "" {
		return err
	}
	language, _ := profile.LetterLanguage(t, p, d.LocaleWanted)
	text, _ := library.Text(d.Document, d.Number, language)
	promise, files, err := s.promise(ctx, u, e)
	if err != nil {
		return err
	}
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: u.ID, To: p.Email, Kind: mail.TermsAccepted, Language: language,
		Facts: mail.Facts{
			Name: p.Nickname, Document: text.Title, Version: d.Number, Time: e.OccurredAt, Link: t.URL(Path(d.Document, d.Number, text.Locale)),
			SecondLink: t.URL(ReceiptPath(e.ID)), Text: d.Presentation.statement(), Proof: promise,
			Files: files,
		},
	})
}
