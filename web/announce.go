package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
)

// announced says which version the person may decide about before they must, and until when, with where to do it; nothing where
// none waits. It came with the session, so it asks the database nothing.
func (s *Server) announced(c echo.Context) (said, link string) {
	ctx := c.Request().Context()
	waits, ok := session.From(ctx).Person.Undecided()
	if !ok {
		return "", ""
	}
	library, now, err := s.Terms.Library(ctx, tenant.From(ctx).ID)
	if err != nil {
		return "", "" // a page is no worse without the banner
	}
	v, known := library.Version(waits.Document, waits.Number)
	if !known {
		return "", "" // published within the last seconds
	}
	text, _ := library.Text(waits.Document, waits.Number, i18n.Current(ctx).Tag)
	said = i18n.T(ctx, "banner.terms", "document", text.Title, "n", v.Number)
	if now.Before(v.EnforceAt) {
		said = i18n.T(ctx, "banner.terms.until", "document", text.Title, "n", v.Number, "date", i18n.Date(ctx, v.EffectiveAt), "until", i18n.Date(ctx, v.EnforceAt))
	}
	return said, "/terms/accept?return_to=" + url.QueryEscape(c.Request().URL.Path)
}

// seesBanner keeps that the person is told of a version by the page they are about to see. Only the first page writes.
func (s *Server) seesBanner(c echo.Context, g gate, live session.Live) error {
	waits, ok := live.Person.Undecided()
	if !ok || !waits.New || (g != member && g != sensitive) || c.Request().Method != http.MethodGet {
		return nil
	}
	ctx := c.Request().Context()
	return s.Terms.Saw(ctx, live.User, waits.Document, waits.Number, i18n.Current(ctx).Tag)
}
