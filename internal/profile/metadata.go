package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of one metadata object: its size in bytes of JSON, each text in bytes, how deep it nests, each key in
// characters (head of rules.md, M-2). What is over is refused, never cut.
const (
	MaxMetadata      = 16 << 10
	MaxMetadataText  = 2 << 10
	MaxMetadataDepth = 5
	MaxMetadataKey   = 100
)

// Metadata is user_metadata or app_metadata: a JSON object, kept as it was sent (23 is not "23", rule M-1).
type Metadata map[string]json.RawMessage

// BadMetadata says why an object is refused, and where: Path is like "address.lines[2]". What is no JSON at all has a Line and a
// Column instead, counted from 1 in characters, and the words Near it.
type BadMetadata struct {
	Path   string
	Reason MetadataReason
	Line   int
	Column int
	Near   string
}

// MetadataReason is why metadata is refused. It is the last part of a message key, "err.metadata.…".
type MetadataReason string

// The reasons.
const (
	NotObject    MetadataReason = "object"
	BadJSON      MetadataReason = "json"
	CutJSON      MetadataReason = "cut"
	BadNumber    MetadataReason = "number"
	BadKey       MetadataReason = "key"
	ForbiddenKey MetadataReason = "forbidden"
	TooLarge     MetadataReason = "size"
	TooLong      MetadataReason = "text"
	TooDeep      MetadataReason = "depth"
)

// Error names the path for logs.
func (e BadMetadata) Error() string {
	return fmt.Sprintf("metadata refused at %q: %s", e.Path, e.Reason)
}

// forbidden are root keys that app_metadata may not have, because other systems take them for the profile's own (rule M-3).
var forbidden = []string{
	"__tenant", "_id", "blocked", "clientID", "created_at", "email_verified", "email", "globalClientID", "global_client_id",
	"identities", "lastIP", "lastLogin", "loginsCount", "metadata", "multifactor_last_modified", "multifactor", "updated_at", "user_id",
}

// ParseMetadata reads a JSON object and checks it as CheckMetadata does. It returns BadMetadata.
func ParseMetadata(content []byte, app bool) (Metadata, error) {
	if len(content) > 4*MaxMetadata {
		return nil, BadMetadata{Reason: TooLarge}
	}
	var m Metadata
	err := json.Unmarshal(content, &m)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && len(bytes.TrimSpace(content)) > 0 {
		return nil, badSyntax(content, int(syntax.Offset))
	}
	if err != nil || m == nil {
		return nil, BadMetadata{Reason: NotObject}
	}
	return m, CheckMetadata(m, app)
}

// nearby is how many characters of what cannot be read are shown.
const nearby = 20

// badSyntax says where a text stops being JSON: at the last of the read bytes, or at its end.
func badSyntax(content []byte, read int) BadMetadata {
	bad := BadMetadata{Reason: BadJSON}
	at := max(read-1, 0)
	var skipped json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(&skipped); errors.Is(err, io.ErrUnexpectedEOF) {
		bad.Reason, at = CutJSON, len(bytes.TrimRight(content, " \t\r\n"))
	}
	before := content[:at]
	bad.Line = bytes.Count(before, []byte("\n")) + 1
	bad.Column = utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	rest, _, _ := strings.Cut(string(content[at:]), "\n")
	if near := []rune(strings.TrimSpace(strings.ToValidUTF8(rest, "\uFFFD"))); len(near) > nearby {
		bad.Near = string(near[:nearby]) + "…"
	} else {
		bad.Near = string(near)
	}
	if bad.Near == "" && bad.Reason == BadJSON {
		bad.Near = `\n` // a line that ends within a text
	}
	return bad
}

// CheckMetadata checks keys, sizes and depth of an object; app says that it is app_metadata. It returns BadMetadata.
func CheckMetadata(m Metadata, app bool) error {
	if len(m.JSON()) > MaxMetadata {
		return BadMetadata{Reason: TooLarge}
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if app && slices.Contains(forbidden, key) {
			return BadMetadata{Path: key, Reason: ForbiddenKey}
		}
		if badKey(key) {
			return BadMetadata{Path: key, Reason: BadKey}
		}
		var value any
		if err := json.Unmarshal(m[key], &value); err != nil {
			return BadMetadata{Path: key, Reason: BadNumber}
		}
		if err := checkValue(key, value, 2); err != nil {
			return err
		}
	}
	return nil
}

func badKey(key string) bool {
	return key == "" || utf8.RuneCountInString(key) > MaxMetadataKey || strings.ContainsAny(key, ".$") ||
		strings.ContainsFunc(key, unicode.IsControl)
}

func checkValue(path string, value any, depth int) error {
	switch value := value.(type) {
	case string:
		if len(value) > MaxMetadataText {
			return BadMetadata{Path: path, Reason: TooLong}
		}
	case []any:
		if depth > MaxMetadataDepth {
			return BadMetadata{Path: path, Reason: TooDeep}
		}
		for i, item := range value {
			if err := checkValue(fmt.Sprintf("%s[%d]", path, i), item, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		if depth > MaxMetadataDepth {
			return BadMetadata{Path: path, Reason: TooDeep}
		}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			inner := path + "." + key
			if badKey(key) {
				return BadMetadata{Path: inner, Reason: BadKey}
			}
			if err := checkValue(inner, value[key], depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// JSON is the object as text; nil is the empty object.
func (m Metadata) JSON() []byte {
	if len(m) == 0 {
		return []byte("{}")
	}
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false) // it is no page, and a sign of markup counts as the one it is
	if err := encoder.Encode(m); err != nil {
		return []byte("{}") // a Metadata is only made from valid JSON
	}
	return bytes.TrimSpace(content.Bytes())
}

// Value returns the value under a root key, or nil.
func (m Metadata) Value(key string) any {
	var value any
	_ = json.Unmarshal(m[key], &value)
	return value
}

// Text returns the text under a root key, or nothing when it is not a text.
func (m Metadata) Text(key string) string {
	text, _ := m.Value(key).(string)
	return text
}

// Patch returns m changed by patch: root keys are merged, a nested object replaces the old one whole, null removes its
// key, and the empty patch removes them all (rule M-4). m itself stays as it is.
func (m Metadata) Patch(patch Metadata) Metadata {
	if len(patch) == 0 {
		return Metadata{}
	}
	patched := maps.Clone(m)
	if patched == nil {
		patched = Metadata{}
	}
	for key, value := range patch {
		if string(bytes.TrimSpace(value)) == "null" {
			delete(patched, key)
			continue
		}
		patched[key] = value
	}
	return patched
}

// Changed lists the root keys in which m and other differ, sorted.
func (m Metadata) Changed(other Metadata) []string {
	var keys []string
	for key := range m {
		if !sameJSON(m[key], other[key]) {
			keys = append(keys, key)
		}
	}
	for key := range other {
		if _, both := m[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// sameJSON reports whether two values mean the same: a database may have sorted the keys and spelled texts and numbers anew.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, okX := exactly(a)
	y, okY := exactly(b)
	return okX && okY && same(x, y)
}

// exactly reads a value with its numbers as they are written.
func exactly(content json.RawMessage) (value any, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	err := decoder.Decode(&value)
	return value, err == nil
}

func same(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || strings.ContainsAny(string(a+b), ".eE") && float(a) == float(b))
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, same)
	default:
		return a == b
	}
}

func float(n json.Number) float64 {
	value, _ := n.Float64()
	return value
}

// set puts a text under key, or removes the key when the text is empty.
func (m Metadata) set(key, text string) {
	if text == "" {
		delete(m, key)
		return
	}
	m[key], _ = json.Marshal(text)
}
