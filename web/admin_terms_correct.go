package web

import (
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/pages"
)

// correcting is a translation of a published version that is corrected, or written after the version was published.
type correcting struct {
	version terms.Version
	text    terms.Text
	changes bool // the version says in short what changes, and so must each translation
}

// correctable finds the published version of the address and the language whose text is to be corrected: any but the
// governing one, whose words are what people agreed to.
func (s *Server) correctable(c echo.Context) (correcting, error) {
	library, v, _, err := s.version(c)
	if err != nil {
		return correcting{}, err
	}
	locale := c.Request().FormValue("locale")
	d, _ := library.Document(v.Document)
	if !v.Published() || locale == d.GoverningLocale || !slices.Contains(tenant.From(c.Request().Context()).Locales, locale) {
		return correcting{}, echo.ErrNotFound
	}
	text, _ := library.Text(v.Document, v.Number, locale)
	if text.Locale != locale {
		text = terms.Text{Locale: locale, Title: text.Title}
	}
	return correcting{v, text, library.Changes(v)}, nil
}

func (s *Server) showCorrect(c echo.Context) error {
	one, err := s.correctable(c)
	if err != nil {
		return err
	}
	return s.correctPage(c, one, nil)
}

func (s *Server) correctPage(c echo.Context, one correcting, refused valid.Errors) error {
	view := s.correctView(c, one, refused)
	for i := range refused {
		refused[i].Field = withoutLocale(refused[i].Field)
	}
	f := s.form(c, refused)
	view.Refusals, view.Refused = f.summary(), len(refused) > 0
	return s.render(c, f.status(), pages.CorrectText(view))
}

func (s *Server) correctView(c echo.Context, one correcting, refused valid.Errors) pages.CorrectPage {
	f, v, text := s.form(c, refused), one.version, one.text
	language, _ := i18n.Find(text.Locale)
	fields := textFields(f, editing{text: text, summary: terms.FormatSummary(text.Summary)}, false)
	if !one.changes {
		fields = fields[:2]
	}
	return pages.CorrectPage{
		Page:  s.titledAdmin(c, i18n.T(f.ctx, "adminterms.correct.title", "key", v.Document, "n", v.Number, "language", language.Name)),
		Token: f.token, Self: versionURL(v) + "/correct", Back: versionURL(v) + "?locale=" + text.Locale, Locale: text.Locale,
		Dir: direction(text.Locale), Fields: fields,
	}
}

// correctText first shows what would change, and publishes it when that page is sent.
func (s *Server) correctText(c echo.Context) error {
	ctx, sent := c.Request().Context(), c.Request().PostForm
	one, err := s.correctable(c)
	if err != nil {
		return err
	}
	before, v := one.text, one.version
	one.text = terms.Text{
		Locale: before.Locale, Title: sent.Get(terms.FieldTitle), Source: sent.Get(terms.FieldSource),
		Summary: terms.ParseSummary(sent.Get(terms.FieldSummary)), ChangeNote: sent.Get(terms.FieldNote),
	}
	if sent.Get("again") != "" {
		return s.correctPage(c, one, nil)
	}
	after, err := s.Terms.Prepared(ctx, tenant.From(ctx).ID, one.text)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.correctPage(c, one, refused)
	}
	if err != nil {
		return err
	}
	if sent.Get("confirmed") == "" {
		view := s.correctView(c, one, nil)
		view.Changes, view.Before, view.After = diffView(s.Terms.Compare(before, after)), before.Title, after.Title
		view.Same = before.Fingerprint() == after.Fingerprint()
		return s.render(c, http.StatusOK, pages.CorrectDiff(view))
	}
	return s.corrected(c, one, s.Terms.Correct(ctx, session.User(ctx), v.Document, v.Number, one.text))
}

// corrected answers when a correction was published, or refused.
func (s *Server) corrected(c echo.Context, one correcting, err error) error {
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.correctPage(c, one, refused)
	}
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.correct.done", versionURL(one.version)+"?locale="+one.text.Locale)
}
