package terms

import (
	"cmp"
	"context"
	"slices"
	"time"

	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// Share is how many of those who are asked belong together. Of languages, Shown is the one whose text they get.
type Share struct {
	Value  string
	People int64
	Shown  string
}

// Reach is what publishing a version would do, as far as it is known before (terms.md 6, row 7).
type Reach struct {
	Asked        int64
	Languages    []Share // most people first
	Countries    []Share // most people first; who did not say is under ""
	Untranslated int64   // get the text in another language than theirs
	Waiting      int64   // chose a language that has no text: they can be left out until there is one (case 6)
	Letters      time.Duration
}

// Simulate counts whom a version would ask: three grouped counts, whatever the number of people, and no row of anybody. Languages
// are those people chose for letters, countries those their profiles say; t says at which rate letters are queued.
func (s *Service) Simulate(ctx context.Context, t tenant.Tenant, v Version) (Reach, error) {
	library, _, err := s.fresh(ctx, t.ID)
	if err != nil {
		return Reach{}, err
	}
	d, ok := library.Document(v.Document)
	if !ok || v.Materiality != Material || !d.Gates() {
		return Reach{}, nil
	}
	satisfied := library.satisfying(v)
	waiting, err := s.countWaiting(ctx, t, library, v)
	if err != nil {
		return Reach{}, err
	}
	v = library.exempting(v, t.Locales)
	all, err := s.store.CountAsked(ctx, t.ID, v, "", satisfied)
	if err != nil {
		return Reach{}, err
	}
	languages, err := s.store.CountAsked(ctx, t.ID, v, profile.FacetLang, satisfied)
	if err != nil {
		return Reach{}, err
	}
	countries, err := s.store.CountAsked(ctx, t.ID, v, profile.FacetCountry, satisfied)
	if err != nil {
		return Reach{}, err
	}
	r := Reach{Asked: all[""], Waiting: waiting, Letters: t.LetterTime(int(all[""]))}
	r.Countries = shares(rest(countries, r.Asked))
	r.Languages = shares(spoken(t, rest(languages, r.Asked)))
	for i, share := range r.Languages {
		text, _ := library.Text(v.Document, v.Number, share.Value)
		r.Languages[i].Shown = text.Locale
		if text.Locale != share.Value {
			r.Untranslated += share.People
		}
	}
	return r, nil
}

// satisfying lists the numbers whose acceptance would satisfy v: what Satisfies says of a single person.
func (l Library) satisfying(v Version) []int {
	d, _ := l.Document(v.Document)
	governing, _ := l.exact(v.Document, v.Number, d.GoverningLocale)
	var numbers []int
	for _, other := range l.Of(v.Document) {
		same := other.Governing != "" && other.Governing == governing.SourceSHA256
		if other.Published() && other.WithdrawnAt.IsZero() && (other.Number >= v.Number || same) {
			numbers = append(numbers, other.Number)
		}
	}
	return numbers
}

// rest puts those who are in no group under "".
func rest(groups map[string]int64, all int64) map[string]int64 {
	for _, people := range groups {
		all -= people
	}
	if all > 0 {
		groups[""] = all
	}
	return groups
}

// spoken brings what people chose to the languages of the tenant, in which they get letters and pages.
func spoken(t tenant.Tenant, chosen map[string]int64) map[string]int64 {
	languages := map[string]int64{}
	for value, people := range chosen {
		tag, _ := i18n.LetterLanguage(t.Locales, value, "", "")
		languages[tag] += people
	}
	return languages
}

func shares(groups map[string]int64) []Share {
	all := make([]Share, 0, len(groups))
	for value, people := range groups {
		all = append(all, Share{Value: value, People: people})
	}
	slices.SortFunc(all, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Value, b.Value))
	})
	return all
}
