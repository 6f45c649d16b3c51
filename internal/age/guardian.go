package age

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
)

// Asked is what a guardian's page says: whom it is about, and by when an answer is waited for.
type Asked struct {
	Ticket ticket.Ticket
	Who    string
	DueAt  time.Time
}

// Look finds what the link of a letter asks, without effect. It returns errors of package ticket.
func (s *Service) Look(ctx context.Context, t tenant.ID, secret string) (Asked, error) {
	found, err := s.Tickets.Look(ctx, t, ticket.Guardian, secret)
	if err != nil {
		return Asked{Ticket: found}, err
	}
	p, err := s.Store.FindProfile(ctx, found.User)
	if errors.Is(err, profile.ErrNotFound) || err == nil && !s.waits(p) {
		return Asked{Ticket: found}, ticket.ErrReplaced
	}
	g, err := s.readGuardian(ctx, found.User, err)
	return Asked{found, called(p), g.DueAt}, err
}

func (s *Service) readGuardian(ctx context.Context, u tenant.User, before error) (Guardian, error) {
	if before != nil {
		return Guardian{}, before
	}
	return s.Store.FindGuardian(ctx, u)
}

// waits reports whether p waits for a guardian and may: open tickets refuse while somebody is blocked (rule B-2).
func (s *Service) waits(p profile.Profile) bool {
	return p.Age() == profile.AgePending && !p.Block.InForce(s.Now())
}

// Approve takes in that a guardian approves: it stands in the ledger, the person goes on, and both are told. The guardian's
// address is forgotten. It returns errors of package ticket, and terms.ErrChanged when a text is no longer the one in force.
func (s *Service) Approve(ctx context.Context, c ticket.Claim, a terms.GuardianSaid) error {
	return s.decide(ctx, c, func(ctx context.Context, p profile.Profile, g Guardian) error {
		a.Rule = p.AppMetadata.Text(profile.KeyAgeRule)
		if err := s.settle(ctx, p, profile.GuardianApproved, audit.GuardianApproved); err != nil {
			return err
		}
		if err := s.Terms.ApproveByGuardian(ctx, p.User, a); err != nil {
			return err
		}
		if err := s.tell(ctx, p, mail.GuardianApproved, mail.Facts{Name: p.Nickname, Link: tenant.From(ctx).URL("/account")}); err != nil {
			return err
		}
		return s.tellGuardian(ctx, p, g, "granted")
	})
}

// Refuse takes in that a guardian refuses: the account begins to close, and both are told. The guardian's address is
// forgotten. It returns errors of package ticket.
func (s *Service) Refuse(ctx context.Context, c ticket.Claim) error {
	return s.decide(ctx, c, func(ctx context.Context, p profile.Profile, g Guardian) error {
		if err := s.settle(ctx, p, profile.GuardianRefused, audit.GuardianRefused); err != nil {
			return err
		}
		if err := s.tellGuardian(ctx, p, g, "refused"); err != nil {
			return err
		}
		_, err := s.Closings.CloseUnderAge(ctx, p.User, profile.GuardianRefused, "")
		return err
	})
}

// decide redeems the link of a letter, once. Where the guardian is, is not noted anywhere.
func (s *Service) decide(ctx context.Context, c ticket.Claim, apply func(ctx context.Context, p profile.Profile, g Guardian) error) error {
	c.Kind = ticket.Guardian
	ctx = audit.WithActor(audit.WithOrigin(ctx, audit.Origin{}), audit.Actor{Kind: audit.ByGuardian})
	return s.Tickets.Redeem(ctx, c, func(ctx context.Context, t ticket.Ticket) error {
		p, err := s.Store.LockProfile(ctx, t.User)
		if errors.Is(err, profile.ErrNotFound) {
			return ticket.ErrReplaced
		}
		if err != nil {
			return err
		}
		if !s.waits(p) {
			return ticket.ErrReplaced
		}
		g, err := s.Store.FindGuardian(ctx, t.User)
		if err != nil {
			return err
		}
		return apply(ctx, p, g)
	})
}

// settle writes what became of asking a guardian, and forgets them.
func (s *Service) settle(ctx context.Context, p profile.Profile, became string, what audit.Type) error {
	rule := p.AppMetadata.Text(profile.KeyAgeRule)
	checked, _ := time.Parse(time.RFC3339, p.AppMetadata.Text(profile.KeyAgeChecked)) // what an administrator has changed counts from now
	if checked.IsZero() {
		checked = s.Now()
	}
	p.AppMetadata = p.AppMetadata.Patch(profile.AgeResult(false, rule, became, checked))
	if err := s.save(ctx, p); err != nil {
		return err
	}
	if err := s.forget(ctx, p.User); err != nil {
		return err
	}
	return s.Log.Record(ctx, audit.Event{Type: what, User: p.User, Detail: map[string]string{"rule": rule}})
}

func (s *Service) tell(ctx context.Context, p profile.Profile, kind mail.Kind, facts mail.Facts) error {
	if p.Email == "" {
		return nil
	}
	facts.Time = s.Now()
	return s.Outbox.Send(ctx, mail.Letter{
		Tenant: p.User.Tenant, User: p.User.ID, To: p.Email, Kind: kind, Language: s.language(ctx, p), Facts: facts,
	})
}

// tellGuardian confirms to a guardian what they decided. It is the last letter that they get.
func (s *Service) tellGuardian(ctx context.Context, p profile.Profile, g Guardian, outcome string) error {
	if g.Address == "" {
		return nil
	}
	return s.Outbox.Send(ctx, mail.Letter{
		Tenant: p.User.Tenant, To: g.Address, Kind: mail.GuardianDecided, Language: s.language(ctx, p),
		Facts: mail.Facts{Address: called(p), Outcome: outcome, Time: s.Now(), Link: tenant.From(ctx).URL("/help")},
	})
}

// atOnce is how many people of a tenant are dealt with in one round.
const atOnce = 100

// Lapse closes the accounts of people whose guardian has not answered in time. Where a tenant no longer asks for the age, it
// forgets the guardians and closes nothing. Who is blocked, so that no answer was taken (rule B-2), or restricted, so that all is
// kept (rule G-5), has as long again; the guardian is forgotten there too. Every replica may do so at once: each person is dealt with in one transaction.
func (s *Service) Lapse(ctx context.Context, tenants []tenant.ID, find privacy.Finder) error {
	var failed []error
	for _, id := range tenants {
		t, err := find(ctx, id)
		if err == nil {
			err = s.lapseTenant(i18n.With(tenant.With(ctx, t), t.Locales[0], nil), t)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("guardians of %s: %w", id, err))
		}
	}
	return errors.Join(failed...)
}

func (s *Service) lapseTenant(ctx context.Context, t tenant.Tenant) error {
	due, err := s.Store.DueGuardians(ctx, t.ID, s.Now(), atOnce)
	failed := []error{err}
	for _, u := range due {
		err := s.Store.InTx(ctx, func(ctx context.Context) error { return s.lapse(ctx, t, u) })
		if errors.Is(err, profile.ErrNotFound) {
			err = nil // erased meanwhile, and the guardian with them
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (s *Service) lapse(ctx context.Context, t tenant.Tenant, u tenant.User) error {
	p, err := s.Store.LockProfile(ctx, u)
	if err != nil {
		return err
	}
	g, err := s.Store.FindGuardian(ctx, u)
	if err != nil || g.DueAt.IsZero() || s.Now().Before(g.DueAt) {
		return err // another replica was faster
	}
	if !t.Age.Ask || p.Age() != profile.AgePending || p.Role == profile.RoleAdmin {
		return s.forget(ctx, u)
	}
	if p.Block.InForce(s.Now()) || p.Restriction.On {
		if err := s.forget(ctx, u); err != nil {
			return err
		}
		return s.Store.SaveGuardian(ctx, Guardian{User: u, DueAt: s.Now().Add(Patience)})
	}
	if err := s.settle(ctx, p, profile.GuardianSilent, audit.GuardianSilent); err != nil {
		return err
	}
	_, err = s.Closings.CloseUnderAge(ctx, u, profile.GuardianSilent, "")
	return err
}
