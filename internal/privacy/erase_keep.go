package privacy

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
	"portico/internal/retention"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
)

// Keep gives up the closing of u's account. Nothing was erased. It returns ErrNotClosing, also when it is too late.
func (s *Closings) Keep(ctx context.Context, u tenant.User) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error { return s.keep(ctx, u, terms.MethodSettings, "") })
}

// KeepFor is Keep by an administrator, for a reason that is kept. It returns valid.Errors besides.
func (s *Closings) KeepFor(ctx context.Context, actor, u tenant.User, reason string) error {
	if actor.Tenant != u.Tenant {
		return profile.ErrNotFound
	}
	if err := checkBecause(reason).Err(); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		return s.keep(audit.WithActor(ctx, audit.Actor{Kind: audit.ByAdmin, ID: actor.ID}), u, terms.MethodAdmin, reason)
	})
}

// LookKeep finds the ticket of a link that keeps an account, and when that account closes, without effect.
func (s *Closings) LookKeep(ctx context.Context, t tenant.ID, secret string) (ticket.Ticket, Closing, error) {
	found, err := s.Tickets.Look(ctx, t, ticket.Keep, secret)
	if err != nil {
		return found, Closing{}, err
	}
	closing, err := s.Store.FindClosing(ctx, found.User)
	if err == nil && !closing.Pending() {
		err = ticket.ErrReplaced
	}
	return found, closing, err
}

// KeepByLink gives up a closing by the link of its letter. It returns errors of package ticket.
func (s *Closings) KeepByLink(ctx context.Context, c ticket.Claim) error {
	c.Kind = ticket.Keep
	return s.Tickets.Redeem(ctx, c, func(ctx context.Context, t ticket.Ticket) error {
		err := s.keep(audit.WithActor(ctx, audit.Actor{Kind: audit.ByUser, ID: t.User.ID}), t.User, terms.MethodMail, "")
		if errors.Is(err, ErrNotClosing) || errors.Is(err, ErrUnderAge) {
			err = ticket.ErrReplaced
		}
		return err
	})
}

// keep works in the transaction of ctx. Whoever comes after the job waits for it, and finds nobody.
func (s *Closings) keep(ctx context.Context, u tenant.User, method, reason string) error {
	p, err := s.Store.LockProfile(ctx, u)
	if err != nil {
		return err
	}
	c, err := s.Store.LockClosing(ctx, u)
	if err != nil {
		return err
	}
	if !c.Pending() {
		return ErrNotClosing
	}
	if tenant.From(ctx).Age.Ask && p.Age() == profile.AgeUnder && p.Role != profile.RoleAdmin {
		return ErrUnderAge
	}
	if err := s.Store.RemoveClosing(ctx, u); err != nil {
		return err
	}
	if err := s.Tickets.Void(ctx, u, ticket.Keep); err != nil {
		return err
	}
	addresses, err := s.Store.Addresses(ctx, p, s.Now().Add(-told))
	if err != nil {
		return err
	}
	for _, to := range addresses {
		if err := s.tell(ctx, p, to, mail.AccountKept, mail.Facts{Link: tenant.From(ctx).URL("/account")}); err != nil {
			return err
		}
	}
	return s.note(ctx, u, audit.ErasureCancelled, terms.Kept, method, Closing{Reason: strings.TrimSpace(reason)})
}

// tellClosing writes to every address of p, each letter with a link of its own and all with the same code.
func (s *Closings) tellClosing(ctx context.Context, p profile.Profile, c Closing, browser string) error {
	addresses, err := s.Store.Addresses(ctx, p, s.Now().Add(-told))
	if err != nil {
		return err
	}
	periods, err := s.Periods(ctx, p.User.Tenant)
	if err != nil {
		return err
	}
	code := ""
	for _, to := range addresses {
		if to == "" {
			continue
		}
		issued, err := s.Tickets.Issue(ctx, ticket.Order{
			User: p.User, Kind: ticket.Keep, Address: to, Browser: browser, Lifetime: max(c.DueAt.Sub(c.AskedAt), time.Minute), Code: code, Beside: true,
		})
		if err != nil {
			return err
		}
		code = issued.Code
		facts := mail.Facts{TTL: retention.Period(periods, retention.Audit), Until: c.DueAt, Code: code, Link: tenant.From(ctx).URL("/closing/" + issued.Secret)}
		if err := s.tell(ctx, p, to, mail.AccountClosing, facts); err != nil {
			return err
		}
	}
	return nil
}

// SendLink mails u, who is blocked, a link to the page that closes their account: they keep that right (rule G-4). It
// returns *guard.TooMany.
func (s *Closings) SendLink(ctx context.Context, u tenant.User, browser string) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.Store.LockProfile(ctx, u)
		if err != nil || p.Email == "" || !p.Block.InForce(s.Now()) {
			return err
		}
		subject := guard.Subject{Account: profile.EmailKey(p.Email), IP: audit.OriginOf(ctx).IP}
		if err := s.Guard.Allow(ctx, u.Tenant, guard.CloseLink, subject); err != nil {
			return err
		}
		issued, err := s.Tickets.Issue(ctx, ticket.Order{User: u, Kind: ticket.Close, Address: p.Email, Browser: browser, Lifetime: LinkLifetime})
		if err != nil {
			return err
		}
		return s.tell(ctx, p, p.Email, mail.CloseLink, mail.Facts{
			Code: issued.Code, TTL: LinkLifetime, Link: tenant.From(ctx).URL("/close/" + issued.Secret),
		})
	})
}

// LookLink finds the ticket of a link to the closing page, and whose it is, without effect.
func (s *Closings) LookLink(ctx context.Context, t tenant.ID, secret string) (ticket.Ticket, profile.Profile, error) {
	found, err := s.Tickets.Look(ctx, t, ticket.Close, secret)
	if err != nil {
		return found, profile.Profile{}, err
	}
	p, err := s.Store.FindProfile(ctx, found.User)
	return found, p, err
}

// CloseByLink is Close by the link that SendLink mailed. It returns errors of package ticket besides.
func (s *Closings) CloseByLink(ctx context.Context, c ticket.Claim, r ClosingRequest) (Closing, error) {
	c.Kind = ticket.Close
	var closing Closing
	err := s.Tickets.Redeem(ctx, c, func(ctx context.Context, t ticket.Ticket) (err error) {
		closing, err = s.Close(audit.WithActor(ctx, audit.Actor{Kind: audit.ByUser, ID: t.User.ID}), t.User, r)
		return err
	})
	return closing, err
}

// tell queues a letter. A name goes only to an address that the person has proven to be theirs.
func (s *Closings) tell(ctx context.Context, p profile.Profile, to string, kind mail.Kind, facts mail.Facts) error {
	if to == "" {
		return nil
	}
	t, origin := tenant.From(ctx), audit.OriginOf(ctx)
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	facts.Time = s.Now()
	if to == p.Email && p.EmailVerified {
		facts.Name = p.Nickname
	}
	if actor := audit.ActorOf(ctx); actor.Kind == audit.ByUser && origin.IP.IsValid() {
		facts.IP, facts.Browser = origin.IP.String(), origin.UserAgent
	}
	l := mail.Letter{Tenant: t.ID, User: p.User.ID, To: to, Kind: kind, Language: language, Facts: facts}
	if kind.Last() {
		l.User = ""
	}
	err := s.Outbox.Send(ctx, l)
	if errors.Is(err, mail.ErrAddress) {
		return nil // a right does not depend on an address that somebody imported
	}
	return err
}

// note writes what happens to the account into the record and into the ledger.
func (s *Closings) note(ctx context.Context, u tenant.User, what audit.Type, event, method string, c Closing) error {
	line := because(what, c.Reason)
	line.User = u
	if method == terms.MethodAdmin && c.By != "" {
		line.Actor = audit.Actor{Kind: audit.ByAdmin, ID: c.By}
	}
	if err := s.Log.Record(ctx, line); err != nil {
		return err
	}
	now, err := s.Store.Now(ctx)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	e := terms.Event{
		ID: id.String(), Schema: 1, User: u, Tenant: string(u.Tenant), Subject: u.ID, Type: event, Method: method, OccurredAt: now,
		Deadline: c.DueAt, Nonce: id.String(),
	}
	if method != terms.MethodAdmin && method != terms.MethodGuardian { // where others were is nobody else's business
		origin := audit.OriginOf(ctx)
		e.UserAgent, e.RequestID, e.Session, e.SignedInAt = origin.UserAgent, origin.RequestID, origin.Session, session.From(ctx).AuthenticatedAt
		if origin.IP.IsValid() {
			e.IP = origin.IP.String()
		}
	}
	return s.Store.AppendAssent(ctx, e)
}
