package terms

import (
	"strings"
	"unicode/utf8"

	"portico/internal/profile"
	"portico/internal/valid"
)

// Fields of the form that says whom a draft asks.
const (
	FieldAudience = "audience"
	FieldJoined   = "joined_before"
	FieldMonths   = "reaccept_months"
	FieldScope    = "audience_scope"
	FieldFacet    = "audience_key"
	FieldValue    = "audience_value"
)

// MaxMonths is the longest that an acceptance may count when it does not count for ever.
const MaxMonths = 120

// checkLimit refuses a language in which nobody can have read the version, and spans that make no sense.
func (l Library) checkLimit(document string, a Audience, months int) valid.Errors {
	var refused valid.Errors
	if a.Number != 0 || a.Locale != "" {
		before, ok := l.Version(document, a.Number)
		if _, read := l.exact(document, a.Number, a.Locale); !ok || !before.Published() || !read {
			refused.Add(FieldAudience, "err.terms.audience")
		}
	}
	refused = append(refused, a.checkFacet()...)
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
func (a Audience) Everybody() bool { return a == Audience{} }

// checkFacet refuses a facet that no profile can have.
func (a Audience) checkFacet() valid.Errors {
	var refused valid.Errors
	if a.Name == "" && a.Value == "" {
		return nil
	}
	_, user := strings.CutPrefix(a.Name, profile.UserFacet)
	_, app := strings.CutPrefix(a.Name, profile.AppFacet)
	length := utf8.RuneCountInString(a.Name)
	if (!user && !app) || a.Name == profile.UserFacet || a.Name == profile.AppFacet || length > profile.MaxMetadataKey+len(profile.AppFacet) {
		refused.Add(FieldFacet, "err.terms.facet.key")
	}
	if a.Value == "" || utf8.RuneCountInString(a.Value) > profile.MaxFacet {
		refused.Add(FieldValue, "err.terms.facet.value", "max", profile.MaxFacet)
	}
	return refused
}
