package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// Form fields of optional purposes: which text the page showed, and whether the box is ticked.
const (
	fieldPurpose = "purpose."
	fieldOn      = "on."
)

const (
	consentsPath = "/account/consents"
	confirmPath  = "/consents/confirm"
)

// consentRoutes are the pages of optional purposes. Giving and withdrawing need no proof and no reason (rule G-1), and
// whoever has the address of a letter may withdraw without signing in (RFC 8058).
func (s *Server) consentRoutes() []route {
	get := func(g gate, path string, h echo.HandlerFunc) route { return route{g, http.MethodGet, path, h, false} }
	post := func(g gate, path string, h echo.HandlerFunc) route { return route{g, http.MethodPost, path, h, false} }
	return []route{
		get(exempt, consentsPath, s.showConsents), post(exempt, consentsPath, s.saveConsents),
		get(anyone, confirmPath+"/:ticket", s.openConsent), get(anyone, confirmPath, s.showConsent), post(anyone, confirmPath, s.confirmConsent),
		get(open, "/unsubscribe/:link", s.showUnsubscribe), post(open, "/unsubscribe/:link", s.unsubscribe),
		get(open, "/.well-known/gpc.json", s.optOutSupport),
	}
}

func (s *Server) showConsents(c echo.Context) error { return s.consentsPage(c, http.StatusOK, "") }

func (s *Server) consentsPage(c echo.Context, status int, note string) error {
	ctx := c.Request().Context()
	purposes, err := s.Consents.Purposes(ctx, session.User(ctx), i18n.Current(ctx).Tag)
	if err != nil {
		return err
	}
	view := pages.ConsentsPage{
		Page: s.page(c, "nav.consents"), Token: s.token(c), Note: note, Nonce: newNonce(), NoEmail: session.From(ctx).Person.Email == "",
	}
	view.Issued = s.issue(c, view.Nonce)
	signal := optsOut(c)
	for _, p := range purposes {
		if p.Document.Assent == terms.Interest {
			view.Uses = append(view.Uses, use(ctx, p))
			continue
		}
		row := pages.ConsentRow{
			Name: fieldPurpose + p.Document.Key, Shown: shownText(p), Lang: p.Text.Locale, Dir: direction(p.Text.Locale), HTML: p.Text.HTML,
			State: purposeState(ctx, p), Refused: signal && p.Document.Shares,
			Box: components.CheckModel{Name: fieldOn + p.Document.Key, Label: p.Text.Title, Checked: p.Choice.State.Wanted()},
		}
		view.Rows = append(view.Rows, row)
	}
	if signal {
		view.Signal = i18n.T(ctx, "consent.signal.seen")
	}
	return s.render(c, status, pages.Consents(view))
}

// use is a legitimate interest, with the way to object to it and to take that back.
func use(ctx context.Context, p terms.Purpose) pages.UseRow {
	row := pages.UseRow{
		Key: p.Document.Key, Title: p.Text.Title, Lang: p.Text.Locale, Dir: direction(p.Text.Locale), HTML: p.Text.HTML,
		Against: p.Choice.State == terms.Against, State: i18n.T(ctx, "object.on"),
	}
	if row.Against {
		row.State = i18n.T(ctx, "object.off", "date", i18n.Date(ctx, p.Choice.Since))
	}
	if !p.Document.Marketing {
		row.URL = consentsPath + "/object/" + p.Document.Key
	}
	return row
}

// shownText says in a form which text it showed: version and hash.
func shownText(p terms.Purpose) string {
	return strconv.Itoa(p.Version.Number) + ":" + p.Text.HTMLSHA256
}

// purposeState says since when, or why not.
func purposeState(ctx context.Context, p terms.Purpose) string {
	date := i18n.Date(ctx, p.Choice.Since)
	switch {
	case p.Changed > 0:
		return i18n.T(ctx, "consent.changed", "n", p.Changed, "new", p.Version.Number)
	case p.Choice.State == terms.On && !p.Choice.ExpiresAt.IsZero():
		return i18n.T(ctx, "consent.until", "date", date, "n", p.Choice.Number, "end", i18n.Date(ctx, p.Choice.ExpiresAt))
	case p.Choice.State == terms.On:
		return i18n.T(ctx, "consent.since", "date", date, "n", p.Choice.Number)
	case p.Choice.State == terms.Pending:
		return i18n.T(ctx, "consent.pending", "date", date)
	case p.Choice.State == terms.Off && !p.Choice.ExpiresAt.IsZero():
		return i18n.T(ctx, "consent.over", "date", i18n.Date(ctx, p.Choice.ExpiresAt))
	case p.Choice.State == terms.Against:
		return i18n.T(ctx, "consent.signal.since", "date", date)
	case !p.Choice.Since.IsZero():
		return i18n.T(ctx, "consent.off", "date", date)
	default:
		return i18n.T(ctx, "consent.never")
	}
}

func (s *Server) saveConsents(c echo.Context) error {
	ctx := c.Request().Context()
	wishes, err := s.wishes(c)
	if err != nil {
		return err
	}
	if optsOut(c) {
		if err := s.Consents.Object(ctx, session.User(ctx), s.optOut(c)); err != nil {
			return err
		}
	}
	wishes, early, err := s.withdrawals(c, wishes)
	if err == nil {
		err = s.chosen(ctx, session.User(ctx), wishes)
	}
	switch {
	case errors.Is(err, terms.ErrChanged):
		return s.consentsPage(c, http.StatusConflict, i18n.T(ctx, "consent.newer"))
	case errors.Is(err, terms.ErrNoAddress):
		return s.consentsPage(c, http.StatusUnprocessableEntity, i18n.T(ctx, "consent.noaddress"))
	case errors.Is(err, terms.ErrNotFound):
		return echo.ErrNotFound
	case err != nil && !errors.Is(err, terms.ErrRecorded):
		return err
	}
	if early {
		return c.Redirect(http.StatusSeeOther, ageAddress(consentsPath))
	}
	for _, w := range wishes {
		if w.Asks {
			return s.done(c, "consent.asked", consentsPath)
		}
	}
	return s.done(c, "consent.saved", consentsPath)
}

// withdrawals are, of somebody whose age is to be said first, the wishes that turn something off: no consent of theirs counts
// yet, and withdrawing is open to everybody. early reports whether they wanted to turn something on.
func (s *Server) withdrawals(c echo.Context, wishes []terms.Wish) (kept []terms.Wish, early bool, err error) {
	ctx := c.Request().Context()
	if !asksAge(ctx) {
		return wishes, false, nil
	}
	purposes, err := s.Consents.Purposes(ctx, session.User(ctx), i18n.Current(ctx).Tag)
	for _, w := range wishes {
		if !w.On {
			kept = append(kept, w)
			continue
		}
		early = early || !slices.ContainsFunc(purposes, func(p terms.Purpose) bool { return p.Document.Key == w.Document && p.Choice.State.Wanted() })
	}
	return kept, early, err
}

// wishes reads a form: what it does not speak of stays as it is.
func (s *Server) wishes(c echo.Context) ([]terms.Wish, error) {
	ctx, form := c.Request().Context(), c.Request().PostForm
	if len(form.Get(fieldNonce)) != 32 {
		return nil, echo.NewHTTPError(http.StatusBadRequest)
	}
	purposes, err := s.Consents.Purposes(ctx, session.User(ctx), i18n.Current(ctx).Tag)
	if err != nil {
		return nil, err
	}
	s.knowDevice(c)
	var wishes []terms.Wish
	for _, name := range sortedKeys(flat(form)) {
		key, ok := strings.CutPrefix(name, fieldPurpose)
		typed, hash, whole := strings.Cut(form.Get(name), ":")
		number, err := strconv.Atoi(typed)
		if !ok || !whole || err != nil {
			continue
		}
		w := terms.Wish{On: form.Get(fieldOn+key) == "on", Browser: s.browser(c), Decision: s.optOut(c)}
		w.Document, w.Number, w.HTMLSHA256, w.Nonce, w.Method = key, number, hash, form.Get(fieldNonce), terms.MethodSettings
		w.IssuedAt = s.issuedAt(c)
		for _, p := range purposes {
			if p.Document.Key == key {
				w.Asks = w.On && p.Document.Confirms && !p.Choice.State.Wanted()
				w.Presentation = presentation(ctx, "consents", "box and button", p.Text.Title, i18n.T(ctx, "consent.save"))
			}
		}
		wishes = append(wishes, w)
	}
	boxes := make([]terms.Box, len(wishes))
	for i, w := range wishes {
		boxes[i] = terms.Box{Purpose: w.Document, Ticked: w.On}
	}
	for i := range wishes {
		wishes[i].Boxes = boxes
	}
	return wishes, nil
}

func (s *Server) openConsent(c echo.Context) error {
	return s.carry(c, string(ticket.Consent), confirmPath)
}

func (s *Server) showConsent(c echo.Context) error { return s.consentPage(c, nil) }

// consentPage asks for one click; in a browser that did not ask for the letter, and has not signed in, for its code too.
func (s *Server) consentPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	found, err := s.Consents.Look(ctx, tenant.From(ctx).ID, s.carried(c, string(ticket.Consent)))
	if err != nil {
		return s.unusable(c, err, found, backToConsents)
	}
	f := s.form(c, refused)
	view := pages.AskPage{
		Page: s.page(c, "consent.confirm.title"), Token: f.token, Refusals: f.summary(), Action: confirmPath,
		Body: i18n.T(ctx, "consent.confirm.body"), Button: i18n.T(ctx, "consent.confirm.submit"),
		AskCode: s.confirmer(c, found) != found.Browser, Code: s.codeField(c, f),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Ask(view))
}

// confirmer is the browser that redeems a letter: whoever is signed in as its reader counts as the one that asked for it.
func (s *Server) confirmer(c echo.Context, found ticket.Ticket) string {
	if live := session.From(c.Request().Context()); live.SignedIn() && live.User == found.User {
		return found.Browser
	}
	return s.browser(c)
}

var backToConsents = deadEnd{link: consentsPath, button: "consent.back"}

func (s *Server) confirmConsent(c echo.Context) error {
	ctx := c.Request().Context()
	secret := s.carried(c, string(ticket.Consent))
	found, err := s.Consents.Look(ctx, tenant.From(ctx).ID, secret)
	if err != nil {
		return s.unusable(c, err, found, backToConsents)
	}
	p, err := s.Profiles.Find(ctx, found.User)
	if err != nil {
		return err
	}
	if owesAge(tenant.From(ctx), session.Person{Role: p.Role, Age: string(p.Age())}) {
		return c.Redirect(http.StatusSeeOther, agePath) // no consent of theirs counts yet
	}
	d := s.optOut(c)
	d.Presentation = presentation(ctx, "consent by letter", "button", i18n.T(ctx, "consent.confirm.body"), i18n.T(ctx, "consent.confirm.submit"))
	claim := ticket.Claim{User: found.User, Secret: secret, Browser: s.confirmer(c, found), Code: c.Request().PostFormValue(fieldCode)}
	err = s.Consents.Confirm(ctx, claim, d)
	if refused, ok := codeRefused(err); ok {
		return s.consentPage(c, refused)
	}
	if errors.Is(err, terms.ErrChanged) {
		err = ticket.ErrReplaced
	}
	if err != nil {
		return s.unusable(c, err, found, backToConsents)
	}
	s.dropLink(c)
	return s.render(c, http.StatusOK, pages.Told(pages.ToldPage{
		Page: s.page(c, "consent.confirmed.title"), Body: i18n.T(ctx, "consent.confirmed.body"), Link: consentsPath, Button: i18n.T(ctx, "consent.back"),
	}))
}

// showUnsubscribe asks for one click, so that programs that follow links withdraw nothing.
func (s *Server) showUnsubscribe(c echo.Context) error { return s.unsubscribePage(c, false) }

// unsubscribe withdraws: by the button of the page, or by a mail program that posts here without cookies (RFC 8058, 3.2).
func (s *Server) unsubscribe(c echo.Context) error {
	ctx := c.Request().Context()
	d := s.optOut(c)
	d.Presentation = presentation(ctx, "unsubscribe", "button", i18n.T(ctx, "unsubscribe.submit"))
	err := s.Consents.Unsubscribe(ctx, tenant.From(ctx).ID, c.Param("link"), d)
	if errors.Is(err, terms.ErrLink) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.unsubscribePage(c, true)
}

func (s *Server) unsubscribePage(c echo.Context, done bool) error {
	ctx := c.Request().Context()
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	choice, text, err := s.Consents.ByLink(ctx, tenant.From(ctx).ID, c.Param("link"), i18n.Current(ctx).Tag)
	if errors.Is(err, terms.ErrLink) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	view := pages.UnsubscribePage{
		Page: s.page(c, "unsubscribe.title"), Action: "/unsubscribe/" + choice.Link, Done: done || !choice.State.Wanted(),
		Body: i18n.T(ctx, "unsubscribe.body", "purpose", text.Title), Over: i18n.T(ctx, "unsubscribe.done", "purpose", text.Title),
	}
	return s.render(c, http.StatusOK, pages.Unsubscribe(view))
}

// decideUse records what somebody decides about a legitimate interest.
func (s *Server) decideUse(c echo.Context, decide func(context.Context, tenant.User, string, terms.Decision) error, done string) error {
	ctx := c.Request().Context()
	d := s.optOut(c)
	d.Presentation = presentation(ctx, "objection", "button", i18n.T(ctx, "object.stop"), i18n.T(ctx, "object.resume"))
	u := session.User(ctx)
	err := s.objectAnew(ctx, u, decide(ctx, u, c.Request().PostForm.Get("use"), d))
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, done, consentsPath)
}
