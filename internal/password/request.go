package password

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// Request is somebody's wish for a reset letter, before anybody looked whether the address is known: looking, and writing
// the letter, happens after the answer, so that the time of the answer tells nothing (ASVS 6.3.8, security.md row 16).
type Request struct {
	ID       string
	Tenant   tenant.ID
	Address  string
	Browser  string
	Language string
	Origin   audit.Origin
	AskedAt  time.Time
}

// RequestReset takes in that somebody forgot the password of an address. browser is the hash of the browser that asks,
// in which the link alone will do. It returns valid.Errors for what is no address; after too many requests it does
// nothing and says nothing (row 51).
func (s *Service) RequestReset(ctx context.Context, address, browser string) error {
	address = strings.TrimSpace(address)
	if err := profile.CheckEmail(address).Err(); err != nil {
		return err
	}
	t, origin := tenant.From(ctx), audit.OriginOf(ctx)
	err := s.guard.Allow(ctx, t.ID, guard.ResetRequest, guard.Subject{Account: profile.EmailKey(address), IP: origin.IP})
	if _, many := errors.AsType[*guard.TooMany](err); many {
		return nil
	}
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	err = s.store.AddResetRequest(ctx, Request{
		ID: id.String(), Tenant: t.ID, Address: address, Browser: browser, Language: i18n.Current(ctx).Tag, Origin: origin,
		AskedAt: s.now(),
	})
	if err != nil {
		return err
	}
	select {
	case s.asked <- t.ID:
	default: // Run finds it anyway, a little later
	}
	return nil
}

const (
	patience = 5 * time.Second // how often Run looks for requests that another process took in
	batch    = 100             // how many requests are answered at a time
	giveUp   = time.Hour       // after which a request that cannot be answered is dropped
)

// Run answers requests until ctx ends. Any number of replicas may run it: each request is answered once, and what a
// crash leaves is answered later. failed is told about errors.
func (s *Service) Run(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(patience)
	defer ticker.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case t := <-s.asked:
			err = s.Answer(ctx, t)
		case <-ticker.C:
			err = s.answerAll(ctx)
		}
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

// Answer answers the requests of a tenant that wait, a batch of them.
func (s *Service) Answer(ctx context.Context, t tenant.ID) error {
	requests, err := s.store.ResetRequests(ctx, t, batch)
	for _, r := range requests {
		err = errors.Join(err, s.answer(ctx, r))
	}
	return err
}

func (s *Service) answerAll(ctx context.Context) error {
	tenants, err := s.store.TenantsAsking(ctx)
	for _, t := range tenants {
		err = errors.Join(err, s.Answer(ctx, t))
	}
	return err
}

// answer mails the owner of the address of a request, if there is one. Strangers and blocked people get no letter.
func (s *Service) answer(ctx context.Context, r Request) error {
	if s.now().Sub(r.AskedAt) > giveUp {
		_, err := s.store.TakeResetRequest(ctx, r)
		return err
	}
	t, err := s.tenants.ByID(ctx, r.Tenant)
	if err != nil {
		return err
	}
	ctx = audit.WithOrigin(i18n.With(tenant.With(ctx, t), r.Language, nil), r.Origin)
	return s.store.InTx(ctx, func(ctx context.Context) error {
		taken, err := s.store.TakeResetRequest(ctx, r)
		if err != nil || !taken {
			return err
		}
		p, err := s.store.FindByEmail(ctx, t.ID, r.Address)
		if errors.Is(err, profile.ErrNotFound) {
			p, err = s.store.FindByProvider(ctx, t.ID, r.Address)
		}
		if errors.Is(err, profile.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		event := audit.Event{Type: audit.ResetRequested, User: p.User}
		if p.Block.InForce(s.now()) {
			event.Detail = map[string]string{"result": "blocked"}
			return s.log.Record(ctx, event)
		}
		if err := s.Send(ctx, p, r.Browser); err != nil {
			return err
		}
		return s.log.Record(ctx, event)
	})
}

// Send mails p a link and a code for setting a new password, and voids the ones sent before. Who came by an identity
// provider has no password, and is mailed how they sign in. browser is the hash of the browser that asked, empty when an
// administrator did. It belongs in the transaction of its cause.
func (s *Service) Send(ctx context.Context, p profile.Profile, browser string) error {
	t := tenant.From(ctx)
	if p.Connection != profile.Database {
		return s.send(ctx, p, mail.ResetProvider, mail.Facts{Provider: p.ManagedBy, Link: t.URL("/login")})
	}
	issued, err := s.tickets.Issue(ctx, ticket.Order{
		User: p.User, Kind: ticket.Reset, Address: p.Email, Browser: browser, Lifetime: t.ResetLifetime(),
	})
	if err != nil {
		return err
	}
	return s.send(ctx, p, mail.ResetEmail, mail.Facts{
		Code: issued.Code, Link: t.URL("/password/reset/" + issued.Secret), TTL: t.ResetLifetime(),
	})
}

// invitation is how long the link works that a new account's owner chooses the first password by: as long as the proof of an
// address, which it is too. Afterwards they ask for a reset like everybody.
const invitation = 24 * time.Hour

// Invite mails p, whose account an administrator has just created, a link for choosing the first password. It belongs in
// the transaction that creates the account.
func (s *Service) Invite(ctx context.Context, p profile.Profile) error {
	issued, err := s.tickets.Issue(ctx, ticket.Order{User: p.User, Kind: ticket.Reset, Address: p.Email, Lifetime: invitation})
	if err != nil {
		return err
	}
	return s.send(ctx, p, mail.Invited, mail.Facts{
		Code: issued.Code, Link: tenant.From(ctx).URL("/password/reset/" + issued.Secret), TTL: invitation,
	})
}

// send queues a letter about this request to p.
func (s *Service) send(ctx context.Context, p profile.Profile, kind mail.Kind, facts mail.Facts) error {
	t, origin := tenant.From(ctx), audit.OriginOf(ctx)
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	facts.Name, facts.Time, facts.Browser = p.Nickname, s.now(), origin.UserAgent
	if origin.IP.IsValid() {
		facts.IP = origin.IP.String()
	}
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: kind, Language: language, Facts: facts,
	})
}
