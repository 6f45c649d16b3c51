package terms

import (
	"context"
	"fmt"
	"slices"
	"time"

	"portico/internal/audit"
	"portico/internal/tenant"
)

// Prepared is t in the form in which it would be kept in a tenant, rendered. It returns valid.Errors, whose field names end in
// the language.
func (s *Service) Prepared(ctx context.Context, id tenant.ID, t Text) (Text, error) {
	library, _, err := s.Library(ctx, id)
	if err != nil {
		return t, err
	}
	refused := prepare(&t, library.leads)
	return t, refused.Err()
}

// Correct adds a revision to a translation of a published version: a slip of the pen, not a change of meaning. The bytes
// before it stay under their hash, and nobody is asked again (terms.md 1.5, case 3). It returns valid.Errors,
// ErrGoverning for the language whose text decides (that takes a version of its own), and ErrNotFound.
func (s *Service) Correct(ctx context.Context, actor tenant.User, document string, number int, t Text) error {
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		d, _ := library.Document(document)
		v, ok := library.Version(document, number)
		if !ok || !v.Published() {
			return ErrNotFound
		}
		if d.GoverningLocale == t.Locale {
			return ErrGoverning
		}
		before, _ := library.exact(document, number, t.Locale)
		if err := library.fits(&t, d, v, before); err != nil {
			return err
		}
		t.Document, t.Number, t.Revision, t.AddedAt = document, number, before.Revision+1, now
		if t.Fingerprint() == before.Fingerprint() {
			return nil
		}
		if err := s.store.AddText(ctx, actor.Tenant, t); err != nil {
			return err
		}
		if before.Locale == "" {
			if err := s.translated(ctx, tenant.From(ctx), library, v, t.Locale); err != nil {
				return err
			}
		}
		return s.note(ctx, audit.TermsCorrected, actor, v, map[string]string{"locale": t.Locale, "revision": fmt.Sprint(t.Revision)})
	})
}

// Changes reports whether there was a version of the document before v, so that v says in every language what it changes.
func (l Library) Changes(v Version) bool {
	return slices.ContainsFunc(l.Of(v.Document), func(other Version) bool { return other.Number < v.Number && other.Published() })
}

// fits prepares a translation t of v that follows before, and refuses one that does not go with the governing text.
func (l Library) fits(t *Text, d Document, v Version, before Text) error {
	refused := prepare(t, l.leads)
	governing, _ := l.exact(v.Document, v.Number, d.GoverningLocale)
	wanted, _ := anchors(governing.Source)
	if len(t.Summary) == 0 && t.ChangeNote == "" {
		t.Summary, t.ChangeNote = before.Summary, before.ChangeNote
	}
	if l.Changes(v) && (len(t.Summary) == 0 || t.ChangeNote == "") {
		refused.Add(FieldSummary+"."+t.Locale, "err.terms.summary", "locale", t.Locale)
	}
	return append(refused, unlike(*t, governing, wanted)...).Err()
}
