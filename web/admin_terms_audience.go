package web

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// audienceForm says how much a version changes, whom it asks and how long an acceptance counts: to be written while it is a
// draft, to be read after.
func (s *Server) audienceForm(c echo.Context, f form, library terms.Library, v terms.Version) pages.AudienceForm {
	ctx, typed := c.Request().Context(), c.Request().PostForm
	d, _ := library.Document(v.Document)
	view := pages.AudienceForm{
		Asks: v.Materiality == terms.Material && d.Gates(), Limits: limits(ctx, v), Materiality: materialities(ctx, v.Materiality),
	}
	if v.Published() || !view.Asks {
		return view
	}
	saved := audienceValues(v)
	value := func(field string) string {
		if typed.Has(terms.FieldJoined) {
			return typed.Get(field)
		}
		return saved[field]
	}
	field := func(name, label string) components.FieldModel {
		return components.FieldModel{
			Name: name, Label: i18n.T(ctx, label), Hint: i18n.T(ctx, label+".hint"), LTR: true, Optional: true, Value: value(name), Error: f.problem(name),
		}
	}
	view.Readers = readersChoice(ctx, f, library, v, value(terms.FieldAudience))
	view.Joined, view.Months = field(terms.FieldJoined, "adminterms.joined"), field(terms.FieldMonths, "adminterms.months")
	view.Facet, view.Value = field(terms.FieldFacet, "adminterms.facet.key"), field(terms.FieldValue, "adminterms.facet.value")
	view.Months.InputMode = "numeric"
	if view.Joined.Error == "" {
		view.Joined.Type = "date"
	}
	view.Scope = components.SelectModel{Name: terms.FieldScope, Label: i18n.T(ctx, "adminterms.facet"), Options: []components.Option{{Text: i18n.T(ctx, "adminterms.facet.any")}}}
	for _, scope := range []string{profile.UserFacet, profile.AppFacet} {
		name := strings.TrimSuffix(scope, ".")
		view.Scope.Options = append(view.Scope.Options, components.Option{Value: name, Text: name, Selected: value(terms.FieldScope) == name})
	}
	return view
}

// audienceValues are what is saved of whom a version asks, as the form writes it.
func audienceValues(v terms.Version) map[string]string {
	values := map[string]string{terms.FieldAudience: audienceValue(v.Audience), terms.FieldJoined: dayOf(v.Audience.JoinedBefore)}
	if v.ReacceptMonths > 0 {
		values[terms.FieldMonths] = strconv.Itoa(v.ReacceptMonths)
	}
	values[terms.FieldScope], values[terms.FieldFacet], _ = strings.Cut(v.Audience.Name, ".")
	values[terms.FieldValue] = v.Audience.Value
	return values
}

// readersChoice is the choice of those alone who read a version in a language.
func readersChoice(ctx context.Context, f form, library terms.Library, v terms.Version, chosen string) components.SelectModel {
	m := components.SelectModel{
		Name: terms.FieldAudience, Label: i18n.T(ctx, "adminterms.audience"), Hint: i18n.T(ctx, "adminterms.audience.hint"),
		Error: f.problem(terms.FieldAudience), Options: []components.Option{{Text: i18n.T(ctx, "adminterms.audience.all"), Selected: chosen == ""}},
	}
	for _, a := range library.Readers(v.Document) {
		value := audienceValue(a)
		m.Options = append(m.Options, components.Option{Value: value, Text: readers(ctx, a), Selected: value == chosen})
	}
	return m
}

// audienceValue is how a choice of readers is written in a form: "3.de".
func audienceValue(a terms.Audience) string {
	if a.Locale == "" {
		return ""
	}
	return strconv.Itoa(a.Number) + "." + a.Locale
}

func readers(ctx context.Context, a terms.Audience) string {
	language, _ := i18n.Find(a.Locale)
	return i18n.T(ctx, "adminterms.audience.readers", "n", a.Number, "language", language.Name)
}

// limits says in words whom a version asks and for how long.
func limits(ctx context.Context, v terms.Version) []string {
	var words []string
	if v.Audience.Locale != "" {
		words = append(words, i18n.T(ctx, "adminterms.limit.readers", "who", readers(ctx, v.Audience)))
	}
	if !v.Audience.JoinedBefore.IsZero() {
		words = append(words, i18n.T(ctx, "adminterms.limit.joined", "date", v.Audience.JoinedBefore.Format(time.DateOnly)))
	}
	if v.Audience.Name != "" {
		words = append(words, i18n.T(ctx, "adminterms.limit.facet", "name", v.Audience.Name, "value", v.Audience.Value))
	}
	if v.Exempt {
		words = append(words, i18n.T(ctx, "adminterms.limit.exempt"))
	}
	if v.ReacceptMonths > 0 {
		words = append(words, i18n.T(ctx, "adminterms.limit.months", "count", v.ReacceptMonths))
	}
	return words
}

// limitDraft saves whom a draft asks and how long an acceptance counts.
func (s *Server) limitDraft(c echo.Context) error {
	ctx := c.Request().Context()
	library, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	m := terms.Materiality(c.Request().PostForm.Get("materiality"))
	if !slices.Contains(changes, m) {
		m = v.Materiality
	}
	audience, months, refused := audienceOf(c)
	if len(refused) == 0 {
		err = s.Terms.Limit(ctx, session.User(ctx), v.Document, v.Number, m, audience, months)
		refused, _ = errors.AsType[valid.Errors](err)
	}
	text := textIn(library, v, s.locale(c, library, v))
	e := editing{text: text, summary: terms.FormatSummary(text.Summary), base: text.Fingerprint()}
	if len(refused) > 0 {
		return s.draftPage(c, library, v, e, refused)
	}
	if terms.Undone(err) {
		e.note = i18n.T(ctx, "adminterms.undone")
		return s.draftPage(c, library, v, e, nil)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", versionURL(v)+"?locale="+s.locale(c, library, v))
}

func audienceOf(c echo.Context) (terms.Audience, int, valid.Errors) {
	form := c.Request().PostForm
	var a terms.Audience
	var refused valid.Errors
	if chosen := form.Get(terms.FieldAudience); chosen != "" {
		number, locale, _ := strings.Cut(chosen, ".")
		a.Number, _ = strconv.Atoi(number)
		a.Locale = locale
	}
	if typed := strings.TrimSpace(form.Get(terms.FieldJoined)); typed != "" {
		day, err := time.Parse(time.DateOnly, typed)
		if err != nil {
			refused.Add(terms.FieldJoined, "err.day")
		}
		a.JoinedBefore = day
	}
	if scope := form.Get(terms.FieldScope); scope != "" {
		a.Name, a.Value = scope+"."+strings.TrimSpace(form.Get(terms.FieldFacet)), strings.TrimSpace(form.Get(terms.FieldValue))
	}
	months := 0
	if typed := strings.TrimSpace(form.Get(terms.FieldMonths)); typed != "" {
		var err error
		if months, err = strconv.Atoi(typed); err != nil {
			refused.Add(terms.FieldMonths, "err.terms.months", "max", terms.MaxMonths)
		}
	}
	return a, months, refused
}
