// Package profile is the Normalized User Profile: what a tenant knows of one person, whichever way they came.
//
// What people may change about themselves is in the attributes and in user_metadata; app_metadata is the company's
// alone. Who may change what is decided here, whatever a form says (rules P-1…P-7, M-1…M-9).
package profile

import (
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"portico/internal/tenant"
	"portico/internal/valid"
)

// Errors of this package.
var (
	ErrNotFound = errors.New("profile not found")
	ErrStale    = errors.New("profile was changed meanwhile")
	ErrTaken    = errors.New("address or username is taken")
)

// Database is the connection of profiles whose password we keep; others name an identity provider.
const Database = "portico"

// The roles. Administrators have a gate of their own.
const (
	RoleNone  = ""
	RoleAdmin = "admin"
)

// The attributes, by the names of the Normalized User Profile; form fields carry the same names.
const (
	FieldEmail      = "email"
	FieldUsername   = "username"
	FieldName       = "name"
	FieldGivenName  = "given_name"
	FieldFamilyName = "family_name"
	FieldNickname   = "nickname"
	FieldPicture    = "picture"
	FieldPhone      = "phone_number"
	// FieldLang, FieldPageLang and FieldZone are the keys of user_metadata that the portal itself understands: the
	// language of letters (rule L-1), the language of pages, and the time zone.
	FieldLang     = "lang"
	FieldPageLang = "ui_lang"
	FieldZone     = "zoneinfo"
)

// Limits of attributes, in characters (rule P-1).
const (
	MaxName     = 150
	MaxNickname = 350
	MaxPicture  = 2048
	MaxEmail    = 254
	MaxLocal    = 64
	MaxUsername = 15
)

// Profile is one person's. Version counts the changes people and administrators make, and unlike UpdatedAt not the
// sign-ins, so that a form can tell whether it is stale (rule P-6).
type Profile struct {
	User              tenant.User
	Version           int64
	Connection        string
	Email             string
	EmailVerified     bool
	Username          string
	Name              string
	GivenName         string
	FamilyName        string
	Nickname          string
	Picture           string
	PhoneNumber       string
	PhoneVerified     bool
	UserMetadata      Metadata
	AppMetadata       Metadata
	Role              string
	Block             Block
	Restriction       Restriction
	CreatedAt         time.Time
	UpdatedAt         time.Time
	EditedAt          time.Time
	LastLogin         time.Time
	LastIP            string
	LoginsCount       int64
	LastPasswordReset time.Time
	// Managed names the attributes that an identity provider owns: its word replaces them at each sign-in (rule P-3).
	// ManagedBy is the name of that provider.
	Managed   []string
	ManagedBy string
}

// Block is an administrator's block. Until is when it ends by itself, zero for never (rule B-1).
type Block struct {
	Blocked bool
	At      time.Time
	Until   time.Time
	By      string
	Reason  string
	Message string
}

// Restriction is the state in which data is kept and not used otherwise (rule G-5). By is the administrator who set it, or
// ByRequest; Reason is for administrators alone.
type Restriction struct {
	On     bool
	At     time.Time
	By     string
	Reason string
}

// ByRequest is who restricted an account when it was no administrator: its person, by a request.
const ByRequest = "request"

// InForce reports whether the block keeps the person out at now.
func (b Block) InForce(now time.Time) bool {
	return b.Blocked && (b.Until.IsZero() || now.Before(b.Until))
}

// Lang is the language the person chose for letters, of whatever type it was stored as (rule L-2).
func (p Profile) Lang() any { return p.UserMetadata.Value(FieldLang) }

// Initials are what is shown where a picture would be: of the first and last word of the name, else of the address.
func Initials(name, email string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) })
	if len(words) == 0 {
		words = []string{email}
	}
	first, _ := utf8.DecodeRuneInString(words[0])
	initials := string(unicode.ToUpper(first))
	if len(words) > 1 {
		last, _ := utf8.DecodeRuneInString(words[len(words)-1])
		initials += string(unicode.ToUpper(last))
	}
	return initials
}

// EmailKey is what decides whether two addresses are the same: NFC, without regard to case (security.md row 29).
// The address itself is kept as it was typed.
func EmailKey(email string) string { return strings.ToLower(norm.NFC.String(strings.TrimSpace(email))) }

var emailPattern = regexp.MustCompile(`^[^\s@<>()\[\]\\,;:"\x00-\x1f\x7f]+@[^\s@<>()\[\]\\,;:"\x00-\x1f\x7f]+\.[^\s@<>()\[\]\\,;:".\x00-\x1f\x7f]+$`)

// CheckEmail says what is wrong with an address: nothing there, or not of the form name@host.
func CheckEmail(email string) valid.Errors {
	var refused valid.Errors
	email = strings.TrimSpace(email)
	local, domain, _ := strings.Cut(email, "@")
	switch {
	case email == "":
		refused.Add(FieldEmail, "err.email.empty")
	case len(email) > MaxEmail || len(local) > MaxLocal || !emailPattern.MatchString(email) ||
		strings.Contains(email, "..") || strings.HasPrefix(domain, ".") || !utf8.ValidString(email):
		refused.Add(FieldEmail, "err.email.form")
	}
	return refused
}

var phonePattern = regexp.MustCompile(`^\+[0-9]{1,15}$`)

// Phone reads a phone number as people type it, with spaces, hyphens, dots and parentheses (rule P-1).
func Phone(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-.()/\u2010\u2011\u200e\u200f", r) {
			return -1
		}
		return r
	}, norm.NFKC.String(s))
}

var usernamePattern = regexp.MustCompile("^[a-z0-9@^$!#.+'~_`-]+$")

// validUsername reports whether a new username has the form that rule P-1 asks for; an address is not one.
func validUsername(name string) bool {
	return len(name) <= MaxUsername && usernamePattern.MatchString(name) && len(CheckEmail(name)) > 0
}

// tidy trims a text and gives it one form, so that equal names are equal.
func tidy(s string) string {
	return norm.NFC.String(strings.TrimSpace(strings.ToValidUTF8(s, "")))
}

// hasControl reports whether s holds characters that no name has: controls, and line or paragraph separators.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' })
}
