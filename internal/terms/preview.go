package terms

import (
	"context"
	"slices"

	"portico/internal/tenant"
)

// Acceptable lists the numbers that somebody may have accepted before v: the newest first.
func (l Library) Acceptable(v Version) []int {
	var numbers []int
	for _, other := range l.Of(v.Document) {
		if other.Published() && other.Number < v.Number && other.WithdrawnAt.IsZero() {
			numbers = append(numbers, other.Number)
		}
	}
	slices.Reverse(numbers)
	return numbers
}

// Preview is what v would ask somebody about who accepted the version called from, or nothing when that is 0. A draft that
// has no date yet is shown as if it took effect after the usual notice.
func (s *Service) Preview(ctx context.Context, t tenant.ID, v Version, from int, locale string) (Due, error) {
	library, now, err := s.fresh(ctx, t)
	if err != nil {
		return Due{}, err
	}
	d, _ := library.Document(v.Document)
	if v.EffectiveAt.IsZero() {
		v.EffectiveAt = now.Add(d.Notice(v.Materiality))
	}
	if v.EnforceAt.IsZero() {
		v.EnforceAt = v.EffectiveAt
	}
	if !v.Published() { // so that its change note counts among those since from
		v.PublishedAt = now
		i := slices.IndexFunc(library.Versions, func(o Version) bool { return o.Document == v.Document && o.Number == v.Number })
		library.Versions = slices.Clone(library.Versions)
		library.Versions[i] = v
	}
	var p Party
	if old, ok := library.Version(v.Document, from); ok {
		p.Accepted = []Standing{{Document: v.Document, Number: from, Locale: locale, At: old.EffectiveAt}}
	}
	return s.due(library, d, v, p, locale, true), nil
}
