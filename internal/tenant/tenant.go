// Package tenant says whose accounts a request is about, and how that company wants its portal to be.
//
// A tenant is one company's closed set of accounts. Every row, query, cookie, ticket and letter belongs to
// exactly one, and the host name of a request alone decides which (rule X-1).
package tenant

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"
)

// ErrUnknown says that no tenant answers to a host or an id.
var ErrUnknown = errors.New("unknown tenant")

// ID names a tenant. It never changes and is never given to another tenant (rule X-2).
type ID string

// Default is the tenant that exists from the first start and needs no set-up.
const Default ID = "default"

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}[a-z0-9]$`)

// ParseID reads an id: 2 to 32 lower-case letters, digits and hyphens, beginning with a letter.
func ParseID(s string) (ID, error) {
	if !idPattern.MatchString(s) {
		return "", errors.New("a tenant id is 2 to 32 lower-case letters, digits or hyphens and begins with a letter")
	}
	return ID(s), nil
}

// User is the address of a user: no user is ever named without the tenant.
type User struct {
	Tenant ID
	ID     string
}

// IsZero reports whether u names nobody.
func (u User) IsZero() bool { return u.ID == "" }

// Tenant is one company with its settings. Origin is the configured scheme and host that links in letters
// begin with, such as "https://account.example.org" (never the Host header of a request, CS-Forgot_Password).
type Tenant struct {
	ID     ID
	Origin string
	Settings
}

// Settings is how a company wants its portal to be. The zero value of each field means its default;
// WithDefaults fills them in.
type Settings struct {
	// Product is the name people know the company's service by.
	Product string `json:"product,omitempty"`
	// Brand is the company's colour, such as "#0a5a4d"; empty for the portal's own.
	Brand string `json:"brand,omitempty"`
	// Locales are the enabled languages, BCP 47; the first is the default (rule L-1).
	Locales []string `json:"locales,omitempty"`
	// SupportEmail and SupportURL say how to reach someone.
	SupportEmail string `json:"support_email,omitempty"`
	SupportURL   string `json:"support_url,omitempty"`
	// Verification says what an account with an unverified address may do (rule V-7).
	Verification Verification `json:"verification,omitzero"`
	// Attributes is the policy for each profile attribute by its name (rule P-4).
	Attributes map[string]AttributePolicy `json:"attributes,omitempty"`
	// Metadata is the JSON Schema of user_metadata, with labels per language (rule M-7).
	Metadata json.RawMessage `json:"metadata_schema,omitempty"`
	// MinPassword is the least number of code points of a password, 15 to 64 (security.md row 1).
	MinPassword int `json:"min_password,omitempty"`
	// EmbedOrigins are the sites that may show a public document in a frame, such as "https://shop.example.org".
	EmbedOrigins []string `json:"embed_origins,omitempty"`
	// TermsApproval says which versions of documents a second administrator has to approve: "off", "material" or "always";
	// empty is material changes, once there are two.
	TermsApproval string `json:"terms_approval,omitempty"`
	// LettersPerMinute is how many letters to many people are queued a minute, DefaultLetterRate unless it is set.
	LettersPerMinute int `json:"letters_per_minute,omitempty"`
	// ResetMinutes is how long the link of a reset letter works, up to a day (row 14).
	ResetMinutes int `json:"reset_minutes,omitempty"`
	// VerifyHours is how long a link that proves an address works, up to a day (row 25).
	VerifyHours int `json:"verify_hours,omitempty"`
	// UndoDays is how long the address before can undo a change of address, up to 30 days (row 27).
	UndoDays int `json:"undo_days,omitempty"`
	// TermsMirror says where in app_metadata an acceptance is noted for applications (rule T-4).
	TermsMirror Mirror `json:"terms_mirror,omitzero"`
	// GraceDays is how many days somebody can still keep an account that they close, 0 to 30; nil means the default.
	GraceDays *int `json:"grace_days,omitempty"`
	// Withdrawal says that people can withdraw from contracts here (Directive 2011/83/EU, article 11a).
	Withdrawal bool `json:"withdrawal,omitempty"`
	// Age says whether people are asked how old they are, and what becomes of who is too young (rule G-6).
	Age AgePolicy `json:"age,omitzero"`
}

// AgePolicy is how a company deals with the age for consent to the use of data. Unless Ask is set nobody is asked. Under is
// AgeGuardian or AgeClose, Country the ISO 3166-1 code that counts for who does not say where they live, or empty.
type AgePolicy struct {
	Ask     bool   `json:"ask,omitempty"`
	Under   string `json:"under,omitempty"`
	Country string `json:"country,omitempty"`
}

// What becomes of who is too young: a parent or guardian is asked, or the account closes.
const (
	AgeGuardian = "guardian"
	AgeClose    = "close"
)

// Mirror is how an acceptance is noted in app_metadata: as terms.<document>, or with MirrorFlat as <name> and
// <name>_timestamp in milliseconds, where Names has the name of a document whose key is not its name.
type Mirror struct {
	Form  string            `json:"form,omitempty"`
	Names map[string]string `json:"names,omitempty"`
}

// The forms of Mirror besides the usual one.
const (
	MirrorFlat = "flat"
	MirrorNone = "none"
)

// Verification is the policy for unverified addresses: Mode is VerifyAllow, VerifyRemind or VerifyRequire,
// the latter taking effect Days days after sign-up.
type Verification struct {
	Mode string `json:"mode,omitempty"`
	Days int    `json:"days,omitempty"`
}

// The modes of Verification.
const (
	VerifyAllow   = "allow"
	VerifyRemind  = "remind"
	VerifyRequire = "require"
)

// AttributePolicy says what the portal shows and lets people change of one attribute (rule P-4).
type AttributePolicy struct {
	Access   Access `json:"access,omitempty"`
	Required bool   `json:"required,omitempty"`
}

// Access to one attribute.
type Access string

// The kinds of Access: not shown, shown, or open to change.
const (
	Hide      Access = "hide"
	ReadOnly  Access = "read-only"
	ReadWrite Access = "read-write"
)

// DefaultMinPassword is the least number of code points of a password (ASVS 6.2.1, NIST SP 800-63B-4 §3.1.1.2).
const DefaultMinPassword = 15

// WithDefaults returns s with every empty field set to its default.
func (s Settings) WithDefaults() Settings {
	if s.Product == "" {
		s.Product = "Portico"
	}
	if len(s.Locales) == 0 {
		s.Locales = []string{"en"}
	}
	if s.Verification.Mode == "" {
		s.Verification.Mode = VerifyRemind
	}
	if s.MinPassword < DefaultMinPassword {
		s.MinPassword = DefaultMinPassword
	}
	return s
}

// ResetLifetime is how long the link of a reset letter works: an hour, unless the settings say otherwise.
func (s Settings) ResetLifetime() time.Duration {
	if s.ResetMinutes <= 0 {
		return time.Hour
	}
	return min(time.Duration(s.ResetMinutes)*time.Minute, 24*time.Hour)
}

// VerifyLifetime is how long a link that proves an address works: a day, unless the settings say less.
func (s Settings) VerifyLifetime() time.Duration {
	if s.VerifyHours <= 0 {
		return 24 * time.Hour
	}
	return min(time.Duration(s.VerifyHours)*time.Hour, 24*time.Hour)
}

// UndoLifetime is how long the address before can undo a change of address: a week, unless the settings say otherwise.
func (s Settings) UndoLifetime() time.Duration {
	const day = 24 * time.Hour
	if s.UndoDays <= 0 {
		return 7 * day
	}
	return min(time.Duration(s.UndoDays)*day, 30*day)
}

// DefaultLetterRate is how many letters to many people are queued a minute, so that those of single people do not wait long.
const DefaultLetterRate = 240

// LetterRate is how many letters to many people are queued a minute.
func (s Settings) LetterRate() int {
	if s.LettersPerMinute <= 0 {
		return DefaultLetterRate
	}
	return s.LettersPerMinute
}

// LetterTime is how long so many letters to many people take at the tenant's rate.
func (s Settings) LetterTime(letters int) time.Duration {
	return time.Duration(float64(letters) / float64(s.LetterRate()) * float64(time.Minute))
}

// DefaultGraceDays is how long a closed account can be kept (terms.md section 3), and MostGraceDays the longest.
const (
	DefaultGraceDays = 7
	MostGraceDays    = 30
)

// Grace is how long somebody can still keep an account that they close.
func (s Settings) Grace() time.Duration {
	days := DefaultGraceDays
	if s.GraceDays != nil {
		days = min(max(*s.GraceDays, 0), MostGraceDays)
	}
	return time.Duration(days) * 24 * time.Hour
}

var originPattern = regexp.MustCompile(`^https?://[a-zA-Z0-9.-]+(:[0-9]+)?$`)

// IsOrigin reports whether text is the scheme and host of a site, and nothing behind them.
func IsOrigin(text string) bool { return originPattern.MatchString(text) }

// FrameAncestors is the value of the directive that says who may show a public document in a frame (CSP Level 3, 6.4.2).
func (s Settings) FrameAncestors() string {
	allowed := []string{}
	for _, origin := range s.EmbedOrigins {
		if IsOrigin(origin) {
			allowed = append(allowed, origin)
		}
	}
	if len(allowed) == 0 {
		return "'none'"
	}
	return strings.Join(allowed, " ")
}

// Policy is the policy of the attribute called name: what the settings say, else open to change. Usernames are not in use
// unless the settings say so (rule P-1).
func (s Settings) Policy(name string) AttributePolicy {
	p := s.Attributes[name]
	if p.Access == "" {
		p.Access = ReadWrite
		if name == username {
			p.Access = Hide
		}
	}
	return p
}

// username is the attribute that few tenants want.
const username = "username"

// URL returns the absolute address of path, which begins with a slash, on the tenant's configured origin.
func (t Tenant) URL(path string) string { return strings.TrimRight(t.Origin, "/") + path }

type contextKey struct{}

// With returns a context whose work is for t.
func With(ctx context.Context, t Tenant) context.Context {
	return context.WithValue(ctx, contextKey{}, t)
}

// From returns the tenant ctx works for. It panics when there is none: nothing may run without a tenant.
func From(ctx context.Context) Tenant {
	t, ok := ctx.Value(contextKey{}).(Tenant)
	if !ok {
		panic("tenant: no tenant in the context")
	}
	return t
}

// ErrTaken says that a tenant's id or host is in use, or was once.
var ErrTaken = errors.New("tenant id or host is taken")
