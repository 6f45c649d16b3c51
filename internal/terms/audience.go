package terms

import (
	"context"

	"portico/internal/tenant"
	"portico/internal/valid"
)

// Fields of the form that says whom a draft asks.
const (
	FieldAudience = "audience"
	FieldJoined   = "joined_before"
	FieldMonths   = "reaccept_months"
)

// MaxMonths is the longest that an acceptance may count when it does not count for ever.
const MaxMonths = 120

// Limit says whom a draft asks and for how many months an acceptance counts, 0 for ever. It returns valid.Errors, ErrPublished
// and ErrNotFound.
func (s *Service) Limit(ctx context.Context, t tenant.ID, document string, number int, a Audience, months int) error {
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		library, _, err := s.fresh(ctx, t)
		if err != nil {
			return err
		}
		v, ok := library.Version(document, number)
		switch {
		case !ok:
			return ErrNotFound
		case v.Published():
			return ErrPublished
		}
		if err := library.checkLimit(document, a, months).Err(); err != nil {
			return err
		}
		v.Audience, v.ReacceptMonths = a, months
		var texts []Text
		for _, locale := range library.Locales(document, number) {
			text, _ := library.exact(document, number, locale)
			texts = append(texts, text)
		}
		return s.store.SaveDraft(ctx, t, v, texts)
	})
	s.forget(t)
	return err
}

// checkLimit refuses a language in which nobody can have read the version, and spans that make no sense.
func (l Library) checkLimit(document string, a Audience, months int) valid.Errors {
	var refused valid.Errors
	if a != (Audience{JoinedBefore: a.JoinedBefore}) {
		before, ok := l.Version(document, a.Number)
		if _, read := l.exact(document, a.Number, a.Locale); !ok || !before.Published() || !read {
			refused.Add(FieldAudience, "err.terms.audience")
		}
	}
	if months < 0 || months > MaxMonths {
		refused.Add(FieldMonths, "err.terms.months", "max", MaxMonths)
	}
	return refused
}

// Readers are the versions and languages that people may have accepted, for the choice of an audience: the newest version
// first.
func (l Library) Readers(document string) []Audience {
	var all []Audience
	versions := l.Of(document)
	for i := len(versions) - 1; i >= 0; i-- {
		if v := versions[i]; v.Published() {
			for _, locale := range l.Locales(document, v.Number) {
				all = append(all, Audience{Number: v.Number, Locale: locale})
			}
		}
	}
	return all
}

// Everybody reports whether a leaves nobody out.
func (a Audience) Everybody() bool { return a.Locale == "" && a.JoinedBefore.IsZero() }
