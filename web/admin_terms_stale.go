package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/views/pages"
)

// typedText reads what was typed. Of a page that offered what somebody else had saved, that is taken where it was chosen.
func typedText(form url.Values, saved terms.Text) editing {
	take := func(field, theirs string) string {
		if form.Get("take."+field) == "saved" {
			return theirs
		}
		return form.Get(field)
	}
	e := editing{summary: take(terms.FieldSummary, terms.FormatSummary(saved.Summary)), base: form.Get(fieldBase)}
	e.text = terms.Text{
		Locale: saved.Locale, Title: take(terms.FieldTitle, saved.Title), Source: take(terms.FieldSource, saved.Source),
		ChangeNote: take(terms.FieldNote, saved.ChangeNote), Summary: terms.ParseSummary(e.summary),
	}
	return e
}

// overtaken adds to the editor what somebody else saved since it was opened, beside what was typed.
func (s *Server) overtaken(c echo.Context, view *pages.DraftPage, e editing) error {
	ctx := c.Request().Context()
	names, err := s.Admin.Names(ctx, tenant.From(ctx).ID, e.stale.By)
	if err != nil {
		return err
	}
	saved := e.stale.Saved
	view.Stale = &pages.StaleText{
		Body: i18n.T(ctx, "adminterms.stale.body", "time", utc(e.stale.At), "who", firstNonEmpty(names[e.stale.By], e.stale.By)),
	}
	for _, both := range []struct{ name, typed, saved string }{
		{terms.FieldTitle, e.text.Title, saved.Title},
		{terms.FieldSource, terms.Normal(e.text.Source), saved.Source},
		{terms.FieldSummary, terms.FormatSummary(terms.ParseSummary(e.summary)), terms.FormatSummary(saved.Summary)},
		{terms.FieldNote, e.text.ChangeNote, saved.ChangeNote},
	} {
		if both.typed == both.saved {
			continue
		}
		field := pages.StaleField{Name: both.name, Label: i18n.T(ctx, textLabels[both.name]), Saved: both.saved}
		if both.name == terms.FieldSource {
			field.Changes = diffView(terms.Diff(both.saved, both.typed))
		}
		view.Stale.Fields = append(view.Stale.Fields, field)
	}
	return nil
}

// draftGone answers a text that was sent to a draft which is no more: what was typed is on the page, to be copied.
func (s *Server) draftGone(c echo.Context, err error) error {
	if he, ok := errors.AsType[*echo.HTTPError](err); !ok || he.Code != http.StatusNotFound {
		return err
	}
	library, d, _, missing := s.document(c)
	number, bad := strconv.Atoi(c.Param("n"))
	if missing != nil || bad != nil || number < 1 {
		return err
	}
	ctx, v := c.Request().Context(), terms.Version{Document: d.Key, Number: number}
	e := typedText(c.Request().PostForm, terms.Text{Locale: s.locale(c, library, v)})
	e.note = i18n.T(ctx, "adminterms.gone")
	return s.draftPage(c, library, v, e, nil)
}

// documentOf is the document of a version, and what time it is by the database's clock.
func (s *Server) documentOf(ctx context.Context, library terms.Library, v terms.Version) (terms.Document, time.Time, error) {
	d, _ := library.Document(v.Document)
	_, now, err := s.Terms.Library(ctx, tenant.From(ctx).ID)
	return d, now, err
}

// missingLocales names the enabled languages that a version has no text in.
func missingLocales(t tenant.Tenant, library terms.Library, v terms.Version) []string {
	var names []string
	have := library.Locales(v.Document, v.Number)
	for _, tag := range t.Locales {
		if !slices.Contains(have, tag) {
			language, _ := i18n.Find(tag)
			names = append(names, language.Name)
		}
	}
	return names
}
