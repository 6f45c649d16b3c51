package terms

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"portico/internal/tenant"
)

// ChannelMail says that a guardian was reached by letter.
const ChannelMail = "mail"

// GuardianSaid is what a guardian approved: the rule of age that asked for it, the texts that the screen named, each by its
// number and hash, and the screen.
type GuardianSaid struct {
	Rule         string
	Locale       string
	Documents    []Decision
	IssuedAt     time.Time
	Presentation Presentation
}

// ApproveByGuardian records in the transaction of ctx that a guardian approved: of every document in force that people of the
// tenant agree to or acknowledge, or of none where there is none. The texts must be the ones in force, all of them; else it
// returns ErrChanged. It accepts nothing: the person decides for themselves afterwards (case 10). Where the guardian was is
// nobody else's business and is not kept.
func (s *Service) ApproveByGuardian(ctx context.Context, u tenant.User, g GuardianSaid) error {
	library, now, err := s.fresh(ctx, u.Tenant)
	if err != nil {
		return err
	}
	if err := complete(library, now, g.Documents); err != nil {
		return err
	}
	sha, content := g.Presentation.encode()
	if err := s.store.AddPresentation(ctx, u.Tenant, sha, content, now); err != nil {
		return err
	}
	approved := g.Documents
	if len(approved) == 0 {
		approved = []Decision{{}}
	}
	for _, d := range approved {
		version, text, _ := shown(library, now, d)
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		err = s.store.AppendAssent(ctx, Event{
			ID: id.String(), Schema: 1, User: u, Tenant: string(u.Tenant), Subject: u.ID, Type: GuardianApproved, Document: d.Document,
			Number: version.Number, Manifest: version.Manifest, LocaleShown: text.Locale, LocaleWanted: g.Locale, Revision: text.Revision,
			SourceSHA256: text.SourceSHA256, HTMLSHA256: text.HTMLSHA256, Method: MethodGuardian, Presentation: sha, Control: g.Presentation.Control,
			OccurredAt: now, IssuedAt: g.IssuedAt, Nonce: id.String(), AgeRule: g.Rule, Guardian: ChannelMail,
		})
		if err != nil {
			return fmt.Errorf("approval of a guardian: %w", err)
		}
	}
	return nil
}
