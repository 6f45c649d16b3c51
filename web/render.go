package web

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/layouts"
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// render writes a page as a whole, so that an error on the way leaves no half a page.
func (s *Server) render(c echo.Context, status int, page templ.Component) error {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	if err := page.Render(c.Request().Context(), b); err != nil {
		return err
	}
	if wanted, ok := c.Get(statusKey).(int); ok {
		status = wanted
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	h.Set(echo.HeaderContentLength, strconv.Itoa(b.Len()))
	c.Response().WriteHeader(status)
	_, err := c.Response().Write(b.Bytes())
	return err
}

// done answers a form that did what was asked: on to a page with a banner whose text is the message called key.
func (s *Server) done(c echo.Context, key, path string) error {
	if err := s.seal(c, flashCookie, key, flashLifetime); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, path)
}

// flash is the banner that the last form left for this page.
func (s *Server) flash(c echo.Context) string {
	var key string
	if !s.unseal(c, flashCookie, &key) {
		return ""
	}
	s.setCookie(c, flashCookie, "", 0)
	return i18n.T(c.Request().Context(), key)
}

// page fills in what every page has. The title is the message called key.
func (s *Server) page(c echo.Context, key string) layouts.Page {
	ctx := c.Request().Context()
	return s.titled(c, i18n.T(ctx, key))
}

func (s *Server) titled(c echo.Context, title string) layouts.Page {
	ctx := c.Request().Context()
	live := session.From(ctx)
	p := layouts.Page{
		Title: title, Product: tenant.From(ctx).Product, Brand: brandURL(tenant.From(ctx).Brand), Flash: s.flash(c), Notice: noticeOf(c),
		Language: i18n.Current(ctx), Withdrawal: tenant.From(ctx).Withdrawal,
		Path: url.QueryEscape(c.Request().URL.Path),
	}
	p.OptedOut, _ = c.Get(signalHonoured).(bool)
	if live.SignedIn() {
		p.Initials = profile.Initials(live.Person.Name, live.Person.Email)
		p.Token = s.formToken(c)
		if live.Person.ClosesAt.IsZero() { // else nothing of it is open
			p.Nav = accountNav(ctx, c.Path())
		}
		p.Idle = idleSeconds(live, s.Now())
		if c.Path() != "/account" { // whose list of what waits says the same
			p.Banners = s.banners(c)
		}
	}
	return p
}

// accountNav is the navigation of the account, in the order of ux.md 1.2.
func accountNav(ctx context.Context, route string) []layouts.NavItem {
	return nav(ctx, route, accountPages)
}

// navPage is a line of a navigation; along are pages that belong to it although their addresses do not begin with its own.
type navPage struct{ key, path, along string }

var accountPages = []navPage{
	{key: "nav.overview", path: "/account"},
	{key: "nav.profile", path: "/account/profile", along: "/account/email"},
	{key: "nav.security", path: "/account/security"},
	{key: "linking.title", path: linkingPath},
	{key: "nav.terms", path: "/account/terms"},
	{key: "nav.consents", path: consentsPath},
	{key: "nav.data", path: "/account/data"},
}

// nav marks the page whose address is the longest beginning of the route.
func nav(ctx context.Context, route string, pages []navPage) []layouts.NavItem {
	items, best, length := make([]layouts.NavItem, len(pages)), -1, 0
	for i, p := range pages {
		items[i] = layouts.NavItem{Label: i18n.T(ctx, p.key), URL: p.path}
		for _, path := range []string{p.path, p.along} {
			if path != "" && within(path, route) && len(path) > length {
				best, length = i, len(path)
			}
		}
	}
	if best >= 0 {
		items[best].Current = true
	}
	return items
}

func within(path, route string) bool {
	return route == path || (len(route) > len(path) && route[:len(path)+1] == path+"/")
}

// form is what a refused form and a fresh one have in common: the token, what is wrong, and what was typed. Early says that
// it was sent too early.
type form struct {
	token   string
	refused valid.Errors
	early   bool
	ctx     context.Context
}

func (s *Server) form(c echo.Context, refused valid.Errors) form {
	return form{s.token(c), refused, c.Response().Header().Get("Retry-After") != "", c.Request().Context()}
}

// token is formToken for a page that has a form: it makes sure that the browser carries the session the token is for.
func (s *Server) token(c echo.Context) string {
	if err := s.giveCookie(c); err != nil {
		s.Log.Error("cookie", "id", requestID(c), "error", err)
	}
	return s.formToken(c)
}

// problem is the text at a field, or nothing.
func (f form) problem(field string) string {
	p, ok := f.refused.On(field)
	if !ok {
		return ""
	}
	return i18n.T(f.ctx, p.Key, p.Args...)
}

// summary lists everything that is wrong, in the words that stand at the fields.
func (f form) summary() []components.Refusal {
	refusals := make([]components.Refusal, len(f.refused))
	for i, p := range f.refused {
		refusals[i] = components.Refusal{Field: p.Field, Text: i18n.T(f.ctx, p.Key, p.Args...)}
	}
	return refusals
}

// status is that of a page with a form: 422 when something in it was refused, 429 when one has to wait.
func (f form) status() int {
	switch {
	case f.early:
		return http.StatusTooManyRequests
	case len(f.refused) > 0:
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// idleSeconds is after how long without a request the session ends, when that is so soon that people should be warned:
// those of 20 hours and more are exempt (WCAG 2.2.1).
func idleSeconds(live session.Live, now time.Time) int {
	left := min(live.IdleAt.Sub(now), live.ExpiresAt.Sub(now))
	if live.Keep || left >= 20*time.Hour {
		return 0
	}
	return max(0, int(left.Seconds()))
}
