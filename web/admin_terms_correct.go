package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// correctable finds the published version of the address and the language whose text is to be corrected: any but the
// governing one, whose words are what people agreed to.
func (s *Server) correctable(c echo.Context) (terms.Version, terms.Text, error) {
	library, v, _, err := s.version(c)
	if err != nil {
		return v, terms.Text{}, err
	}
	locale := c.Request().FormValue("locale")
	d, _ := library.Document(v.Document)
	if !v.Published() || locale == d.GoverningLocale || !slices.Contains(tenant.From(c.Request().Context()).Locales, locale) {
		return v, terms.Text{}, echo.ErrNotFound
	}
	text, _ := library.Text(v.Document, v.Number, locale)
	if text.Locale != locale {
		text = terms.Text{Locale: locale, Title: text.Title}
	}
	return v, text, nil
}

func (s *Server) showCorrect(c echo.Context) error {
	v, text, err := s.correctable(c)
	if err != nil {
		return err
	}
	return s.correctPage(c, v, text, nil)
}

func (s *Server) correctPage(c echo.Context, v terms.Version, text terms.Text, refused valid.Errors) error {
	view := s.correctView(c, v, text)
	f := s.form(c, refused)
	view.Text.Error, view.Heading.Error = f.problem(terms.FieldSource+"."+text.Locale), f.problem(terms.FieldTitle+"."+text.Locale)
	for i := range refused {
		refused[i].Field = withoutLocale(refused[i].Field)
	}
	view.Refusals, view.Refused = s.form(c, refused).summary(), len(refused) > 0
	return s.render(c, f.status(), pages.CorrectText(view))
}

func (s *Server) correctView(c echo.Context, v terms.Version, text terms.Text) pages.CorrectPage {
	ctx := c.Request().Context()
	language, _ := i18n.Find(text.Locale)
	return pages.CorrectPage{
		Page:  s.titledAdmin(c, i18n.T(ctx, "adminterms.correct.title", "key", v.Document, "n", v.Number, "language", language.Name)),
		Token: s.token(c), Self: versionURL(v) + "/correct", Back: versionURL(v) + "?locale=" + text.Locale, Locale: text.Locale,
		Dir: direction(text.Locale),
		Heading: components.FieldModel{
			Name: terms.FieldTitle, Label: i18n.T(ctx, "adminterms.text.title"), Value: text.Title,
		},
		Text: components.FieldModel{
			Name: terms.FieldSource, Label: i18n.T(ctx, "adminterms.text.source"), Value: text.Source, Rows: 20,
		},
	}
}

// correctText first shows what would change, and publishes it when that page is sent.
func (s *Server) correctText(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	v, before, err := s.correctable(c)
	if err != nil {
		return err
	}
	typed := terms.Text{Locale: before.Locale, Title: form.Get(terms.FieldTitle), Source: form.Get(terms.FieldSource)}
	if form.Get("again") != "" {
		return s.correctPage(c, v, typed, nil)
	}
	after, err := s.Terms.Prepared(ctx, tenant.From(ctx).ID, typed)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.correctPage(c, v, typed, refused)
	}
	if form.Get("confirmed") == "" {
		view := s.correctView(c, v, typed)
		view.Changes = diffView(s.Terms.Compare(before, after))
		view.Before, view.After = before.Title, after.Title
		return s.render(c, http.StatusOK, pages.CorrectDiff(view))
	}
	err = s.Terms.Correct(ctx, session.User(ctx), v.Document, v.Number, typed)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.correctPage(c, v, typed, refused)
	}
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.correct.done", fmt.Sprintf("/admin/terms/%s/%d?locale=%s", v.Document, v.Number, before.Locale))
}
