package web

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// contentSignal is the key under which a session remembers which documents the record already says that its browser objects to.
const contentSignal = "signal"

// signalHonoured is where a request notes that its page says that the signal was honoured.
const signalHonoured = "signal honoured"

// optsOut reports whether the browser objects to selling and sharing for its user (Global Privacy Control).
func optsOut(c echo.Context) bool { return c.Request().Header.Get("Sec-GPC") == "1" }

// heedSignal honours the signal on whatever page it comes with: who is signed in has objected, which is recorded once, and the
// session, which is read anyway, remembers that it was. Only when there is something new to object to, or they have consented to
// something meanwhile, is it recorded again.
func (s *Server) heedSignal(c echo.Context) error {
	if !optsOut(c) {
		return nil
	}
	ctx := c.Request().Context()
	if live := session.From(ctx); live.SignedIn() {
		shared, err := s.Consents.Shared(ctx, live.User.Tenant)
		if err != nil {
			return err
		}
		if shared != live.Content[contentSignal] {
			if err := s.Consents.Object(ctx, live.User, s.optOut(c)); err != nil {
				return err
			}
			if err := s.remember(c, contentSignal, shared); err != nil {
				return err
			}
		}
	}
	c.Set(signalHonoured, true)
	return nil
}

// chosen keeps what u decides about purposes.
func (s *Server) chosen(ctx context.Context, u tenant.User, wishes []terms.Wish) error {
	return s.objectAnew(ctx, u, s.Consents.Choose(ctx, u, wishes))
}

// objectAnew has the browsers of u that object do so anew after u has decided something, unless that failed: what was agreed to
// elsewhere is no answer to them.
func (s *Server) objectAnew(ctx context.Context, u tenant.User, failed error) error {
	if failed != nil {
		return failed
	}
	return s.Sessions.Forget(ctx, u, contentSignal)
}

// optOut is what every decision about a purpose says of the browser.
func (s *Server) optOut(c echo.Context) terms.Decision {
	ctx := c.Request().Context()
	d := decisionOf(c)
	d.Nonce, d.Presentation = newNonce(), presentation(ctx, "browser", "signal")
	return d
}

// optOutSupport says that the signal of browsers is honoured (Global Privacy Control, section 3.4).
func (s *Server) optOutSupport(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", dayLong)
	return c.JSON(http.StatusOK, map[string]any{"gpc": true, "lastUpdate": "2026-11-24"})
}
