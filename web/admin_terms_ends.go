package web

import (
	"errors"

	"github.com/labstack/echo/v4"

	"portico/internal/session"
	"portico/internal/terms"
	"portico/internal/valid"
)

// withdrawVersion takes a version back: before it takes effect it is cancelled, after that withdrawn.
func (s *Server) withdrawVersion(c echo.Context) error {
	ctx := c.Request().Context()
	library, v, now, err := s.version(c)
	if err != nil {
		return err
	}
	done := "adminterms.withdrawn"
	if now.Before(v.EffectiveAt) {
		done = "adminterms.cancelled"
	}
	err = s.Terms.Withdraw(ctx, session.User(ctx), v.Document, v.Number, c.Request().PostFormValue(terms.FieldReason))
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		text := textIn(library, v, s.locale(c, library, v))
		return s.draftPage(c, library, v, editing{text: text, summary: terms.FormatSummary(text.Summary)}, refused)
	}
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, done, "/admin/terms/"+v.Document)
}

// retireDocument ends a document.
func (s *Server) retireDocument(c echo.Context) error {
	ctx := c.Request().Context()
	_, d, _, err := s.document(c)
	if err != nil {
		return err
	}
	err = s.Terms.Retire(ctx, session.User(ctx), d.Key, c.Request().PostFormValue(terms.FieldReason))
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.documentAdminPage(c, refused)
	}
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.retired", "/admin/terms/"+d.Key)
}
