package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/retention"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// closingPath is the page that stands before everything else while an account is closing.
const closingPath = "/account/closing"

// closeRoutes close an account, and keep it: by a page, by a mailed link, and by an administrator.
func (s *Server) closeRoutes() []route {
	one := func(g gate, method, path string, h echo.HandlerFunc) route { return route{g, method, path, h, false} }
	return []route{
		one(rights, http.MethodGet, "/account/data/close", s.showClose), one(rights, http.MethodPost, "/account/data/close", s.closeAccount),
		one(exempt, http.MethodGet, closingPath, s.showClosing), one(exempt, http.MethodPost, closingPath, s.keepAccount),
		one(anyone, http.MethodGet, "/closed", s.showClosed),
		one(anyone, http.MethodGet, "/closing/:ticket", s.openKeep), one(anyone, http.MethodGet, "/closing", s.showKeep),
		one(anyone, http.MethodPost, "/closing", s.keepByLink),
		one(anyone, http.MethodGet, "/blocked/close", s.showCloseLink), one(anyone, http.MethodPost, "/blocked/close", s.sendCloseLink),
		one(anyone, http.MethodGet, "/close/:ticket", s.openClose), one(anyone, http.MethodGet, "/close", s.showCloseByLink),
		one(anyone, http.MethodPost, "/close", s.closeByLink),
		one(adminsFresh, http.MethodGet, "/admin/users/:id/close", s.showPersonClose),
		one(adminsFresh, http.MethodPost, "/admin/users/:id/close", s.closePerson),
		one(adminsFresh, http.MethodPost, "/admin/users/:id/keep", s.keepPerson),
	}
}

// whileClosing reports whether a page stays open while the account is closing: keeping it, taking one's data along, and
// proving who one is for that. Help, language and signing out are open to everybody.
func whileClosing(route string) bool {
	return within(closingPath, route) || within("/account/data", route) || within("/reauth", route)
}

// closes says when the account of the session closes, or nothing.
func (s *Server) closes(c echo.Context) string {
	at := session.From(c.Request().Context()).Person.ClosesAt
	if at.IsZero() {
		return ""
	}
	return i18n.T(c.Request().Context(), "close.closes", "date", i18n.Date(c.Request().Context(), at))
}

func (s *Server) showClose(c echo.Context) error {
	if s.closes(c) != "" {
		return c.Redirect(http.StatusSeeOther, closingPath)
	}
	return s.closePage(c, nil)
}

func (s *Server) closePage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	p, err := s.Closings.Person(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	view, f, err := s.closeView(c, p, refused)
	if err != nil {
		return err
	}
	view.Action, view.Back, view.Export = "/account/data/close", "/account/data", true
	if view.Identities, err = s.identityNames(ctx, p.User); err != nil {
		return err
	}
	return s.render(c, f.status(), pages.Close(view))
}

// identityNames name the identities that go with an account (rule I-5).
func (s *Server) identityNames(ctx context.Context, u tenant.User) ([]string, error) {
	attached, err := s.Providers.AttachedTo(ctx, u)
	names := make([]string, len(attached))
	for i, one := range attached {
		names[i] = i18n.T(ctx, "close.goes.identity", "provider", one.Connection.Name, "account", firstNonEmpty(one.Email, one.Name, one.Subject))
	}
	return names, err
}

// closeLead says what closing an account means, and whether one can still change one's mind.
func closeLead(ctx context.Context) string {
	grace := tenant.From(ctx).Grace()
	if grace == 0 {
		return i18n.T(ctx, "close.lead.now")
	}
	return i18n.T(ctx, "close.lead", "days", i18n.Duration(ctx, grace))
}

// stays says what stays of p, and how long.
func (s *Server) stays(ctx context.Context, p profile.Profile) (pages.CloseStays, error) {
	rows, err := s.Retention.List(ctx, p.User.Tenant)
	if err != nil {
		return pages.CloseStays{}, err
	}
	days := func(e retention.Entity) string { return i18n.Duration(ctx, retention.Period(rows, e)) }
	view := pages.CloseStays{
		Ledger: i18n.T(ctx, toldBy(p.Email, "close.stays.ledger", "close.stays.ledger.noemail")), Record: days(retention.Audit),
		Backups: i18n.T(ctx, "close.stays.backup.until", "days", days(retention.Backups)),
	}
	asked, err := s.Privacy.List(ctx, p.User)
	for _, r := range asked {
		if r.Kind == privacy.Withdrawal && r.Open() {
			view.Withdrawal = i18n.T(ctx, "close.stays.withdrawal.until", "days", days(retention.Requests))
		}
	}
	return view, err
}

// closeView is what the page says to whoever closes an account.
func (s *Server) closeView(c echo.Context, p profile.Profile, refused valid.Errors) (pages.ClosePage, form, error) {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	date := i18n.Date(ctx, s.Now().Add(tenant.From(ctx).Grace()))
	view := pages.ClosePage{
		Page: s.page(c, "data.close"), Token: f.token, Refusals: f.summary(), Grace: s.grace(c, toldBy(p.Email, "close.grace", "close.grace.noemail")),
		Button: i18n.T(ctx, "close.submit", "date", date), Code: s.codeField(c, f), Confirm: s.confirmField(c, p, f, i18n.T(ctx, "close.word")),
	}
	view.Refused = len(refused) > 0
	var err error
	view.Stays, err = s.stays(ctx, p)
	return view, f, err
}

// grace says, in the words of a message, how long an account can still be kept.
func (s *Server) grace(c echo.Context, key string) string {
	ctx := c.Request().Context()
	grace := tenant.From(ctx).Grace()
	if grace == 0 {
		return i18n.T(ctx, "close.grace.none")
	}
	return i18n.T(ctx, key, "date", i18n.Date(ctx, s.Now().Add(grace)))
}

// confirmField asks for the address, without one for the name, without either for the word.
func (s *Server) confirmField(c echo.Context, p profile.Profile, f form, word string) components.FieldModel {
	ctx := c.Request().Context()
	field := components.FieldModel{
		Name: privacy.FieldConfirm, Value: c.Request().PostFormValue(privacy.FieldConfirm), Autocomplete: "off", LTR: p.Email != "",
		Label: i18n.T(ctx, "close.confirm.text", "text", privacy.Confirmation(p, word)), Error: f.problem(privacy.FieldConfirm),
	}
	if p.Email != "" && word != p.User.ID {
		field.Label, field.Type = i18n.T(ctx, "close.confirm.email"), "email"
	}
	return field
}

// closing is what the form says.
func (s *Server) closing(c echo.Context) privacy.ClosingRequest {
	return privacy.ClosingRequest{
		Typed: c.Request().PostFormValue(privacy.FieldConfirm), Word: i18n.T(c.Request().Context(), "close.word"), Browser: s.browser(c),
	}
}

// cannotClose turns a refusal into what the form says, and reports whether err was one.
func cannotClose(err error) (valid.Errors, bool) {
	if errors.Is(err, privacy.ErrLastAdmin) {
		return valid.Errors{{Key: "err.close.last"}}, true
	}
	if errors.Is(err, privacy.ErrUnderAge) {
		return valid.Errors{{Key: "err.close.age"}}, true
	}
	return errors.AsType[valid.Errors](err)
}

func (s *Server) closeAccount(c echo.Context) error {
	ctx := c.Request().Context()
	s.knowDevice(c)
	closing, err := s.Closings.Close(ctx, session.User(ctx), s.closing(c))
	if refused, ok := cannotClose(err); ok {
		return s.closePage(c, refused)
	}
	if err != nil {
		return err
	}
	if err := s.Cookies.Take(c.Request(), c.Response()); err != nil {
		return err
	}
	c.Response().Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return s.farewell(c, closing)
}

// closedCookie carries the day to the page after the form; there is no session any more that could.
const closedCookie = "closed"

func (s *Server) farewell(c echo.Context, closing privacy.Closing) error {
	if err := s.seal(c, closedCookie, closing.DueAt, 10*time.Minute); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/closed")
}

func (s *Server) showClosed(c echo.Context) error {
	ctx := c.Request().Context()
	var due time.Time
	if !s.unseal(c, closedCookie, &due) {
		return c.Redirect(http.StatusSeeOther, "/login")
	}
	return s.render(c, http.StatusOK, pages.Confirmation(pages.ConfirmationPage{
		Page: s.page(c, "close.done.title"), Body: i18n.T(ctx, "close.done", "date", i18n.Date(ctx, due)), Link: "/login",
		Button: i18n.T(ctx, "login.title"),
	}))
}

// showClosing is what somebody finds who signs in while the account is closing: signing in alone keeps nothing.
func (s *Server) showClosing(c echo.Context) error {
	if s.closes(c) == "" {
		return c.Redirect(http.StatusSeeOther, "/account")
	}
	return s.closingPage(c, http.StatusOK)
}

func (s *Server) closingPage(c echo.Context, status int) error {
	young := tooYoung(c)
	view := pages.ClosingPage{
		Page: s.titled(c, s.closes(c)), Token: s.token(c), Body: firstNonEmpty(young, i18n.T(c.Request().Context(), "close.until")), Young: young != "",
	}
	return s.render(c, status, pages.Closing(view))
}

// tooYoung says why somebody cannot keep their account by saying so, or nothing.
func tooYoung(c echo.Context) string {
	ctx := c.Request().Context()
	if !asksAge(ctx) || session.From(ctx).Person.Age != string(profile.AgeUnder) {
		return ""
	}
	return i18n.T(ctx, "age.closing")
}

func (s *Server) keepAccount(c echo.Context) error {
	ctx := c.Request().Context()
	err := s.Closings.Keep(ctx, session.User(ctx))
	if errors.Is(err, privacy.ErrUnderAge) {
		return s.closingPage(c, http.StatusConflict)
	}
	if err != nil && !errors.Is(err, privacy.ErrNotClosing) {
		return err
	}
	return s.done(c, "close.kept", "/account")
}

func (s *Server) openKeep(c echo.Context) error { return s.carry(c, string(ticket.Keep), "/closing") }

func (s *Server) showKeep(c echo.Context) error { return s.keepPage(c, nil) }

var backToSignIn = deadEnd{link: "/login", button: "login.title"}

// keepPage asks for one click; in a browser that did not ask for the closing, for the code of the letter too.
func (s *Server) keepPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	found, closing, err := s.Closings.LookKeep(ctx, tenant.From(ctx).ID, s.carried(c, string(ticket.Keep)))
	if err != nil {
		return s.unusable(c, err, found, backToSignIn)
	}
	f := s.form(c, refused)
	view := pages.AskPage{
		Page: s.page(c, "close.keep.title"), Token: f.token, Refusals: f.summary(), Action: "/closing",
		Body: i18n.T(ctx, "close.keep.body", "date", i18n.Date(ctx, closing.DueAt)), Button: i18n.T(ctx, "close.keep"),
		AskCode: s.elsewhere(c, found), Code: s.codeField(c, f),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Ask(view))
}

// claim is what the form of a mailed link presents.
func (s *Server) claim(c echo.Context, kind ticket.Kind) ticket.Claim {
	return ticket.Claim{
		User: tenant.User{Tenant: tenant.From(c.Request().Context()).ID}, Kind: kind, Secret: s.carried(c, string(kind)), Browser: s.browser(c),
		Code: c.Request().PostFormValue(fieldCode),
	}
}

func (s *Server) keepByLink(c echo.Context) error {
	err := s.Closings.KeepByLink(c.Request().Context(), s.claim(c, ticket.Keep))
	if refused, ok := codeRefused(err); ok {
		return s.keepPage(c, refused)
	}
	if errors.Is(err, profile.ErrNotFound) {
		err = ticket.ErrUnknown // it was too late
	}
	if err != nil {
		return s.unusable(c, err, ticket.Ticket{}, backToSignIn)
	}
	s.dropLink(c)
	return s.done(c, "close.kept", "/login")
}

// blockedKey is whom a page of the block was shown to, just now, after they had proven who they are.
type blockedKey struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

const blockedPurpose = "blocked"

// closeLinkFor is the address of the page that mails u, who is blocked, a link to the closing page.
func (s *Server) closeLinkFor(u tenant.User) string {
	if u.IsZero() {
		return ""
	}
	content, _ := json.Marshal(blockedKey{u.ID, s.Now()}) // only texts
	sealed := s.Ring.Seal(blockedPurpose+string(u.Tenant), content)
	return "/blocked/close?key=" + base64.RawURLEncoding.EncodeToString(sealed)
}

// blockedBy is whom such a key names, within a quarter of an hour.
func (s *Server) blockedBy(c echo.Context, key string) (tenant.User, bool) {
	t := tenant.From(c.Request().Context()).ID
	sealed, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return tenant.User{}, false
	}
	var shown blockedKey
	content, err := s.Ring.Open(blockedPurpose+string(t), sealed)
	if err != nil || json.Unmarshal(content, &shown) != nil || s.Now().Sub(shown.At) > session.Fresh {
		return tenant.User{}, false
	}
	return tenant.User{Tenant: t, ID: shown.ID}, true
}

func (s *Server) showCloseLink(c echo.Context) error {
	key := c.QueryParam("key")
	if _, ok := s.blockedBy(c, key); !ok {
		return c.Redirect(http.StatusSeeOther, "/blocked")
	}
	return s.render(c, http.StatusOK, pages.CloseLink(pages.CloseLinkPage{Page: s.page(c, "close.link.title"), Token: s.token(c), Key: key}))
}

func (s *Server) sendCloseLink(c echo.Context) error {
	u, ok := s.blockedBy(c, c.Request().PostFormValue("key"))
	if !ok {
		return c.Redirect(http.StatusSeeOther, "/blocked")
	}
	s.knowDevice(c)
	err := s.Closings.SendLink(c.Request().Context(), u, s.browser(c))
	if _, many := errors.AsType[*guard.TooMany](err); err != nil && !many {
		return err
	}
	return s.done(c, "close.link.sent", "/blocked")
}

func (s *Server) openClose(c echo.Context) error { return s.carry(c, string(ticket.Close), "/close") }

func (s *Server) showCloseByLink(c echo.Context) error { return s.closeByLinkPage(c, nil) }

func (s *Server) closeByLinkPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	found, p, err := s.Closings.LookLink(ctx, tenant.From(ctx).ID, s.carried(c, string(ticket.Close)))
	if errors.Is(err, profile.ErrNotFound) {
		err = ticket.ErrUnknown
	}
	if err != nil {
		return s.unusable(c, err, found, backToSignIn)
	}
	view, f, err := s.closeView(c, p, refused)
	if err != nil {
		return err
	}
	view.Action, view.Back, view.AskCode = "/close", "/", s.elsewhere(c, found)
	return s.render(c, f.status(), pages.CloseByLink(view))
}

func (s *Server) closeByLink(c echo.Context) error {
	closing, err := s.Closings.CloseByLink(c.Request().Context(), s.claim(c, ticket.Close), s.closing(c))
	if refused, ok := codeRefused(err); ok {
		return s.closeByLinkPage(c, refused)
	}
	if refused, ok := cannotClose(err); ok {
		return s.closeByLinkPage(c, refused)
	}
	if err != nil {
		return s.unusable(c, err, ticket.Ticket{}, backToSignIn)
	}
	s.dropLink(c)
	return s.farewell(c, closing)
}
