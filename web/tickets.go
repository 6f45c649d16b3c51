package web

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// fieldCode is the form field of the code in a letter.
const fieldCode = "code"

// codeField is the field for the code of a letter, the same on every page.
func (s *Server) codeField(c echo.Context, f form) components.FieldModel {
	ctx := c.Request().Context()
	return components.FieldModel{
		Name: fieldCode, Label: i18n.T(ctx, "verify.code"), InputMode: "numeric", Autocomplete: "one-time-code", LTR: true, Code: true,
		Hint: i18n.T(ctx, "verify.code.hint"), Error: f.problem(fieldCode),
	}
}

// codeRefused turns the refusal of a code into what the form says, and reports whether err was one.
func codeRefused(err error) (valid.Errors, bool) {
	var refused valid.Errors
	if wrong, ok := errors.AsType[ticket.WrongCode](err); ok {
		refused.Add(fieldCode, "err.code.wrong", "count", wrong.Left)
		return refused, true
	}
	switch {
	case errors.Is(err, ticket.ErrCodeNeeded):
		refused.Add(fieldCode, "err.code.short")
	case errors.Is(err, ticket.ErrCodeSpent):
		refused.Add(fieldCode, "err.code.used")
	case errors.Is(err, ticket.ErrCodeOld):
		refused.Add(fieldCode, "err.code.old")
	default:
		return nil, false
	}
	return refused, true
}

// deadEnd is the way on from a link that is of no use: a form that asks for a new letter, or a page.
type deadEnd struct {
	action string
	link   string
	button string
}

// unusable says why a mailed link is of no use: one look for every reason, status 410 (house.md §5).
func (s *Server) unusable(c echo.Context, err error, t ticket.Ticket, way deadEnd) error {
	ctx := c.Request().Context()
	var key string
	switch {
	case errors.Is(err, ticket.ErrUsed):
		key = "link.used"
	case errors.Is(err, ticket.ErrExpired):
		key = "link.expired"
	case errors.Is(err, ticket.ErrReplaced):
		key = "link.replaced"
	case errors.Is(err, ticket.ErrUnknown):
		key = "link.unknown"
	default:
		return err
	}
	button := way.button
	if button == "" {
		button = "link.again"
	}
	view := pages.LinkPage{
		Page: s.page(c, key+".title"), Body: i18n.T(ctx, key, "time", i18n.Moment(ctx, t.ExpiresAt)), Token: s.token(c),
		Action: way.action, Link: way.link, Button: i18n.T(ctx, button),
	}
	return s.render(c, http.StatusGone, pages.Unusable(view))
}

// retryAfter tells programs how long to wait, in whole seconds.
func retryAfter(c echo.Context, d time.Duration) {
	c.Response().Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
}
