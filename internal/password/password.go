// Package password says which passwords are good enough, keeps their hashes, and lets people change a
// password or replace a forgotten one.
package password

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// The names of the form fields that hold passwords: the one a person chooses, and the one they have now.
const (
	FieldPassword = "password"
	FieldCurrent  = "current_password"
)

// The limits of a password in code points. DefaultMin is ASVS 6.2.1 and NIST SP 800-63B-4 §3.1.1.2; an operator
// may ask for up to HighestMin. Max keeps a pass phrase of any language whole (ASVS 6.2.9).
const (
	DefaultMin = tenant.DefaultMinPassword
	HighestMin = 64
	Max        = 128
)

// Policy is what a tenant asks of a password: its length and nothing about its composition (security.md rows 1–6).
type Policy struct {
	Min int
}

// PolicyOf returns the policy that the settings of a tenant ask for.
func PolicyOf(s tenant.Settings) Policy {
	return Policy{Min: min(max(s.MinPassword, DefaultMin), HighestMin)}
}

// Check says what is wrong with a password that someone chooses; no errors mean it is good. words are what the
// password must not consist of: names of the service and of the person (see Context).
func (p Policy) Check(password string, words Context) valid.Errors {
	var refused valid.Errors
	password = normal(password)
	switch length := utf8.RuneCountInString(password); {
	case strings.TrimSpace(password) == "" || !utf8.ValidString(password):
		refused.Add(FieldPassword, "err.password.empty")
	case length < p.Min:
		refused.Add(FieldPassword, "err.password.short", "min", p.Min)
	case length > Max:
		refused.Add(FieldPassword, "err.password.long", "max", Max)
	case words.consistsOf(password):
		refused.Add(FieldPassword, "err.password.personal")
	case common(password):
		refused.Add(FieldPassword, "err.password.common")
	case !strong(password, words):
		refused.Add(FieldPassword, weakness(password))
	}
	return refused
}

// normal is the form in which a password is counted, compared and hashed, so that the same password typed on
// another keyboard or system stays the same (NIST SP 800-63B §3.1.1.2). Case and spaces are kept.
func normal(password string) string { return norm.NFKC.String(password) }

// fold is the form in which a password is compared with lists: case does not count.
func fold(password string) string { return strings.ToLower(normal(password)) }
