package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// forgotCookie carries the address that was typed to the page that answers, out of sight.
const forgotCookie = "forgot"

// forgotAgain is the way on from a reset link that is of no use.
var forgotAgain = deadEnd{link: "/password/forgot"}

// showForgot asks for the address, and does not ask again who has just typed it (WCAG 3.3.7).
func (s *Server) showForgot(c echo.Context) error {
	var email string
	s.unseal(c, forgotCookie, &email)
	return s.forgotPage(c, email, nil)
}

func (s *Server) forgotPage(c echo.Context, email string, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	view := pages.ForgotPage{
		Page: s.page(c, "forgot.title"), Token: f.token, Refusals: f.summary(),
		Email: components.FieldModel{
			Name: profile.FieldEmail, Label: i18n.T(ctx, "login.email"), Type: "email", LTR: true, Value: email,
			Autocomplete: "username", Error: f.problem(profile.FieldEmail),
		},
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Forgot(view))
}

// forgot takes the address in and answers the same to every one, before anybody looks whether it is known.
func (s *Server) forgot(c echo.Context) error {
	s.knowDevice(c)
	email := c.Request().PostFormValue(profile.FieldEmail)
	ctx, browser := c.Request().Context(), s.browser(c)
	err := steadily(ctx, func() error { return s.Passwords.RequestReset(ctx, email, browser) })
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.forgotPage(c, email, refused)
	}
	if err != nil {
		return err
	}
	if err := s.seal(c, forgotCookie, email, 15*time.Minute); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/password/forgot/sent")
}

func (s *Server) showForgotSent(c echo.Context) error {
	ctx := c.Request().Context()
	var email string
	if !s.unseal(c, forgotCookie, &email) {
		return c.Redirect(http.StatusSeeOther, "/password/forgot")
	}
	ttl := i18n.Duration(ctx, tenant.From(ctx).ResetLifetime())
	return s.render(c, http.StatusOK, pages.ForgotSent(pages.ForgotSentPage{
		Page: s.page(c, "forgot.sent.title"), Body: i18n.T(ctx, "forgot.sent", "email", email, "ttl", ttl),
	}))
}

func (s *Server) openReset(c echo.Context) error { return s.carry(c, "reset", "/password/reset") }

func (s *Server) showReset(c echo.Context) error { return s.resetPage(c, nil) }

// resetPage asks for the new password, and for the code in a browser that did not ask for the letter.
func (s *Server) resetPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	found, err := s.Passwords.Look(ctx, tenant.From(ctx).ID, s.carried(c, "reset"))
	if err != nil {
		return s.unusable(c, err, found, forgotAgain)
	}
	f := s.form(c, refused)
	view := pages.ResetPage{
		Page: s.page(c, "reset.title"), Token: f.token, Refusals: f.summary(), Email: found.Address,
		AskCode: s.elsewhere(c, found), Code: s.codeField(c, f), Password: s.newPassword(c, f),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Reset(view))
}

// newPassword is the field for a password that somebody chooses, the same on every page.
func (s *Server) newPassword(c echo.Context, f form) components.PasswordModel {
	ctx := c.Request().Context()
	return components.PasswordModel{
		Name: password.FieldPassword, Label: i18n.T(ctx, "password.new"), Autocomplete: "new-password",
		Hint:  i18n.T(ctx, "signup.password.hint", "count", password.PolicyOf(tenant.From(ctx).Settings).Min),
		Error: f.problem(password.FieldPassword),
	}
}

func (s *Server) reset(c echo.Context) error {
	r := c.Request()
	err := s.Passwords.Reset(r.Context(), ticket.Claim{
		User: tenant.User{Tenant: tenant.From(r.Context()).ID}, Secret: s.carried(c, "reset"), Browser: s.browser(c),
		Code: r.PostFormValue(fieldCode),
	}, r.PostFormValue(password.FieldPassword))
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.resetPage(c, refused)
	}
	if refused, ok := codeRefused(err); ok {
		return s.resetPage(c, refused)
	}
	if refused, ok := s.guessing(c, fieldCode, err); ok {
		return s.resetPage(c, refused)
	}
	if err != nil {
		return s.unusable(c, err, ticket.Ticket{}, forgotAgain)
	}
	s.dropLink(c)
	return s.done(c, "reset.done", "/login")
}

func (s *Server) showChangePassword(c echo.Context) error {
	return s.changePasswordPage(c, c.QueryParam("return_to"), nil)
}

func (s *Server) changePasswordPage(c echo.Context, returnTo string, refused valid.Errors) error {
	ctx := c.Request().Context()
	person, f := session.From(ctx).Person, s.form(c, refused)
	view := pages.ChangePasswordPage{
		Page: s.page(c, "password.title"), Token: f.token, Refusals: f.summary(), Body: i18n.T(ctx, "password.lead"),
		Email: person.Email, ReturnTo: returnTo, Cancel: s.safeReturn("/account/security"), Password: s.newPassword(c, f),
		Current: components.PasswordModel{
			Name: password.FieldCurrent, Label: i18n.T(ctx, "password.current"), Autocomplete: "current-password",
			Error: f.problem(password.FieldCurrent),
		},
	}
	if person.MustChange {
		view.Body, view.Cancel = i18n.T(ctx, "password.must"), ""
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.ChangePassword(view))
}

// changePassword replaces the password; this session goes on under a new id, the others end.
func (s *Server) changePassword(c echo.Context) error {
	r := c.Request()
	returnTo := r.PostFormValue("return_to")
	renewed, err := s.Passwords.Change(r.Context(), session.From(r.Context()), s.knowDevice(c),
		r.PostFormValue(password.FieldCurrent), r.PostFormValue(password.FieldPassword))
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.changePasswordPage(c, returnTo, refused)
	}
	if refused, ok := s.guessing(c, password.FieldCurrent, err); ok {
		return s.changePasswordPage(c, returnTo, refused)
	}
	if err != nil {
		return err
	}
	if err := s.Cookies.Give(r, c.Response(), renewed); err != nil {
		return err
	}
	if returnTo == "" {
		returnTo = "/account/security"
	}
	return s.done(c, "reset.done", s.safeReturn(returnTo))
}

// wellKnownChange leads password managers to the form (security.md row 81).
func (s *Server) wellKnownChange(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/account/security/password")
}
