package verification

import (
	"time"

	"portico/internal/tenant"
)

// Change is a person's latest change of address. The new address must confirm it; and because an address alone is a weak
// proof, the old one must approve it too, or Wait must pass (security.md row 27). FrozenUntil outlives the change: after an
// undo nobody can change the address for a while (row 28).
type Change struct {
	User        tenant.User
	NewEmail    string
	OldEmail    string
	OldVerified bool
	RequestedAt time.Time
	ConfirmedAt time.Time
	ApprovedAt  time.Time
	DueAt       time.Time
	DoneAt      time.Time
	FrozenUntil time.Time
}

// Pending reports whether the change still waits for something.
func (c Change) Pending() bool { return c.NewEmail != "" && c.DoneAt.IsZero() }
