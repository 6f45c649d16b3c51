package admin

import (
	"context"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// ClearAge takes away what is known of somebody's age, for a reason that is kept, and tells them: they are asked again.
// A closing that has begun goes on until somebody keeps the account. It returns valid.Errors.
func (s *Service) ClearAge(ctx context.Context, actor, u tenant.User, reason string) error {
	if err := checkReason(reason).Err(); err != nil {
		return err
	}
	return s.change(ctx, actor, u, because(audit.AgeCleared, reason), func(ctx context.Context, p profile.Profile) ([]string, error) {
		if p.Age() == profile.AgeUnknown {
			return nil, nil // a form sent twice
		}
		if err := s.ages.Clear(ctx, p); err != nil {
			return nil, err
		}
		return nil, s.tell(ctx, p, mail.ProfileChangedByAdmin, mail.Facts{Changes: []string{"age"}, Link: tenant.From(ctx).URL("/account")})
	})
}
