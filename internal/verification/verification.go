// Package verification proves that an address is a person's own, and changes it safely (rules V-1…V-8, rows 24–29).
package verification

import (
	"context"
	"errors"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// Times around a change of address (security.md rows 27, 28).
const (
	// Wait is how long a change of address waits when the old address does not approve it.
	Wait = 72 * time.Hour
	// Freeze is how long the address cannot be changed after somebody undid a change.
	Freeze = 24 * time.Hour
)

// Errors of this package.
var (
	ErrAlready = errors.New("address is already verified")
	ErrFrozen  = errors.New("address cannot be changed for a while")
	ErrNone    = errors.New("no change of address is pending")
)

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	FindByEmail(ctx context.Context, t tenant.ID, email string) (profile.Profile, error)
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	SaveEmail(ctx context.Context, p profile.Profile) error
	FindChange(ctx context.Context, u tenant.User) (Change, error)
	LockChange(ctx context.Context, u tenant.User) (Change, error)
	SaveChange(ctx context.Context, c Change) error
	DueChanges(ctx context.Context, now time.Time, limit int) ([]Change, error)
}

// Service proves and changes addresses.
type Service struct {
	store    Store
	tickets  *ticket.Service
	guard    *guard.Service
	outbox   *mail.Outbox
	sessions *session.Service
	resets   Resets
	log      *audit.Log
	now      func() time.Time
}

// Resets mails somebody a link for a new password.
type Resets interface {
	Send(ctx context.Context, p profile.Profile, browser string) error
}

// New returns the service on store.
func New(store Store, tickets *ticket.Service, g *guard.Service, outbox *mail.Outbox, sessions *session.Service, resets Resets,
	log *audit.Log, now func() time.Time,
) *Service {
	return &Service{store, tickets, g, outbox, sessions, resets, log, now}
}

// Send mails p a link and a code that prove its address, and voids the ones sent before. browser is the hash of the
// browser that asked, in which the link alone will do. It belongs in the transaction of its cause.
func (s *Service) Send(ctx context.Context, p profile.Profile, browser string) error {
	t := tenant.From(ctx)
	issued, err := s.tickets.Issue(ctx, ticket.Order{
		User: p.User, Kind: ticket.Verify, Address: p.Email, Browser: browser, Lifetime: t.VerifyLifetime(),
	})
	if err != nil {
		return err
	}
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: mail.VerifyEmail, Language: language,
		Facts: mail.Facts{Name: p.Nickname, Code: issued.Code, Link: t.URL("/verify/" + issued.Secret), TTL: t.VerifyLifetime(), Time: s.now()},
	})
}

// Decoy does what Send does, for an address whose owner must not be mailed a proof: nobody can tell from outside.
func (s *Service) Decoy(ctx context.Context, t tenant.Tenant, address, browser string) error {
	_, err := s.tickets.Issue(ctx, ticket.Order{
		User: tenant.User{Tenant: t.ID}, Kind: ticket.Verify, Address: address, Browser: browser, Lifetime: t.VerifyLifetime(),
	})
	return err
}

// Pending returns the newest proof that waits for u, or for a User without ID the newest this browser asked for.
func (s *Service) Pending(ctx context.Context, u tenant.User, browser string) (ticket.Ticket, error) {
	return s.tickets.Newest(ctx, u, browser, ticket.Verify)
}

// Look finds the proof that a link carries, without effect.
func (s *Service) Look(ctx context.Context, t tenant.ID, secret string) (ticket.Ticket, error) {
	return s.tickets.Look(ctx, t, ticket.Verify, secret)
}

// Again mails a new proof to the signed-in u, or to the address that this browser signed up with. Who it is for is not
// told. It returns *guard.TooMany when it was asked too often and ErrAlready when u has proven the address.
func (s *Service) Again(ctx context.Context, u tenant.User, browser string) error {
	t := tenant.From(ctx)
	address, owner, err := s.addressee(ctx, u, browser)
	if err != nil {
		return err
	}
	subject := guard.Subject{Account: profile.EmailKey(address), IP: audit.OriginOf(ctx).IP}
	if err := s.guard.Allow(ctx, t.ID, guard.Resend, subject); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		if owner.User.IsZero() {
			return s.Decoy(ctx, t, address, browser)
		}
		if owner.EmailVerified {
			return ErrAlready
		}
		if err := s.Send(ctx, owner, browser); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{Type: audit.VerifyRequested, User: owner.User})
	})
}

func (s *Service) addressee(ctx context.Context, u tenant.User, browser string) (string, profile.Profile, error) {
	if !u.IsZero() {
		p, err := s.store.FindProfile(ctx, u)
		return p.Email, p, err
	}
	pending, err := s.tickets.Newest(ctx, u, browser, ticket.Verify)
	if errors.Is(err, ticket.ErrUnknown) {
		return "", profile.Profile{}, err
	}
	if pending.Hash == "" {
		return "", profile.Profile{}, err
	}
	if pending.User.IsZero() {
		return pending.Address, profile.Profile{}, nil
	}
	p, err := s.store.FindProfile(ctx, pending.User)
	return pending.Address, p, err
}

// Confirm proves the address of a claim, once. It returns the ticket that was redeemed; errors are those of package
// ticket, and ticket.ErrReplaced when the profile has another address by now.
func (s *Service) Confirm(ctx context.Context, c ticket.Claim) (ticket.Ticket, error) {
	c.Kind = ticket.Verify
	var redeemed ticket.Ticket
	err := s.tickets.Redeem(ctx, c, func(ctx context.Context, t ticket.Ticket) error {
		p, err := s.store.LockProfile(ctx, t.User)
		if err != nil {
			return err
		}
		if p.Email != t.Address {
			return ticket.ErrReplaced
		}
		if p.Block.InForce(s.now()) {
			return ticket.ErrUnknown // open tickets refuse while the person is blocked (rule B-2)
		}
		redeemed = t
		p.EmailVerified, p.UpdatedAt = true, s.now()
		if err := s.store.SaveEmail(ctx, p); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{Type: audit.Verified, User: p.User, Actor: audit.Actor{Kind: audit.ByUser, ID: p.User.ID}})
	})
	return redeemed, s.refused(ctx, audit.VerifyFailed, c, err)
}
