package terms

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2027, 2, 1, 12, 0, 0, 0, time.UTC)

// version is a published one that takes effect and is enforced the given hours from noon.
func version(number, effective, enforce int, m Materiality) Version {
	return Version{
		Document: "terms", Number: number, Materiality: m, PublishedAt: noon.Add(-1000 * time.Hour),
		EffectiveAt: noon.Add(time.Duration(effective) * time.Hour), EnforceAt: noon.Add(time.Duration(enforce) * time.Hour),
		AnnounceAt: noon.Add(time.Duration(effective-10) * time.Hour),
	}
}

func library(versions ...Version) Library {
	l := Library{Documents: []Document{{Key: "terms", Assent: Agree, GoverningLocale: "en"}}, Versions: versions}
	for i, v := range versions {
		l.Versions[i].Governing = string(rune('a' + v.Number))
		l.Texts = append(l.Texts, Text{Document: "terms", Number: v.Number, Locale: "en", SourceSHA256: l.Versions[i].Governing})
	}
	return l
}

func TestGate(t *testing.T) {
	withdrawn := version(2, -5, -5, Material)
	withdrawn.WithdrawnAt = noon.Add(-time.Hour)
	same := library(version(1, -20, -20, Material), version(2, -9, -9, Material), version(3, -5, -5, Material))
	same.Versions[2].Governing = same.Versions[0].Governing
	for name, c := range map[string]struct {
		library  Library
		accepted []int
		want     bool
	}{
		"nothing published asks nothing":                          {library(), nil, true},
		"a first version must be accepted":                        {library(version(1, -1, -1, Material)), nil, false},
		"accepted is accepted":                                    {library(version(1, -1, -1, Material)), []int{1}, true},
		"an announced version asks nothing yet (case 2)":          {library(version(1, -9, -9, Material), version(2, 5, 5, Material)), []int{1}, true},
		"an early acceptance satisfies (case 9)":                  {library(version(1, -9, -9, Material), version(2, 5, 5, Material)), []int{2}, true},
		"in force but not enforced asks nothing yet":              {library(version(1, -9, -9, Material), version(2, -1, 5, Material)), []int{1}, true},
		"a minor change is not asked about":                       {library(version(1, -9, -9, Material), version(2, -1, -1, Minor)), []int{1}, true},
		"three versions later there is one question (case 7)":     {library(version(1, -9, -9, Material), version(2, -3, -3, Material), version(3, -1, -1, Material)), []int{1}, false},
		"a higher number satisfies, even if it seems early (13)":  {library(version(1, -9, -9, Material), version(2, 1, 1, Material)), []int{2}, true},
		"a withdrawn version requires its predecessor (case 5)":   {library(version(1, -9, -9, Material), withdrawn), []int{1}, true},
		"only the withdrawn one was accepted: asked again":        {library(version(1, -9, -9, Material), withdrawn), []int{2}, false},
		"the very same governing text satisfies":                  {same, []int{1}, true},
		"a declined one, with no acceptance, keeps the gate (11)": {library(version(1, -1, -1, Material)), []int{}, false},
		"an unknown number satisfies nothing":                     {library(version(1, -1, -1, Material)), []int{99}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var p Party
			for _, number := range c.accepted {
				p.Accepted = append(p.Accepted, Standing{Document: "terms", Number: number})
			}
			if got := c.library.Satisfies("terms", p, noon); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestCurrent(t *testing.T) {
	l := library(version(1, -20, -20, Material), version(2, -5, -5, Material), version(3, 5, 5, Material))
	if v, _ := l.Current("terms", noon); v.Number != 2 {
		t.Errorf("got %d, want the newest in force", v.Number)
	}
	if v, _ := l.Upcoming("terms", noon); v.Number != 3 {
		t.Errorf("got %d, want the announced one", v.Number)
	}
	if v, _ := l.Current("terms", noon.Add(5*time.Hour)); v.Number != 3 {
		t.Errorf("got %d, want the next one once its time has come", v.Number)
	}
}

func TestTextFallsBackToTheGoverningLanguage(t *testing.T) {
	l := library(version(1, -1, -1, Material))
	l.Texts = append(l.Texts, Text{Document: "terms", Number: 1, Locale: "de"})
	for wanted, want := range map[string]string{"de-AT": "de", "ja": "en", "": "en", "../": "en", "en": "en"} {
		if got, ok := l.Text("terms", 1, wanted); !ok || got.Locale != want {
			t.Errorf("%q: got %q, want %q", wanted, got.Locale, want)
		}
	}
}

func TestRender(t *testing.T) {
	html, err := Render(Normal("# Terms {#terms}\r\n\r\n## 4. Returns {#returns}\n\nYou may *return* any [book](https://example.org).\n\n- one\n- two\n"))
	if err != nil || !strings.Contains(html, `<h2 id="returns">4. Returns</h2>`) || !strings.Contains(html, "<em>return</em>") {
		t.Errorf("got %s, %v", html, err)
	}
	for name, c := range map[string]struct {
		source string
		want   BadText
	}{
		"a script":          {"fine\n\n<script>alert(1)</script>", BadText{3, TextHTML}},
		"inline HTML":       {"fine\n\nnot <b onclick=x>fine</b>", BadText{3, TextHTML}},
		"a script's link":   {"[x](javascript:alert(1))", BadText{1, TextLink}},
		"a link elsewhere":  {"[x](//evil.example)", BadText{1, TextLink}},
		"a picture":         {"a\n\n![x](https://evil.example/p.png)", BadText{3, TextImage}},
		"nothing":           {" \n", BadText{1, TextEmpty}},
		"more than 512 KiB": {strings.Repeat("a ", MaxText), BadText{1, TextLarge}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Render(c.source)
			if got, _ := errors.AsType[BadText](err); got != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	old := "## 4. Returns {#returns}\n\nYou may return any book within fourteen (14) days of the day it arrived.\n\n## 9. Closing\n\nThe same.\n"
	fresh := "## 4. Returns {#returns}\n\nYou may return any book within thirty (30) days of the day it arrived. We pay.\n\n## 9. Closing\n\nThe same.\n\nOne more.\n"
	want := []Change{
		{"4. Returns", "returns", []Segment{
			{Same, "You may return any book within "},
			{Gone, "fourteen (14"},
			{Added, "thirty (30"},
			{Same, ") days of the day it arrived."},
			{Added, " We pay."},
		}},
		{"9. Closing", "9-closing", []Segment{{Added, "One more."}}},
	}
	if diff := cmp.Diff(want, Diff(old, fresh)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := Diff(old, old); len(got) != 0 {
		t.Errorf("the same text: got %v, want nothing", got)
	}
	for name, c := range map[string][2]string{
		"Japanese": {"返品は14日以内にできます。", "返品は30日以内にできます。"},
		"Arabic":   {"يمكنك إعادة أي كتاب خلال 14 يومًا.", "يمكنك إعادة أي كتاب خلال 30 يومًا."},
	} {
		got := Diff(c[0], c[1])
		if len(got) != 1 || len(got[0].Segments) != 4 || got[0].Segments[1].Text != "14" && got[0].Segments[1].Text != "14日" {
			t.Errorf("%s: got %+v, want the number alone changed", name, got)
		}
	}
}

func TestDiffRebuildsBothTexts(t *testing.T) {
	for _, c := range [][2]string{{"a b c d e", "a x c y e"}, {"one two", ""}, {"", "one two"}, {"a\u2028b c", "a b"}, {"x", "x y z x"}} {
		var before, after strings.Builder
		for _, s := range wordDiff(c[0], c[1]) {
			if s.Kind != Added {
				before.WriteString(s.Text)
			}
			if s.Kind != Gone {
				after.WriteString(s.Text)
			}
		}
		if before.String() != c[0] || after.String() != c[1] {
			t.Errorf("got %q and %q, want %q and %q", before.String(), after.String(), c[0], c[1])
		}
	}
}

func TestSummary(t *testing.T) {
	lines := ParseSummary("#returns Returns: You have 30 days instead of 14.\n\n- Mediation is free.\n")
	want := []Line{{"returns", "Returns", "You have 30 days instead of 14."}, {"", "", "Mediation is free."}}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want, ParseSummary(FormatSummary(lines))); diff != "" {
		t.Errorf("written and read again (-want +got)\n%s", diff)
	}
}
