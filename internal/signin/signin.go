// Package signin lets people in by address and password, keeps guessers out, and asks again before what matters.
//
// Every refusal is the same from outside, whether the address is unknown, the password wrong or the account blocked by
// an administrator, and takes the same work (ASVS 6.3.8).
package signin

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// The fields of the form.
const (
	FieldEmail    = profile.FieldEmail
	FieldPassword = "password"
	FieldKeep     = "keep"
)

// UnblockLifetime is how long the link of a block letter works.
const UnblockLifetime = 24 * time.Hour

// ErrRefused is the one answer to every sign-in that fails.
var ErrRefused = errors.New("address or password is not right")

// Blocked is the answer to a right password when an administrator has blocked the account (rule B-6).
type Blocked struct {
	User    tenant.User
	Message string
}

// Error describes the refusal for logs.
func (Blocked) Error() string { return "account is blocked" }

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	FindByEmail(ctx context.Context, t tenant.ID, email string) (profile.Profile, error)
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	FindPassword(ctx context.Context, u tenant.User) (hash string, mustChange bool, err error)
	SavePassword(ctx context.Context, u tenant.User, hash string, now time.Time, rehashed bool) error
	SaveLogin(ctx context.Context, u tenant.User, at time.Time, ip string) error
}

// Service signs people in.
type Service struct {
	store    Store
	hasher   *password.Hasher
	guard    *guard.Service
	tickets  *ticket.Service
	sessions *session.Service
	outbox   *mail.Outbox
	log      *audit.Log
	now      func() time.Time
}

// New returns the service on store.
func New(store Store, hasher *password.Hasher, g *guard.Service, tickets *ticket.Service, sessions *session.Service,
	outbox *mail.Outbox, log *audit.Log, now func() time.Time,
) *Service {
	return &Service{store, hasher, g, tickets, sessions, outbox, log, now}
}

// Attempt is one try to sign in. Device is the id of the browser, which it keeps for a year.
type Attempt struct {
	Email    string
	Password string
	Keep     bool
	Device   string
}

// SignIn opens a session, or returns ErrRefused, *guard.TooMany or, to the right password only, Blocked.
func (s *Service) SignIn(ctx context.Context, a Attempt) (session.Session, error) {
	t, origin := tenant.From(ctx), audit.OriginOf(ctx)
	subject := guard.Subject{Account: profile.EmailKey(a.Email), IP: origin.IP, Device: session.HashOf(a.Device)}
	if err := s.guard.Allow(ctx, t.ID, guard.SignIn, subject); err != nil {
		return session.Session{}, errors.Join(s.recordRate(ctx, t.ID, err), err)
	}
	p, right, rehash, err := s.prove(ctx, t.ID, a)
	if err != nil {
		return session.Session{}, err
	}
	if !right {
		return session.Session{}, s.refuse(ctx, p, subject)
	}
	if p.Block.InForce(s.now()) {
		err := s.log.Record(ctx, audit.Event{Type: audit.SignInRefused, User: p.User, Detail: map[string]string{"reason": "blocked"}})
		return session.Session{}, errors.Join(err, Blocked{p.User, p.Block.Message})
	}
	if err := s.guard.Succeeded(ctx, t.ID, subject); err != nil {
		return session.Session{}, err
	}
	return s.open(ctx, p, a, rehash)
}

// prove finds the profile of an attempt and compares the password. An unknown address costs the same work.
func (s *Service) prove(ctx context.Context, t tenant.ID, a Attempt) (p profile.Profile, right, rehash bool, err error) {
	p, err = s.store.FindByEmail(ctx, t, a.Email)
	unknown := errors.Is(err, profile.ErrNotFound)
	if err != nil && !unknown {
		return p, false, false, err
	}
	if unknown {
		p.User.Tenant = t
	}
	right, rehash, err = s.compare(ctx, p.User, a.Password)
	return p, right, rehash, err
}

// compare compares a password with the one of u; a person without one, or nobody, costs the same work.
func (s *Service) compare(ctx context.Context, u tenant.User, plain string) (right, rehash bool, err error) {
	hash, _, err := s.store.FindPassword(ctx, u)
	if u.IsZero() || err != nil {
		if err := s.hasher.VerifyNothing(ctx, plain); err != nil {
			return false, false, err
		}
		return false, false, nil
	}
	return s.hasher.Verify(ctx, hash, plain)
}

// refuse counts and records a failed try, and mails the owner when it was the one too many (rule B-3).
func (s *Service) refuse(ctx context.Context, p profile.Profile, subject guard.Subject) error {
	subject.User = p.User
	outcome, err := s.guard.Failed(ctx, p.User.Tenant, subject)
	if err != nil {
		return err
	}
	event := audit.Event{Type: audit.SignInFailed, User: p.User}
	if p.User.IsZero() {
		event.Type = audit.SignInUnknown
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.log.Record(ctx, event); err != nil {
			return err
		}
		if outcome.StoppedNow {
			event := audit.Event{Type: audit.PlaceStopped, User: tenant.User{Tenant: p.User.Tenant}}
			if err := s.log.Record(ctx, event); err != nil {
				return err
			}
		}
		if !outcome.BlockedNow {
			return nil
		}
		return s.tellBlocked(ctx, p, subject, outcome.Tries)
	})
	return errors.Join(err, ErrRefused)
}

// recordRate records that somebody tries to sign in too often, once for each time that they are slowed down.
func (s *Service) recordRate(ctx context.Context, t tenant.ID, err error) error {
	if many, ok := errors.AsType[*guard.TooMany](err); !ok || !many.First {
		return nil
	}
	return s.log.Record(ctx, audit.Event{Type: audit.AccountRate, User: tenant.User{Tenant: t}})
}

func (s *Service) tellBlocked(ctx context.Context, p profile.Profile, subject guard.Subject, tries int) error {
	if err := s.log.Record(ctx, audit.Event{Type: audit.AutomaticBlock, User: p.User}); err != nil || p.User.IsZero() {
		return err
	}
	t := tenant.From(ctx)
	err := s.guard.Allow(ctx, t.ID, guard.BlockLetter, subject)
	if _, told := errors.AsType[*guard.TooMany](err); told {
		return nil
	}
	if err != nil {
		return err
	}
	issued, err := s.tickets.Issue(ctx, ticket.Order{
		User: p.User, Kind: ticket.Unblock, Address: p.Email, Note: subject.IP.String(), Lifetime: UnblockLifetime,
	})
	if err != nil {
		return err
	}
	return s.send(ctx, p, mail.BlockedAccount, mail.Facts{
		Code: issued.Code, Link: t.URL("/unblock/" + issued.Secret), Count: tries, TTL: UnblockLifetime,
	})
}

// send queues a letter about this request to p.
func (s *Service) send(ctx context.Context, p profile.Profile, kind mail.Kind, facts mail.Facts) error {
	t, origin := tenant.From(ctx), audit.OriginOf(ctx)
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	facts.Name, facts.Time, facts.IP, facts.Browser = p.Nickname, s.now(), origin.IP.String(), origin.UserAgent
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: kind, Language: language, Facts: facts,
	})
}

// open starts the session of somebody who has proven who they are.
func (s *Service) open(ctx context.Context, p profile.Profile, a Attempt, rehash bool) (session.Session, error) {
	origin := audit.OriginOf(ctx)
	newHash := ""
	if rehash {
		hash, err := s.hasher.Hash(ctx, a.Password)
		if err != nil {
			return session.Session{}, err
		}
		newHash = hash
	}
	var opened session.Session
	err := s.store.InTx(ctx, func(ctx context.Context) (err error) {
		if newHash != "" {
			if err := s.store.SavePassword(ctx, p.User, newHash, s.now(), true); err != nil {
				return err
			}
		}
		opened, err = s.Open(ctx, p, session.Opening{Keep: a.Keep, IP: origin.IP, UserAgent: origin.UserAgent}, a.Device)
		return err
	})
	return opened, err
}

// Open starts a session for p, who has just proven who they are, in the transaction of ctx: it notes the sign-in, and
// mails p when the device is new to them (security.md row 66).
func (s *Service) Open(ctx context.Context, p profile.Profile, o session.Opening, device string) (session.Session, error) {
	o.User, o.Admin = p.User, p.Role == profile.RoleAdmin
	opened, displaced, err := s.sessions.Start(ctx, o)
	if err != nil {
		return session.Session{}, err
	}
	if displaced > 0 { // row 39
		if err := s.send(ctx, p, mail.SessionLimit, mail.Facts{Link: tenant.From(ctx).URL("/account/security/sessions")}); err != nil {
			return session.Session{}, err
		}
	}
	if err := s.store.SaveLogin(ctx, p.User, s.now(), o.IP.String()); err != nil {
		return session.Session{}, err
	}
	known, err := s.sessions.KnowDevice(ctx, p.User, device)
	if err != nil {
		return session.Session{}, err
	}
	if !known && p.LoginsCount > 0 {
		if err := s.send(ctx, p, mail.NewSignIn, mail.Facts{Link: tenant.From(ctx).URL("/secure")}); err != nil {
			return session.Session{}, err
		}
	}
	return opened, s.log.Record(ctx, audit.Event{
		Type: audit.SignedIn, User: p.User, Actor: audit.Actor{Kind: audit.ByUser, ID: p.User.ID},
	})
}

// AfterSignUp opens the first session of u, in the browser that signed up and has now proven the address.
func (s *Service) AfterSignUp(ctx context.Context, u tenant.User, device string) (session.Session, error) {
	p, err := s.store.FindProfile(ctx, u)
	if err != nil {
		return session.Session{}, err
	}
	if p.Block.InForce(s.now()) {
		return session.Session{}, Blocked{p.User, p.Block.Message}
	}
	return s.open(ctx, p, Attempt{Device: device}, false)
}

// Confirm proves again that it is the signed-in person who asks, before something sensitive (row 42), and gives the
// session a new id. A wrong password counts as a failed sign-in. It returns ErrRefused or *guard.TooMany.
func (s *Service) Confirm(ctx context.Context, live session.Live, plain, device string) (session.Session, error) {
	t, origin := tenant.From(ctx), audit.OriginOf(ctx)
	subject := guard.Subject{Account: profile.EmailKey(live.Person.Email), IP: origin.IP, Device: session.HashOf(device)}
	if err := s.guard.Allow(ctx, t.ID, guard.Reauth, subject); err != nil {
		return session.Session{}, err
	}
	right, _, err := s.compare(ctx, live.User, plain)
	if err != nil {
		return session.Session{}, err
	}
	if !right {
		p, err := s.store.FindProfile(ctx, live.User)
		if err != nil {
			return session.Session{}, err
		}
		return session.Session{}, s.refuse(ctx, p, subject)
	}
	if err := s.guard.Succeeded(ctx, t.ID, subject); err != nil {
		return session.Session{}, err
	}
	renewed, err := s.sessions.Renew(ctx, live.Session)
	if err != nil {
		return session.Session{}, err
	}
	return renewed, s.log.Record(ctx, audit.Event{Type: audit.Reauthenticated, User: live.User})
}

// LookUnblock finds the ticket of an unblock link, without effect.
func (s *Service) LookUnblock(ctx context.Context, t tenant.ID, secret string) (ticket.Ticket, error) {
	return s.tickets.Look(ctx, t, ticket.Unblock, secret)
}

// Unblock lifts the automatic block of one address for one network address (rule B-5). An administrator's block stays.
func (s *Service) Unblock(ctx context.Context, c ticket.Claim) error {
	c.Kind = ticket.Unblock
	return s.tickets.Redeem(ctx, c, func(ctx context.Context, t ticket.Ticket) error {
		place, err := netip.ParseAddr(t.Note)
		if err != nil {
			return ticket.ErrUnknown
		}
		if err := s.guard.Unblock(ctx, t.User.Tenant, profile.EmailKey(t.Address), place); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.AutomaticUnblock, User: t.User, Actor: audit.Actor{Kind: audit.ByUser, ID: t.User.ID},
		})
	})
}
