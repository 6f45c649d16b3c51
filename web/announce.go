package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/views/layouts"
)

// banners are what waits for the person on every page: a version to decide about, and an address to prove. What has to be done
// first stands first, what has no day last. It came with the session, so it asks the database nothing.
func (s *Server) banners(c echo.Context) []layouts.Banner {
	ctx := c.Request().Context()
	var all []layouts.Banner
	said, link, until := s.announced(c)
	if said != "" {
		all = append(all, layouts.Banner{Text: said, URL: link, Button: i18n.T(ctx, "home.terms.button")})
	}
	if words, by := s.toProve(c); words != "" && !within("/account/email", c.Path()) {
		proof := layouts.Banner{Text: words, URL: "/verify", Button: i18n.T(ctx, "verify.submit")}
		if !by.IsZero() && (until.IsZero() || by.Before(until)) {
			return append([]layouts.Banner{proof}, all...)
		}
		all = append(all, proof)
	}
	return all
}

// toProve asks the person to prove the address, by when if there is such a day: because the account is erased then, or closed
// to them (rule V-7). It is empty for who has nothing to prove, or need not.
func (s *Server) toProve(c echo.Context) (said string, by time.Time) {
	ctx := c.Request().Context()
	t, person := tenant.From(ctx), session.From(ctx).Person
	if person.Email == "" || person.EmailVerified {
		return "", time.Time{}
	}
	if t.Verification.Mode == tenant.VerifyRequire {
		by = person.CreatedAt.Add(time.Duration(t.Verification.Days) * 24 * time.Hour)
	}
	goes := !person.WarnedAt.IsZero() && person.Role != profile.RoleAdmin // administrators are kept, even those who were told otherwise before
	if gone := person.WarnedAt.Add(privacy.PruneNotice); goes && (by.IsZero() || gone.Before(by)) {
		return i18n.T(ctx, "home.verify.erased", "date", i18n.Date(ctx, gone)), gone
	}
	switch {
	case t.Verification.Mode == tenant.VerifyAllow:
		return "", time.Time{}
	case s.Now().Before(by):
		return i18n.T(ctx, "home.verify.until", "date", i18n.Date(ctx, by)), by
	}
	return i18n.T(ctx, "home.verify"), by
}

// announced says which version the person may decide about before they must, with where to do it and until when; nothing where
// none waits.
func (s *Server) announced(c echo.Context) (said, link string, until time.Time) {
	ctx := c.Request().Context()
	waits, ok := session.From(ctx).Person.Undecided()
	if !ok {
		return "", "", until
	}
	library, now, err := s.Terms.Library(ctx, tenant.From(ctx).ID)
	if err != nil {
		return "", "", until // a page is no worse without the banner
	}
	v, known := library.Version(waits.Document, waits.Number)
	if !known {
		return "", "", until // published within the last seconds
	}
	text, _ := library.Text(waits.Document, waits.Number, i18n.Current(ctx).Tag)
	said = i18n.T(ctx, "banner.terms", "document", text.Title, "n", v.Number)
	if now.Before(v.EnforceAt) {
		until = v.EnforceAt
		said = i18n.T(ctx, "banner.terms.until", "document", text.Title, "n", v.Number, "date", i18n.Date(ctx, v.EffectiveAt), "until", i18n.Date(ctx, v.EnforceAt))
	}
	return said, "/terms/accept?return_to=" + url.QueryEscape(c.Request().URL.Path), until
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
