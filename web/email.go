package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/internal/verification"
	"portico/views/components"
	"portico/views/pages"
)

func (s *Server) showEmail(c echo.Context) error { return s.emailPage(c, "", nil) }

func (s *Server) emailPage(c echo.Context, typed string, refused valid.Errors) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	change, err := s.Verification.Change(ctx, live.User)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.EmailPage{
		Page: s.page(c, "email.title"), Lead: i18n.T(ctx, "email.lead"), Token: f.token, Refusals: f.summary(), Email: live.Person.Email,
		Cancel: i18n.T(ctx, "email.pending.cancel"),
		NewEmail: components.FieldModel{
			Name: verification.FieldNewEmail, Label: i18n.T(ctx, "email.new"), Type: "email", LTR: true, Autocomplete: "email",
			Value: typed, Hint: i18n.T(ctx, "email.new.hint"), Error: f.problem(verification.FieldNewEmail),
		},
	}
	if err := s.withoutPassword(c, &view); err != nil {
		return err
	}
	if change.Pending() && !live.Person.HasPassword {
		view.Pending, view.State = i18n.T(ctx, "email.add.pending", "email", change.NewEmail), ""
	}
	if change.Pending() && live.Person.Email != "" {
		view.State = i18n.T(ctx, changeState(change), "date", i18n.Moment(ctx, change.DueAt))
	}
	if change.Pending() && live.Person.HasPassword {
		view.Pending = i18n.T(ctx, "email.pending", "email", change.NewEmail, "old", live.Person.Email)
	}
	if change.Pending() && change.ConfirmedAt.IsZero() {
		view.Again, view.Code = change.NewEmail, s.codeField(c, f)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Email(view))
}

// withoutPassword changes the words for who signs in by a provider: the address is not what they sign in with, and there
// may be none yet (rule N-9).
func (s *Server) withoutPassword(c echo.Context, view *pages.EmailPage) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	if live.Person.HasPassword {
		return nil
	}
	view.NewEmail.Hint = i18n.T(ctx, "email.add.hint")
	if live.Person.Email != "" {
		return nil
	}
	names, _, err := s.signsInBy(ctx, live)
	view.Title, view.Cancel = i18n.T(ctx, "email.add.title"), i18n.T(ctx, "email.add.cancel")
	view.Lead = i18n.T(ctx, "email.add.lead", "provider", firstNonEmpty(names, i18n.T(ctx, "connections.provider")))
	return err
}

// changeState is the message that says what a pending change waits for.
func changeState(c verification.Change) string {
	switch {
	case c.ConfirmedAt.IsZero() && c.ApprovedAt.IsZero():
		return "email.waits.both"
	case c.ConfirmedAt.IsZero():
		return "email.waits.new"
	default:
		return "email.waits.old"
	}
}

func (s *Server) saveEmail(c echo.Context) error {
	ctx := c.Request().Context()
	typed := c.Request().PostFormValue(verification.FieldNewEmail)
	s.knowDevice(c)
	browser := s.browser(c)
	err := steadily(ctx, func() error { return s.Verification.Request(ctx, session.User(ctx), typed, browser) })
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.emailPage(c, typed, refused)
	}
	if errors.Is(err, verification.ErrFrozen) {
		return s.emailPage(c, typed, valid.Errors{{Field: verification.FieldNewEmail, Key: "err.email.frozen"}})
	}
	if many, ok := errors.AsType[*guard.TooMany](err); ok {
		retryAfter(c, many.After)
		wait := i18n.Duration(ctx, many.After)
		return s.emailPage(c, typed, valid.Errors{{Field: verification.FieldNewEmail, Key: "verify.resend.wait", Args: []any{"time", wait}}})
	}
	if err != nil {
		return err
	}
	if session.From(ctx).Person.Email == "" {
		return s.done(c, "email.add.sent", "/account/email")
	}
	return s.done(c, "email.sent", "/account/email")
}

func (s *Server) cancelEmail(c echo.Context) error {
	ctx := c.Request().Context()
	if err := s.Verification.Cancel(ctx, session.User(ctx)); err != nil && !errors.Is(err, verification.ErrNone) {
		return err
	}
	if session.From(ctx).Person.Email == "" {
		return s.done(c, "email.add.cancelled", "/account/email")
	}
	return s.done(c, "email.cancelled", "/account/email")
}

// codeEmail takes the code of the letter to the new address on the page where the change was asked for.
func (s *Server) codeEmail(c echo.Context) error {
	claim := ticket.Claim{User: session.User(c.Request().Context()), Browser: s.browser(c), Code: c.Request().PostFormValue(fieldCode)}
	return s.changeRefused(c, s.confirmEmail(c, claim), func(refused valid.Errors) error { return s.emailPage(c, "", refused) })
}

// changeRefused says why a change of address did not go on, on the page that asked when it is about the code.
func (s *Server) changeRefused(c echo.Context, err error, again func(valid.Errors) error) error {
	if refused, ok := codeRefused(err); ok {
		return again(refused)
	}
	if errors.Is(err, profile.ErrTaken) {
		err = ticket.ErrReplaced // nobody learns that somebody else has the address
	}
	if err != nil {
		return s.unusable(c, err, ticket.Ticket{}, backToEmail)
	}
	return nil
}

// changeLink is one of the links that a change of address sends.
type changeLink struct {
	kind   ticket.Kind
	path   string
	words  string // beginning of its message keys
	redeem func(c echo.Context, claim ticket.Claim) error
}

func (s *Server) changeLinks() []changeLink {
	return []changeLink{
		{ticket.EmailConfirm, "/email/confirm", "email.confirm", s.confirmEmail},
		{ticket.EmailApprove, "/email/approve", "email.approve", s.approveEmail},
		{ticket.EmailUndo, "/email/undo", "email.undo", s.undoEmail},
	}
}

func (s *Server) openChange(l changeLink) echo.HandlerFunc {
	return func(c echo.Context) error { return s.carry(c, string(l.kind), l.path) }
}

func (s *Server) showChange(l changeLink) echo.HandlerFunc {
	return func(c echo.Context) error { return s.changePage(c, l, nil) }
}

// changePage asks for one click; in a browser that did not ask for the change, for the code of the letter too.
func (s *Server) changePage(c echo.Context, l changeLink, refused valid.Errors) error {
	ctx := c.Request().Context()
	found, err := s.Verification.LookChange(ctx, tenant.From(ctx).ID, l.kind, s.carried(c, string(l.kind)))
	if err != nil {
		return s.unusable(c, err, found, backToEmail)
	}
	f := s.form(c, refused)
	view := pages.AskPage{
		Page: s.page(c, l.words+".title"), Token: f.token, Refusals: f.summary(), Action: l.path,
		Body: i18n.T(ctx, l.words+".body", "email", found.Address), Button: i18n.T(ctx, l.words+".submit"),
		AskCode: s.elsewhere(c, found), Code: s.codeField(c, f),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Ask(view))
}

var backToEmail = deadEnd{link: "/account/email", button: "email.back"}

func (s *Server) redeemChange(l changeLink) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		err := l.redeem(c, ticket.Claim{
			User: tenant.User{Tenant: tenant.From(ctx).ID}, Secret: s.carried(c, string(l.kind)), Browser: s.browser(c),
			Code: c.Request().PostFormValue(fieldCode),
		})
		return s.changeRefused(c, err, func(refused valid.Errors) error { return s.changePage(c, l, refused) })
	}
}

func (s *Server) confirmEmail(c echo.Context, claim ticket.Claim) error {
	change, err := s.Verification.ConfirmNew(c.Request().Context(), claim)
	if err != nil {
		return err
	}
	return s.agreed(c, change)
}

func (s *Server) approveEmail(c echo.Context, claim ticket.Claim) error {
	change, err := s.Verification.ApproveOld(c.Request().Context(), claim)
	if err != nil {
		return err
	}
	return s.agreed(c, change)
}

// agreed says whether the change has taken effect, or what it still waits for.
func (s *Server) agreed(c echo.Context, change verification.Change) error {
	ctx := c.Request().Context()
	s.dropLink(c)
	view := pages.ConfirmationPage{Page: s.page(c, "email.done.title"), Link: "/account", Button: i18n.T(ctx, "btn.continue")}
	switch {
	case !change.DoneAt.IsZero() && change.OldEmail == "":
		view.Body = i18n.T(ctx, "email.add.done", "email", change.NewEmail)
	case change.DoneAt.IsZero():
		view.Page = s.page(c, "email.noted.title")
		view.Body = i18n.T(ctx, changeState(change), "date", i18n.Moment(ctx, change.DueAt))
	default:
		view.Body = i18n.T(ctx, "email.done", "email", change.NewEmail)
	}
	return s.render(c, http.StatusOK, pages.Confirmation(view))
}

// undoEmail brings the old address back; whoever asked for the change is signed out everywhere, and a reset is on its way.
func (s *Server) undoEmail(c echo.Context, claim ticket.Claim) error {
	ctx := c.Request().Context()
	if err := s.Verification.Undo(ctx, claim); err != nil {
		return err
	}
	s.dropLink(c)
	return s.render(c, http.StatusOK, pages.Confirmation(pages.ConfirmationPage{
		Page: s.page(c, "email.undone.title"), Body: i18n.T(ctx, "email.undone"), Link: "/login", Button: i18n.T(ctx, "login.title"),
	}))
}
