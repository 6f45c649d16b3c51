package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/retention"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

const retentionPath = "/admin/retention"

func (s *Server) retentionRoutes() []route {
	return []route{
		{admins, http.MethodGet, retentionPath, s.showRetention, false}, {adminsFresh, http.MethodPost, retentionPath, s.saveRetention, false},
	}
}

func (s *Server) showRetention(c echo.Context) error { return s.retentionPage(c, nil) }

func (s *Server) retentionPage(c echo.Context, refused valid.Errors) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	rows, err := s.Retention.List(ctx, tenant.From(ctx).ID)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.RetentionPage{Page: s.adminPage(c, "retention.title"), Token: f.token, Refusals: f.summary()}
	for _, r := range rows {
		field, action := retention.Field(r.Entity), "retention.remove"
		switch {
		case r.Cut:
			action = "retention.cut"
		case r.Stated:
			action = "retention.stated"
		}
		bounds := "retention.bounds"
		if r.Never {
			action, bounds = "retention.erase", "retention.bounds.never"
		}
		row := pages.RetentionRow{
			What: i18n.T(ctx, "retention.entity."+string(r.Entity)), Why: i18n.T(ctx, "retention.purpose."+string(r.Entity)), Action: i18n.T(ctx, action),
			Ran: utc(r.RanAt), Removed: strconv.FormatInt(r.Removed, 10), Days: components.FieldModel{
				Name: field, Label: i18n.T(ctx, "retention.days"), Hint: i18n.T(ctx, bounds, "min", r.Least, "max", r.Most),
				Value: strconv.Itoa(r.Days), InputMode: "numeric", LTR: true, Error: f.problem(field),
			},
		}
		if typed := form.Get(field); form.Has(field) {
			row.Days.Value = typed
		}
		if r.Fixed() {
			row.Fixed = strconv.Itoa(r.Days)
		}
		view.Rows = append(view.Rows, row)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Retention(view))
}

func (s *Server) saveRetention(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	typed := map[retention.Entity]string{}
	for _, rule := range retention.Rules() {
		if field := retention.Field(rule.Entity); form.Has(field) {
			typed[rule.Entity] = strings.TrimSpace(form.Get(field))
		}
	}
	err := s.Retention.Save(ctx, session.User(ctx), typed)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.retentionPage(c, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", retentionPath)
}
