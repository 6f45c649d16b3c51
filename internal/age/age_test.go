package age

import (
	"strings"
	"testing"
	"time"
)

func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return at
}

// TestTheTable holds the data to terms.md 1.5, case 10.
func TestTheTable(t *testing.T) {
	for years, countries := range map[int]string{
		13: "BE DK EE FI LV MT PT SE GB", 14: "AT BG CY IT LT ES", 15: "CZ FR GR", 16: "HR DE HU IE LU NL PL RO SK SI",
	} {
		for country := range strings.FieldsSeq(countries) {
			if got := RuleOf(country); got.Years != years || got.Country != country {
				t.Errorf("%s: got %+v, want %d", country, got, years)
			}
		}
	}
	if got := len(Countries()); got != 28 {
		t.Errorf("got %d countries, want 28", got)
	}
	for _, country := range []string{"US", "NO", "", "EU", "de"} {
		if got := RuleOf(country).ID(); got != "EU-16" || Known(country) {
			t.Errorf("%q: got %s, want the default of the GDPR", country, got)
		}
	}
	if got := RuleOf("DE").ID(); got != "DE-16" {
		t.Errorf("got %s, want DE-16", got)
	}
	if s := TableSource(); !strings.Contains(s.Name, "EU Comrules") || s.Date != "2020" {
		t.Errorf("got %+v, want the source and its date", s)
	}
}

func TestReached(t *testing.T) {
	for name, c := range map[string]struct {
		country, born, today string
		want                 bool
	}{
		"the day before":                             {"DE", "2010-05-07", "2026-05-06", false},
		"on the birthday":                            {"DE", "2010-05-07", "2026-05-07", true},
		"thirteen in Portugal":                       {"PT", "2013-05-07", "2026-05-07", true},
		"thirteen in Germany":                        {"DE", "2013-05-07", "2026-05-07", false},
		"fourteen in Austria":                        {"AT", "2012-05-07", "2026-05-07", true},
		"fifteen in France, almost":                  {"FR", "2011-05-08", "2026-05-07", false},
		"a leap day, on 28 February":                 {"PT", "2012-02-29", "2025-02-28", false},
		"a leap day, on 1 March":                     {"PT", "2012-02-29", "2025-03-01", true},
		"a leap day, in a leap year":                 {"DE", "2012-02-29", "2028-02-29", true},
		"a leap day, the day before, in a leap year": {"DE", "2012-02-29", "2028-02-28", false},
		"the last of the year":                       {"CZ", "2010-12-31", "2025-12-31", true},
		"the last of the year, a day early":          {"CZ", "2010-12-31", "2025-12-30", false},
		"born today":                                 {"BE", "2026-05-07", "2026-05-07", false},
		"somewhere else, sixteen":                    {"US", "2010-05-07", "2026-05-07", true},
		"somewhere else, fifteen and three-quarters": {"US", "2010-08-07", "2026-05-07", false},
		"very old":                                   {"SE", "1900-01-01", "2026-05-07", true},
	} {
		if got := RuleOf(c.country).Reached(day(c.born), day(c.today)); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestAnswersAreRead(t *testing.T) {
	today := day("2026-05-07")
	for name, c := range map[string]struct {
		a    Answer
		home string
		want string // date and rule, or field and key of what is refused
	}{
		"as asked":                {Answer{"7", "5", "2010", "DE"}, "", "2010-05-07 DE-16"},
		"with noughts and spaces": {Answer{" 07 ", "05", "2010", "FR"}, "", "2010-05-07 FR-15"},
		"Arabic digits":           {Answer{"٢٧", "٣", "٢٠٠٩", "ES"}, "", "2009-03-27 ES-14"},
		"Persian digits":          {Answer{"۲۷", "۳", "۲۰۰۹", "ES"}, "", "2009-03-27 ES-14"},
		"full width":              {Answer{"２７", "３", "２００９", "EU"}, "", "2009-03-27 EU-16"},
		"a leap day":              {Answer{"29", "2", "2012", "PT"}, "", "2012-02-29 PT-13"},
		"today":                   {Answer{"7", "5", "2026", "DE"}, "", "2026-05-07 DE-16"},
		"130 years":               {Answer{"7", "5", "1896", "DE"}, "", "1896-05-07 DE-16"},
		"no country, but a home":  {Answer{"7", "5", "2010", ""}, "AT", "2010-05-07 AT-14"},
		"no country":              {Answer{"7", "5", "2010", ""}, "", "country err.country"},
		"no such country":         {Answer{"7", "5", "2010", "XX"}, "AT", "country err.country"},
		"nothing":                 {Answer{}, "AT", "birth_day err.birth.empty birth_month err.birth.empty birth_year err.birth.empty"},
		"no month":                {Answer{"7", " ", "2010", "DE"}, "", "birth_month err.birth.empty"},
		"30 February":             {Answer{"30", "2", "2010", "DE"}, "", "birth_day err.birth.date"},
		"29 February 2011":        {Answer{"29", "2", "2011", "DE"}, "", "birth_day err.birth.date"},
		"month 13":                {Answer{"1", "13", "2010", "DE"}, "", "birth_day err.birth.date"},
		"day 0":                   {Answer{"0", "1", "2010", "DE"}, "", "birth_day err.birth.date"},
		"a word":                  {Answer{"7", "May", "2010", "DE"}, "", "birth_day err.birth.date"},
		"a sign":                  {Answer{"-7", "5", "2010", "DE"}, "", "birth_day err.birth.date"},
		"two digits":              {Answer{"7", "5", "10", "DE"}, "", "birth_year err.birth.year"},
		"no year":                 {Answer{"7", "5", "x", "DE"}, "", "birth_year err.birth.year"},
		"five digits":             {Answer{"7", "5", "20100", "DE"}, "", "birth_year err.birth.year"},
		"tomorrow":                {Answer{"8", "5", "2026", "DE"}, "", "birth_year err.birth.future"},
		"131 years":               {Answer{"6", "5", "1896", "DE"}, "", "birth_year err.birth.old"},
	} {
		born, rule, refused := c.a.read(today, c.home)
		got := born.Format(time.DateOnly) + " " + rule.ID()
		if len(refused) > 0 {
			var all []string
			for _, p := range refused {
				all = append(all, p.Field, p.Key)
			}
			got = strings.Join(all, " ")
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestOneMailbox(t *testing.T) {
	for address, want := range map[string]string{
		"Ana@Example.org": "ana@example.org", "ana+mum@example.org": "ana@example.org", "mum@example.org": "mum@example.org",
	} {
		if got := mailbox(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
