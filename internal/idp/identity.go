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

// safePicture allows https alone; the address is kept and never fetched by us (rule P-7).
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
