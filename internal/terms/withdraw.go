package terms

import (
	"context"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Withdraw takes a published version back: its predecessor is current again. What was accepted stays recorded, and who
// accepted it is told; before it takes effect it is cancelled, and who was told of it is told that (terms.md 1.5, cases 5
// and 12). It returns valid.Errors without a reason, and ErrNotFound.
func (s *Service) Withdraw(ctx context.Context, actor tenant.User, document string, number int, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return valid.Errors{{Field: FieldReason, Key: "err.required"}}
	}
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		v, ok := library.Version(document, number)
		if !ok || !v.Published() || !v.WithdrawnAt.IsZero() {
			return ErrNotFound
		}
		what, kind := audit.TermsWithdrawn, WaveWithdrawn
		if now.Before(v.EffectiveAt) {
			what, kind = audit.TermsCancelled, WaveCancelled
		}
		v.WithdrawnAt, v.WithdrawReason = now, cut(reason, MaxReason)
		if err := s.store.WithdrawVersion(ctx, actor.Tenant, v); err != nil {
			return err
		}
		if err := s.keep(ctx, TakenBack, actor, v, now); err != nil {
			return err
		}
		if v.Visible(now) {
			if err := s.store.AddWave(ctx, Wave{Tenant: actor.Tenant, Document: document, Number: number, Kind: kind, DueAt: now}); err != nil {
				return err
			}
		}
		return s.note(ctx, what, actor, v, map[string]string{"reason": v.WithdrawReason})
	})
}

// Retire ends a document: nobody is asked about it any more and nothing of it applies, but its texts stay readable for ever.
// It returns valid.Errors without a reason, and ErrNotFound.
func (s *Service) Retire(ctx context.Context, actor tenant.User, document, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return valid.Errors{{Field: FieldReason, Key: "err.required"}}
	}
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		d, ok := library.Document(document)
		if !ok || d.Retired() {
			return ErrNotFound
		}
		if err := s.store.RetireDocument(ctx, actor.Tenant, document, now); err != nil {
			return err
		}
		newest, _ := library.Current(document, now)
		newest.Document = document
		if err := s.keep(ctx, Ended, actor, newest, now); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.TermsRetired, User: tenant.User{Tenant: actor.Tenant}, Actor: audit.Actor{Kind: audit.ByAdmin, ID: actor.ID},
			Detail: map[string]string{"document": document, "reason": cut(reason, MaxReason)},
		})
	})
}
