package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// audienceForm says whom a version asks and how long an acceptance counts: to be written while it is a draft, to be read after.
func (s *Server) audienceForm(c echo.Context, f form, library terms.Library, v terms.Version) pages.AudienceForm {
	ctx, typed := c.Request().Context(), c.Request().PostForm
	d, _ := library.Document(v.Document)
	view := pages.AudienceForm{Asks: v.Materiality == terms.Material && d.Assent.Gates(), Limits: limits(ctx, v)}
	if v.Published() || !view.Asks {
		return view
	}
	chosen, joined, months := audienceValue(v.Audience), "", ""
	if !v.Audience.JoinedBefore.IsZero() {
		joined = v.Audience.JoinedBefore.Format(time.DateOnly)
	}
	if v.ReacceptMonths > 0 {
		months = strconv.Itoa(v.ReacceptMonths)
	}
	if typed.Has(terms.FieldJoined) {
		chosen, joined, months = typed.Get(terms.FieldAudience), typed.Get(terms.FieldJoined), typed.Get(terms.FieldMonths)
	}
	view.Readers = components.SelectModel{
		Name: terms.FieldAudience, Label: i18n.T(ctx, "adminterms.audience"), Hint: i18n.T(ctx, "adminterms.audience.hint"),
		Error: f.problem(terms.FieldAudience), Options: []components.Option{{Text: i18n.T(ctx, "adminterms.audience.all"), Selected: chosen == ""}},
	}
	for _, a := range library.Readers(v.Document) {
		value := audienceValue(a)
		view.Readers.Options = append(view.Readers.Options, components.Option{Value: value, Text: readers(ctx, a), Selected: value == chosen})
	}
	view.Joined = components.FieldModel{
		Name: terms.FieldJoined, Label: i18n.T(ctx, "adminterms.joined"), Hint: i18n.T(ctx, "adminterms.joined.hint"), Type: "date", LTR: true,
		Optional: true, Value: joined, Error: f.problem(terms.FieldJoined),
	}
	view.Months = components.FieldModel{
		Name: terms.FieldMonths, Label: i18n.T(ctx, "adminterms.months"), Hint: i18n.T(ctx, "adminterms.months.hint"), InputMode: "numeric", LTR: true,
		Optional: true, Value: months, Error: f.problem(terms.FieldMonths),
	}
	if view.Joined.Error != "" {
		view.Joined.Type = ""
	}
	return view
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
	audience, months, refused := audienceOf(c)
	if len(refused) == 0 {
		err = s.Terms.Limit(ctx, tenant.From(ctx).ID, v.Document, v.Number, audience, months)
		refused, _ = errors.AsType[valid.Errors](err)
	}
	if len(refused) > 0 {
		text, _ := library.Text(v.Document, v.Number, s.locale(c, library, v))
		return s.draftPage(c, library, v, text, terms.FormatSummary(text.Summary), refused)
	}
	if errors.Is(err, terms.ErrPublished) {
		return echo.NewHTTPError(http.StatusConflict)
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
	months := 0
	if typed := strings.TrimSpace(form.Get(terms.FieldMonths)); typed != "" {
		var err error
		if months, err = strconv.Atoi(typed); err != nil {
			refused.Add(terms.FieldMonths, "err.terms.months", "max", terms.MaxMonths)
		}
	}
	return a, months, refused
}
