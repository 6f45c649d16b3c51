package i18n_test

import (
	"strings"
	"testing"

	"portico/internal/i18n"
)

func TestCountriesAreNamedInTheReadersLanguage(t *testing.T) {
	for lang, want := range map[string]string{
		"en": "Austria Belgium Sweden", "de": "Belgien Österreich Schweden", "pl": "Austria Belgia Szwecja", "fr": "Autriche Belgique Suède",
		"es": "Austria Bélgica Suecia", "pt": "Áustria Bélgica Suécia", "ar": "السويد النمسا بلجيكا", "ja": "オーストリア スウェーデン ベルギー",
	} {
		var names []string
		for _, c := range i18n.Countries(i18n.With(t.Context(), lang, nil), []string{"SE", "BE", "AT"}) {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %s, want %s", lang, got, want)
		}
	}
	if got := i18n.CountryName(t.Context(), "nowhere"); got != "nowhere" {
		t.Errorf("got %q, want the code", got)
	}
}

func TestDatesHaveTheOrderOfTheLanguage(t *testing.T) {
	for lang, want := range map[string]string{"en": "day month year", "ja": "year month day", "ar": "day month year"} {
		if got := strings.Join(i18n.DateOrder(i18n.With(t.Context(), lang, nil)), " "); got != want {
			t.Errorf("%s: got %s, want %s", lang, got, want)
		}
	}
}
