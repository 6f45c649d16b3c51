package privacy

import (
	"context"
	"strings"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// restrictFor restricts the account of somebody who disputes something, until that is answered (GDPR article 18(1)(a) and
// (d)). An administrator's stays as it is: somebody must answer.
func (s *Service) restrictFor(ctx context.Context, p profile.Profile, r Request) error {
	if !r.Kind.Restricts() || p.Restriction.On || p.Role == profile.RoleAdmin {
		return nil
	}
	return s.restrict(ctx, p.User, p, profile.Restriction{On: true, By: profile.ByRequest})
}

func (s *Service) restrict(ctx context.Context, actor tenant.User, p profile.Profile, r profile.Restriction) error {
	r.At = s.now()
	p.Restriction = r
	if err := s.store.SaveRestriction(ctx, p); err != nil {
		return err
	}
	if err := s.tell(ctx, p, mail.AccountRestricted, mail.Facts{}); err != nil {
		return err
	}
	return s.record(ctx, actor, p.User, because(audit.Restricted, r.Reason))
}

// because is an event with the reason for it, if there is one.
func because(what audit.Type, reason string) audit.Event {
	e := audit.Event{Type: what}
	if reason != "" {
		e.Detail = map[string]string{FieldReason: reason}
	}
	return e
}

func (s *Service) lift(ctx context.Context, actor tenant.User, p profile.Profile, reason string) error {
	if !p.Restriction.On {
		return nil
	}
	if err := s.tell(ctx, p, mail.RestrictionLifted, mail.Facts{}); err != nil { // told before it ends (GDPR article 18(3))
		return err
	}
	p.Restriction = profile.Restriction{}
	if err := s.store.SaveRestriction(ctx, p); err != nil {
		return err
	}
	return s.record(ctx, actor, p.User, because(audit.Unrestricted, reason))
}

// release ends the restriction that came with r, unless another request still asks for one. One that was asked for and
// granted stays, as an administrator's.
func (s *Service) release(ctx context.Context, actor tenant.User, p profile.Profile, r Request) error {
	if p.User.IsZero() || !r.Kind.Restricts() {
		return nil
	}
	if r.Kind == Restriction && r.Outcome == Granted && p.Role != profile.RoleAdmin {
		p.Restriction.On, p.Restriction.By, p.Restriction.Reason = true, actor.ID, ""
		if p.Restriction.At.IsZero() {
			p.Restriction.At = s.now()
		}
		return s.store.SaveRestriction(ctx, p)
	}
	if p.Restriction.By != profile.ByRequest {
		return nil
	}
	all, err := s.store.Requests(ctx, p.User)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID != r.ID && other.Open() && other.Kind.Restricts() {
			return nil
		}
	}
	return s.lift(ctx, actor, p, "")
}

// Restrict keeps a person's data and stops every other use of it, from their next request on: they reach the pages of
// their rights only (rule G-5). It returns valid.Errors or ErrAdministrator.
func (s *Service) Restrict(ctx context.Context, actor, u tenant.User, reason string) error {
	return s.change(ctx, actor, u, reason, func(ctx context.Context, p profile.Profile) error {
		if p.Role == profile.RoleAdmin {
			return ErrAdministrator
		}
		if err := s.restrict(ctx, actor, p, profile.Restriction{On: true, By: actor.ID, Reason: strings.TrimSpace(reason)}); err != nil {
			return err
		}
		_, err := s.sessions.EndAll(ctx, u, "")
		return err
	})
}

// Lift ends a restriction, whoever asked for it. It returns valid.Errors.
func (s *Service) Lift(ctx context.Context, actor, u tenant.User, reason string) error {
	return s.change(ctx, actor, u, reason, func(ctx context.Context, p profile.Profile) error {
		return s.lift(ctx, actor, p, strings.TrimSpace(reason))
	})
}

// Waive ends the restriction that somebody's own request brought; the request stays open. An administrator's stays.
func (s *Service) Waive(ctx context.Context, u tenant.User) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, u)
		if err != nil || p.Restriction.By != profile.ByRequest {
			return err
		}
		return s.lift(ctx, u, p, "")
	})
}

// change locks the person for an administrator who gives a reason.
func (s *Service) change(ctx context.Context, actor, u tenant.User, reason string, fn func(ctx context.Context, p profile.Profile) error) error {
	if u.Tenant != actor.Tenant {
		return profile.ErrNotFound
	}
	if err := short(FieldReason, reason, MaxReason).Err(); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		return fn(ctx, p)
	})
}
