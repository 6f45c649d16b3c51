package web

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"portico/internal/admin"
	"portico/internal/age"
	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/views/components"
	"portico/views/pages"
)

// typedAge reads what the form says of the question for people's age.
func typedAge(form url.Values) tenant.AgePolicy {
	return tenant.AgePolicy{Ask: form.Has(admin.FieldAge), Under: form.Get(admin.FieldUnder), Country: form.Get(admin.FieldCountry)}
}

// ageResult is what an administrator sees of somebody's age: whether they are old enough, by which rule, since when. Of who
// was not asked it is nothing.
func ageResult(ctx context.Context, p profile.Profile) string {
	if p.Age() == profile.AgeUnknown {
		return ""
	}
	return i18n.T(ctx, "age.admin."+string(p.Age()), "rule", p.AppMetadata.Text(profile.KeyAgeRule), "time", p.AppMetadata.Text(profile.KeyAgeChecked))
}

// settingsAge is the part of the settings about people's age, with the table by which it is decided.
func settingsAge(f form, p tenant.AgePolicy) pages.SettingsAge {
	view := pages.SettingsAge{
		Ask: components.CheckModel{
			Name: admin.FieldAge, Label: i18n.T(f.ctx, "settings.age.ask"), Hint: i18n.T(f.ctx, "settings.age.ask.hint"), Checked: p.Ask,
		},
		Under: components.SelectModel{
			Name: admin.FieldUnder, Label: i18n.T(f.ctx, "settings.age.under"), Error: f.problem(admin.FieldUnder),
			Hint: i18n.T(f.ctx, "settings.age.under.hint", "time", i18n.Duration(f.ctx, privacy.AgeGrace)),
		},
		Country: countryChoice(f.ctx, admin.FieldCountry, "settings.age.country", p.Country, f.problem(admin.FieldCountry)),
		Source: i18n.T(f.ctx, "settings.age.source", "source", age.TableSource().Name, "date", age.TableSource().Date,
			"country", i18n.CountryName(f.ctx, "SI")),
	}
	view.Country.Hint, view.Country.Optional = i18n.T(f.ctx, "settings.age.country.hint"), true
	view.Country.Options[0].Text = i18n.T(f.ctx, "settings.age.country.none")
	for _, outcome := range []string{tenant.AgeGuardian, tenant.AgeClose} {
		view.Under.Options = append(view.Under.Options, components.Option{
			Value: outcome, Text: i18n.T(f.ctx, "settings.age."+outcome), Selected: outcome == p.Under,
		})
	}
	rows := map[int][]string{}
	for _, country := range i18n.Countries(f.ctx, age.Countries()) {
		rule := age.RuleOf(country.Code)
		rows[rule.Years] = append(rows[rule.Years], country.Name)
	}
	usual := age.RuleOf(age.Elsewhere).Years
	rows[usual] = append(rows[usual], i18n.T(f.ctx, "age.country.other"))
	for _, years := range slices.Sorted(maps.Keys(rows)) {
		view.Rows = append(view.Rows, pages.AgeRow{Years: strconv.Itoa(years), Countries: strings.Join(rows[years], " · ")})
	}
	return view
}
