package ticket

import (
	"context"
	"errors"

	"portico/internal/tenant"
)

// Refusal says in a word why a claim was refused with err, and whose ticket it was about: of a decoy nobody's. It says
// nothing where the claim names no ticket at all, which anybody can make up.
func (s *Service) Refusal(ctx context.Context, c Claim, err error) (reason string, whose tenant.User, finding error) {
	_, wrong := errors.AsType[WrongCode](err)
	switch {
	case wrong:
		reason = "code"
	case errors.Is(err, ErrCodeSpent):
		reason = "tries"
	case errors.Is(err, ErrCodeOld), errors.Is(err, ErrExpired):
		reason = "expired"
	default:
		return "", tenant.User{}, nil
	}
	var found Ticket
	if c.Secret != "" {
		found, finding = s.store.FindTicket(ctx, c.User.Tenant, HashOf(c.Secret))
	} else {
		found, finding = s.store.NewestTicket(ctx, c.User, c.Browser, c.Kind)
	}
	return reason, found.User, finding
}
