package admin

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Blocking says why somebody is blocked: Reason for administrators alone, Message for the person, Until when it ends by
// itself, zero for never.
type Blocking struct {
	Reason  string
	Message string
	Until   time.Time
}

func (b Blocking) check(now time.Time) valid.Errors {
	refused := checkReason(b.Reason)
	if utf8.RuneCountInString(b.Message) > MaxReason {
		refused.Add(FieldMessage, "err.name.long", "max", MaxReason)
	}
	if !b.Until.IsZero() && !b.Until.After(now) {
		refused.Add(FieldUntil, "err.until")
	}
	return refused
}

func checkReason(reason string) valid.Errors {
	var refused valid.Errors
	switch {
	case strings.TrimSpace(reason) == "":
		refused.Add(FieldReason, "err.reason")
	case utf8.RuneCountInString(reason) > MaxReason:
		refused.Add(FieldReason, "err.name.long", "max", MaxReason)
	}
	return refused
}

// Block keeps somebody out from their next request on: sessions end, open tickets are void, and they are told (rules B-1,
// B-2). It returns valid.Errors or ErrLast.
func (s *Service) Block(ctx context.Context, actor, u tenant.User, b Blocking) error {
	if err := b.check(s.now()).Err(); err != nil {
		return err
	}
	return s.change(ctx, actor, u, because(audit.Blocked, b.Reason), func(ctx context.Context, p profile.Profile) ([]string, error) {
		if err := s.spare(ctx, actor, u); err != nil {
			return nil, err
		}
		p.Block = profile.Block{
			Blocked: true, At: s.now(), Until: b.Until, By: actor.ID, Reason: strings.TrimSpace(b.Reason), Message: strings.TrimSpace(b.Message),
		}
		if err := s.store.SaveBlock(ctx, p); err != nil {
			return nil, err
		}
		if _, err := s.sessions.EndAll(ctx, u, ""); err != nil {
			return nil, err
		}
		// First, because the addresses from before are known by their open links.
		if err := s.tell(ctx, p, mail.AccountBlocked, mail.Facts{Message: p.Block.Message, Until: b.Until}); err != nil {
			return nil, err
		}
		return nil, s.tickets.Void(ctx, u)
	})
}

// spare refuses what would take an administrator's own access, or the last one's (rule B-7). Two who act on each other at
// once wait here for each other.
func (s *Service) spare(ctx context.Context, actor, u tenant.User) error {
	if actor == u {
		return ErrLast
	}
	admins, err := s.store.LockAdmins(ctx, u.Tenant, s.now())
	if err != nil {
		return err
	}
	mine := false
	for _, id := range admins {
		mine = mine || id == actor.ID
	}
	if !mine {
		return ErrLast // whoever asks was blocked or demoted in this very moment
	}
	return nil
}

// Unblock lifts an administrator's block; an automatic one stays (rule B-4).
func (s *Service) Unblock(ctx context.Context, actor, u tenant.User, reason string) error {
	if err := checkReason(reason).Err(); err != nil {
		return err
	}
	return s.change(ctx, actor, u, because(audit.Unblocked, reason), func(ctx context.Context, p profile.Profile) ([]string, error) {
		p.Block = profile.Block{}
		if err := s.store.SaveBlock(ctx, p); err != nil {
			return nil, err
		}
		return nil, s.tell(ctx, p, mail.AccountUnblocked, mail.Facts{Link: tenant.From(ctx).URL("/login")})
	})
}
