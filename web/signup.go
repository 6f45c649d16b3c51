package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/signup"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

func (s *Server) showSignUp(c echo.Context) error {
	if session.From(c.Request().Context()).SignedIn() {
		return c.Redirect(http.StatusSeeOther, "/account")
	}
	return s.signUpPage(c, "", nil)
}

func (s *Server) signUpPage(c echo.Context, email string, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	shown, err := s.acceptedAtSignUp(ctx)
	if err != nil {
		return err
	}
	view := pages.SignUpPage{
		Page: s.page(c, "signup.title"), Token: f.token, Refusals: f.summary(),
		Email: components.FieldModel{
			Name: signup.FieldEmail, Label: i18n.T(ctx, "login.email"), Type: "email", LTR: true, Autocomplete: "email", Value: email,
			Error: f.problem(signup.FieldEmail),
		},
		Password: components.PasswordModel{
			Name: signup.FieldPassword, Label: i18n.T(ctx, "signup.password"), Autocomplete: "new-password",
			Hint:  i18n.T(ctx, "signup.password.hint", "count", password.PolicyOf(tenant.From(ctx).Settings).Min),
			Error: f.problem(signup.FieldPassword),
		},
		Box: components.CheckModel{Name: signup.FieldTerms, Error: f.problem(signup.FieldTerms)},
	}
	statement(ctx, &view, shown)
	if view.Providers, err = s.offered(c); err != nil {
		return err
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.SignUp(view))
}

// acceptedAtSignUp is what a new person accepts with the form. Where the age is asked for that comes first, and they accept
// at the gate after it: nobody's acceptance is recorded before it is known that they may (case 10).
func (s *Server) acceptedAtSignUp(ctx context.Context) ([]terms.Shown, error) {
	if tenant.From(ctx).Age.Ask {
		return nil, nil
	}
	return s.Terms.AtSignUp(ctx, tenant.From(ctx).ID, i18n.Current(ctx).Tag)
}

func (s *Server) signUp(c echo.Context) error {
	r := c.Request()
	ctx := r.Context()
	s.knowDevice(c)
	shown, err := s.decisions(c)
	if err != nil {
		return err
	}
	request := signup.Request{
		Email: r.PostFormValue(signup.FieldEmail), Password: r.PostFormValue(signup.FieldPassword), Browser: s.browser(c),
		Accepted: r.PostFormValue(signup.FieldTerms) != "", Decisions: shown,
	}
	err = steadily(ctx, func() error { return s.SignUp.Create(ctx, request) })
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.signUpPage(c, request.Email, refused)
	}
	if errors.Is(err, terms.ErrChanged) {
		return s.signUpPage(c, request.Email, valid.Errors{{Field: signup.FieldTerms, Key: "err.terms.changed"}})
	}
	if refused, ok := s.guessing(c, signup.FieldEmail, err); ok {
		if s.sentTwice(c, request.Email) {
			c.Response().Header().Del("Retry-After")
			return c.Redirect(http.StatusSeeOther, "/verify")
		}
		return s.signUpPage(c, request.Email, refused)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/verify")
}

// sentTwice reports whether this browser waits for the proof of the address already: the form was sent once more, and gets
// the answer that it got first.
func (s *Server) sentTwice(c echo.Context, email string) bool {
	ctx := c.Request().Context()
	pending, err := s.Verification.Pending(ctx, tenant.User{Tenant: tenant.From(ctx).ID}, s.browser(c))
	return err == nil && profile.EmailKey(pending.Address) == profile.EmailKey(email)
}
