package terms

import (
	"context"
	"fmt"
	"strings"

	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// PromiseBy makes every letter about an acceptance carry the ledger's signed promise that the record is there.
func (s *Service) PromiseBy(proofs *ledger.Service) { s.proofs = proofs }

// promise is the signed note about an event that was just recorded, and the file that holds it with the record: whoever keeps it
// can show that the record was dropped.
func (s *Service) promise(ctx context.Context, u tenant.User, e Event) (signed string, files []mail.File, err error) {
	if s.proofs == nil {
		return "", nil, nil
	}
	whole, err := s.proofs.Promise(ctx, tenant.From(ctx), u, e.ID)
	_, signed, _ = strings.Cut(whole, "\n\n")
	name := fmt.Sprintf("%s-%d.promise", e.Document, e.Number)
	return signed, []mail.File{{Name: name, Type: "text/plain", Content: []byte(whole)}}, err
}

// mirror notes an acceptance where older applications look for it (rule T-4).
func (s *Service) mirror(ctx context.Context, u tenant.User, d Decision, e Event) error {
	return s.store.MirrorAssent(ctx, u, func(before profile.Metadata) profile.Metadata {
		return Mirrored(tenant.From(ctx).TermsMirror, before, d.Document, d.Number, e.OccurredAt)
	})
}
