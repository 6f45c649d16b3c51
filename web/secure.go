package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/verification"
	"portico/views/pages"
)

// secureRoutes are where letters and lists lead whoever says "that was not me" (security.md row 66).
func (s *Server) secureRoutes() []route {
	return []route{
		{anyone, http.MethodGet, "/secure", s.showSecure, false},
		{sensitive, http.MethodPost, "/account/security/secure", s.secure, false},
		{exempt, http.MethodGet, "/account/stay", stay, false},
	}
}

func (s *Server) showSecure(c echo.Context) error {
	ctx := c.Request().Context()
	t := tenant.From(ctx)
	view := pages.SecurePage{
		HelpPage: pages.HelpPage{Page: s.page(c, "secure.title"), SupportEmail: t.SupportEmail, SupportURL: t.SupportURL},
	}
	view.SignedIn, view.UndoDays = session.From(ctx).SignedIn(), i18n.Duration(ctx, t.UndoLifetime())
	return s.render(c, http.StatusOK, pages.Secure(view))
}

// secure leaves the account to this browser alone, and asks for a new password where there is one.
func (s *Server) secure(c echo.Context) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	if _, err := s.Sessions.EndAll(ctx, live.User, live.Hash); err != nil {
		return err
	}
	if err := s.Audit.Record(ctx, audit.Event{Type: audit.SessionsEnded, User: live.User}); err != nil {
		return err
	}
	if err := s.Verification.Cancel(ctx, live.User); err != nil && !errors.Is(err, verification.ErrNone) {
		return err
	}
	if !live.Person.HasPassword {
		return s.done(c, "security.endall.done", "/account/security")
	}
	return s.done(c, "secure.done", "/account/security/password")
}

// stay keeps a session going for a page that stays open: to have asked for something is enough.
func stay(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
