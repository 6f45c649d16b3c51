package verification

import (
	"context"
	"errors"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// giveUp ends the change of a claim whose address somebody else has by now.
func (s *Service) giveUp(ctx context.Context, c ticket.Claim) error {
	t, err := s.tickets.Look(ctx, c.User.Tenant, c.Kind, c.Secret)
	if err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		change, err := s.store.LockChange(ctx, t.User)
		if err != nil || !change.Pending() {
			return err
		}
		return s.abandon(ctx, change)
	})
}

// abandon ends a change whose address somebody else has by now, in the transaction of ctx. That owner is told, now and
// then; to who asked for the change it looks like any other link that is of no use.
func (s *Service) abandon(ctx context.Context, change Change) error {
	t, address := tenant.From(ctx), change.NewEmail
	change.NewEmail = ""
	if err := s.store.SaveChange(ctx, change); err != nil {
		return err
	}
	if err := s.tickets.Void(ctx, change.User, changeKinds...); err != nil {
		return err
	}
	err := s.log.Record(ctx, audit.Event{Type: audit.EmailFailed, User: change.User, Detail: map[string]string{"reason": "taken"}})
	if err != nil {
		return err
	}
	owner, err := s.store.FindByEmail(ctx, t.ID, address)
	if errors.Is(err, profile.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.guard.Allow(ctx, t.ID, guard.VerifyRequest, guard.Subject{Account: profile.EmailKey(address), IP: audit.OriginOf(ctx).IP})
	if _, often := errors.AsType[*guard.TooMany](err); often {
		return nil
	}
	if err != nil {
		return err
	}
	return s.send(ctx, t, owner, owner.Email, mail.EmailTaken, mail.Facts{Link: t.URL("/password/forgot")})
}

// refused records that a claim was refused, and returns err, which says why.
func (s *Service) refused(ctx context.Context, event audit.Type, c ticket.Claim, err error) error {
	reason, whose, failed := s.tickets.Refusal(ctx, c, err)
	if reason != "" && failed == nil {
		failed = s.log.Record(ctx, audit.Event{Type: event, User: whose, Detail: map[string]string{"reason": reason}})
	}
	if failed != nil {
		return errors.Join(err, failed)
	}
	return err
}
