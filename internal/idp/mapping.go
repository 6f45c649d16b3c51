package idp

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

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

// Identity is what a provider says of a person, in the words of the Normalized User Profile. Given lists the root
// attributes that the provider itself gave, as opposed to those we derived; Data is everything it said that may be kept
// (identities[].profileData, rule I-6); Left names the claims that were left out because of a limit or their form.
type Identity struct {
	Subject       string           `json:"user_id"`
	Email         string           `json:"email,omitempty"`
	EmailVerified bool             `json:"email_verified"`
	Name          string           `json:"name,omitempty"`
	GivenName     string           `json:"given_name,omitempty"`
	FamilyName    string           `json:"family_name,omitempty"`
	Nickname      string           `json:"nickname,omitempty"`
	Picture       string           `json:"picture,omitempty"`
	PhoneNumber   string           `json:"phone_number,omitempty"`
	PhoneVerified bool             `json:"phone_verified,omitempty"`
	Locale        string           `json:"locale,omitempty"`
	Given         []string         `json:"given,omitempty"`
	Data          profile.Metadata `json:"profileData,omitempty"`
	Left          []string         `json:"left,omitempty"`
}

// Claims are what a provider says of a person, as it said it.
type Claims map[string]json.RawMessage

// ParseClaims reads a JSON object of claims.
func ParseClaims(content []byte) (Claims, error) {
	var c Claims
	if len(content) > MaxAnswer {
		return nil, errors.New("claims are too large")
	}
	if err := json.Unmarshal(content, &c); err != nil || c == nil {
		return nil, errors.New("claims are not a JSON object")
	}
	return c, nil
}

// Normalize reads the claims of a provider into an Identity. It returns ErrNoSubject when they do not say who it is;
// whatever else is missing or of no use is left out.
func (m Mapping) Normalize(claims Claims) (Identity, error) {
	m = m.over(DefaultMapping())
	kept := maps.Clone(claims)
	subject := m.subject(claims)
	for _, name := range append(slices.Clone(denied), m.Deny...) {
		delete(kept, name)
	}
	r := reader{mapping: m, claims: kept}
	r.identity.Subject = subject
	if !subjectRight(subject) {
		return Identity{}, ErrNoSubject
	}
	r.names()
	r.reach()
	r.derive()
	r.keep()
	return r.identity, nil
}

// subjectRight reports whether s can be the id of a person at a provider: 1 to 255 printable ASCII characters. A space at
// either end is refused, because databases do not tell "a" from "a " and two people must never become one.
func subjectRight(s string) bool {
	return s != "" && len(s) <= MaxSubject && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// subject returns who it is, exactly as the provider writes it.
func (m Mapping) subject(claims Claims) string {
	for _, path := range m.Attributes[AttributeSubject] {
		switch value := claims.at(path).(type) {
		case string:
			return value
		case json.Number:
			return value.String()
		}
	}
	return ""
}

// text returns the first text, or number, at the paths of an attribute.
func (m Mapping) text(claims Claims, attribute string) string {
	for _, path := range m.Attributes[attribute] {
		switch value := claims.at(path).(type) {
		case string:
			if text := norm.NFC.String(strings.TrimSpace(strings.ToValidUTF8(value, ""))); text != "" {
				return text
			}
		case json.Number:
			return value.String()
		}
	}
	return ""
}

// truth reports whether the first value at the paths of an attribute is true: nothing but true counts, and the text
// "true" where the mapping allows it (security.md row 26).
func (m Mapping) truth(claims Claims, attribute string) bool {
	for _, path := range m.Attributes[attribute] {
		switch value := claims.at(path).(type) {
		case bool:
			return value
		case string:
			return m.TextTrue && value == "true"
		case nil:
		default:
			return false
		}
	}
	return false
}

// at returns the value at a path, numbers as json.Number, or nil.
func (c Claims) at(path string) any {
	name, rest := path, ""
	raw, ok := c[name]
	if !ok {
		if name, rest, ok = strings.Cut(path, "."); !ok {
			return nil
		}
		raw = c[name]
	}
	value := decode(raw)
	for rest != "" {
		var step string
		step, rest, _ = strings.Cut(rest, ".")
		switch inside := value.(type) {
		case map[string]any:
			value = inside[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(inside) {
				return nil
			}
			value = inside[n]
		default:
			return nil
		}
	}
	return value
}

func decode(raw json.RawMessage) any {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // 23 stays 23, and a long id keeps its digits
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	return value
}

// reader puts an identity together.
type reader struct {
	mapping  Mapping
	claims   Claims
	identity Identity
}

// take returns the text of an attribute when it is within limit characters and right; else the claim is left out.
func (r *reader) take(attribute string, limit int, right func(string) bool) string {
	text := r.mapping.text(r.claims, attribute)
	if text == "" {
		return ""
	}
	if utf8.RuneCountInString(text) > limit || hasControl(text) || !right(text) {
		r.identity.Left = append(r.identity.Left, attribute)
		return ""
	}
	r.identity.Given = append(r.identity.Given, attribute)
	return text
}

func anything(string) bool { return true }

func (r *reader) names() {
	i := &r.identity
	i.Name = r.take(profile.FieldName, profile.MaxName, anything)
	i.GivenName = r.take(profile.FieldGivenName, profile.MaxName, anything)
	i.FamilyName = r.take(profile.FieldFamilyName, profile.MaxName, anything)
	i.Nickname = r.take(profile.FieldNickname, profile.MaxNickname, anything)
	i.Picture = r.take(profile.FieldPicture, profile.MaxPicture, safePicture)
}

// safePicture allows https alone: the address is shown to browsers, never fetched by us (rule P-7).
func safePicture(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil
}

var (
	localePattern = regexp.MustCompile(`^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$`)
	phonePattern  = regexp.MustCompile(`^\+[0-9]{1,15}$`)
)

// reach reads how the person is reached. What is not said to be verified is not (verified-email-usage, security.md row 26).
func (r *reader) reach() {
	i := &r.identity
	i.Email = r.take(profile.FieldEmail, profile.MaxEmail, func(s string) bool { return len(profile.CheckEmail(s)) == 0 })
	i.EmailVerified = i.Email != "" && r.mapping.truth(r.claims, AttributeEmailVerified)
	i.PhoneNumber = profile.Phone(r.take(profile.FieldPhone, 40, func(s string) bool { return phonePattern.MatchString(profile.Phone(s)) }))
	i.PhoneVerified = i.PhoneNumber != "" && r.mapping.truth(r.claims, AttributePhoneVerified)
	i.Locale = strings.ReplaceAll(r.take(AttributeLocale, 35, localePattern.MatchString), "_", "-")
}

// derive fills in what the provider did not give: a nickname from the address (rule N-1), a name from its parts, from
// the nickname (rule N-3) or from the address (rule P-2).
func (r *reader) derive() {
	i := &r.identity
	if i.Nickname == "" {
		i.Nickname, _, _ = strings.Cut(i.Email, "@")
	}
	for _, name := range []string{strings.TrimSpace(i.GivenName + " " + i.FamilyName), i.Nickname, i.Email} {
		if i.Name == "" && utf8.RuneCountInString(name) <= profile.MaxName {
			i.Name = name
		}
	}
}

// keep puts every claim that may be kept into Data, nested values as they are: the small ones first, so that one large
// claim does not push the others out.
func (r *reader) keep() {
	names := slices.SortedFunc(maps.Keys(r.claims), func(a, b string) int {
		if d := len(r.claims[a]) - len(r.claims[b]); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	size := len("{}")
	r.identity.Data = profile.Metadata{}
	for _, name := range names {
		raw := compact(r.claims[name])
		cost := len(raw) + len(strconv.Quote(name)) + len(":,")
		fits := size+cost <= profile.MaxMetadata && len(r.identity.Data) < MaxClaims
		if !fits || name == "" || len(name) > MaxClaimName || hasControl(name) || !keepable(decode(raw), 1) {
			if !slices.Contains(r.identity.Left, name) && len(r.identity.Left) < 32 {
				r.identity.Left = append(r.identity.Left, shortened(name))
			}
			continue
		}
		size += cost
		r.identity.Data[name] = raw
	}
}

func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return json.RawMessage("null")
	}
	return b.Bytes()
}

// keepable holds a claim to the limits of metadata: texts, and how deep it nests.
func keepable(value any, depth int) bool {
	if depth > profile.MaxMetadataDepth {
		return false
	}
	switch value := value.(type) {
	case string:
		return len(value) <= profile.MaxMetadataText
	case []any:
		return !slices.ContainsFunc(value, func(v any) bool { return !keepable(v, depth+1) })
	case map[string]any:
		for _, inside := range value {
			if !keepable(inside, depth+1) {
				return false
			}
		}
	}
	return true
}

// shortened is the beginning of a name, for a list that people read.
func shortened(name string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name))
	return string(runes[:min(len(runes), 64)])
}

// hasControl reports whether s holds characters that nothing shown has.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' })
}
