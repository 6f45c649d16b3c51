package profile_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/valid"
)

const withReadOnly = `{
  "type": "object",
  "required": ["number"],
  "properties": {
    "shelf": {"type": "string", "enum": ["novels", "travel"], "x-values": {"en": {"novels": "Novels"}, "de": {"novels": "Romane"}}, "readOnly": true},
    "wrap": {"type": "boolean", "readOnly": true},
    "number": {"type": "integer", "minimum": 1, "readOnly": true},
    "motto": {"type": "string", "maxLength": 5}
  }
}`

func TestValuesAreUnderstood(t *testing.T) {
	t.Parallel()
	schema, err := profile.ParseSchema([]byte(withReadOnly))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, p := range schema.ReadOnly() {
		keys = append(keys, p.Key)
	}
	if want := []string{"shelf", "wrap", "number"}; !slices.Equal(keys, want) || len(schema.Properties) != 4 {
		t.Errorf("got %v, want %v", keys, want)
	}
	for _, c := range []struct {
		lang, key, written, want string
		ok                       bool
	}{
		{"de", "shelf", " romane ", "novels", true},
		{"de", "shelf", "novels", "novels", true},
		{"de", "shelf", "Travel", "travel", true},
		{"en", "shelf", "Romane", "Romane", false},
		{"fr", "wrap", "OUI", "true", true},
		{"ja", "wrap", "いいえ", "false", true},
		{"ja", "wrap", "false", "false", true},
		{"en", "wrap", "perhaps", "perhaps", false},
		{"en", "number", " 12 ", "12", true},
		{"en", "motto", "a b", "a b", true},
	} {
		p, _ := schema.Field(c.key)
		if got, ok := p.Understand(i18n.With(t.Context(), c.lang, nil), c.written); got != c.want || ok != c.ok {
			t.Errorf("%s, %s: got %q, %v, want %q, %v", c.lang, c.written, got, ok, c.want, c.ok)
		}
	}
	shelf, _ := schema.Field("shelf")
	wrap, _ := schema.Field("wrap")
	german := i18n.With(t.Context(), "de", nil)
	if got := append(shelf.Choices(german), wrap.Choices(german)...); !slices.Equal(got, []string{"Romane", "travel", "Ja", "Nein"}) {
		t.Errorf("got %v, want them in the reader's words", got)
	}
	if wrap.Say(german, "") != "" || wrap.Say(german, "x") != "x" {
		t.Error("what is no truth is said as one")
	}
}

func TestOneKeyIsCorrected(t *testing.T) {
	t.Parallel()
	schema, err := profile.ParseSchema([]byte(withReadOnly))
	if err != nil {
		t.Fatal(err)
	}
	before := profile.Profile{UserMetadata: profile.Metadata{"number": json.RawMessage("7"), "other": json.RawMessage(`"kept"`)}}
	for text, want := range map[string]string{"8": "8", "0": "", "eight": "", "7": "7"} {
		p, fields, err := profile.CorrectedKey(schema, before, "number", text, "en")
		refused, _ := errors.AsType[valid.Errors](err)
		if _, wrong := refused.On("user_metadata.number"); wrong != (want == "") {
			t.Errorf("%s: got %v", text, err)
		}
		if want != "" && (string(p.UserMetadata["number"]) != want || p.UserMetadata.Text("other") != "kept" || (len(fields) > 0) != (text != "7")) {
			t.Errorf("%s: got %s, changed %v", text, p.UserMetadata.JSON(), fields)
		}
	}
	if string(before.UserMetadata["number"]) != "7" {
		t.Error("what was read is changed too")
	}
	p, fields, err := profile.CorrectedKey(schema, profile.Profile{}, "wrap", "true", "en")
	if err != nil || p.UserMetadata.Value("wrap") != true || !slices.Equal(fields, []string{"user_metadata.wrap"}) {
		t.Errorf("got %s, %v, %v, want the first key there", p.UserMetadata.JSON(), fields, err)
	}
}

// Rule P-4: what is read-only no form changes, and nobody is kept out for the lack of it.
func TestReadOnlyKeysStay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f)
		before := d.saved(t)
		err := d.Edit(d.ctx, d.user, profile.Edit{Version: before.Version, Metadata: map[string]string{"number": "9", "wrap": "true", "motto": "hm"}})
		saved := d.saved(t)
		if err != nil || saved.UserMetadata["number"] != nil || saved.UserMetadata["wrap"] != nil || saved.UserMetadata.Text("motto") != "hm" {
			t.Errorf("got %s, %v, want only what people may change", saved.UserMetadata.JSON(), err)
		}
		if d.Requires(f.Tenant) || len(d.Missing(f.Tenant, saved)) > 0 {
			t.Error("people are asked for what they cannot fill in")
		}
	}, func(s *tenant.Settings) { s.Metadata = []byte(withReadOnly) })
}
