// Package privacy takes in what people ask about their own data and keeps the clock: an administrator answers within a
// month (GDPR article 12(3)). While what is right is in dispute, the account is restricted.
package privacy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
)

// Errors of this package.
var (
	ErrNotFound = errors.New("request not found")
	// ErrTooLate says that a term was extended already, or is over: people hear of it within the first month.
	ErrTooLate = errors.New("the term cannot be extended any more")
	// ErrAdministrator says that an administrator's account is not restricted: somebody must answer.
	ErrAdministrator = errors.New("administrators cannot be restricted")
	// ErrOpen says that the same is asked for already.
	ErrOpen = errors.New("such a request is open")
)

// Kind is what somebody asks for.
type Kind string

// The kinds of request: a copy, closing the account, and GDPR articles 16, 21 and 18. Withdrawal is from a contract
// (Directive 2011/83/EU, article 11a), and may come from a stranger.
const (
	Download      Kind = "download"
	Close         Kind = "close"
	Rectification Kind = "rectification"
	Objection     Kind = "objection"
	Restriction   Kind = "restriction"
	Withdrawal    Kind = "withdrawal"
)

// Kinds lists the kinds of request.
func Kinds() []Kind {
	return []Kind{Rectification, Objection, Restriction, Withdrawal, Download, Close}
}

// Restricts reports whether the account is restricted while a request of this kind is open (GDPR article 18(1)).
func (k Kind) Restricts() bool { return k == Rectification || k == Objection || k == Restriction }

// Outcome is what an answer decides.
type Outcome string

// The outcomes. What is neither granted nor refused is answered.
const (
	Granted  Outcome = "granted"
	Refused  Outcome = "refused"
	Answered Outcome = "answered"
)

// Form fields, and the most characters of what they hold.
const (
	FieldAnswer   = "answer"
	FieldReason   = "reason"
	FieldSubject  = "subject"
	FieldValue    = "value"
	FieldNote     = "note"
	MaxAnswer     = 2000
	MaxReason     = 500
	MaxNote       = 2000
	MaxValue      = 350
	MaxReference  = 200
	FieldContact  = "email"
	FieldContract = "reference"
	FieldName     = "name"
)

// Other is the subject of a rectification of what is no attribute; an administrator corrects it by hand.
const Other = "other"

// Request is what somebody asked for. Subject is the attribute that is wrong, or the purpose that is objected to, Note
// what they wrote. Name, Contact, Reference and Locale are of somebody who withdraws from a contract; Form is kept nowhere.
// ExtendedAt is zero unless the term was extended, AnsweredAt while it is open.
type Request struct {
	ID         string
	User       tenant.User
	Kind       Kind
	Subject    string
	Old        string
	New        string
	Note       string
	Name       string
	Contact    string
	Reference  string
	Locale     string
	Form       string
	At         time.Time
	DueAt      time.Time
	ExtendedAt time.Time
	Extension  string
	AnsweredAt time.Time
	AnsweredBy string
	Answer     string
	Outcome    Outcome
}

// Open reports whether r waits for an answer.
func (r Request) Open() bool { return r.AnsweredAt.IsZero() }

// MayExtend reports whether the term of r can be extended at now: once, and while it lasts (GDPR article 12(3)).
func (r Request) MayExtend(now time.Time) bool {
	return r.Open() && r.ExtendedAt.IsZero() && now.Before(r.DueAt) && r.Kind != Withdrawal
}

// Decidable reports whether an answer to r grants or refuses something.
func (r Request) Decidable() bool { return r.Kind.Restricts() || r.Kind == Withdrawal }

// OpenKey is the same for two requests of which only one may be open.
func (r Request) OpenKey() string {
	parts := []string{string(r.Kind), r.User.ID, r.Subject, r.Contact, r.Reference}
	if r.Kind == Withdrawal {
		parts = append(parts, r.Name, r.Form)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// due is when the answer to r must be there: a month later, and for who withdraws from a contract as soon as their money
// must be back (Directive 2011/83/EU, article 13(1)).
func (r Request) due() time.Time {
	if r.Kind == Withdrawal {
		return r.At.AddDate(0, 0, refund)
	}
	return Months(r.At, term)
}

// Cursor is where the page after r begins.
func (r Request) Cursor() string { return strconv.FormatInt(r.DueAt.UnixMicro(), 10) + "." + r.ID }

// ParseCursor reads a Cursor; ok is false for anything else.
func ParseCursor(cursor string) (due time.Time, id string, ok bool) {
	micros, id, _ := strings.Cut(cursor, ".")
	n, err := strconv.ParseInt(micros, 10, 64)
	return time.UnixMicro(n).UTC(), id, err == nil && id != ""
}

// Months is the day n months after at, and the last of the month where it has no such day.
func Months(at time.Time, n int) time.Time {
	first := time.Date(at.Year(), at.Month()+time.Month(n), 1, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(at.Day(), last)-1)
}

// The terms of GDPR article 12(3), in months, and of who withdraws from a contract, in days.
const (
	term      = 1
	extension = 2
	refund    = 14
)

// Filter narrows a list of requests: Kind, and whether they are answered. After is a Cursor.
type Filter struct {
	Kind   Kind
	Closed bool
	After  string
	Limit  int
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// AddRequest stores a request, or returns ErrOpen when one with its OpenKey is open.
	AddRequest(ctx context.Context, r Request) error
	Requests(ctx context.Context, u tenant.User) ([]Request, error)
	// SearchRequests lists requests of a tenant: those that wait, the most urgent first, or those answered, the newest first.
	SearchRequests(ctx context.Context, t tenant.ID, f Filter) ([]Request, error)
	FindRequest(ctx context.Context, t tenant.ID, id string) (Request, error)
	// FindOpen finds the request with an OpenKey that is open.
	FindOpen(ctx context.Context, t tenant.ID, key string) (Request, error)
	LockRequest(ctx context.Context, t tenant.ID, id string) (Request, error)
	SaveAnswer(ctx context.Context, r Request) error
	SaveExtension(ctx context.Context, r Request) error
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	SaveEdit(ctx context.Context, before, p profile.Profile) error
	SaveRestriction(ctx context.Context, p profile.Profile) error
}

// Objector stops a use of data to which somebody has objected.
type Objector interface {
	Uphold(ctx context.Context, u tenant.User, document string) error
}

// Service takes requests in and answers them.
type Service struct {
	store    Store
	objector Objector
	sessions *session.Service
	guard    *guard.Service
	outbox   *mail.Outbox
	log      *audit.Log
	now      func() time.Time
}

// New returns the service on store. An objection that is granted goes to objector.
func New(
	store Store, objector Objector, sessions *session.Service, guesses *guard.Service, outbox *mail.Outbox, log *audit.Log, now func() time.Time,
) *Service {
	return &Service{store, objector, sessions, guesses, outbox, log, now}
}

// List returns what u asked for, newest first.
func (s *Service) List(ctx context.Context, u tenant.User) ([]Request, error) {
	return s.store.Requests(ctx, u)
}

// Search lists requests of a tenant.
func (s *Service) Search(ctx context.Context, t tenant.ID, f Filter) ([]Request, error) {
	return s.store.SearchRequests(ctx, t, f)
}

// Find returns a request of a tenant, or ErrNotFound.
func (s *Service) Find(ctx context.Context, t tenant.ID, id string) (Request, error) {
	return s.store.FindRequest(ctx, t, id)
}

// Correctable lists what p may ask to have corrected: what they cannot change themselves, and Other.
func Correctable(t tenant.Tenant, p profile.Profile) []string {
	var names []string
	editable := profile.Editable(t)
	for _, name := range profile.Correctable(t, p) {
		if (!slices.Contains(editable, name) || p.IsManaged(name)) && t.Policy(name).Access != tenant.Hide {
			names = append(names, name)
		}
	}
	schema, _ := profile.ParseSchema(t.Metadata) // what cannot be read declares nothing
	for _, property := range schema.ReadOnly() {
		names = append(names, profile.MetadataField(property.Key))
	}
	return append(names, Other)
}
