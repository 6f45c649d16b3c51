package admin

import (
	"context"
	"time"

	"portico/internal/tenant"
)

// MostCounted is the highest figure that is counted; what is above is one more.
const MostCounted = 10_000

// Figures say how a tenant is doing: its users, those among them who are unverified, blocked or owe terms, the letters
// that could not be delivered, the privacy requests that wait for an answer, and those among them that are due within Soon.
type Figures struct{ Users, Unverified, Blocked, Owing, Letters, Requests, Due int }

// Soon is how long before its term a request counts as due.
const Soon = 7 * 24 * time.Hour

// Figures counts how a tenant is doing now.
func (s *Service) Figures(ctx context.Context, t tenant.ID) (Figures, error) {
	return s.store.Figures(ctx, t, s.now())
}
