package i18n

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"
)

// forms are the plural forms that CLDR has for whole numbers in the language, each with the numbers among the first
// thousand (and some large ones) that take it. Every language also has "other".
func forms(t *testing.T, tag string) map[string][]int {
	t.Helper()
	bundle := goi18n.NewBundle(language.Make(tag))
	probe := &goi18n.Message{ID: "form", Zero: "zero", One: "one", Two: "two", Few: "few", Many: "many", Other: "other"}
	if err := bundle.AddMessages(language.Make(tag), probe); err != nil {
		t.Fatal(err)
	}
	localizer := goi18n.NewLocalizer(bundle, tag)
	found := map[string][]int{"other": nil}
	numbers := []int{10_000, 1_000_000, 2_000_000}
	for n := range 1000 {
		numbers = append(numbers, n)
	}
	for _, n := range numbers {
		form, err := localizer.Localize(&goi18n.LocalizeConfig{MessageID: "form", PluralCount: n, TemplateParser: template.IdentityParser{}})
		if err != nil {
			t.Fatal(err)
		}
		found[form] = append(found[form], n)
	}
	return found
}

// parameters lists the {parameters} of a text, sorted.
func parameters(text string) []string {
	var names []string
	for _, p := range split(text) {
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestEveryLanguageHasTheSameKeys(t *testing.T) {
	english := Keys("en")
	if len(english) < 100 {
		t.Fatalf("got %d keys in English, want the words of a product", len(english))
	}
	for _, l := range Shipped() {
		keys := Keys(l.Tag)
		for _, key := range english {
			switch {
			case slices.Contains(keys, key):
			case testing.Short():
				t.Logf("%s: %s is missing", l.Tag, key)
			default:
				t.Errorf("%s: %s is missing", l.Tag, key)
			}
		}
		for _, key := range keys {
			if !slices.Contains(english, key) {
				t.Errorf("%s: %s is not in English", l.Tag, key)
			}
		}
	}
}

// A form that stands for one number alone may leave the number out, where a language says it with the word itself:
// "دقيقتين" is two minutes.
func TestEveryTextHasTheSameParameters(t *testing.T) {
	english := Texts("en")
	for _, l := range Shipped() {
		numbers := forms(t, l.Tag)
		for name, text := range Texts(l.Tag) {
			key, form, plural := strings.Cut(name, "#")
			model := key
			if plural {
				model = key + "#other"
			}
			want, got := parameters(english[model]), parameters(text)
			if plural && len(numbers[form]) == 1 && !slices.Contains(got, "count") {
				got = append(got, "count")
				slices.Sort(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s: got parameters %v, want %v", l.Tag, name, got, want)
			}
		}
	}
}

func TestEveryPluralHasTheFormsOfItsLanguage(t *testing.T) {
	plurals := map[string]bool{}
	for name := range Texts("en") {
		if key, _, plural := strings.Cut(name, "#"); plural {
			plurals[key] = true
		}
	}
	for _, l := range Shipped() {
		want := forms(t, l.Tag)
		got := map[string][]string{}
		for name := range Texts(l.Tag) {
			key, form, plural := strings.Cut(name, "#")
			if plural != plurals[key] {
				t.Errorf("%s: %s has plural forms in one of this language and English only", l.Tag, key)
			}
			if plural {
				got[key] = append(got[key], form)
			}
		}
		for key, have := range got {
			for form := range want {
				if !slices.Contains(have, form) {
					t.Errorf("%s: %s lacks the form %s", l.Tag, key, form)
				}
			}
			for _, form := range have {
				if _, ok := want[form]; !ok {
					t.Errorf("%s: %s has the form %s, which the language does not know", l.Tag, key, form)
				}
			}
		}
	}
}

// banned are words the product does not use (tone: what happened, what to do; never blame).
var banned = regexp.MustCompile(`(?i)\b(please|sorry|oops|invalid|forbidden|successful(ly)?|an error occurred|click here)\b`)

func TestTheToneOfEnglish(t *testing.T) {
	for key, text := range Texts("en") {
		if word := banned.FindString(text); word != "" {
			t.Errorf("%s says %q: %s", key, word, text)
		}
	}
}

// typing are slips of typography, in any language or in one.
var typing = []struct {
	slip     string
	found    *regexp.Regexp
	language string
}{
	{"a typewriter's quote or apostrophe", regexp.MustCompile(`["'\x60]`), ""},
	{"three dots for an ellipsis", regexp.MustCompile(`\.\.\.`), ""},
	{"space at an end, or two of it", regexp.MustCompile(`^\s|\s$|[ \x{a0}\x{202f}]{2}`), ""},
	{"an exclamation mark", regexp.MustCompile(`[!！¡]`), ""},
	{"a parameter that is not closed", regexp.MustCompile(`\{[^}]*(\{|$)`), ""},
	{"a space that may break before a mark", regexp.MustCompile(`[ ][:;?»]|«[ ]|[^\x{202f}][?;]`), "fr"},
	{"a question without its beginning", regexp.MustCompile(`^[^¿]*\?`), "es"},
	{"a western mark", regexp.MustCompile(`[,;?]`), "ar"},
	{"a western mark", regexp.MustCompile(`[ぁ-んァ-ヶ一-龠][,;:?.()]`), "ja"},
	{"two ways to address somebody", regexp.MustCompile(`Państw|Pan[ia]? `), "pl"},
	{"informal", regexp.MustCompile(`\b([Dd]u|[Dd]ein\w*|[Dd]ir)\b`), "de"},
	{"a reform not made, or Brazilian", regexp.MustCompile(`(?i)\b(você|senha|arquivo|usuário|tela)\b`), "pt"},
	{"informal", regexp.MustCompile(`(?i)(^|[ (])(tu|ton|tes|toi)[ ,.]`), "fr"},
	{"formal", regexp.MustCompile(`(?i)\b(usted|su cuenta|sus datos)\b`), "es"},
}

func TestTypography(t *testing.T) {
	for _, l := range Shipped() {
		for key, text := range Texts(l.Tag) {
			for _, rule := range typing {
				if rule.language != "" && rule.language != l.Tag {
					continue
				}
				if found := rule.found.FindString(text); found != "" {
					t.Errorf("%s: %s: %s: %q in %s", l.Tag, key, rule.slip, found, text)
				}
			}
		}
	}
}

// A translation that outgrows its button or label breaks the page at 320 px; ux.md leaves 40 % of room, and some letters.
func TestShortTextsStayShort(t *testing.T) {
	english := Texts("en")
	for _, l := range Shipped() {
		for key, text := range Texts(l.Tag) {
			if !strings.HasPrefix(key, "btn.") && !strings.HasSuffix(key, ".submit") && !strings.HasPrefix(key, "nav.") {
				continue
			}
			if got, limit := len([]rune(text)), len([]rune(english[key]))*14/10+16; got > limit {
				t.Errorf("%s: %s is %d characters long, want at most %d: %s", l.Tag, key, got, limit, text)
			}
		}
	}
}

func TestPluralsChooseTheirForm(t *testing.T) {
	for _, c := range []struct {
		tag   string
		count int
		want  string
	}{
		{"en", 1, "1 day"},
		{"en", 0, "0 days"},
		{"en", 2, "2 days"},
		{"de", 1, "1 Tag"},
		{"de", 2, "2 Tage"},
		{"fr", 0, "0 jour"},
		{"fr", 1, "1 jour"},
		{"fr", 2, "2 jours"},
		{"fr", 1_000_000, "1000000 de jours"},
		{"pl", 1, "1 dzień"},
		{"pl", 2, "2 dni"},
		{"pl", 5, "5 dni"},
		{"ar", 0, "0 يوم"},
		{"ar", 1, "يوم واحد"},
		{"ar", 2, "يومين"},
		{"ar", 3, "3 أيام"},
		{"ar", 11, "11 يومًا"},
		{"ar", 100, "100 يوم"},
		{"ja", 1, "1日"},
		{"ja", 7, "7日"},
	} {
		t.Run(fmt.Sprint(c.tag, " ", c.count), func(t *testing.T) {
			if got := T(With(context.Background(), c.tag, nil), "date.days", "count", c.count); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestT(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		got  string
		want string
	}{
		{"a plain text", T(ctx, "login.title"), "Sign in"},
		{"another language", T(With(ctx, "ja", nil), "login.title"), "サインイン"},
		{"a language that is not shipped", T(With(ctx, "tlh", nil), "login.title"), "Sign in"},
		{"a parameter", T(ctx, "email.done", "email", "a@b.example"), "You now sign in with a@b.example. Your other devices are signed out."},
		{"a number", T(ctx, "gate.full", "n", 3), "Read all of version 3"},
		{"another type", T(ctx, "gate.full", "n", int64(3)), "Read all of version 3"},
		{"a parameter that looks like one", T(ctx, "email.confirm.body", "email", "{x}"), "From now on {x} would be the address you sign in with."},
		{"a parameter nobody gave", T(ctx, "gate.full"), "Read all of version "},
		{"a plural without a number", T(ctx, "date.days"), " days"},
		{"no such message", T(ctx, "no.such.message"), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	parts := Parts(ctx, "login.new")
	if len(parts) != 2 || parts[0].Text != "New here? " || parts[1].Name != "link" {
		t.Errorf("got %v, want a text and the place of a link", parts)
	}
	if parts := Parts(ctx, "gate.above", "document", "Terms", "n", 2, "date", "today"); len(parts) != 5 {
		t.Errorf("got %v, want every parameter filled in", parts)
	}
	if got := split("a {b} c {d"); len(got) != 4 || got[3].Text != "{d" {
		t.Errorf("got %v, want what is not closed left as it is", got)
	}
	if Has("en", "no.such.message") || Has("tlh", "login.title") || !Has("pl", "login.title") || !Has("pl", "date.days") {
		t.Error("Has does not know what there is")
	}
}

// Plain words cost nothing: a page asks for a hundred of them.
func TestPlainWordsAllocateNothing(t *testing.T) {
	ctx := With(context.Background(), "de", nil)
	if got := testing.AllocsPerRun(100, func() { T(ctx, "login.title") }); got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

func BenchmarkT(b *testing.B) {
	ctx := With(context.Background(), "pl", nil)
	for _, c := range []struct {
		name, key string
		args      []any
	}{
		{"plain", "login.title", nil}, {"parameter", "email.done", []any{"email", "a@b.example"}}, {"plural", "date.days", []any{"count", 7}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				T(ctx, c.key, c.args...)
			}
		})
	}
}

// Times in letters name their zone themselves.
func TestLettersNameNoZone(t *testing.T) {
	t.Parallel()
	for _, language := range Shipped() {
		for key := range catalogues[language.Tag]().plain {
			if text := catalogues[language.Tag]().plain[key]; strings.HasPrefix(key, "mail.") && (strings.Contains(text, "UTC") || strings.Contains(text, "التوقيت العالمي")) {
				t.Errorf("%s: %s: %q names a zone; {time} and {until} do", language.Tag, key, text)
			}
		}
	}
}
