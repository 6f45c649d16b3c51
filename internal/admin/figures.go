package admin

import (
	"context"

	"portico/internal/tenant"
)

// MostCounted is the highest figure that is counted; what is above is one more.
const MostCounted = 10_000

// Figures say how a tenant is doing: its users, those among them who are unverified, blocked or owe terms, the letters
// that could not be delivered, and the privacy requests that wait for an answer.
type Figures struct{ Users, Unverified, Blocked, Owing, Letters, Requests int }

// Figures counts how a tenant is doing now.
func (s *Service) Figures(ctx context.Context, t tenant.ID) (Figures, error) {
	return s.store.Figures(ctx, t, s.now())
}
