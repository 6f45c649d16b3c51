package terms

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLintSaysWhatIsWrongInWhichLine(t *testing.T) {
	l := Library{
		Documents: []Document{{Key: "terms"}, {Key: "privacy"}},
		Versions:  []Version{{Document: "privacy", Number: 1, PublishedAt: noon}, {Document: "privacy", Number: 2}},
	}
	for name, c := range map[string]struct {
		source string
		want   []BadText
	}{
		"all is well":                        {"## 1. Rules {#rules}\n\nSee [there](#rules), [privacy](/terms/privacy/1#x), [help](/help), <https://example.org>, [us](mailto:a@b.example).", nil},
		"a heading without a name":           {"fine\n\n## Rules\n", []BadText{{3, TextAnchor}}},
		"a name that the page itself uses":   {"## Rules {#decide}\n", []BadText{{1, TextAnchor}}},
		"a name in other letters":            {"## Rules {#Regeln}\n", []BadText{{1, TextAnchor}}},
		"two headings of one name":           {"## A {#a}\n\ntext\n\n## B {#a}\n", []BadText{{5, TextTwice}}},
		"five levels":                        {"##### A {#a}\n", []BadText{{1, TextHeading}}},
		"a clause that is not there":         {"## A {#a}\n\n[x](#b)\n", []BadText{{3, TextNowhere}}},
		"a page that is not there":           {"[x](/nowhere) [y](/terms/other) [z](/terms/privacy/2)\n", []BadText{{1, TextNowhere}, {1, TextNowhere}, {1, TextNowhere}}},
		"a link without encryption":          {"[x](http://example.org)\n", []BadText{{1, TextLink}}},
		"a link that goes elsewhere":         {"[x](//evil.example) [y](/\\evil.example) [z](https:)\n", []BadText{{1, TextLink}, {1, TextLink}, {1, TextLink}}},
		"a script in an automatic link":      {"<javascript:alert(1)>\n", []BadText{{1, TextLink}}},
		"several things at once, by line":    {"<b>x</b>\n\n![p](https://example.org/p.png)\n\n## A\n", []BadText{{1, TextHTML}, {1, TextHTML}, {3, TextImage}, {5, TextAnchor}}},
		"text that reads the other way":      {"fine\n\nyou \u202eton\u202c pay\n", []BadText{{3, TextSign}}},
		"a character that nobody sees":       {"a\x00b\n", []BadText{{1, TextSign}}},
		"what an attribute might bring in":   {"## A {#a onclick=x}\n", nil}, // it is not rendered, see TestRender
		"quotes inside of quotes":            {"fine\n\n" + strings.Repeat(">", 400) + "x\n", []BadText{{3, TextTangled}}},
		"marks without an empty line":        {"fine\n\n" + strings.Repeat("[a](", 600) + "\n", []BadText{{3, TextTangled}}},
		"more headings than a document has":  {strings.Repeat("# a {#a}\n\n", 1200), twenty(TextTwice)},
		"a text that is one line over 512 K": {strings.Repeat("a line of text\n", 40000), []BadText{{34953, TextLarge}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Lint(c.source, l.leads)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// twenty are as many problems as are told at once, in every second line from the third on.
func twenty(why TextReason) []BadText {
	var all []BadText
	for i := range maxBad {
		all = append(all, BadText{2*i + 3, why})
	}
	return all
}

// Case 23: nothing that fits into 512 KiB keeps the parser or the comparison busy. The bound is a hundred times of what it takes.
func TestHostileTextsTakeNoTime(t *testing.T) {
	const n = 500 << 10
	var nested, numbered strings.Builder
	for i := 0; nested.Len() < n; i++ {
		nested.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	for i := 0; numbered.Len() < n; i++ {
		fmt.Fprintf(&numbered, "Paragraph %d is another one.\n\n", i)
	}
	same := strings.Repeat("word one two.\n\n", n/15)
	start := time.Now()
	for _, source := range []string{
		strings.Repeat(">", n), strings.Repeat("[", n), strings.Repeat("*a_ ", n/4), strings.Repeat("` ", n/2), nested.String(),
		strings.Repeat("[a](", n/4), strings.Repeat("[a](<b", n/6), strings.Repeat("![", n/2), strings.Repeat("<", n), strings.Repeat("> - ", n/4),
		strings.Repeat("a\n=\n", n/4), strings.Repeat("[a]: /x\n", n/8), strings.Repeat("[a][", n/4), same, numbered.String(),
	} {
		_, _ = Render(Normal(source))
	}
	Diff(same, numbered.String())
	if took := time.Since(start); took > 100*time.Second {
		t.Errorf("got %v, want texts of any kind to be read quickly", took)
	}
}

func TestStagesFollowFromTheTime(t *testing.T) {
	taken := func(v Version, hours int) Version {
		v.WithdrawnAt = noon.Add(time.Duration(hours) * time.Hour)
		return v
	}
	late := version(2, 5, 5, Material)
	late.AnnounceAt = noon.Add(time.Hour)
	for name, c := range map[string]struct {
		v       Version
		retired bool
		want    Stage
		visible bool
	}{
		"a draft":                              {Version{Document: "terms", Number: 2}, false, Drafted, false},
		"submitted":                            {Version{Document: "terms", Number: 2, SubmittedAt: noon}, false, InReview, false},
		"approved and not announced":           {late, false, Approved, false},
		"announced":                            {version(2, 5, 5, Material), false, Announced, true},
		"in force":                             {version(2, -1, -1, Material), false, Effective, true},
		"in force, of a retired document":      {version(2, -1, -1, Material), true, Retired, true},
		"replaced":                             {version(2, -8, -8, Material), false, Superseded, true},
		"cancelled after it was announced":     {taken(version(2, 5, 5, Material), -1), false, Cancelled, true},
		"cancelled before it was announced":    {taken(late, -1), false, Cancelled, false},
		"cancelled, and its day has come":      {taken(version(2, -1, -1, Material), -2), false, Cancelled, true},
		"withdrawn after it had taken effect":  {taken(version(2, -2, -2, Material), -1), false, Recalled, true},
		"withdrawn in the hour of its effect.": {taken(version(2, -2, -2, Material), -2), false, Recalled, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := library(version(1, -5, -5, Material), c.v)
			if c.retired {
				l.Documents[0].RetiredAt = noon.Add(-time.Minute)
			}
			if got := l.Stage(c.v, noon); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := c.v.Visible(noon); got != c.visible {
				t.Errorf("visible: got %v, want %v", got, c.visible)
			}
			if c.retired && !l.Satisfies("terms", Party{}, noon) {
				t.Error("a retired document stands before the account")
			}
		})
	}
}

func TestDraftsAreReadyWhenEveryLanguageAgrees(t *testing.T) {
	draft := Version{Document: "terms", Number: 2, Materiality: Material}
	text := func(locale, source, note string) Text {
		return Text{Document: "terms", Number: 2, Locale: locale, Revision: 1, Title: "x", Source: source, ChangeNote: note, Summary: []Line{{Text: "x"}}}
	}
	published := Text{Document: "terms", Number: 1, Locale: "en", Source: "## A {#a}\n\n## B {#b}\n"}
	for name, c := range map[string]struct {
		texts []Text
		want  []string
	}{
		"nothing is missing":            {[]Text{text("en", "## A {#a}\n\n## B {#b}\n", "x"), text("de", "## Ä {#a}\n\n## B {#b}\n", "x")}, nil},
		"no governing text":             {[]Text{text("de", "## Ä {#a}\n", "x")}, []string{"source.en: err.terms.governing"}},
		"no change note":                {[]Text{text("en", "## A {#a}\n\n## B {#b}\n", " ")}, []string{"summary.en: err.terms.summary"}},
		"a published clause is gone":    {[]Text{text("en", "## A {#a}\n", "x")}, []string{"source.en: err.terms.anchor.gone"}},
		"a clause is not translated":    {[]Text{text("en", "## A {#a}\n\n## B {#b}\n", "x"), text("de", "## Ä {#a}\n", "x")}, []string{"source.de: err.terms.anchor.missing"}},
		"a translation has one more":    {[]Text{text("en", "## A {#a}\n\n## B {#b}\n", "x"), text("de", "## Ä {#a}\n\n## B {#b}\n\n## C {#c}\n", "x")}, []string{"source.de: err.terms.anchor.extra"}},
		"a placeholder is not the same": {[]Text{text("en", "## A {#a}\n\n## B {#b}\n\n{company}", "x"), text("de", "## Ä {#a}\n\n## B {#b}\n\n{firma}", "x")}, []string{"source.de: err.terms.placeholders"}},
		"a link leads nowhere":          {[]Text{text("en", "## A {#a}\n\n## B {#b}\n\n[x](/nowhere)", "x")}, []string{"source.en: err.text.nowhere"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := library(version(1, -5, -5, Material))
			l.Versions, l.Texts = append(l.Versions, draft), append([]Text{published}, c.texts...)
			var got []string
			for _, p := range l.Unready(draft) {
				got = append(got, p.Field+": "+p.Key)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestWhoApproves(t *testing.T) {
	for _, c := range []struct {
		setting Approval
		m       Materiality
		admins  int
		want    bool
	}{
		{ApproveUsual, Material, 1, false},
		{ApproveUsual, Material, 2, true},
		{ApproveUsual, Minor, 2, false},
		{ApproveNone, Material, 9, false},
		{ApproveMaterial, Material, 1, true},
		{ApproveMaterial, Correction, 2, false},
		{ApproveAll, Correction, 1, true},
	} {
		if got := c.setting.Needs(c.m, c.admins); got != c.want {
			t.Errorf("%q, %s, %d administrators: got %v, want %v", c.setting, c.m, c.admins, got, c.want)
		}
	}
}

func TestNoticeIsNeverLessThanTheLawWants(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		days int
		m    Materiality
		want time.Duration
	}{
		{0, Correction, 0},
		{0, Minor, 14 * day},
		{0, Material, 30 * day},
		{15, Minor, 15 * day},
		{15, Material, 30 * day},
		{62, Minor, 62 * day},
		{62, Material, 62 * day},
		{62, Correction, 0},
	} {
		if got := (Document{NoticeDays: c.days}).Notice(c.m); got != c.want {
			t.Errorf("%d days by law, %s: got %v, want %v", c.days, c.m, got, c.want)
		}
	}
}
