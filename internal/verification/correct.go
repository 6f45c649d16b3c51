package verification

import (
	"context"
	"errors"
	"strings"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
)

// Correct gives p, whom the caller has locked, another address at once, as an administrator does for somebody who cannot do
// it themselves. Nobody has proven it: it counts as unverified until its owner does, by the letter that goes there. A
// proven address before it is told and can undo the change for days (row 27); an unproven one may be a stranger's and is
// not. Sessions end and open links are void. It returns valid.Errors, and ErrFrozen after an undo (row 28).
func (s *Service) Correct(ctx context.Context, p profile.Profile, newEmail string) error {
	newEmail = strings.TrimSpace(newEmail)
	if err := checkCorrection(p, newEmail).Err(); err != nil {
		return err
	}
	now := s.now()
	change, err := s.store.LockChange(ctx, p.User)
	if err != nil {
		return err
	}
	if now.Before(change.FrozenUntil) {
		return ErrFrozen
	}
	corrected := p
	corrected.Email, corrected.EmailVerified, corrected.UpdatedAt, corrected.EditedAt = newEmail, false, now, now
	corrected.Version++
	switch err := s.store.SaveEmail(ctx, corrected); {
	case errors.Is(err, profile.ErrTaken):
		return valid.Errors{{Field: FieldNewEmail, Key: "err.email.taken"}}
	case err != nil:
		return err
	}
	if _, err := s.sessions.EndAll(ctx, p.User, ""); err != nil {
		return err
	}
	if err := s.tickets.Void(ctx, p.User, append(changeKinds, ticket.Reset, ticket.Verify)...); err != nil {
		return err
	}
	if err := s.tellCorrected(ctx, p, newEmail); err != nil {
		return err
	}
	err = s.store.SaveChange(ctx, Change{
		User: p.User, NewEmail: newEmail, OldEmail: p.Email, OldVerified: p.EmailVerified, RequestedAt: now, DueAt: now, DoneAt: now,
	})
	if err != nil {
		return err
	}
	return s.Send(ctx, corrected, "")
}

func checkCorrection(p profile.Profile, newEmail string) valid.Errors {
	var refused valid.Errors
	for _, problem := range profile.CheckEmail(newEmail) {
		refused.Add(FieldNewEmail, problem.Key, problem.Args...)
	}
	switch {
	case p.Connection != profile.Database:
		refused.Add(FieldNewEmail, "err.email.managed")
	case len(refused) == 0 && profile.EmailKey(p.Email) == profile.EmailKey(newEmail):
		refused.Add(FieldNewEmail, "err.email.theirs")
	}
	return refused
}

// tellCorrected mails the address before a correction, without where the administrator was (row 68).
func (s *Service) tellCorrected(ctx context.Context, p profile.Profile, newEmail string) error {
	if !p.EmailVerified {
		return nil
	}
	undo, err := s.undoTicket(ctx, p.User, p.Email, "")
	if err != nil {
		return err
	}
	t := tenant.From(ctx)
	return s.send(ctx, t, p, p.Email, mail.EmailChangedByAdmin, mail.Facts{
		Address: Mask(newEmail), Code: undo.Code, Link: t.URL("/email/undo/" + undo.Secret), Until: undo.ExpiresAt,
	})
}
