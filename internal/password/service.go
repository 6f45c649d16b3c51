package password

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
)

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	FindByEmail(ctx context.Context, t tenant.ID, email string) (profile.Profile, error)
	// FindByProvider finds who came by an identity provider, which verified this address, last; or profile.ErrNotFound.
	FindByProvider(ctx context.Context, t tenant.ID, email string) (profile.Profile, error)
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	FindPassword(ctx context.Context, u tenant.User) (hash string, mustChange bool, err error)
	HasPassword(ctx context.Context, u tenant.User) (bool, error)
	SavePassword(ctx context.Context, u tenant.User, hash string, now time.Time, rehashed bool) error
	// SavePasswordReset writes what a new password changes in the profile.
	SavePasswordReset(ctx context.Context, p profile.Profile) error
	// ForgetGuardian removes the address of a parent or guardian that u has named; u can name another one.
	ForgetGuardian(ctx context.Context, u tenant.User) error
	// DropChange gives up a change of address that has not taken effect.
	DropChange(ctx context.Context, u tenant.User) error
	AddResetRequest(ctx context.Context, r Request) error
	// ResetRequests returns the requests of a tenant that wait, the oldest first.
	ResetRequests(ctx context.Context, t tenant.ID, limit int) ([]Request, error)
	// TenantsAsking lists the tenants that have requests waiting.
	TenantsAsking(ctx context.Context) ([]tenant.ID, error)
	// TakeResetRequest removes a request and reports whether this call was the one that did.
	TakeResetRequest(ctx context.Context, r Request) (bool, error)
}

// Tenants finds a tenant outside of a request.
type Tenants interface {
	ByID(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
}

// Service changes passwords and replaces forgotten ones.
type Service struct {
	store    Store
	tenants  Tenants
	hasher   *Hasher
	guard    *guard.Service
	tickets  *ticket.Service
	sessions *session.Service
	outbox   *mail.Outbox
	log      *audit.Log
	now      func() time.Time
	asked    chan tenant.ID
}

// New returns the service on store.
func New(store Store, tenants Tenants, hasher *Hasher, g *guard.Service, tickets *ticket.Service, sessions *session.Service,
	outbox *mail.Outbox, log *audit.Log, now func() time.Time,
) *Service {
	return &Service{store, tenants, hasher, g, tickets, sessions, outbox, log, now, make(chan tenant.ID, batch)}
}

// ContextFor returns the words that a password of p must not consist of.
func ContextFor(t tenant.Tenant, p profile.Profile) Context {
	host := t.Origin
	if u, err := url.Parse(t.Origin); err == nil {
		host = u.Hostname()
	}
	local, _, _ := strings.Cut(p.Email, "@")
	return ContextOf(t.Product, string(t.ID), host, p.Email, local, p.Name, p.GivenName, p.FamilyName, p.Nickname, p.Username)
}

// Look finds the ticket of a reset link, without effect. Errors are those of package ticket, ErrUnknown also while the
// person is blocked by an administrator (rule B-2).
func (s *Service) Look(ctx context.Context, t tenant.ID, secret string) (ticket.Ticket, error) {
	found, err := s.tickets.Look(ctx, t, ticket.Reset, secret)
	if err != nil {
		return found, err
	}
	p, err := s.store.FindProfile(ctx, found.User)
	if err != nil {
		return ticket.Ticket{}, err
	}
	return found, s.honours(p, found)
}

// honours says why a ticket is worth nothing for p as it is now, if so (rule R-2).
func (s *Service) honours(p profile.Profile, t ticket.Ticket) error {
	switch {
	case p.Block.InForce(s.now()):
		return ticket.ErrUnknown
	case p.Email != t.Address:
		return ticket.ErrReplaced
	}
	return nil
}

// Reset sets a new password by the link of a letter, once. All sessions end and automatic blocks are lifted, an
// administrator's block is not (rule R-4). It returns valid.Errors when the password is refused, *guard.TooMany after
// too many codes, and the errors of package ticket; the ticket stays good then.
func (s *Service) Reset(ctx context.Context, c ticket.Claim, chosen string) error {
	c.Kind = ticket.Reset
	found, err := s.Look(ctx, c.User.Tenant, c.Secret)
	if err != nil {
		return err
	}
	p, err := s.store.FindProfile(ctx, found.User)
	if err != nil {
		return err
	}
	t := tenant.From(ctx)
	if err := PolicyOf(t.Settings).Check(chosen, ContextFor(t, p)).Err(); err != nil {
		return err
	}
	if c.Code == "" && (found.Browser == "" || found.Browser != c.Browser) {
		return ticket.ErrCodeNeeded
	}
	if c.Code != "" {
		subject := guard.Subject{Account: profile.EmailKey(p.Email), IP: audit.OriginOf(ctx).IP}
		if err := s.guard.Allow(ctx, t.ID, guard.Code, subject); err != nil {
			return err
		}
	}
	hash, err := s.hasher.Hash(ctx, chosen)
	if err != nil {
		return err
	}
	err = s.tickets.Redeem(ctx, c, func(ctx context.Context, redeemed ticket.Ticket) error {
		p, err := s.store.LockProfile(ctx, redeemed.User)
		if err != nil {
			return err
		}
		if err := s.honours(p, redeemed); err != nil {
			return err
		}
		ctx = audit.WithActor(ctx, audit.Actor{Kind: audit.ByUser, ID: p.User.ID})
		if err := s.give(ctx, p, hash); err != nil {
			return err
		}
		// Whoever knew the old password may have asked for another address.
		if err := s.store.DropChange(ctx, p.User); err != nil {
			return err
		}
		if err := s.guard.UnblockAccount(ctx, p.User.Tenant, profile.EmailKey(p.Email)); err != nil {
			return err
		}
		_, err = s.sessions.EndAll(ctx, p.User, "")
		return err
	})
	return s.refused(ctx, c, err)
}

// give gives p to the owner of its address, with a new password. Whom a stranger named as a guardian there decides nothing.
func (s *Service) give(ctx context.Context, p profile.Profile, hash string) error {
	had, err := s.store.HasPassword(ctx, p.User)
	if err != nil {
		return err
	}
	if err := s.save(ctx, claimed(tenant.From(ctx), p, had), hash, "reset"); err != nil || p.EmailVerified {
		return err
	}
	if err := s.store.ForgetGuardian(ctx, p.User); err != nil {
		return err
	}
	return s.tickets.Void(ctx, p.User, ticket.Guardian)
}

// claimed is p once the owner of its address has been proven by a letter to that very address. Whoever made the account
// without proving the address loses what they put there: it was not theirs to make (rule V-7). So the owner is asked how old they
// are, unless the answer was that they are too young: nobody is older for a new password (rule G-6). What only administrators put
// there stays: keys that are declared read-only, and everything where nobody had a password.
func claimed(t tenant.Tenant, p profile.Profile, hadPassword bool) profile.Profile {
	if p.EmailVerified {
		return p
	}
	p.EmailVerified = true
	p.Version++
	if hadPassword {
		schema, _ := profile.ParseSchema(t.Metadata) // what cannot be read declares nothing
		p.UserMetadata = schema.Company(p.UserMetadata)
	}
	if hadPassword && p.Age() == profile.AgeOK {
		p.AppMetadata = p.AppMetadata.WithoutAge()
	}
	return p
}

// Change replaces the password of who is signed in. Their session goes on under a new id, the others end (rule R-6). A
// wrong current password counts as a failed sign-in (security.md row 11). device is the id of the browser. It returns valid.Errors when a field is
// refused and *guard.TooMany after too many failures.
func (s *Service) Change(ctx context.Context, live session.Live, device, current, chosen string) (session.Session, error) {
	t := tenant.From(ctx)
	p, err := s.store.FindProfile(ctx, live.User)
	if err != nil {
		return session.Session{}, err
	}
	refused, err := s.proveCurrent(ctx, p, device, current)
	if err != nil {
		return session.Session{}, err
	}
	refused = append(refused, PolicyOf(t.Settings).Check(chosen, ContextFor(t, p))...)
	if len(refused) == 0 && normal(current) == normal(chosen) {
		refused.Add(FieldPassword, "err.password.same")
	}
	if err := refused.Err(); err != nil {
		return session.Session{}, err
	}
	hash, err := s.hasher.Hash(ctx, chosen)
	if err != nil {
		return session.Session{}, err
	}
	var renewed session.Session
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, live.User)
		if err != nil {
			return err
		}
		if err := s.save(ctx, p, hash, "change"); err != nil {
			return err
		}
		if _, err := s.sessions.EndAll(ctx, p.User, live.Hash); err != nil {
			return err
		}
		renewed, err = s.sessions.Renew(ctx, live.Session)
		return err
	})
	return renewed, err
}

// proveCurrent compares the current password, and counts a wrong one.
func (s *Service) proveCurrent(ctx context.Context, p profile.Profile, device, current string) (valid.Errors, error) {
	var refused valid.Errors
	if current == "" {
		refused.Add(FieldCurrent, "err.password.empty")
		return refused, nil
	}
	subject := guard.Subject{Account: profile.EmailKey(p.Email), User: p.User, IP: audit.OriginOf(ctx).IP, Device: session.HashOf(device)}
	if err := s.guard.Allow(ctx, p.User.Tenant, guard.Reauth, subject); err != nil {
		return nil, err
	}
	hash, _, err := s.store.FindPassword(ctx, p.User)
	if err != nil {
		return nil, err
	}
	right, _, err := s.hasher.Verify(ctx, hash, current)
	if err != nil {
		return nil, err
	}
	if right {
		return nil, s.guard.Succeeded(ctx, p.User.Tenant, subject)
	}
	refused.Add(FieldCurrent, "err.password.current")
	outcome, err := s.guard.Failed(ctx, p.User.Tenant, subject)
	if err != nil {
		return nil, err
	}
	err = s.log.Record(ctx, audit.Event{Type: audit.PasswordFailed, User: p.User, Detail: map[string]string{"reason": "current"}})
	if err == nil && outcome.BlockedNow {
		err = s.log.Record(ctx, audit.Event{Type: audit.AutomaticBlock, User: p.User})
	}
	return refused, err
}

// voided are the kinds of ticket that a new password makes worthless: they may be somebody else's doing. The way back to
// the old address stays open.
var voided = []ticket.Kind{ticket.Reset, ticket.Unblock, ticket.EmailConfirm, ticket.EmailApprove}

// save stores a new password, voids open tickets, records it and tells the owner, in the transaction of ctx.
func (s *Service) save(ctx context.Context, p profile.Profile, hash, way string) error {
	now := s.now()
	if err := s.store.SavePassword(ctx, p.User, hash, now, false); err != nil {
		return err
	}
	p.LastPasswordReset, p.UpdatedAt = now, now
	if err := s.store.SavePasswordReset(ctx, p); err != nil {
		return err
	}
	if err := s.tickets.Void(ctx, p.User, voided...); err != nil {
		return err
	}
	err := s.log.Record(ctx, audit.Event{Type: audit.PasswordChanged, User: p.User, Detail: map[string]string{"way": way}})
	if err != nil {
		return err
	}
	return s.send(ctx, p, mail.PasswordChanged, mail.Facts{Link: tenant.From(ctx).URL("/secure")})
}

// refused records that a claim was refused, and returns err, which says why.
func (s *Service) refused(ctx context.Context, c ticket.Claim, err error) error {
	reason, whose, failed := s.tickets.Refusal(ctx, c, err)
	if reason != "" && failed == nil {
		failed = s.log.Record(ctx, audit.Event{Type: audit.PasswordFailed, User: whose, Detail: map[string]string{"reason": reason}})
	}
	if failed != nil {
		return errors.Join(err, failed)
	}
	return err
}
