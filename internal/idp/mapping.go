package idp

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"

	"portico/internal/profile"
)

// The attributes that a mapping can fill besides those that package profile names.
const (
	AttributeSubject       = "user_id"
	AttributeEmailVerified = "email_verified"
	AttributePhoneVerified = "phone_verified"
	AttributeLocale        = "locale"
)

// Limits of what a provider may tell us. A subject is at most 255 bytes (OpenID Connect Core 1.0, section 2). Of claims,
// those that are over a limit are left out as a whole, never cut (head of rules.md).
const (
	MaxSubject   = 255
	MaxClaims    = 200
	MaxClaimName = 255
	MaxAnswer    = 256 << 10 // what is read of an answer at all, in bytes
	MaxMapping   = 16 << 10
)

// ErrNoSubject says that the claims do not say who it is.
var ErrNoSubject = errors.New("the provider did not say who it is")

// Paths are the places to look for a value, the first that holds one wins. A path names a claim, or with dots a value
// inside one: "picture.data.url", "emails.0.value". A claim whose very name has dots is looked for first.
type Paths []string

// UnmarshalJSON reads one path or a list of them.
func (p *Paths) UnmarshalJSON(content []byte) error {
	var one string
	if json.Unmarshal(content, &one) == nil {
		*p = Paths{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(content, &many)
	*p = many
	return err
}

// Mapping says, as data, which claims of a provider fill which attributes (rules N-1 and N-5). An attribute it does not
// mention is filled as DefaultMapping says, an empty list leaves it alone. Deny names claims that are never kept
// (rule G-7). TextTrue takes the text "true" for true, as only providers that document it may send it.
type Mapping struct {
	Attributes map[string]Paths `json:"attributes,omitempty"`
	Deny       []string         `json:"deny,omitempty"`
	TextTrue   bool             `json:"text_true,omitempty"`
}

// String is the mapping as people write it: nothing when it says nothing.
func (m Mapping) String() string {
	if len(m.Attributes) == 0 && len(m.Deny) == 0 && !m.TextTrue {
		return ""
	}
	content, _ := json.MarshalIndent(m, "", "  ")
	return string(content)
}

// DefaultMapping is that of OpenID Connect's standard claims (Core 1.0, section 5.1), with the other names by which
// directories know a family name (rule N-5).
func DefaultMapping() Mapping {
	return Mapping{Attributes: map[string]Paths{
		AttributeSubject:        {"sub"},
		profile.FieldName:       {"name"},
		profile.FieldGivenName:  {"given_name", "first_name"},
		profile.FieldFamilyName: {"family_name", "surname", "last_name", "sn"},
		profile.FieldNickname:   {"nickname"},
		profile.FieldPicture:    {"picture"},
		profile.FieldEmail:      {"email"},
		AttributeEmailVerified:  {"email_verified"},
		profile.FieldPhone:      {"phone_number"},
		AttributePhoneVerified:  {"phone_number_verified"},
		AttributeLocale:         {"locale"},
	}}
}

// denied are claims about the protocol and not about the person, and what must never be kept: tokens (rule I-6).
var denied = []string{
	"iss", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "auth_time", "acr", "amr", "at_hash", "c_hash", "s_hash", "sid",
	"access_token", "refresh_token", "id_token", "token", "password", "client_secret", "_claim_names", "_claim_sources",
}

// BadMapping says why a mapping is refused: Reason is the last part of a message key, Where the attribute or path.
type BadMapping struct {
	Reason string
	Where  string
}

// Error describes the refusal for logs and for the command line.
func (e BadMapping) Error() string {
	return "mapping refused (" + e.Reason + "): " + strconv.Quote(e.Where)
}

// ParseMapping reads and checks a mapping; nothing at all is the default. It returns BadMapping.
func ParseMapping(content []byte) (Mapping, error) {
	var m Mapping
	if len(bytes.TrimSpace(content)) == 0 {
		return m, nil
	}
	if len(content) > MaxMapping {
		return m, BadMapping{"size", ""}
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil || decoder.More() {
		return Mapping{}, BadMapping{"json", ""}
	}
	known := DefaultMapping().Attributes
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		if _, ok := known[name]; !ok {
			return Mapping{}, BadMapping{"attribute", name}
		}
		for _, path := range m.Attributes[name] {
			if path == "" || len(path) > MaxClaimName || hasControl(path) {
				return Mapping{}, BadMapping{"path", path}
			}
		}
	}
	if paths, set := m.Attributes[AttributeSubject]; set && len(paths) == 0 {
		return Mapping{}, BadMapping{"attribute", AttributeSubject}
	}
	return m, nil
}

// over returns m with what it does not say filled in from base.
func (m Mapping) over(base Mapping) Mapping {
	merged := Mapping{Attributes: maps.Clone(base.Attributes), TextTrue: m.TextTrue || base.TextTrue}
	maps.Copy(merged.Attributes, m.Attributes)
	merged.Deny = append(slices.Clone(base.Deny), m.Deny...)
	return merged
}
