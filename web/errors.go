package web

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/views/pages"
)

// statusOf is the table from what the domain says to what the browser gets. What is not in it is our own fault.
func statusOf(err error) int {
	if refused, ok := errors.AsType[*echo.HTTPError](err); ok {
		return refused.Code
	}
	switch {
	case errors.Is(err, tenant.ErrUnknown), errors.Is(err, profile.ErrNotFound), errors.Is(err, session.ErrNone),
		errors.Is(err, idp.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, profile.ErrStale):
		return http.StatusConflict
	case errors.Is(err, password.ErrBusy):
		return http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, driver.ErrBadConn):
		return http.StatusServiceUnavailable
	}
	if _, ok := errors.AsType[*net.OpError](err); ok { // the database is away
		return http.StatusServiceUnavailable
	}
	if _, ok := errors.AsType[*guard.TooMany](err); ok {
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

// fail answers an error with its page. The text of an unexpected one is logged, once, and never shown.
func (s *Server) fail(err error, c echo.Context) {
	status := statusOf(err)
	if status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		s.Log.Error("failed", "id", requestID(c), "route", c.Path(), "error", err)
	}
	if c.Response().Committed {
		return
	}
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(status)
		return
	}
	if rendering := s.errorPage(c, status, err); rendering != nil {
		s.Log.Error("error page", "id", requestID(c), "error", rendering)
		_ = c.String(status, http.StatusText(status))
	}
}

func (s *Server) errorPage(c echo.Context, status int, err error) error {
	r := c.Request()
	if _, known := tenantOf(r.Context()); !known {
		t := tenant.Tenant{ID: tenant.Default, Settings: tenant.Settings{}.WithDefaults()}
		c.SetRequest(r.WithContext(i18n.With(tenant.With(r.Context(), t), s.pageLanguage(c, t, ""), nil)))
	}
	ctx := c.Request().Context()
	key := errorWords(status)
	body := i18n.T(ctx, key+".body", "id", requestID(c))
	if wait, ok := errors.AsType[*guard.TooMany](err); ok {
		retryAfter(c, wait.After)
		body = i18n.T(ctx, "429.body", "time", i18n.Duration(ctx, wait.After))
	}
	if status == http.StatusServiceUnavailable {
		c.Response().Header().Set("Retry-After", "5")
	}
	view := pages.ErrorPage{Page: s.page(c, key+".title"), Body: body, ID: requestID(c)}
	return s.render(c, status, pages.Error(view))
}

// errorWords is the beginning of the message keys of a status.
func errorWords(status int) string {
	switch status {
	case http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return strconv.Itoa(status)
	case http.StatusMethodNotAllowed:
		return "404"
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return "400"
	case http.StatusConflict:
		return "409"
	default:
		return "500"
	}
}

func tenantOf(ctx context.Context) (t tenant.Tenant, known bool) {
	defer func() {
		if recover() != nil {
			known = false
		}
	}()
	return tenant.From(ctx), true
}

// blockedPage says calmly that an administrator has blocked the account (rule B-6). To u, who has just proven who they are,
// it offers a link to the closing page.
func (s *Server) blockedPage(c echo.Context, u tenant.User, message string) error {
	ctx := c.Request().Context()
	c.SetRequest(c.Request().WithContext(session.With(ctx, session.Live{})))
	t := tenant.From(ctx)
	view := pages.BlockedPage{
		Page: s.page(c, "blocked.title"), Message: message, SupportEmail: t.SupportEmail, SupportURL: t.SupportURL,
		Close: s.closeLinkFor(u),
	}
	return s.render(c, http.StatusForbidden, pages.Blocked(view))
}
