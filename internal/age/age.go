// Package age asks people once how old they are, where a tenant wants that, and keeps the result alone: whether they are old
// enough to consent to the use of their data, by which rule, and since when (rule G-6, GDPR article 8).
//
// Nobody's date of birth is stored or written down. Who is too young waits for a parent or guardian, or the account closes,
// as the tenant decides. It is the age for consent to the use of data, and says nothing about contracts.
package age

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/internal/valid"
)

// The fields of the question. Their names begin with "birth", which keeps them out of everything that remembers forms.
const (
	FieldDay     = "birth_day"
	FieldMonth   = "birth_month"
	FieldYear    = "birth_year"
	FieldCountry = "country"
)

// Elsewhere is the country of whoever lives in none of Countries.
const Elsewhere = "EU"

// usual is the age where no country has another one (GDPR article 8(1)), missing a member state that the source does not list.
const (
	usual   = 16
	missing = "SI"
)

// oldest is how many years ago nobody who answers was born.
const oldest = 130

//go:embed ages.txt
var table string

// Source says where the ages of countries come from, and of when that is.
type Source struct {
	Name string
	Date string
}

var (
	source Source
	years  = read(table, &source)
)

// read takes in the table; a line of it that cannot be read is a defect that the tests find.
func read(text string, from *Source) map[string]int {
	ages := map[string]int{missing: usual}
	for line := range strings.Lines(text) {
		name, value, isFact := strings.Cut(strings.TrimSpace(line), ": ")
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "#") || len(words) == 0:
		case isFact && name == "source":
			from.Name = value
		case isFact && name == "dated":
			from.Date = value
		default:
			n, err := strconv.Atoi(words[0])
			if err != nil {
				continue
			}
			for _, country := range words[1:] {
				ages[country] = n
			}
		}
	}
	return ages
}

// TableSource says where the ages come from.
func TableSource() Source { return source }

// Countries lists the countries that have a rule of their own, by their codes (ISO 3166-1).
func Countries() []string {
	all := make([]string, 0, len(years))
	for country := range years {
		all = append(all, country)
	}
	slices.Sort(all)
	return all
}

// Known reports whether country is one of Countries.
func Known(country string) bool { return years[country] != 0 }

// Rule is from how many years on people of a country decide for themselves.
type Rule struct {
	Country string
	Years   int
}

// RuleOf is the rule of a country: 16 years where the table has none.
func RuleOf(country string) Rule {
	if n := years[country]; n != 0 {
		return Rule{country, n}
	}
	return Rule{Elsewhere, usual}
}

// ID names the rule in records, such as "DE-16".
func (r Rule) ID() string { return fmt.Sprintf("%s-%d", r.Country, r.Years) }

// Reached reports whether who was born on a day is old enough on another: from the birthday on. Who was born on 29 February
// has it on 1 March of other years.
func (r Rule) Reached(born, today time.Time) bool {
	return !today.Before(time.Date(born.Year()+r.Years, born.Month(), born.Day(), 0, 0, 0, 0, time.UTC))
}

// Answer is what somebody types: their day of birth in three parts, and a country, empty for the one that the tenant says.
type Answer struct {
	Day     string
	Month   string
	Year    string
	Country string
}

// read says what is wrong with the answer, or when they were born and which rule is theirs. home is the country of whoever
// does not say.
func (a Answer) read(today time.Time, home string) (born time.Time, rule Rule, refused valid.Errors) {
	for _, part := range []struct{ field, text string }{{FieldDay, a.Day}, {FieldMonth, a.Month}, {FieldYear, a.Year}} {
		if strings.TrimSpace(part.text) == "" {
			refused.Add(part.field, "err.birth.empty")
		}
	}
	day, month, year := number(a.Day), number(a.Month), number(a.Year)
	born = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	switch {
	case len(refused) > 0:
	case day < 1 || month < 1 || month > 12 || born.Day() != day:
		refused.Add(FieldDay, "err.birth.date")
	case year < 1000:
		refused.Add(FieldYear, "err.birth.year")
	case born.After(today):
		refused.Add(FieldYear, "err.birth.future")
	case born.Before(today.AddDate(-oldest, 0, 0)):
		refused.Add(FieldYear, "err.birth.old", "years", oldest)
	}
	country := a.Country
	if country == "" {
		country = home
	}
	if country != Elsewhere && !Known(country) {
		refused.Add(FieldCountry, "err.country")
	}
	return born, RuleOf(country), refused
}

// zeros are the digits nought of the ways of writing numbers that people of our languages type.
var zeros = []rune{'0', '٠', '۰', '０'}

// number reads a number as people type it, in any of their digits; it is -1 for anything else and for more than four digits.
func number(text string) int {
	text = strings.TrimSpace(text)
	n, digits := 0, 0
	for _, r := range text {
		at := slices.IndexFunc(zeros, func(zero rune) bool { return r >= zero && r <= zero+9 })
		if digits++; at < 0 || digits > 4 {
			return -1
		}
		n = 10*n + int(r-zeros[at])
	}
	if digits == 0 {
		return -1
	}
	return n
}
