package terms

import (
	"slices"
	"time"

	"portico/internal/i18n"
)

// Library is everything a tenant has published and drafted, as it was at one moment.
type Library struct {
	Documents []Document
	Versions  []Version // by document and number
	Texts     []Text

	// Reading tells libraries of this process apart: whoever has seen this reading of a tenant has seen all that is in it.
	// It is 0 in a library that was read to decide by.
	Reading uint64
}

// Document finds a document by its key.
func (l Library) Document(key string) (Document, bool) {
	for _, d := range l.Documents {
		if d.Key == key {
			return d, true
		}
	}
	return Document{}, false
}

// Of returns the versions of a document, the oldest first.
func (l Library) Of(key string) []Version {
	var versions []Version
	for _, v := range l.Versions {
		if v.Document == key {
			versions = append(versions, v)
		}
	}
	return versions
}

// Version finds a version by its number.
func (l Library) Version(key string, number int) (Version, bool) {
	for _, v := range l.Versions {
		if v.Document == key && v.Number == number {
			return v, true
		}
	}
	return Version{}, false
}

// Current is the newest version in force at now: later effect first, ties broken by number (terms.md 1.4, case 14).
func (l Library) Current(key string, now time.Time) (Version, bool) {
	var current Version
	for _, v := range l.Of(key) {
		if v.InForce(now) && !v.EffectiveAt.Before(current.EffectiveAt) {
			current = v
		}
	}
	return current, current.Number > 0
}

// AsOf is the version that applied at the moment at: what was withdrawn only later still did.
func (l Library) AsOf(key string, at time.Time) (Version, bool) {
	var then Version
	for _, v := range l.Of(key) {
		applied := v.Published() && !at.Before(v.EffectiveAt) && (v.WithdrawnAt.IsZero() || at.Before(v.WithdrawnAt))
		if applied && !v.EffectiveAt.Before(then.EffectiveAt) {
			then = v
		}
	}
	return then, then.Number > 0
}

// Bytes finds the text whose source has this SHA-256, of a version that the public may read at now.
func (l Library) Bytes(sum string, now time.Time) (Text, bool) {
	for _, t := range l.Texts {
		if v, ok := l.Version(t.Document, t.Number); t.SourceSHA256 == sum && ok && v.Visible(now) {
			return t, true
		}
	}
	return Text{}, false
}

// Upcoming is the next announced version that is not in force at now.
func (l Library) Upcoming(key string, now time.Time) (Version, bool) {
	var next Version
	for _, v := range l.Of(key) {
		if v.Announced(now) && (next.Number == 0 || v.EffectiveAt.Before(next.EffectiveAt)) {
			next = v
		}
	}
	return next, next.Number > 0
}

// NextChange is the next moment after now at which the mere passing of time announces a version or puts it in force, or
// the zero time.
func (l Library) NextChange(now time.Time) time.Time {
	var next time.Time
	for _, v := range l.Versions {
		for _, moment := range []time.Time{v.AnnounceAt, v.EffectiveAt} {
			if v.Published() && v.WithdrawnAt.IsZero() && now.Before(moment) && (next.IsZero() || moment.Before(next)) {
				next = moment
			}
		}
	}
	return next
}

// Required is the number that p must have accepted at now, or 0: that of the newest material version meant for them
// whose gate has started (terms.md 1.4).
func (l Library) Required(key string, p Party, now time.Time) int {
	d, ok := l.Document(key)
	if !ok || !d.Gates() {
		return 0
	}
	required := 0
	for _, v := range l.Of(key) {
		if v.InForce(now) && v.Materiality == Material && v.Enforced(p, now) && v.Asks(p) {
			required = max(required, v.Number)
		}
	}
	return required
}

// Satisfies decides the gate: any acceptance at or above the required number will do (principle 3), and so will one of a
// version with the very same governing text. An acceptance of a version withdrawn since (case 5), or one that has
// expired (case 21), does not count. The session's statement in the store says the same in SQL.
func (l Library) Satisfies(key string, p Party, now time.Time) bool {
	required := l.Required(key, p, now)
	if required == 0 {
		return true
	}
	wanted, _ := l.Version(key, required)
	return slices.ContainsFunc(p.Accepted, func(s Standing) bool {
		v, ok := l.counts(key, s, now)
		return ok && (v.Number >= required || (wanted.Governing != "" && v.Governing == wanted.Governing))
	})
}

// counts finds the version of an acceptance that still counts at now.
func (l Library) counts(key string, s Standing, now time.Time) (Version, bool) {
	if s.Document != key || (!s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt)) {
		return Version{}, false
	}
	v, ok := l.Version(key, s.Number)
	return v, ok && v.WithdrawnAt.IsZero()
}

// standing is the newest acceptance of a document whose version was not withdrawn, expired or not.
func (l Library) standing(key string, all []Standing) Standing {
	var newest Standing
	for _, s := range all {
		v, ok := l.Version(s.Document, s.Number)
		if s.Document == key && ok && v.WithdrawnAt.IsZero() && s.Number > newest.Number {
			newest = s
		}
	}
	return newest
}

// withdrawn is the newest version p accepted that was withdrawn since and that nothing they accepted stands above, or 0.
func (l Library) withdrawn(key string, all []Standing) int {
	number := 0
	for _, s := range all {
		if v, ok := l.Version(s.Document, s.Number); s.Document == key && ok && !v.WithdrawnAt.IsZero() {
			number = max(number, s.Number)
		}
	}
	if l.standing(key, all).Number > number {
		return 0
	}
	return number
}

func (l Library) exact(key string, number int, locale string) (Text, bool) {
	var newest Text
	for _, t := range l.Texts {
		if t.Document == key && t.Number == number && t.Locale == locale && t.Revision >= newest.Revision {
			newest = t
		}
	}
	return newest, newest.Locale != ""
}

// revision finds the text of a version by its hash, whatever its language and however often it was corrected since.
func (l Library) revision(key string, number int, html string) (Text, bool) {
	for _, t := range l.Texts {
		if t.Document == key && t.Number == number && t.HTMLSHA256 == html {
			return t, true
		}
	}
	return Text{}, false
}

// Revision finds a text by its number of revision.
func (l Library) Revision(key string, number int, locale string, revision int) (Text, bool) {
	for _, t := range l.Texts {
		if t.Document == key && t.Number == number && t.Locale == locale && t.Revision == revision {
			return t, true
		}
	}
	return Text{}, false
}

// Locales lists the languages a version has a text in, the governing one first.
func (l Library) Locales(key string, number int) []string {
	var locales []string
	for _, t := range l.Texts {
		if t.Document == key && t.Number == number && !slices.Contains(locales, t.Locale) {
			locales = append(locales, t.Locale)
		}
	}
	slices.Sort(locales)
	if d, ok := l.Document(key); ok {
		if i := slices.Index(locales, d.GoverningLocale); i > 0 {
			locales = slices.Insert(slices.Delete(locales, i, i+1), 0, d.GoverningLocale)
		}
	}
	return locales
}

// Text is a version in the language that comes nearest to the wanted one: itself, without its last subtags, else the
// governing language (case 6).
func (l Library) Text(key string, number int, wanted string) (Text, bool) {
	locales := l.Locales(key, number)
	if found, ok := i18n.MatchTag(locales, wanted); ok {
		return l.exact(key, number, found)
	}
	if len(locales) == 0 {
		return Text{}, false
	}
	return l.exact(key, number, locales[0])
}
