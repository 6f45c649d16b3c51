package web

import (
	"errors"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/internal/verification"
	"portico/views/components"
	"portico/views/pages"
)

func (s *Server) showPersonEmail(c echo.Context) error { return s.personEmail(c, nil) }

// personEmail is the page that gives somebody another address.
func (s *Server) personEmail(c echo.Context, refused valid.Errors) error {
	ctx, typed := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Look(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.PersonEmailPage{
		PersonPage: s.personPage(c, p, ""), Refusals: f.summary(), Email: p.Email, Verified: p.EmailVerified,
		UndoDays: i18n.Duration(ctx, tenant.From(ctx).UndoLifetime()),
		NewEmail: components.FieldModel{
			Name: verification.FieldNewEmail, Label: i18n.T(ctx, "email.new"), Type: "email", LTR: true, Autocomplete: "off",
			Value: typed.Get(verification.FieldNewEmail), Error: f.problem(verification.FieldNewEmail),
		},
		Reason: components.FieldModel{
			Name: admin.FieldReason, Label: i18n.T(ctx, "admin.block.reason"), Value: typed.Get(admin.FieldReason), Error: f.problem(admin.FieldReason),
		},
	}
	view.Token = f.token
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.PersonEmail(view))
}

func (s *Server) savePersonEmail(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	err = s.Admin.CorrectEmail(ctx, session.User(ctx), u, form.Get(verification.FieldNewEmail), form.Get(admin.FieldReason))
	if errors.Is(err, verification.ErrFrozen) {
		err = valid.Errors{{Field: verification.FieldNewEmail, Key: "err.email.frozen"}}
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.personEmail(c, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.email.done", personURL(u.ID, ""))
}
