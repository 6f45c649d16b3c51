package terms

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"portico/internal/profile"
	"portico/internal/tenant"
)

// ChannelMail says that a guardian was reached by letter.
const ChannelMail = "mail"

// GuardianSaid is what a guardian approved: the rule of age that asked for it, and the screen.
type GuardianSaid struct {
	Rule         string
	IssuedAt     time.Time
	Presentation Presentation
}

// ApproveByGuardian records in the transaction of ctx that a guardian approved: of every document in force that people of the
// tenant agree to or acknowledge, in the language of the person's letters, or of none where there is none. It accepts nothing: the person decides for
// themselves afterwards (case 10). Where the guardian was is nobody else's business and is not kept.
func (s *Service) ApproveByGuardian(ctx context.Context, u tenant.User, a GuardianSaid) error {
	library, now, err := s.fresh(ctx, u.Tenant)
	if err != nil {
		return err
	}
	p, err := s.store.FindProfile(ctx, u)
	if err != nil {
		return err
	}
	sha, content := a.Presentation.encode()
	if err := s.store.AddPresentation(ctx, u.Tenant, sha, content, now); err != nil {
		return err
	}
	language, _ := profile.LetterLanguage(tenant.From(ctx), p, "")
	all := []Event{}
	for _, d := range library.Documents {
		version, ok := library.Current(d.Key, now)
		if !ok || !d.Gates() {
			continue
		}
		text, _ := library.Text(d.Key, version.Number, language)
		all = append(all, Event{
			Document: d.Key, Number: version.Number, Manifest: version.Manifest, LocaleShown: text.Locale, LocaleWanted: language,
			Revision: text.Revision, SourceSHA256: text.SourceSHA256, HTMLSHA256: text.HTMLSHA256,
		})
	}
	if len(all) == 0 {
		all = append(all, Event{LocaleWanted: language})
	}
	for _, e := range all {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		e.ID, e.Schema, e.User, e.Tenant, e.Subject = id.String(), 1, u, string(u.Tenant), u.ID
		e.Type, e.Method, e.Guardian, e.AgeRule = GuardianApproved, MethodGuardian, ChannelMail, a.Rule
		e.Presentation, e.Control, e.OccurredAt, e.IssuedAt = sha, a.Presentation.Control, now, a.IssuedAt
		e.Nonce = e.ID
		if err := s.store.AppendAssent(ctx, e); err != nil {
			return fmt.Errorf("approval of a guardian: %w", err)
		}
	}
	return nil
}
