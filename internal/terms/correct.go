package terms

import (
	"context"
	"fmt"
	"strings"

	"portico/internal/audit"
	"portico/internal/tenant"
)

// Prepared is t in the form in which it would be kept, rendered. It returns valid.Errors, whose field names end in the language.
func Prepared(t Text) (Text, error) {
	refused := prepare(&t)
	return t, refused.Err()
}

// Correct adds a revision to a translation of a published version: a slip of the pen, not a change of meaning. The bytes
// before it stay under their hash, and nobody is asked again (terms.md 1.5, case 3). It returns valid.Errors,
// ErrGoverning for the language whose text decides (that takes a version of its own), and ErrNotFound.
func (s *Service) Correct(ctx context.Context, actor tenant.User, document string, number int, t Text) error {
	if err := prepare(&t).Err(); err != nil {
		return err
	}
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		library, now, err := s.fresh(ctx, actor.Tenant)
		if err != nil {
			return err
		}
		d, _ := library.Document(document)
		if v, ok := library.Version(document, number); !ok || !v.Published() {
			return ErrNotFound
		}
		if d.GoverningLocale == t.Locale {
			return ErrGoverning
		}
		before, _ := library.exact(document, number, t.Locale)
		t.Document, t.Number, t.Revision, t.AddedAt = document, number, before.Revision+1, now
		if len(t.Summary) == 0 && strings.TrimSpace(t.ChangeNote) == "" {
			t.Summary, t.ChangeNote = before.Summary, before.ChangeNote
		}
		if t.HTMLSHA256 == before.HTMLSHA256 && t.Title == before.Title {
			return nil
		}
		if err := s.store.AddText(ctx, actor.Tenant, t); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.TermsCorrected, User: tenant.User{Tenant: actor.Tenant}, Actor: audit.Actor{Kind: audit.ByAdmin, ID: actor.ID},
			Detail: map[string]string{"document": document, "number": fmt.Sprint(number), "locale": t.Locale, "revision": fmt.Sprint(t.Revision)},
		})
	})
	s.forget(actor.Tenant)
	return err
}
