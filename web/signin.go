package web

import (
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// home leads to where one belongs.
func (s *Server) home(c echo.Context) error {
	if session.From(c.Request().Context()).SignedIn() {
		return c.Redirect(http.StatusSeeOther, "/account")
	}
	return c.Redirect(http.StatusSeeOther, "/login")
}

func (s *Server) showSignIn(c echo.Context) error {
	if session.From(c.Request().Context()).SignedIn() {
		return c.Redirect(http.StatusSeeOther, s.safeReturn(c.QueryParam("return_to")))
	}
	return s.signInPage(c, "", false, c.QueryParam("return_to"), nil)
}

func (s *Server) signInPage(c echo.Context, email string, keep bool, returnTo string, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	view := pages.SignInPage{
		Page: s.page(c, "login.title"), Token: f.token, Refusals: f.summary(), ReturnTo: returnTo,
		Email: components.FieldModel{
			Name: signin.FieldEmail, Label: i18n.T(ctx, "login.email"), Type: "email", LTR: true, Value: email,
			Autocomplete: "username webauthn", Error: f.problem(signin.FieldEmail),
		},
		Password: components.PasswordModel{
			Name: signin.FieldPassword, Label: i18n.T(ctx, "login.password"), Autocomplete: "current-password", Forgot: "/password/forgot",
		},
		Keep: components.CheckModel{
			Name: signin.FieldKeep, Label: i18n.T(ctx, "login.keep"), Hint: i18n.T(ctx, "login.keep.hint"), Checked: keep,
		},
	}
	if returnTo == "/resume" {
		view.Ended = i18n.T(ctx, "session.kept")
	}
	view.Refused = len(refused) > 0
	var err error
	if view.Providers, err = s.offered(c); err != nil {
		return err
	}
	return s.render(c, f.status(), pages.SignIn(view))
}

func (s *Server) signIn(c echo.Context) error {
	r := c.Request()
	attempt := signin.Attempt{
		Email: r.PostFormValue(signin.FieldEmail), Password: r.PostFormValue(signin.FieldPassword),
		Keep: r.PostFormValue(signin.FieldKeep) != "", Device: s.knowDevice(c),
	}
	opened, err := s.SignIn.SignIn(r.Context(), attempt)
	if blocked, ok := errors.AsType[signin.Blocked](err); ok {
		return s.blockedPage(c, blocked.User, blocked.Message)
	}
	if refused, ok := s.guessing(c, signin.FieldEmail, err); ok {
		if err := s.seal(c, forgotCookie, attempt.Email, 15*time.Minute); err != nil {
			return err
		}
		return s.signInPage(c, attempt.Email, attempt.Keep, r.PostFormValue("return_to"), refused)
	}
	if err != nil {
		return err
	}
	return s.enter(c, opened, r.PostFormValue("return_to"))
}

// enter gives the browser its new session, takes along the form that waited, and goes on to where the person wanted.
func (s *Server) enter(c echo.Context, opened session.Session, returnTo string) error {
	ctx := c.Request().Context()
	before := session.From(ctx)
	if len(before.Content) > 0 && !before.SignedIn() {
		kept := maps.Clone(before.Content)
		maps.Copy(kept, opened.Content)
		if err := s.Sessions.Remember(ctx, opened.User.Tenant, opened.ID, kept); err != nil {
			return err
		}
	}
	if before.Hash != "" { // row 35: the id from before is worth nothing any more
		if err := s.Sessions.End(ctx, before.User, before.Hash); err != nil && !errors.Is(err, session.ErrNone) {
			return err
		}
	}
	if err := s.Cookies.Give(c.Request(), c.Response(), opened); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.safeReturn(returnTo))
}

// guessing turns a refused proof into what the form says: one message for every refusal, or how long to wait.
func (s *Server) guessing(c echo.Context, field string, err error) (valid.Errors, bool) {
	var refused valid.Errors
	if errors.Is(err, signin.ErrRefused) {
		refused.Add(field, "login.refused")
		return refused, true
	}
	if many, ok := errors.AsType[*guard.TooMany](err); ok {
		retryAfter(c, many.After)
		refused.Add(field, "login.wait", "time", i18n.Duration(c.Request().Context(), many.After))
		return refused, true
	}
	return nil, false
}

// signOut ends this session; doing it twice is no fault.
func (s *Server) signOut(c echo.Context) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	if live.SignedIn() {
		if err := s.Sessions.End(ctx, live.User, live.Hash); err != nil && !errors.Is(err, session.ErrNone) {
			return err
		}
		if err := s.Audit.Record(ctx, audit.Event{Type: audit.SignedOut, User: live.User}); err != nil {
			return err
		}
	}
	if err := s.Cookies.Take(c.Request(), c.Response()); err != nil {
		return err
	}
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
	trip, err := s.Providers.Leave(ctx, live)
	if err != nil {
		return err
	}
	if trip.Address != "" {
		c.SetRequest(c.Request().WithContext(session.With(ctx, session.Live{})))
		return s.going(c, "provider.leaving", trip)
	}
	return c.Redirect(http.StatusSeeOther, idp.SignedOutPath)
}

func (s *Server) showSignedOut(c echo.Context) error {
	ctx := c.Request().Context()
	return s.render(c, http.StatusOK, pages.Confirmation(pages.ConfirmationPage{
		Page: s.page(c, "signout.title"), Body: i18n.T(ctx, "signout.body"), Link: "/login", Button: i18n.T(ctx, "login.title"),
	}))
}

func (s *Server) showBlocked(c echo.Context) error { return s.blockedPage(c, tenant.User{}, "") }

func (s *Server) showReauth(c echo.Context) error {
	return s.reauthPage(c, c.QueryParam("return_to"), nil)
}

func (s *Server) reauthPage(c echo.Context, returnTo string, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	view := pages.ReauthPage{
		Page: s.page(c, "reauth.title"), Token: f.token, Refusals: f.summary(), ReturnTo: returnTo,
		Email: session.From(ctx).Person.Email,
		Password: components.PasswordModel{
			Name: signin.FieldPassword, Label: i18n.T(ctx, "login.password"), Autocomplete: "current-password",
			Error: f.problem(signin.FieldPassword),
		},
	}
	view.Refused = len(refused) > 0
	var err error
	if view.Providers, view.NoPassword, err = s.waysToConfirm(c); err != nil {
		return err
	}
	return s.render(c, f.status(), pages.Reauth(view))
}

// reauth proves again who it is and goes back to what was wanted, with its input.
func (s *Server) reauth(c echo.Context) error {
	r := c.Request()
	live := session.From(r.Context())
	renewed, err := s.SignIn.Confirm(r.Context(), live, r.PostFormValue(signin.FieldPassword), s.knowDevice(c))
	if errors.Is(err, signin.ErrRefused) {
		return s.reauthPage(c, r.PostFormValue("return_to"), valid.Errors{{Field: signin.FieldPassword, Key: "err.password.current"}})
	}
	if refused, ok := s.guessing(c, signin.FieldPassword, err); ok {
		return s.reauthPage(c, r.PostFormValue("return_to"), refused)
	}
	if err != nil {
		return err
	}
	if err := s.Cookies.Give(r, c.Response(), renewed); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.safeReturn(r.PostFormValue("return_to")))
}

func (s *Server) openUnblock(c echo.Context) error { return s.carry(c, "unblock", "/unblock") }

func (s *Server) showUnblock(c echo.Context) error { return s.unblockPage(c, nil) }

func (s *Server) unblockPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	found, err := s.SignIn.LookUnblock(ctx, tenant.From(ctx).ID, s.carried(c, "unblock"))
	if err != nil {
		return s.unusable(c, err, found, deadEnd{link: "/login", button: "login.title"})
	}
	f := s.form(c, refused)
	view := pages.AskPage{
		Page: s.page(c, "unblock.title"), Token: f.token, Refusals: f.summary(), Action: "/unblock",
		Body: i18n.T(ctx, "unblock.body", "place", found.Note), AskCode: true, Code: s.codeField(c, f),
		Button: i18n.T(ctx, "unblock.submit"), Note: i18n.T(ctx, "unblock.admin"),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Ask(view))
}

func (s *Server) unblock(c echo.Context) error {
	ctx := c.Request().Context()
	err := s.SignIn.Unblock(ctx, ticket.Claim{
		User: tenant.User{Tenant: tenant.From(ctx).ID}, Secret: s.carried(c, "unblock"), Browser: s.browser(c),
		Code: c.Request().PostFormValue(fieldCode),
	})
	if refused, ok := codeRefused(err); ok {
		return s.unblockPage(c, refused)
	}
	if err != nil {
		return s.unusable(c, err, ticket.Ticket{}, deadEnd{link: "/login", button: "login.title"})
	}
	s.dropLink(c)
	return s.done(c, "unblock.done", "/login")
}
