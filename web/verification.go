package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/internal/verification"
	"portico/views/pages"
)

// again is the way on from a proof that is of no use: a new letter.
var again = deadEnd{action: "/verify/again", button: "link.again"}

func (s *Server) showVerify(c echo.Context) error { return s.verifyPage(c, nil) }

// verifyPage asks for the code of the letter that was sent to the person who is signed in, or that this browser asked for.
func (s *Server) verifyPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	if live.SignedIn() && live.Person.EmailVerified {
		return s.verified(c, "verify.already")
	}
	if live.SignedIn() && live.Person.Email == "" {
		return c.Redirect(http.StatusSeeOther, "/account/email")
	}
	pending, err := s.Verification.Pending(ctx, tenant.User{Tenant: tenant.From(ctx).ID, ID: live.User.ID}, s.browser(c))
	if errors.Is(err, ticket.ErrUsed) {
		return s.verified(c, "verify.already")
	}
	if errors.Is(err, ticket.ErrUnknown) && live.SignedIn() {
		pending.Address = live.Person.Email
	} else if errors.Is(err, ticket.ErrUnknown) {
		return c.Redirect(http.StatusSeeOther, "/signup")
	} else if err != nil && !errors.Is(err, ticket.ErrExpired) && !errors.Is(err, ticket.ErrReplaced) {
		return err
	}
	f := s.form(c, refused)
	view := pages.VerifyPage{
		Page: s.page(c, "verify.title"), Token: f.token, Refusals: f.summary(), Action: "/verify", AskCode: true,
		Body: i18n.T(ctx, "verify.sent", "email", pending.Address), Code: s.codeField(c, f), Again: true, SignedIn: live.SignedIn(),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Verify(view))
}

func (s *Server) verifyByCode(c echo.Context) error {
	ctx := c.Request().Context()
	code := ticket.Digits(c.Request().PostFormValue(fieldCode))
	if len(code) != ticket.CodeDigits {
		return s.verifyPage(c, valid.Errors{{Field: fieldCode, Key: "err.code.short"}})
	}
	user := tenant.User{Tenant: tenant.From(ctx).ID, ID: session.User(ctx).ID}
	redeemed, err := s.Verification.Confirm(ctx, ticket.Claim{User: user, Browser: s.browser(c), Code: code})
	if refused, ok := codeRefused(err); ok {
		return s.verifyPage(c, refused)
	}
	if errors.Is(err, ticket.ErrUsed) {
		return s.verified(c, "verify.already")
	}
	if err != nil {
		return s.unusable(c, err, redeemed, again)
	}
	return s.verifiedNow(c, redeemed)
}

func (s *Server) openVerify(c echo.Context) error { return s.carry(c, "verify", "/verify/link") }

func (s *Server) showVerifyLink(c echo.Context) error { return s.verifyLinkPage(c, nil) }

func (s *Server) verifyLinkPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	found, err := s.Verification.Look(ctx, tenant.From(ctx).ID, s.carried(c, "verify"))
	if errors.Is(err, ticket.ErrUsed) {
		return s.verified(c, "verify.already")
	}
	if err != nil {
		return s.unusable(c, err, found, again)
	}
	f := s.form(c, refused)
	view := pages.VerifyPage{
		Page: s.titled(c, i18n.T(ctx, "verify.link.title", "email", found.Address)), Token: f.token, Refusals: f.summary(),
		Body: i18n.T(ctx, "verify.link.body"), Action: "/verify/link", AskCode: s.elsewhere(c, found),
		Code: s.codeField(c, f),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Verify(view))
}

func (s *Server) verifyByLink(c echo.Context) error {
	ctx := c.Request().Context()
	redeemed, err := s.Verification.Confirm(ctx, ticket.Claim{
		User: tenant.User{Tenant: tenant.From(ctx).ID}, Secret: s.carried(c, "verify"), Browser: s.browser(c),
		Code: c.Request().PostFormValue(fieldCode),
	})
	if refused, ok := codeRefused(err); ok {
		return s.verifyLinkPage(c, refused)
	}
	if errors.Is(err, ticket.ErrUsed) {
		return s.verified(c, "verify.already")
	}
	if err != nil {
		return s.unusable(c, err, redeemed, again)
	}
	s.dropLink(c)
	return s.verifiedNow(c, redeemed)
}

// verifiedNow goes on after an address was proven: into the account, when this is the browser that signed up with it.
func (s *Server) verifiedNow(c echo.Context, t ticket.Ticket) error {
	ctx := c.Request().Context()
	if session.From(ctx).SignedIn() {
		return s.done(c, "verify.done", "/account")
	}
	if s.elsewhere(c, t) {
		return s.verified(c, "verify.done")
	}
	opened, err := s.SignIn.AfterSignUp(ctx, t.User, s.device(c))
	if err != nil {
		return err
	}
	if err := s.seal(c, flashCookie, "verify.done", flashLifetime); err != nil {
		return err
	}
	return s.enter(c, opened, stepAddress(stepName, ""))
}

// verified is the end of the journey; coming back to it later looks like success too (rule V-4).
func (s *Server) verified(c echo.Context, key string) error {
	ctx := c.Request().Context()
	view := pages.ConfirmationPage{
		Page: s.page(c, "verify.done.title"), Body: i18n.T(ctx, key), Link: "/login", Button: i18n.T(ctx, "login.title"),
	}
	if session.From(ctx).SignedIn() {
		view.Link, view.Button = "/account", i18n.T(ctx, "btn.continue")
	}
	return s.render(c, http.StatusOK, pages.Confirmation(view))
}

// verifyAgain mails a new proof, and looks the same whoever asks.
func (s *Server) verifyAgain(c echo.Context) error {
	ctx := c.Request().Context()
	s.knowDevice(c)
	u := tenant.User{Tenant: tenant.From(ctx).ID, ID: session.User(ctx).ID}
	browser := s.browser(c)
	err := steadily(ctx, func() error { return s.Verification.Again(ctx, u, browser) })
	if many, ok := errors.AsType[*guard.TooMany](err); ok {
		retryAfter(c, many.After)
		return s.verifyPage(c, valid.Errors{{Key: "verify.resend.wait", Args: []any{"time", i18n.Duration(ctx, many.After)}}})
	}
	if errors.Is(err, verification.ErrAlready) {
		return s.verified(c, "verify.already")
	}
	if errors.Is(err, ticket.ErrUnknown) {
		return c.Redirect(http.StatusSeeOther, "/login")
	}
	if err != nil {
		return err
	}
	return s.done(c, "verify.resent", "/verify")
}
