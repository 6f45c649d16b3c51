package i18n

import (
	"strings"
	"testing"
)

func TestMatchTag(t *testing.T) {
	enabled := []string{"en", "de", "pt", "zh-Hans", "sr-Latn", "fr-CA"}
	for _, c := range []struct {
		name, wanted, want string
	}{
		{"as it is", "de", "de"},
		{"in other letters", "DE", "de"},
		{"without its region", "de-AT", "de"},
		{"Brazilian as Portuguese", "pt-BR", "pt"},
		{"with an extension", "de-DE-u-co-phonebk", "de"},
		{"with an underscore", "pt_BR", "pt"},
		{"a script that is enabled", "zh-Hans", "zh-Hans"},
		{"a region that implies the script", "zh-CN", "zh-Hans"},
		{"Chinese as most write it", "zh", "zh-Hans"},
		{"the other script", "zh-Hant", ""},
		{"a region that implies the other script", "zh-TW", ""},
		{"Serbian in Cyrillic, its usual script", "sr", ""},
		{"Serbian in Latin", "sr-Latn-RS", "sr-Latn"},
		{"no narrower than wanted", "fr", ""},
		{"another language", "it", ""},
		{"nothing", "", ""},
		{"undetermined", "und", ""},
		{"undetermined with a region", "und-DE", ""},
		{"a path", "../", ""},
		{"a path that begins well", "de/../../etc", ""},
		{"a zero byte", "de\x00", ""},
		{"a line break", "de\r\nX: y", ""},
		{"not UTF-8", "\xff\xfe", ""},
		{"10 kB", strings.Repeat("de-", 3500), ""},
		{"a wildcard", "*", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := MatchTag(enabled, c.wanted)
			if got != c.want || ok != (c.want != "") {
				t.Errorf("MatchTag(%q): got %q, %v, want %q", c.wanted, got, ok, c.want)
			}
		})
	}
	if got, ok := MatchTag(nil, "en"); ok {
		t.Errorf("got %q where nothing is enabled", got)
	}
}

func TestMatchAccept(t *testing.T) {
	enabled := []string{"en", "de", "fr", "pt"}
	for _, c := range []struct {
		name, header, want string
	}{
		{"one", "de", "de"},
		{"the first that is enabled", "it, pl, fr;q=0.8, de;q=0.5", "fr"},
		{"weights before order", "de;q=0.3, fr;q=0.9", "fr"},
		{"a variant", "pt-BR,pt;q=0.9,en;q=0.8", "pt"},
		{"a variant before a worse language", "de-CH, en;q=0.9", "de"},
		{"refused", "de;q=0", ""},
		{"only a wildcard", "*", ""},
		{"nothing", "", ""},
		{"nonsense", ";;;===", ""},
		{"a path", "../../etc/passwd", ""},
		{"10 kB", strings.Repeat("de,", 3500), ""},
		{"none enabled", "it, ja;q=0.5", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := MatchAccept(enabled, c.header)
			if got != c.want || ok != (c.want != "") {
				t.Errorf("MatchAccept(%q): got %q, %v, want %q", c.header, got, ok, c.want)
			}
		})
	}
}

func TestLetterLanguage(t *testing.T) {
	enabled := []string{"en", "de", "pt", "zh-Hans"}
	for _, c := range []struct {
		name    string
		chosen  any
		request string
		locale  string
		want    string
		because Reason
	}{
		{"chosen", "de", "pt", "en", "de", BecauseChosen},
		{"chosen in other letters", "DE", "pt", "", "de", BecauseChosen},
		{"a variant of it", "pt-BR", "de", "", "pt", BecauseNear},
		{"never the other script", "zh-Hant", "de", "", "de", BecauseRequest},
		{"chosen but not enabled", "it", "de", "pt", "de", BecauseRequest},
		{"nothing chosen", nil, "de", "pt", "de", BecauseRequest},
		{"an empty choice", "", "de", "pt", "de", BecauseRequest},
		{"a number for a choice", 42, "de", "", "de", BecauseRequest},
		{"a list for a choice", []any{"de"}, "", "pt", "pt", BecauseLocale},
		{"an object for a choice", map[string]any{"lang": "de"}, "", "", "en", BecauseDefault},
		{"a path for a choice", "../de", "", "", "en", BecauseDefault},
		{"10 kB for a choice", strings.Repeat("d", 10_000), "", "pt-PT", "pt", BecauseLocale},
		{"a request in nothing enabled", nil, "it", "de-AT", "de", BecauseLocale},
		{"nothing known", nil, "", "", "en", BecauseDefault},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, because := LetterLanguage(enabled, c.chosen, c.request, c.locale)
			if got != c.want || because != c.because {
				t.Errorf("got %q because %q, want %q because %q", got, because, c.want, c.because)
			}
			if !Has("en", "letter.because."+string(because)) {
				t.Errorf("nobody can be told the reason %q", because)
			}
		})
	}
}
