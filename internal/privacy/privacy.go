// Package privacy takes in what people ask about their own data, to see it or to have it erased, and keeps the clock: an
// administrator answers within a month (GDPR article 12(3)).
package privacy

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// ErrNotFound says that there is no such request.
var ErrNotFound = errors.New("request not found")

// Kind is what somebody asks for.
type Kind string

// The kinds of request.
const (
	Download Kind = "download"
	Close    Kind = "close"
)

// Deadline is how long an answer may take.
const Deadline = 30 * 24 * time.Hour

// FieldAnswer is the form field of an answer, at most MaxAnswer characters.
const (
	FieldAnswer = "answer"
	MaxAnswer   = 2000
)

// Request is what somebody asked for. AnsweredAt is zero while it is open.
type Request struct {
	ID         string
	User       tenant.User
	Kind       Kind
	At         time.Time
	DueAt      time.Time
	AnsweredAt time.Time
	AnsweredBy string
	Answer     string
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	AddRequest(ctx context.Context, r Request) error
	Requests(ctx context.Context, u tenant.User) ([]Request, error)
	// OpenRequests lists requests that wait, the most urgent first, after the one with this id.
	OpenRequests(ctx context.Context, t tenant.ID, after string, limit int) ([]Request, error)
	LockRequest(ctx context.Context, t tenant.ID, id string) (Request, error)
	SaveAnswer(ctx context.Context, r Request) error
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
}

// Service takes requests in and answers them.
type Service struct {
	store  Store
	outbox *mail.Outbox
	log    *audit.Log
	now    func() time.Time
}

// New returns the service on store.
func New(store Store, outbox *mail.Outbox, log *audit.Log, now func() time.Time) *Service {
	return &Service{store, outbox, log, now}
}

// List returns what u asked for, newest first.
func (s *Service) List(ctx context.Context, u tenant.User) ([]Request, error) {
	return s.store.Requests(ctx, u)
}

// Open lists the requests of a tenant that wait for an answer, the most urgent first.
func (s *Service) Open(ctx context.Context, t tenant.ID, after string, limit int) ([]Request, error) {
	return s.store.OpenRequests(ctx, t, after, limit)
}

// Ask takes a request in and confirms it by letter. While one of the same kind waits, asking again changes nothing.
func (s *Service) Ask(ctx context.Context, u tenant.User, kind Kind) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, u) // one request at a time
		if err != nil {
			return err
		}
		all, err := s.store.Requests(ctx, u)
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.Kind == kind && r.AnsweredAt.IsZero() {
				return nil
			}
		}
		r := Request{ID: id.String(), User: u, Kind: kind, At: s.now(), DueAt: s.now().Add(Deadline)}
		if err := s.store.AddRequest(ctx, r); err != nil {
			return err
		}
		if err := s.tell(ctx, p, mail.RequestReceived, mail.Facts{Until: r.DueAt}); err != nil {
			return err
		}
		what := audit.ExportRequested
		if kind == Close {
			what = audit.ErasureRequested
		}
		return s.log.Record(ctx, audit.Event{Type: what, User: u})
	})
}

// Answer closes a request with words that reach the person by letter. It returns valid.Errors or ErrNotFound.
func (s *Service) Answer(ctx context.Context, actor tenant.User, id, answer string) error {
	answer = strings.TrimSpace(answer)
	var refused valid.Errors
	switch {
	case answer == "":
		refused.Add(FieldAnswer, "err.required")
	case utf8.RuneCountInString(answer) > MaxAnswer:
		refused.Add(FieldAnswer, "err.name.long", "max", MaxAnswer)
	}
	if err := refused.Err(); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		r, err := s.store.LockRequest(ctx, actor.Tenant, id)
		if err != nil || !r.AnsweredAt.IsZero() {
			return err
		}
		r.AnsweredAt, r.AnsweredBy, r.Answer = s.now(), actor.ID, answer
		if err := s.store.SaveAnswer(ctx, r); err != nil {
			return err
		}
		p, err := s.store.FindProfile(ctx, r.User)
		if err != nil {
			return err
		}
		if err := s.tell(ctx, p, mail.RequestAnswered, mail.Facts{Message: answer}); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.RequestAnswered, User: r.User, Actor: audit.Actor{Kind: audit.ByAdmin, ID: actor.ID}, Fields: []string{string(r.Kind)},
		})
	})
}

func (s *Service) tell(ctx context.Context, p profile.Profile, kind mail.Kind, facts mail.Facts) error {
	if p.Email == "" {
		return nil
	}
	t := tenant.From(ctx)
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	facts.Name, facts.Time, facts.Link = p.Nickname, s.now(), t.URL("/account/data")
	return s.outbox.Send(ctx, mail.Letter{Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: kind, Language: language, Facts: facts})
}
