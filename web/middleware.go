package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
)

// bodyLimit bounds a form, textLimit a form that carries a document (security.md row 54, terms.md case 23), in bytes.
const (
	bodyLimit = 64 << 10
	textLimit = 8 * 512 << 10
)

var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)

const requestIDHeader = "X-Request-Id"

// identify gives the request an id, keeping one that a proxy gave when it is of our form.
func identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(requestIDHeader)
		if !requestIDPattern.MatchString(id) {
			id = uuid.NewString()
		}
		c.Response().Header().Set(requestIDHeader, id)
		return next(c)
	}
}

func requestID(c echo.Context) string { return c.Response().Header().Get(requestIDHeader) }

// access logs one line a request: the route, never the address, because links carry secrets.
func (s *Server) access(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		started := s.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		s.Log.LogAttrs(c.Request().Context(), slog.LevelInfo, "request",
			slog.String("id", requestID(c)), slog.String("method", c.Request().Method), slog.String("route", c.Path()),
			slog.Int("status", c.Response().Status), slog.Int64("bytes", c.Response().Size),
			slog.Duration("took", s.Now().Sub(started)))
		return nil
	}
}

// recovered turns a panic into an error like any other.
func recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				if cause == http.ErrAbortHandler { //nolint:errorlint // a recovered value, not an error chain
					panic(cause)
				}
				err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
			}
		}()
		return next(c)
	}
}

// contentPolicy forbids everything that is not ours, and every inline script and style (security.md row 56).
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; report-to csp"

// headers sets what every answer carries (rows 56–58). Public pages replace Cache-Control.
func (s *Server) headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Reporting-Endpoints", `csp="/csp-reports"`)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("Cache-Control", "no-store")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		return next(c)
	}
}

// limited refuses a body that is too large and parameters that come twice (rows 54 and 62).
func limited(limit int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
			if err := r.ParseForm(); err != nil {
				if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
					return echo.NewHTTPError(http.StatusRequestEntityTooLarge)
				}
				return echo.NewHTTPError(http.StatusBadRequest)
			}
			if repeated(r.PostForm) || repeated(r.URL.Query()) {
				return echo.NewHTTPError(http.StatusBadRequest)
			}
			return next(c)
		}
	}
}

func repeated(values map[string][]string) bool {
	for _, v := range values {
		if len(v) > 1 {
			return true
		}
	}
	return false
}

// withTenant finds the tenant by the host alone (rule X-1).
func (s *Server) withTenant(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		t, err := s.Tenants.ByHost(r.Context(), r.Host)
		if err != nil {
			return err
		}
		ctx := tenant.With(r.Context(), t)
		address, _ := netip.ParseAddr(c.RealIP())
		ctx = audit.WithOrigin(ctx, audit.Origin{IP: address.Unmap(), UserAgent: r.UserAgent(), RequestID: requestID(c)})
		ctx = i18n.With(ctx, s.pageLanguage(c, t, ""), nil)
		c.SetRequest(r.WithContext(ctx))
		return next(c)
	}
}

// withSession finds who is signed in, reads and writes in their language from here on, and heeds what their browser objects to.
func (s *Server) withSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		_, live, err := s.Cookies.Current(r)
		if err != nil {
			return err
		}
		r = c.Request()
		ctx := session.With(r.Context(), live)
		if live.SignedIn() {
			origin := audit.OriginOf(ctx)
			origin.Session = live.Hash
			actor := audit.Actor{Kind: audit.ByUser, ID: live.User.ID}
			ctx = audit.WithActor(audit.WithOrigin(ctx, origin), actor)
			lang, letters, zoneName := profile.Preferences(live.Person.UserMetadata)
			if lang == "" {
				lang = letters
			}
			zone, _ := profile.Zone(zoneName)
			ctx = i18n.With(ctx, s.pageLanguage(c, tenant.From(ctx), lang), zone)
		} else {
			s.keepLocales(c, tenant.From(ctx))
		}
		c.SetRequest(r.WithContext(ctx))
		if err := s.heedSignal(c); err != nil {
			return err
		}
		return next(c)
	}
}

// uiLocales is the parameter by which a site that sends people here names the languages they read, best first (OpenID
// Connect Core 1.0, 3.1.2.1).
const uiLocales = "ui_locales"

// keepLocales makes the language that the address asked for that of the next pages of a visitor too.
func (s *Server) keepLocales(c echo.Context, t tenant.Tenant) {
	for _, wanted := range strings.Fields(c.QueryParam(uiLocales)) {
		if found, ok := i18n.MatchTag(t.Locales, wanted); ok {
			s.setCookie(c, languageChoice, found, 24*time.Hour)
			return
		}
	}
}

// pageLanguage chooses the language of a page (rule L-3): the ui_locales parameter, what the signed-in person chose, what
// this browser chose, what it asks for, the tenant's default.
func (s *Server) pageLanguage(c echo.Context, t tenant.Tenant, chosen string) string {
	for _, wanted := range append(strings.Fields(c.QueryParam(uiLocales)), chosen, s.languageCookie(c)) {
		if found, ok := i18n.MatchTag(t.Locales, wanted); ok {
			return found
		}
	}
	if found, ok := i18n.MatchAccept(t.Locales, c.Request().Header.Get("Accept-Language")); ok {
		return found
	}
	return t.Locales[0]
}

// guarded refuses what another site sent (row 55): by the browser's own word, and by the token of the form.
func (s *Server) guarded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if err := s.crossOrigin.Check(r); err != nil {
			s.Log.Warn("form refused", "id", requestID(c), "route", c.Path(), "reason", "cross-origin")
			return echo.NewHTTPError(http.StatusForbidden)
		}
		if r.Method == http.MethodPost && !s.tokenRight(c) {
			s.Log.Info("form refused", "id", requestID(c), "route", c.Path(), "reason", "token")
			return s.offerAgain(c)
		}
		return next(c)
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
