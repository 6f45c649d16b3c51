// Package signup creates an account: the profile, its password, the acceptance of the terms and the letter that
// proves the address, in one transaction.
//
// A taken address looks the same as any other from outside; its owner is told by letter (rules V-6, X-1).
package signup

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/internal/verification"
)

// The fields of the form.
const (
	FieldEmail    = profile.FieldEmail
	FieldPassword = password.FieldPassword
	FieldTerms    = "terms"
)

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	FindByEmail(ctx context.Context, t tenant.ID, email string) (profile.Profile, error)
	AddProfile(ctx context.Context, p profile.Profile) error
	SavePassword(ctx context.Context, u tenant.User, hash string, now time.Time, rehashed bool) error
}

// Service creates accounts.
type Service struct {
	store        Store
	hasher       *password.Hasher
	guard        *guard.Service
	terms        *terms.Service
	verification *verification.Service
	outbox       *mail.Outbox
	log          *audit.Log
	now          func() time.Time
}

// New returns the service on store.
func New(store Store, hasher *password.Hasher, g *guard.Service, documents *terms.Service, v *verification.Service, outbox *mail.Outbox,
	log *audit.Log, now func() time.Time,
) *Service {
	return &Service{store, hasher, g, documents, v, outbox, log, now}
}

// Request is what a stranger asks for. Browser is the hash of the browser that asks. Decisions are
// the documents that the form showed, one box for all of them.
type Request struct {
	Email    string
	Password string
	Browser  string

	Accepted  bool // the box was ticked
	Decisions []terms.Decision
}

// Create makes the account, or, when the address is taken, tells its owner: to the caller both are the same. It returns
// valid.Errors when a field is refused and *guard.TooMany after too many tries from one place, and
// terms.ErrChanged when a newer version came into force while the form was open.
func (s *Service) Create(ctx context.Context, r Request) error {
	t := tenant.From(ctx)
	r.Email = strings.TrimSpace(r.Email)
	if err := s.check(t, r).Err(); err != nil {
		return err
	}
	if t.Age.Ask {
		r.Decisions = nil // accepted at the gate, once the age is known (case 10)
	} else if err := s.terms.CheckAtSignUp(ctx, t.ID, r.Decisions); err != nil {
		return err
	}
	origin := audit.OriginOf(ctx)
	if err := s.guard.Allow(ctx, t.ID, guard.SignUp, guard.Subject{Account: profile.EmailKey(r.Email), IP: origin.IP}); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, r.Password)
	if err != nil {
		return err
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error { return s.add(ctx, t, r, hash) })
	if errors.Is(err, profile.ErrTaken) {
		return s.store.InTx(ctx, func(ctx context.Context) error { return s.tellOwner(ctx, t, r) })
	}
	return err
}

func (s *Service) check(t tenant.Tenant, r Request) valid.Errors {
	refused := profile.CheckEmail(r.Email)
	local, _, _ := strings.Cut(r.Email, "@")
	words := password.ContextOf(t.Product, string(t.ID), t.Origin, r.Email, local)
	refused = append(refused, password.PolicyOf(t.Settings).Check(r.Password, words)...)
	if len(r.Decisions) > 0 && !r.Accepted && !t.Age.Ask {
		refused.Add(FieldTerms, "err.terms.box")
	}
	return refused
}

func (s *Service) add(ctx context.Context, t tenant.Tenant, r Request, hash string) error {
	if _, err := s.store.FindByEmail(ctx, t.ID, r.Email); err == nil {
		return profile.ErrTaken
	} else if !errors.Is(err, profile.ErrNotFound) {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now := s.now()
	local, _, _ := strings.Cut(r.Email, "@")
	p := profile.Profile{
		User: tenant.User{Tenant: t.ID, ID: profile.Database + "|" + id.String()}, Version: 1, Connection: profile.Database,
		Email: r.Email, Name: r.Email, Nickname: local, UserMetadata: profile.Metadata{
			profile.FieldLang: json.RawMessage(strconv.Quote(i18n.Current(ctx).Tag)), // letters come in the language of this page
		},
		CreatedAt: now, UpdatedAt: now, EditedAt: now,
	}
	if len([]rune(p.Name)) > profile.MaxName {
		p.Name = local
	}
	if err := s.store.AddProfile(ctx, p); err != nil {
		return err
	}
	if err := s.store.SavePassword(ctx, p.User, hash, now, false); err != nil {
		return err
	}
	if !t.Age.Ask {
		if err := s.terms.AcceptAtSignUp(ctx, p.User, r.Decisions); err != nil {
			return err
		}
	}
	if err := s.verification.Send(ctx, p, r.Browser); err != nil {
		return err
	}
	return s.log.Record(ctx, audit.Event{Type: audit.SignedUp, User: p.User, Actor: audit.Actor{Kind: audit.ByUser, ID: p.User.ID}})
}

// tellOwner does for a taken address what add does for a free one, as far as the stranger can tell.
func (s *Service) tellOwner(ctx context.Context, t tenant.Tenant, r Request) error {
	owner, err := s.store.FindByEmail(ctx, t.ID, r.Email)
	if err != nil {
		return err
	}
	if err := s.verification.Decoy(ctx, t, r.Email, r.Browser); err != nil {
		return err
	}
	language, _ := profile.LetterLanguage(t, owner, i18n.Current(ctx).Tag)
	err = s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: owner.User.ID, To: owner.Email, Kind: mail.AlreadyRegistered, Language: language,
		Facts: mail.Facts{Name: owner.Nickname, Link: t.URL("/login"), SecondLink: t.URL("/password/forgot")},
	})
	if err != nil {
		return err
	}
	return s.log.Record(ctx, audit.Event{Type: audit.SignUpFailed, User: owner.User, Detail: map[string]string{"reason": "taken"}})
}
