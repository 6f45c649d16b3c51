package admin

import (
	"context"

	"portico/internal/audit"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/verification"
)

// CorrectEmail gives somebody another address, which counts as unverified until they prove it; both addresses are mailed.
// Administrators change their own as everybody does. It returns valid.Errors and verification.ErrFrozen.
func (s *Service) CorrectEmail(ctx context.Context, actor, u tenant.User, newEmail, reason string) error {
	refused := checkReason(reason)
	if actor == u {
		refused.Add(verification.FieldNewEmail, "err.email.own")
	}
	if err := refused.Err(); err != nil {
		return err
	}
	return s.change(ctx, actor, u, because(audit.EmailChanged, reason), func(ctx context.Context, p profile.Profile) ([]string, error) {
		return []string{profile.FieldEmail}, s.verification.Correct(ctx, p, newEmail)
	})
}
