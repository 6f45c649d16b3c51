package ledger

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"portico/internal/tenant"
)

// The types of entry about the ledger itself; they are of nobody.
const (
	Erased  = "erased"
	Rotated = "key_rotated"
)

// marker is the payload of an entry about the ledger itself.
type marker struct {
	ID         string    `json:"event_id"`
	Schema     int       `json:"schema_version"`
	Tenant     string    `json:"tenant"`
	Type       string    `json:"type"`
	Count      int       `json:"count,omitempty"`     // of entries that were erased
	Statement  string    `json:"statement,omitempty"` // of a rotation: a note signed by both keys
	OccurredAt time.Time `json:"occurred_at"`
}

func (s *Service) mark(ctx context.Context, t tenant.ID, m marker) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	m.ID, m.Schema, m.Tenant = id.String(), 1, string(t)
	payload, err := json.Marshal(m)
	if err != nil {
		return err
	}
	e := Entry{Tenant: t, ID: m.ID, Payload: string(payload), Index: -1}
	e.Salt, e.Commitment = Commit(e.Payload)
	return s.store.AppendEntry(ctx, e, m.Type, m.OccurredAt)
}

// Erase takes from the ledger what it holds of u, in the caller's transaction: payloads and salts go, and with them every
// way to tell whose the entries were; the commitments stay, so the tree stays whole and receipts that u kept still hold.
// An entry says that it was done and over how many, not of whom. It returns that number.
func (s *Service) Erase(ctx context.Context, u tenant.User) (int, error) {
	count, err := s.store.EraseEntries(ctx, u)
	if err != nil || count == 0 {
		return 0, err
	}
	return count, s.mark(ctx, u.Tenant, marker{Type: Erased, Count: count, OccurredAt: s.now()})
}
