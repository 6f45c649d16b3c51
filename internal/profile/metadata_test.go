package profile_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portico/internal/profile"
)

func parse(t *testing.T, text string) profile.Metadata {
	t.Helper()
	m, err := profile.ParseMetadata([]byte(text), false)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

// Rules M-1 and M-2: what is an object, which keys, sizes and depths are refused, and where.
func TestMetadataIsCheckedAsAWhole(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", profile.MaxMetadataText)
	for _, c := range []struct {
		name, text string
		app        bool
		want       error
	}{
		{name: "an empty object", text: `{}`},
		{name: "every type", text: ` {"a": 23, "b": "23", "c": true, "d": null, "e": [1, "x", {}], "f": {"g": 0.5}} `},
		{name: "points and dollars in values", text: `{"a": "b.$c"}`},
		{name: "a name of the profile in user_metadata", text: `{"blocked": true}`},
		{name: "a key of 100 characters", text: `{"` + strings.Repeat("ä", 100) + `": 1}`},
		{name: "a text of the greatest length", text: `{"a": "` + long + `"}`},
		{name: "five levels", text: `{"a": {"b": {"c": {"d": {"e": 1}}}}}`},
		{name: "nothing", text: ``, want: profile.BadMetadata{Reason: profile.NotObject}},
		{name: "half an object", text: `{"a": 1`, want: profile.BadMetadata{Reason: profile.CutJSON, Line: 1, Column: 8}},
		{name: "two objects", text: `{"a": 1} {"b": 2}`, want: profile.BadMetadata{Reason: profile.BadJSON, Line: 1, Column: 10, Near: `{"b": 2}`}},
		{name: "a bracket too many", text: `{"a": 1}}`, want: profile.BadMetadata{Reason: profile.BadJSON, Line: 1, Column: 9, Near: `}`}},
		{name: "rubbish behind it", text: `{"a": 1}]x`, want: profile.BadMetadata{Reason: profile.BadJSON, Line: 1, Column: 9, Near: `]x`}},
		{name: "an array", text: `[1]`, want: profile.BadMetadata{Reason: profile.NotObject}},
		{name: "a text", text: `"a"`, want: profile.BadMetadata{Reason: profile.NotObject}},
		{name: "null", text: `null`, want: profile.BadMetadata{Reason: profile.NotObject}},
		{name: "a point in a key", text: `{"a.b": 1}`, want: profile.BadMetadata{Path: "a.b", Reason: profile.BadKey}},
		{name: "a dollar in a deep key", text: `{"a": [0, {"$b": 1}]}`, want: profile.BadMetadata{Path: "a[1].$b", Reason: profile.BadKey}},
		{name: "an empty key", text: `{"": 1}`, want: profile.BadMetadata{Path: "", Reason: profile.BadKey}},
		{name: "a control in a key", text: `{"a\u0000": 1}`, want: profile.BadMetadata{Path: "a\x00", Reason: profile.BadKey}},
		{name: "a key of 101 characters", text: `{"` + strings.Repeat("ä", 101) + `": 1}`, want: profile.BadMetadata{Path: strings.Repeat("ä", 101), Reason: profile.BadKey}},
		{name: "a text that is too long", text: `{"a": ["` + long + `x"]}`, want: profile.BadMetadata{Path: "a[0]", Reason: profile.TooLong}},
		{name: "six levels", text: `{"a": {"b": {"c": {"d": {"e": {}}}}}}`, want: profile.BadMetadata{Path: "a.b.c.d.e", Reason: profile.TooDeep}},
		{name: "too much", text: `{"a": "` + long + `"` + strings.Repeat(`, "b`+`": "`+long+`"`, 1) + bulk(8) + `}`, want: profile.BadMetadata{Reason: profile.TooLarge}},
		{name: "far too much", text: `{"a": "` + strings.Repeat("x", 100<<10) + `"}`, want: profile.BadMetadata{Reason: profile.TooLarge}},
		{name: "a number that nothing can hold", text: `{"a": 1e999}`, want: profile.BadMetadata{Path: "a", Reason: profile.BadNumber}},
		{name: "a name of the profile in app_metadata", text: `{"blocked": true}`, app: true, want: profile.BadMetadata{Path: "blocked", Reason: profile.ForbiddenKey}},
		{name: "the same deeper", text: `{"a": {"blocked": true}}`, app: true},
	} {
		_, err := profile.ParseMetadata([]byte(c.text), c.app)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// bulk are n more keys with long texts.
func bulk(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`, "k` + strconv.Itoa(i) + `": "` + strings.Repeat("x", profile.MaxMetadataText) + `"`)
	}
	return b.String()
}

// The limit of an object is that of the text that was sent, whatever signs it holds.
func TestSignsOfMarkupAreNotDearer(t *testing.T) {
	t.Parallel()
	text := `{"a": "` + strings.Repeat("<", 2000) + `", "b": "` + strings.Repeat("&", 2000) + `"}`
	m := parse(t, text)
	if got := string(m.JSON()); strings.Contains(got, `\u003c`) || len(got) > len(text) {
		t.Errorf("got %d bytes for %d, want the text as it was sent", len(got), len(text))
	}
}

// Rule M-3.
func TestForbiddenKeys(t *testing.T) {
	t.Parallel()
	for key := range strings.FieldsSeq("__tenant _id blocked clientID created_at email_verified email globalClientID global_client_id identities lastIP " +
		"lastLogin loginsCount metadata multifactor_last_modified multifactor updated_at user_id") {
		content := []byte(`{"` + key + `": 1}`)
		if _, err := profile.ParseMetadata(content, true); !errors.Is(err, profile.BadMetadata{Path: key, Reason: profile.ForbiddenKey}) {
			t.Errorf("%s: got %v, want it refused", key, err)
		}
	}
}

// Rule M-4.
func TestPatch(t *testing.T) {
	t.Parallel()
	const before = `{"keep": 23, "list": [1, 2], "nest": {"a": 1, "b": 2}, "gone": "x"}`
	for patch, want := range map[string]string{
		`{"new": "23"}`:        `{"keep": 23, "list": [1, 2], "nest": {"a": 1, "b": 2}, "gone": "x", "new": "23"}`,
		`{"list": [3]}`:        `{"keep": 23, "list": [3], "nest": {"a": 1, "b": 2}, "gone": "x"}`,
		`{"nest": {"c": 3}}`:   `{"keep": 23, "list": [1, 2], "nest": {"c": 3}, "gone": "x"}`,
		`{"nest": {}}`:         `{"keep": 23, "list": [1, 2], "nest": {}, "gone": "x"}`,
		`{"nest": {"a":null}}`: `{"keep": 23, "list": [1, 2], "nest": {"a": null}, "gone": "x"}`,
		`{"gone":  null }`:     `{"keep": 23, "list": [1, 2], "nest": {"a": 1, "b": 2}}`,
		`{"never": null}`:      before,
		`{}`:                   `{}`,
	} {
		m := parse(t, before)
		got := m.Patch(parse(t, patch))
		if diff := cmp.Diff(decoded(t, []byte(want)), decoded(t, got.JSON())); diff != "" {
			t.Errorf("%s:\n%s", patch, diff)
		}
		if diff := cmp.Diff(decoded(t, []byte(before)), decoded(t, m.JSON())); diff != "" {
			t.Errorf("%s changed the object itself:\n%s", patch, diff)
		}
	}
	if got := profile.Metadata(nil).Patch(parse(t, `{"a": 1}`)).JSON(); string(got) != `{"a":1}` {
		t.Errorf("got %s, want nothing patched with something", got)
	}
}

func decoded(t *testing.T, content []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(content, &value); err != nil {
		t.Fatalf("%s: %v", content, err)
	}
	return value
}

// Databases write JSON in their own way: MySQL sorts keys and spells numbers anew. That is no change.
func TestChangedComparesWhatIsMeant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want []string
	}{
		{`{"a": 1}`, `{"a":1}`, nil},
		{`{"a": {"x": 1, "y": [2]}}`, `{"a":{"y":[2],"x":1}}`, nil},
		{`{"a": "<é>"}`, `{"a": "\u003c\u00e9>"}`, nil},
		{`{"a": 1.50, "b": 1e2}`, `{"a": 1.5, "b": 100.0}`, nil},
		{`{"a": 9007199254740993}`, `{"a": 9007199254740992}`, []string{"a"}},
		{`{"a": 23}`, `{"a": "23"}`, []string{"a"}},
		{`{"a": [1, 2]}`, `{"a": [2, 1]}`, []string{"a"}},
		{`{"b": null, "a": 1}`, `{"c": 1}`, []string{"a", "b", "c"}},
	} {
		if diff := cmp.Diff(c.want, parse(t, c.a).Changed(parse(t, c.b))); diff != "" {
			t.Errorf("%s and %s:\n%s", c.a, c.b, diff)
		}
	}
}

// whatever makes a random object of the kind that people's programs send.
func whatever(r *rand.Rand, depth int) any {
	words := []string{"", "a", "lang", "ünï", "<b>", "1.5", "null", "\u200f", "a b"}
	switch r.IntN(7) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return r.Int64N(1 << 40)
	case 3:
		return r.Float64()
	case 4:
		if depth > 0 {
			list := make([]any, r.IntN(3))
			for i := range list {
				list[i] = whatever(r, depth-1)
			}
			return list
		}
	case 5:
		if depth > 0 {
			object := map[string]any{}
			for range r.IntN(4) {
				object[string(rune('a'+r.IntN(5)))] = whatever(r, depth-1)
			}
			return object
		}
	}
	return words[r.IntN(len(words))]
}

// TestPatchHoldsForEverything: for any two objects, a patch says what it sends, keeps what it does not name, is the same when
// made twice, and changes nothing but what it names.
func TestPatchHoldsForEverything(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	object := func() profile.Metadata {
		m := map[string]any{}
		for range r.IntN(6) {
			m[string(rune('a'+r.IntN(8)))] = whatever(r, 3)
		}
		content, _ := json.Marshal(m)
		return parse(t, string(content))
	}
	for range 3000 {
		before, patch := object(), object()
		after := before.Patch(patch)
		for key, value := range patch {
			if removed := string(value) == "null"; removed && after[key] != nil || !removed && string(after[key]) != string(value) {
				t.Fatalf("%s patched with %s: got %s, want what was sent under %s", before.JSON(), patch.JSON(), after.JSON(), key)
			}
		}
		for key, value := range before {
			if _, named := patch[key]; !named && len(patch) > 0 && string(after[key]) != string(value) {
				t.Fatalf("%s patched with %s: got %s, want %s kept", before.JSON(), patch.JSON(), after.JSON(), key)
			}
		}
		if again := after.Patch(patch); len(again.Changed(after)) != 0 {
			t.Fatalf("%s patched with %s twice: got %s", before.JSON(), patch.JSON(), again.JSON())
		}
		for _, key := range after.Changed(before) {
			if _, named := patch[key]; !named && len(patch) > 0 {
				t.Fatalf("%s patched with %s: got %s changed", before.JSON(), patch.JSON(), key)
			}
		}
		if read := parse(t, string(after.JSON())); len(read.Changed(after)) != 0 {
			t.Fatalf("got %s, want what was written: %s", read.JSON(), after.JSON())
		}
	}
}
