// Package admin is what only an administrator may do: find people, correct what is known of them, block and unblock
// them. Every write is recorded with who did it to whom, and where safety is concerned the person is told.
package admin

import (
	"context"
	"errors"
	"strings"
	"time"

	"portico/internal/age"
	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/verification"
)

// ErrLast says that the change would leave the tenant without an administrator, or is about oneself (rule B-7).
var ErrLast = errors.New("administrators cannot block or demote themselves, or the last one")

// The form fields of this package.
const (
	FieldReason  = "reason"
	FieldMessage = "message"
	FieldUntil   = "until"
	FieldUser    = "user_metadata"
	FieldApp     = "app_metadata"
)

// MaxReason is the most characters of a reason or message.
const MaxReason = 500

// State narrows a search.
type State string

// The states.
const (
	Everybody  State = ""
	Blocked    State = "blocked"
	Unverified State = "unverified"
	Admins     State = "admins"
	Restricted State = "restricted"
)

// Query is a search: people in a State, one of whose names, address or id begins with Text; without a text all of them, newest
// first. People whose accounts are restricted are found only by that State, or with Restricted set (rule G-5). After is the
// cursor of the last row before the page, or Before that of the first one behind it. Now decides which blocks have ended by
// themselves; Search sets it.
type Query struct {
	Text       string
	State      State
	Restricted bool
	After      string
	Before     string
	Limit      int
	Now        time.Time
}

// Found is one page of a search. Previous and Next are what Before and After are for the pages around it, empty at the ends.
type Found struct {
	People   []profile.Profile
	Previous string
	Next     string
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	SearchProfiles(ctx context.Context, t tenant.ID, q Query) (Found, error)
	// FindNames returns what people are called, by their ids: the name, else the address. Unknown ids are missing.
	FindNames(ctx context.Context, t tenant.ID, ids []string) (map[string]string, error)
	// Figures counts how a tenant is doing, each figure up to one more than MostCounted.
	Figures(ctx context.Context, t tenant.ID, now time.Time) (Figures, error)
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	// FindPeople returns those of these ids that are people of the tenant, in any order.
	FindPeople(ctx context.Context, t tenant.ID, ids []string) ([]profile.Profile, error)
	// AddProfile adds a person. It returns profile.ErrTaken when the address has an account.
	AddProfile(ctx context.Context, p profile.Profile) error
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	// LockAdmins locks the tenant's administrators until the transaction ends, and lists those not blocked at now.
	LockAdmins(ctx context.Context, t tenant.ID, now time.Time) ([]string, error)
	SaveBlock(ctx context.Context, p profile.Profile) error
	SaveRole(ctx context.Context, u tenant.User, role string) error
	SaveEdit(ctx context.Context, before, p profile.Profile) error
	SaveMetadata(ctx context.Context, p profile.Profile) error
	HasPassword(ctx context.Context, u tenant.User) (bool, error)
	RequirePasswordChange(ctx context.Context, u tenant.User) error
	// FindSettings reads the settings of a tenant, and with lock keeps others from changing them until the transaction ends.
	FindSettings(ctx context.Context, t tenant.ID, lock bool) (tenant.Settings, error)
	SaveSettings(ctx context.Context, t tenant.ID, s tenant.Settings) error
}

// Service does what administrators ask.
type Service struct {
	store        Store
	tickets      *ticket.Service
	sessions     *session.Service
	guard        *guard.Service
	verification *verification.Service
	passwords    *password.Service
	ages         *age.Service
	outbox       *mail.Outbox
	log          *audit.Log
	now          func() time.Time
}

// New returns the service on store.
func New(store Store, tickets *ticket.Service, sessions *session.Service, g *guard.Service, v *verification.Service,
	passwords *password.Service, ages *age.Service, outbox *mail.Outbox, log *audit.Log, now func() time.Time,
) *Service {
	return &Service{store, tickets, sessions, g, v, passwords, ages, outbox, log, now}
}

// Names are what people are called, by their ids; who is gone is missing.
func (s *Service) Names(ctx context.Context, t tenant.ID, ids ...string) (map[string]string, error) {
	return s.store.FindNames(ctx, t, ids)
}

// Search finds people of a tenant.
func (s *Service) Search(ctx context.Context, t tenant.ID, q Query) (Found, error) {
	q.Text, q.Now = strings.TrimSpace(q.Text), s.now()
	return s.store.SearchProfiles(ctx, t, q)
}

// Look returns one person whole, and records that it was looked at (security.md row 76). It returns profile.ErrNotFound.
func (s *Service) Look(ctx context.Context, actor, u tenant.User) (profile.Profile, error) {
	p, err := s.Find(ctx, actor, u)
	if err != nil {
		return p, err
	}
	return p, s.record(ctx, actor, u, audit.Event{Type: audit.AdminRead})
}

// Find returns one person whole. A person of another tenant is not found.
func (s *Service) Find(ctx context.Context, actor, u tenant.User) (profile.Profile, error) {
	if u.Tenant != actor.Tenant {
		return profile.Profile{}, profile.ErrNotFound
	}
	return s.store.FindProfile(ctx, u)
}

func (s *Service) record(ctx context.Context, actor, u tenant.User, what audit.Event) error {
	what.User, what.Actor = u, audit.Actor{Kind: audit.ByAdmin, ID: actor.ID}
	return s.log.Record(ctx, what)
}

// because is an event with the reason an administrator gave for it, which only administrators see.
func because(what audit.Type, reason string) audit.Event {
	return audit.Event{Type: what, Detail: map[string]string{FieldReason: strings.TrimSpace(reason)}}
}

// change locks the person, applies fn and records it, in one transaction.
func (s *Service) change(ctx context.Context, actor, u tenant.User, what audit.Event,
	fn func(ctx context.Context, p profile.Profile) (fields []string, err error),
) error {
	if u.Tenant != actor.Tenant {
		return profile.ErrNotFound
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		what.Fields, err = fn(ctx, p)
		if err != nil {
			return err
		}
		return s.record(ctx, actor, u, what)
	})
}

// tell mails the person what an administrator did.
func (s *Service) tell(ctx context.Context, p profile.Profile, kind mail.Kind, facts mail.Facts) error {
	if p.Email == "" {
		return nil
	}
	t := tenant.From(ctx)
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	facts.Name, facts.Time = p.Nickname, s.now()
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: kind, Language: language, Facts: facts,
	})
}
