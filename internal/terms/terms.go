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

	"portico/internal/tenant"
)

// Errors of this package.
var (
	ErrNotFound  = errors.New("no such document or version")
	ErrChanged   = errors.New("a newer version came into force meanwhile")
	ErrPublished = errors.New("version is published and cannot be changed")
	ErrGoverning = errors.New("the text that decides cannot be corrected in place")
	ErrReview    = errors.New("version waits for approval and cannot be changed")
	ErrApproval  = errors.New("a second person has to approve this version")
	ErrOwn       = errors.New("nobody approves what they wrote or submitted themselves")
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
	// Interest is a use of data that rests on a legitimate interest: it goes on until somebody objects (GDPR article 21).
	Interest Assent = "interest"
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
	// Confirms and Shares are about a purpose: whether consent to it is confirmed by a letter, and whether it sells or
	// shares data, which a browser may object to for its user (Global Privacy Control).
	Confirms bool
	Shares   bool
	// Marketing says of a legitimate interest that it is direct marketing: an objection to it needs no reason and no answer
	// (GDPR article 21(2) and (3)). ConsentMonths is how long a consent counts, 0 for as long as it is not withdrawn.
	Marketing     bool
	ConsentMonths int
	// NoticeDays is how many days before its effect the law wants a change announced, 0 for what is usual.
	NoticeDays int
	// PersonalNotice is whether nobody is asked about a change before they were told for as long as that (case 19).
	PersonalNotice bool
	RetiredAt      time.Time
}

// Retired reports whether the document no longer applies, whatever its versions say: its texts stay readable for ever.
func (d Document) Retired() bool { return !d.RetiredAt.IsZero() }

// Gates reports whether people must decide about the document before they go on.
func (d Document) Gates() bool { return d.Assent.Gates() && !d.Retired() }

// Notices are the periods by law that a document may be given (terms.md 1.3): platforms to business users (Regulation
// 2019/1150, 15 days), telecoms (directive 2018/1972, article 105(4), a month), payment services (directive 2015/2366,
// article 54, two months). A month is taken as its longest.
var Notices = []int{0, 15, 31, 62}

// Notice is how long before its effect a change of a kind is announced, unless a reason is given: never less than the law
// wants for the document, but for a correction that changes nothing.
func (d Document) Notice(m Materiality) time.Duration {
	if m == Correction {
		return m.Notice()
	}
	return max(m.Notice(), time.Duration(d.NoticeDays)*24*time.Hour)
}

var keyPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)

// reserved are words that stand where a version's number stands in an address.
var reserved = []string{"versions", "compare", "upcoming", "accept", "declined", "sha256", "as-of", "embed", "consents", "approval"}

// ValidKey reports whether key can name a document: it becomes part of an address for ever.
func ValidKey(key string) bool { return keyPattern.MatchString(key) && !slices.Contains(reserved, key) }

// Version is one version of a document. A draft has no PublishedAt.
type Version struct {
	Document       string
	Number         int
	Materiality    Materiality
	CreatedAt      time.Time
	CreatedBy      string
	EditedAt       time.Time
	EditedBy       string
	PublishedAt    time.Time
	PublishedBy    string
	AnnounceAt     time.Time
	EffectiveAt    time.Time
	EnforceAt      time.Time
	LatestAt       time.Time // when it is asked of everybody, where it waits until people were told (case 19)
	Reason         string    // why it is announced later than usual
	SubmittedAt    time.Time
	SubmittedBy    string
	ApprovedAt     time.Time
	ApprovedBy     string
	WithdrawnAt    time.Time
	WithdrawReason string
	Audience       Audience
	Exempt         bool     // nobody is asked whose language has no text, until there is one (case 6)
	Untranslated   []string // the languages that have none, where that matters
	ReacceptMonths int      // how long an acceptance counts, 0 for ever (rule T-6)
	Governing      string   // SHA-256 of the source of the governing text
	Manifest       string   // SHA-256 over the hashes of the texts, the dates and the materiality
}

// Audience limits whom a version asks; the empty one asks everybody. Number and Locale ask those alone who accepted that
// version in that language, because its meaning was wrong there (case 4). JoinedBefore asks those alone whose account is older,
// Name and Value those alone whose profile has this facet, such as "user_metadata.country" and "DE".
type Audience struct {
	Number       int
	Locale       string
	JoinedBefore time.Time
	Name         string
	Value        string
}

// Party is whom a version may ask: since when they have an account, what their profile says, and what they accepted.
type Party struct {
	JoinedAt time.Time
	Facets   map[string]string
	Accepted []Standing
	Notices  []Notice
}

// Asks reports whether the version is meant for p.
func (v Version) Asks(p Party) bool {
	a := v.Audience
	if v.waits(p) {
		return false
	}
	if !a.JoinedBefore.IsZero() && !p.JoinedAt.Before(a.JoinedBefore) {
		return false
	}
	if a.Name != "" && p.Facets[a.Name] != a.Value {
		return false
	}
	return a.Locale == "" || slices.ContainsFunc(p.Accepted, func(s Standing) bool {
		return s.Document == v.Document && s.Number == a.Number && s.Locale == a.Locale
	})
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

// Visible reports whether the public may read the version at now: what was announced once stays readable, what was
// cancelled before has never been public.
func (v Version) Visible(now time.Time) bool {
	if !v.WithdrawnAt.IsZero() && v.WithdrawnAt.Before(now) {
		now = v.WithdrawnAt
	}
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
	AddedAt      time.Time // of a correction; zero for the text that was published
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
