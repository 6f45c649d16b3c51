package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/views/pages"
)

// previewDraft is the gate as somebody else would see it: who accepted an earlier version, or is new, in each language. It is
// the page itself, but its buttons do nothing.
func (s *Server) previewDraft(c echo.Context) error {
	library, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	if len(library.Locales(v.Document, v.Number)) == 0 {
		return s.done(c, "adminterms.empty", versionURL(v))
	}
	locale, accepted := s.locale(c, library, v), library.Acceptable(v)
	from, err := strconv.Atoi(c.QueryParam("from"))
	if err != nil || (from != 0 && !slices.Contains(accepted, from)) {
		from = 0
		if len(accepted) > 0 {
			from = accepted[0]
		}
	}
	reader := c.Request().Context()
	mark := gatePreview(reader, v, locale, from, accepted)
	due, err := s.Terms.Preview(reader, tenant.From(reader).ID, v, from, locale)
	if err != nil {
		return err
	}
	ctx := i18n.With(reader, locale, nil)
	c.SetRequest(c.Request().WithContext(ctx))
	view := s.gatePage(c, due)
	view.Preview, view.Print = &mark, ""
	return s.render(c, http.StatusOK, pages.Gate(view))
}

// gatePreview marks a preview, in the administrator's language.
func gatePreview(ctx context.Context, v terms.Version, locale string, from int, accepted []int) pages.GatePreview {
	here := func(locale string, from int) string {
		return versionURL(v) + "/preview?locale=" + locale + "&from=" + strconv.Itoa(from)
	}
	p := pages.GatePreview{
		Lang: i18n.Current(ctx).Tag, Dir: i18n.Current(ctx).Dir, Text: i18n.T(ctx, "adminterms.preview.mark", "key", v.Document, "n", v.Number),
		Back: versionURL(v) + "?locale=" + locale, BackText: i18n.T(ctx, "adminterms.back.draft"),
		Person: i18n.T(ctx, "adminterms.preview.person"), Language: i18n.T(ctx, "language.title"),
	}
	p.Persons = append(p.Persons, pages.Tab{Text: i18n.T(ctx, "adminterms.preview.new"), URL: here(locale, 0), Current: from == 0})
	for _, number := range accepted {
		p.Persons = append(p.Persons, pages.Tab{
			Text: i18n.T(ctx, "adminterms.preview.accepted", "n", number), URL: here(locale, number), Current: number == from,
		})
	}
	for _, o := range localeOptions(tenant.From(ctx), locale) {
		p.Languages = append(p.Languages, pages.Tab{Text: o.Text, URL: here(o.Value, from), Current: o.Selected})
	}
	return p
}
