package age

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
	"portico/internal/valid"
)

// ErrSettled says that nobody waits for a guardian here, or no longer.
var ErrSettled = errors.New("no guardian's answer is waited for")

// Patience is how long a guardian has to answer, since the first letter to one; as long waits who names none.
const Patience = 14 * 24 * time.Hour

// FieldGuardian is the field of a guardian's address.
const FieldGuardian = "guardian_email"

// Guardian is whom somebody who is too young has named. Address is empty until they have, and AskedAt zero; at DueAt the
// account closes. All of it is kept only until there is an answer.
type Guardian struct {
	User    tenant.User
	Address string
	AskedAt time.Time
	DueAt   time.Time
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	// SaveAge writes what app_metadata says, and the version.
	SaveAge(ctx context.Context, p profile.Profile) error
	// FindGuardian returns whom u has named; without a row the zero DueAt says so.
	FindGuardian(ctx context.Context, u tenant.User) (Guardian, error)
	SaveGuardian(ctx context.Context, g Guardian) error
	RemoveGuardian(ctx context.Context, u tenant.User) error
	// DueGuardians lists people of a tenant whose guardian has not answered until now, the longest due first.
	DueGuardians(ctx context.Context, t tenant.ID, now time.Time, limit int) ([]tenant.User, error)
	// Addresses lists where a person can be reached, or could be since a time.
	Addresses(ctx context.Context, p profile.Profile, since time.Time) ([]string, error)
}

// Config is what the service is made of.
type Config struct {
	Store    Store
	Terms    *terms.Service
	Closings *privacy.Closings
	Tickets  *ticket.Service
	Guard    *guard.Service
	Outbox   *mail.Outbox
	Log      *audit.Log
	Now      func() time.Time
}

// Service asks, keeps the result, and waits for guardians.
type Service struct{ Config }

// New returns the service.
func New(c Config) *Service { return &Service{c} }

// today is the day of the reader.
func (s *Service) today(ctx context.Context) time.Time {
	year, month, day := s.Now().In(i18n.Zone(ctx)).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Answer takes in what u says of their age, once: who has answered before keeps that result. Of who is too young a guardian
// is asked for, or the account begins to close, as the tenant decides. It returns how far the question is then, and
// valid.Errors. The date of birth is gone when it returns.
func (s *Service) Answer(ctx context.Context, u tenant.User, a Answer) (profile.AgeState, error) {
	t := tenant.From(ctx)
	today := s.today(ctx)
	born, rule, refused := a.read(today, t.Age.Country)
	if err := refused.Err(); err != nil {
		return profile.AgeUnknown, err
	}
	enough, state := rule.Reached(born, today), profile.AgeUnknown
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.Store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		if state = p.Age(); state != profile.AgeUnknown {
			return s.Store.SaveAge(ctx, p) // whoever asked did not know, so let everybody know
		}
		guardian := ""
		if !enough && t.Age.Under == tenant.AgeGuardian {
			guardian = profile.GuardianPending
		}
		p.AppMetadata = p.AppMetadata.Patch(profile.AgeResult(enough, rule.ID(), guardian, s.Now()))
		state = p.Age()
		if err := s.save(ctx, p); err != nil {
			return err
		}
		err = s.Log.Record(ctx, audit.Event{
			Type: audit.AgeChecked, User: u, Detail: map[string]string{"rule": rule.ID(), "enough": strconv.FormatBool(enough)},
		})
		switch {
		case err != nil || enough:
			return err
		case guardian != "":
			return s.Store.SaveGuardian(ctx, Guardian{User: u, DueAt: s.Now().Add(Patience)})
		}
		_, err = s.Closings.CloseUnderAge(ctx, u, "", session.From(ctx).Hash)
		return err
	})
	return state, err
}

// save writes the result. Of who is too young it makes every form stale that was made from the profile before, so that none
// takes the result away.
func (s *Service) save(ctx context.Context, p profile.Profile) error {
	if p.Age() != profile.AgeOK {
		p.Version++
	}
	p.UpdatedAt = s.Now()
	return s.Store.SaveAge(ctx, p)
}

// Clear takes the result away, so that the person is asked again: an administrator decides that. It belongs in the
// administrator's transaction.
func (s *Service) Clear(ctx context.Context, p profile.Profile) error {
	p.AppMetadata = p.AppMetadata.WithoutAge()
	p.Version++
	p.UpdatedAt = s.Now()
	if err := s.Store.SaveAge(ctx, p); err != nil {
		return err
	}
	return s.forget(ctx, p.User)
}

// forget removes a guardian's address and makes the links to them useless.
func (s *Service) forget(ctx context.Context, u tenant.User) error {
	if err := s.Store.RemoveGuardian(ctx, u); err != nil {
		return err
	}
	return s.Tickets.Void(ctx, u, ticket.Guardian)
}

// FindGuardian returns whom u has named; its DueAt is zero when nobody is waited for.
func (s *Service) FindGuardian(ctx context.Context, u tenant.User) (Guardian, error) {
	return s.Store.FindGuardian(ctx, u)
}

// AskGuardian writes to the guardian at an address, or again to the one that u named before when it is empty. Only the
// newest letter counts. It returns valid.Errors, *guard.TooMany and ErrSettled.
func (s *Service) AskGuardian(ctx context.Context, u tenant.User, address string) error {
	t := tenant.From(ctx)
	address = strings.TrimSpace(address)
	known, err := s.Store.FindGuardian(ctx, u)
	if err != nil {
		return err
	}
	if address == "" {
		address = known.Address
	}
	p, err := s.Store.FindProfile(ctx, u)
	if err != nil {
		return err
	}
	if err := s.check(ctx, p, address); err != nil {
		return err
	}
	subject := guard.Subject{Account: profile.EmailKey(address), User: u, IP: audit.OriginOf(ctx).IP}
	if err := s.Guard.Allow(ctx, t.ID, guard.GuardianLetter, subject); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.Store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		if p.Age() != profile.AgePending {
			return ErrSettled
		}
		g, err := s.Store.FindGuardian(ctx, u)
		if err != nil {
			return err
		}
		if g.AskedAt.IsZero() {
			g = Guardian{User: u, DueAt: s.Now().Add(Patience)}
		}
		g.Address, g.AskedAt = address, s.Now()
		if err := s.Store.SaveGuardian(ctx, g); err != nil {
			return err
		}
		return s.write(ctx, p, g)
	})
}

// check says what is wrong with a guardian's address: it must be another person's, as far as addresses tell.
func (s *Service) check(ctx context.Context, p profile.Profile, address string) error {
	var refused valid.Errors
	for _, problem := range profile.CheckEmail(address) {
		refused.Add(FieldGuardian, problem.Key, problem.Args...)
	}
	own, err := s.Store.Addresses(ctx, p, p.CreatedAt)
	if err != nil {
		return err
	}
	for _, one := range own {
		if len(refused) == 0 && mailbox(one) == mailbox(address) {
			refused.Add(FieldGuardian, "err.guardian.own")
		}
	}
	return refused.Err()
}

// mailbox is an address without what many providers let people add to their name behind a plus sign.
func mailbox(address string) string {
	local, domain, _ := strings.Cut(profile.EmailKey(address), "@")
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}

// write queues the letter that asks. The ticket does not know the address, and no browser needs no code: not even that of
// the person whom it is about.
func (s *Service) write(ctx context.Context, p profile.Profile, g Guardian) error {
	lifetime := g.DueAt.Sub(s.Now())
	issued, err := s.Tickets.Issue(ctx, ticket.Order{User: p.User, Kind: ticket.Guardian, Lifetime: lifetime})
	if err != nil {
		return err
	}
	t := tenant.From(ctx)
	err = s.Outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, To: g.Address, Kind: mail.GuardianRequest, Language: s.language(ctx, p),
		Facts: mail.Facts{
			Address: called(p), Code: issued.Code, Until: g.DueAt, Time: s.Now(), Link: t.URL("/guardian/" + issued.Secret),
		},
	})
	if errors.Is(err, mail.ErrAddress) {
		return valid.Errors{{Field: FieldGuardian, Key: "err.email.form"}}
	}
	if err != nil {
		return err
	}
	return s.Log.Record(ctx, audit.Event{Type: audit.GuardianAsked, User: p.User})
}

func (s *Service) language(ctx context.Context, p profile.Profile) string {
	language, _ := profile.LetterLanguage(tenant.From(ctx), p, i18n.Current(ctx).Tag)
	return language
}

// called is how a guardian knows whom a letter is about: by the address, without one by the letters of the name.
func called(p profile.Profile) string {
	if p.Email != "" {
		return p.Email
	}
	name := strings.Join(strings.FieldsFunc(p.Name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }), " ")
	return string([]rune(name)[:min(len([]rune(name)), 60)])
}
