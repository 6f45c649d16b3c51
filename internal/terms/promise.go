package terms

import (
	"context"
	"strings"

	"portico/internal/ledger"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// PromiseBy makes every letter about an acceptance carry the ledger's signed promise that the record is there.
func (s *Service) PromiseBy(proofs *ledger.Service) { s.proofs = proofs }

// promise is the signed note about an event that was just recorded: whoever keeps it can show that it was dropped.
func (s *Service) promise(ctx context.Context, u tenant.User, event string) (string, error) {
	if s.proofs == nil {
		return "", nil
	}
	promise, err := s.proofs.Promise(ctx, tenant.From(ctx), u, event)
	_, signed, _ := strings.Cut(promise, "\n\n")
	return signed, err
}

// mirror notes an acceptance where older applications look for it (rule T-4).
func (s *Service) mirror(ctx context.Context, u tenant.User, d Decision, e Event) error {
	return s.store.MirrorAssent(ctx, u, func(before profile.Metadata) profile.Metadata {
		return Mirrored(tenant.From(ctx).TermsMirror, before, d.Document, d.Number, e.OccurredAt)
	})
}
