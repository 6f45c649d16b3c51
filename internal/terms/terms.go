// Package terms keeps the documents people agree to: their versions and texts, who has accepted which, and what a person
// owes before anything else (terms.md sections 1.2–1.5).
//
// A published version never changes. Only the database's clock decides which one is in force. Acceptance is recorded and
// never altered; what is derived from the record can be rebuilt from it.
package terms

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"portico/internal/i18n"
	"portico/internal/tenant"
)

// Errors of this package.
var (
	ErrNotFound  = errors.New("no such document or version")
	ErrChanged   = errors.New("a newer version came into force meanwhile")
	ErrPublished = errors.New("version is published and cannot be changed")
)

// Assent is what a document asks of people. It is a type, so that an invalid form cannot be configured: only Agree and
// Acknowledge stand before the account, Consent never does.
type Assent string

// The kinds of assent.
const (
	Agree       Assent = "agree"       // terms: a contract
	Acknowledge Assent = "acknowledge" // a privacy notice: being informed is not consenting
	Consent     Assent = "consent"     // an optional purpose, off until somebody turns it on
	Inform      Assent = "inform"      // nothing is asked
)

// Gates reports whether people must decide before they go on.
func (a Assent) Gates() bool { return a == Agree || a == Acknowledge }

// Materiality is how much a version changes, which decides how long before people are told, and whether they are asked.
type Materiality string

// The kinds of change. Only a material one is asked about again.
const (
	Correction Materiality = "correction"
	Minor      Materiality = "minor"
	Material   Materiality = "material"
)

// Notice is how long before its effect a change of this kind is announced, unless a reason is given (terms.md 1.3).
func (m Materiality) Notice() time.Duration {
	switch m {
	case Material:
		return 30 * 24 * time.Hour
	case Minor:
		return 14 * 24 * time.Hour
	default:
		return 0
	}
}

// Document is something people agree to or are told, in many versions. GoverningLocale is the language whose text decides.
type Document struct {
	Tenant          tenant.ID
	Key             string
	Assent          Assent
	GoverningLocale string
	Order           int
}

var keyPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)

// reserved are words that stand where a version's number stands in an address.
var reserved = []string{"versions", "compare", "upcoming", "accept", "sha256"}

// ValidKey reports whether key can name a document: it becomes part of an address for ever.
func ValidKey(key string) bool { return keyPattern.MatchString(key) && !slices.Contains(reserved, key) }

// Version is one version of a document. A draft has no PublishedAt.
type Version struct {
	Document       string
	Number         int
	Materiality    Materiality
	CreatedAt      time.Time
	CreatedBy      string
	PublishedAt    time.Time
	PublishedBy    string
	AnnounceAt     time.Time
	EffectiveAt    time.Time
	EnforceAt      time.Time
	Reason         string // why it is announced later than usual
	WithdrawnAt    time.Time
	WithdrawReason string
	Governing      string // SHA-256 of the source of the governing text
	Manifest       string // SHA-256 over the hashes of the texts, the dates and the materiality
}

// Published reports whether the version's text is fixed.
func (v Version) Published() bool { return !v.PublishedAt.IsZero() }

// InForce reports whether the version has taken effect at now and was not withdrawn.
func (v Version) InForce(now time.Time) bool {
	return v.Published() && v.WithdrawnAt.IsZero() && !now.Before(v.EffectiveAt)
}

// Announced reports whether the version is made known at now but not in force yet.
func (v Version) Announced(now time.Time) bool {
	return v.Published() && v.WithdrawnAt.IsZero() && !now.Before(v.AnnounceAt) && now.Before(v.EffectiveAt)
}

// Visible reports whether the public may read the version at now.
func (v Version) Visible(now time.Time) bool {
	return v.Published() && (!now.Before(v.AnnounceAt) || !now.Before(v.EffectiveAt))
}

// Text is a version in one language. Source is Markdown, HTML its rendering, made once when the text was saved.
// Summary says in short what changed, ChangeNote in a sentence why.
type Text struct {
	Document     string
	Number       int
	Locale       string
	Revision     int
	Title        string
	Source       string
	HTML         string
	SourceSHA256 string
	HTMLSHA256   string
	Summary      []Line
	ChangeNote   string
}

// Line is one line of what changed in short. Anchor leads to the clause.
type Line struct {
	Anchor string `json:"anchor,omitempty"`
	Title  string `json:"title,omitempty"`
	Text   string `json:"text"`
}

// ParseSummary reads lines as an editor writes them: "#anchor Title: what changed", of which all but the last
// is optional.
func ParseSummary(s string) []Line {
	var lines []Line
	for raw := range strings.SplitSeq(s, "\n") {
		raw = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(raw), "- "))
		if raw == "" {
			continue
		}
		var l Line
		if rest, ok := strings.CutPrefix(raw, "#"); ok {
			l.Anchor, raw, _ = strings.Cut(rest, " ")
		}
		if title, rest, ok := strings.Cut(strings.Replace(raw, "：", ": ", 1), ": "); ok { // full width, as in Japanese
			l.Title, raw = strings.TrimSpace(title), rest
		}
		l.Text = strings.TrimSpace(raw)
		lines = append(lines, l)
	}
	return lines
}

// FormatSummary writes lines as ParseSummary reads them.
func FormatSummary(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		if l.Anchor != "" {
			b.WriteString("#" + l.Anchor + " ")
		}
		if l.Title != "" {
			b.WriteString(l.Title + ": ")
		}
		b.WriteString(l.Text + "\n")
	}
	return b.String()
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Library is everything a tenant has published and drafted, as it was at one moment.
type Library struct {
	Documents []Document
	Versions  []Version // by document and number
	Texts     []Text
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

// Required is the number that a person must have accepted at now, or 0: that of the newest material version whose gate
// has started (terms.md 1.4).
func (l Library) Required(key string, now time.Time) int {
	d, ok := l.Document(key)
	if !ok || !d.Assent.Gates() {
		return 0
	}
	required := 0
	for _, v := range l.Of(key) {
		if v.InForce(now) && v.Materiality == Material && !now.Before(v.EnforceAt) {
			required = max(required, v.Number)
		}
	}
	return required
}

// Satisfies decides the gate: any acceptance at or above the required number will do (principle 3), and so will one of a
// version with the very same governing text. An acceptance of a version withdrawn since does not count (case 5).
func (l Library) Satisfies(key string, accepted []int, now time.Time) bool {
	required := l.Required(key, now)
	if required == 0 {
		return true
	}
	d, _ := l.Document(key)
	wanted, _ := l.exact(key, required, d.GoverningLocale)
	for _, number := range accepted {
		v, ok := l.Version(key, number)
		if !ok || !v.WithdrawnAt.IsZero() {
			continue
		}
		same, _ := l.exact(key, number, d.GoverningLocale)
		if number >= required || (wanted.SourceSHA256 != "" && same.SourceSHA256 == wanted.SourceSHA256) {
			return true
		}
	}
	return false
}

// standing is the newest acceptance of a document that still counts, and the numbers of all of them.
func (l Library) standing(key string, all []Standing) (Standing, []int) {
	var newest Standing
	var numbers []int
	for _, s := range all {
		if s.Document != key {
			continue
		}
		numbers = append(numbers, s.Number)
		if v, ok := l.Version(key, s.Number); ok && v.WithdrawnAt.IsZero() && s.Number > newest.Number {
			newest = s
		}
	}
	return newest, numbers
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
