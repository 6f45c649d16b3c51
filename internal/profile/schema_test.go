package profile_test

import (
	"errors"
	"slices"
	"testing"

	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/valid"
)

const declaration = `{
  "type": "object",
  "required": ["plan"],
  "properties": {
    "plan": {"type": "string", "enum": ["basic", "gold"], "x-label": {"en": "Plan", "de": "Tarif"}, "x-values": {"de": {"gold": "Gold"}}},
    "size": {"type": "integer", "minimum": 1, "title": "Shoe size"},
    "height": {"type": "number"},
    "news": {"type": "boolean"},
    "motto": {"type": "string", "maxLength": 10, "x-hint": {"en": "Short."}},
    "lang": {"type": "string"}
  }
}`

func declared(s *tenant.Settings) { s.Metadata = []byte(declaration) }

func TestDeclaredMetadata(t *testing.T) {
	t.Parallel()
	schema, err := profile.ParseSchema([]byte(declaration))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, p := range schema.Properties {
		keys = append(keys, p.Key)
	}
	if want := []string{"plan", "size", "height", "news", "motto"}; !slices.Equal(keys, want) {
		t.Errorf("got %v, want %v: in the order of the declaration, without the portal's own", keys, want)
	}
	plan, _ := schema.Field("plan")
	size, _ := schema.Field("size")
	motto, _ := schema.Field("motto")
	for got, want := range map[string]string{
		plan.Label("de"): "Tarif", plan.Label("fr"): "Plan", size.Label("de"): "Shoe size", motto.Label("en"): "motto",
		plan.ValueLabel("de", "gold"): "Gold", plan.ValueLabel("de", "basic"): "basic", motto.Hint("pl"): "Short.",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, broken := range []string{`{`, `{"type": 5}`, `{"properties": {"a": {"type": "strange"}}}`} {
		if _, err := profile.ParseSchema([]byte(broken)); err == nil {
			t.Errorf("%s: got no error", broken)
		}
	}
}

// Rule M-1: what is typed into a field is kept as the type that was declared, or refused; it is never guessed.
func TestReadingDeclaredFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, text, want string }{
		{"string", " gold ", `"gold"`},
		{"string", "", "null"},
		{"string", "23", `"23"`},
		{"string", "true", `"true"`},
		{"string", `"`, `"\""`},
		{"boolean", "on", "true"},
		{"boolean", "true", "true"},
		{"boolean", "false", "false"},
		{"boolean", "", "false"},
		{"boolean", "yes", "false"},
		{"integer", "23", "23"},
		{"integer", " -4 ", "-4"},
		{"integer", "", "null"},
		{"integer", "1,000", ""},
		{"integer", "1.000", ""},
		{"integer", "1e3", ""},
		{"integer", "007", ""},
		{"integer", "x", ""},
		{"integer", "1 2", ""},
		{"number", "1.5", "1.5"},
		{"number", "1,5", "1.5"},
		{"number", "-2", "-2"},
		{"number", "", "null"},
		{"number", "true", ""},
		{"number", "null", ""},
		{"number", "[1]", ""},
		{"number", `"1"`, ""},
		{"number", "1,000.5", ""},
		{"number", "--1", ""},
	} {
		got, ok := profile.Property{Key: "x", Type: c.kind}.Read(c.text)
		if string(got) != c.want || ok != (c.want != "") {
			t.Errorf("%s %q: got %s, %v, want %s", c.kind, c.text, got, ok, c.want)
		}
	}
	p := profile.Property{Type: "number"}
	for value, want := range map[any]string{"a": "a", true: "true", 1.5: "1.5", 1e15: "1000000000000000", nil: ""} {
		if got := p.Show(value); got != want {
			t.Errorf("%v: got %q, want %q", value, got, want)
		}
	}
}

// Rule M-7: a person changes declared keys alone; others stay as they are, and what is wrong elsewhere is not held against them.
func TestEditingMetadata(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f, func(p *profile.Profile) {
			p.UserMetadata = parse(t, `{"secret": {"a": [1]}, "motto": "far too long for the rule", "lang": "fr", "size": 43}`)
			p.AppMetadata = parse(t, `{"plan": "gold"}`)
		})
		edit := func(texts map[string]string) error {
			return d.Edit(d.ctx, d.user, profile.Edit{Version: d.saved(t).Version, Metadata: texts})
		}
		if err := edit(map[string]string{"plan": "gold", "size": "", "news": "on", "secret": "x", "lang": "de", "height": "1,8"}); err != nil {
			t.Fatal(err)
		}
		p := d.saved(t)
		want := parse(t, `{"secret": {"a": [1]}, "motto": "far too long for the rule", "lang": "fr", "plan": "gold", "news": true, "height": 1.8}`)
		if changed := p.UserMetadata.Changed(want); len(changed) != 0 || p.AppMetadata.Text("plan") != "gold" {
			t.Errorf("got %s, want %s", p.UserMetadata.JSON(), want.JSON())
		}
		for field, texts := range map[string]map[string]string{
			"user_metadata.plan: err.metadata.value":  {"plan": "silver"},
			"user_metadata.size: err.metadata.value":  {"size": "0", "news": "on"},
			"user_metadata.motto: err.metadata.value": {"motto": "far too long as well"},
		} {
			if got := refusals(edit(texts)); got != field {
				t.Errorf("%v: got %q, want %q", texts, got, field)
			}
		}
		if got := refusals(edit(map[string]string{"plan": ""})); got != "user_metadata.plan: err.metadata.value" {
			t.Errorf("got %q, want a required key kept", got)
		}
		german := d
		german.ctx = i18n.With(d.ctx, "de", nil)
		for _, texts := range []map[string]string{{"plan": "silver"}, {"plan": ""}} {
			err := german.Edit(german.ctx, d.user, profile.Edit{Version: d.saved(t).Version, Metadata: texts})
			refused, _ := errors.AsType[valid.Errors](err)
			if p, ok := refused.On("user_metadata.plan"); !ok || !slices.Contains(p.Args, any("Tarif")) {
				t.Errorf("%v: got %v, want it to speak of the field in the person's language", texts, refused)
			}
		}
		if changed := d.saved(t).UserMetadata.Changed(want); len(changed) != 0 {
			t.Errorf("a refused edit changed %v", changed)
		}
	}, declared)
}
