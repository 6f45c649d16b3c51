package admin

import (
	"context"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// SetRole makes somebody an administrator, or takes that away, and tells them (row 66). Their sessions end, because an
// administrator's are others (row 35).
func (s *Service) SetRole(ctx context.Context, actor, u tenant.User, role string) error {
	what, kind := audit.AdministratorAdded, mail.AdministratorAdded
	if role != profile.RoleAdmin {
		role, what, kind = profile.RoleNone, audit.AdministratorGone, mail.AdministratorGone
	}
	return s.change(ctx, actor, u, audit.Event{Type: what}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		if role == profile.RoleNone {
			if err := s.spare(ctx, actor, u); err != nil {
				return nil, err
			}
		}
		if err := s.store.SaveRole(ctx, u, role); err != nil {
			return nil, err
		}
		if _, err := s.sessions.EndAll(ctx, u, ""); err != nil {
			return nil, err
		}
		if p.Role == role {
			return nil, nil // a form sent twice
		}
		return nil, s.tell(ctx, p, kind, mail.Facts{Link: tenant.From(ctx).URL("/login")})
	})
}

// without refuses what cannot be done for somebody: nothing is sent to who has no address, and who has no password changes none.
func without(key string, args ...any) error { return valid.Errors{{Key: key, Args: args}} }

// SendVerification mails the person a new proof of their address. It returns valid.Errors when there is none.
func (s *Service) SendVerification(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.VerifyRequested}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		if p.Email == "" {
			return nil, without("admin.noemail")
		}
		return nil, s.verification.Send(ctx, p, "")
	})
}

// SendReset mails the person a link for a new password: administrators never choose or see one (row 23). Whoever comes by a
// provider is told so instead. It returns valid.Errors when there is no address.
func (s *Service) SendReset(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.ResetRequested}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		if p.Email == "" {
			return nil, without("admin.noemail")
		}
		return nil, s.passwords.Send(ctx, p, "")
	})
}

// RequirePasswordChange makes the person choose a new password before anything else, and tells them (row 66). It returns
// valid.Errors for somebody who comes by a provider.
func (s *Service) RequirePasswordChange(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.AdminWrote}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		has, err := s.store.HasPassword(ctx, u)
		if err == nil && !has && p.ManagedBy != "" {
			err = without("admin.nopassword", "provider", p.ManagedBy)
		}
		if err != nil || !has {
			return nil, err // the first one is yet to be chosen
		}
		if err := s.store.RequirePasswordChange(ctx, u); err != nil {
			return nil, err
		}
		return []string{"must_change_password"}, s.tell(ctx, p, mail.PasswordChangeAsked, mail.Facts{Link: tenant.From(ctx).URL("/login")})
	})
}

// EndSessions signs the person out everywhere.
func (s *Service) EndSessions(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.SessionsEnded}, func(ctx context.Context, _ profile.Profile) ([]string, error) {
		_, err := s.sessions.EndAll(ctx, u, "")
		return nil, err
	})
}

// LiftAutomatic lifts the automatic blocks of the person's account; an administrator's block stays (rule B-4).
func (s *Service) LiftAutomatic(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.AutomaticUnblock}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		return nil, s.guard.UnblockAccount(ctx, u.Tenant, profile.EmailKey(p.Email))
	})
}
