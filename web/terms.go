package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/views/components"
	"portico/views/pages"
)

// Form fields of a decision about a document. They say what the page showed, to the letter.
const (
	fieldDocument = "document"
	fieldNumber   = "number"
	fieldHash     = "hash"
	fieldNonce    = "nonce"
	fieldIssued   = "issued"
	fieldDecision = "decision"
)

func newNonce() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// showTerms is the gate: what changed since the person's own last acceptance, the text, and the decision.
func (s *Server) showTerms(c echo.Context) error { return s.termsPage(c, http.StatusOK, "") }

func (s *Server) termsPage(c echo.Context, status int, note string) error {
	ctx := c.Request().Context()
	owed, err := s.Terms.Owed(ctx, session.User(ctx), i18n.Current(ctx).Tag)
	if err != nil {
		return err
	}
	returnTo := c.Request().FormValue("return_to")
	if len(owed) == 0 {
		return c.Redirect(http.StatusSeeOther, s.safeReturn(returnTo))
	}
	due := owed[0]
	if !due.Seen {
		if err := s.Terms.Saw(ctx, session.User(ctx), due.Document.Key, due.Version.Number, i18n.Current(ctx).Tag); err != nil {
			return err
		}
	}
	view := s.gatePage(c, due)
	view.Note, view.ReturnTo = note, returnTo
	c.Set(gateShown, due)
	return s.render(c, status, pages.Gate(view))
}

const gateShown = "gate"

// gatePage is the page that asks for a decision.
func (s *Server) gatePage(c echo.Context, due terms.Due) pages.GatePage {
	ctx := c.Request().Context()
	view := pages.GatePage{
		Page: s.page(c, gateTitle(due)), Token: s.token(c),
		Document: due.Document.Key, Number: strconv.Itoa(due.Version.Number), Hash: due.Text.HTMLSHA256, Nonce: newNonce(),
		Above: i18n.T(ctx, "gate.above", "document", due.Text.Title, "n", due.Version.Number, "date", i18n.Date(ctx, due.Version.EffectiveAt)),
		Lead:  gateLead(ctx, due), Short: shortLines(due), HTML: due.Text.HTML, Lang: due.Text.Locale, Dir: direction(due.Text.Locale),
		Changes: diffView(due.Changes), From: due.From(),
		Full:  i18n.T(ctx, "gate.full", "n", due.Version.Number),
		Scope: gateScope(ctx, due),
		Print: terms.Path(due.Document.Key, due.Version.Number, due.Text.Locale), Later: !due.Must, Accept: gateAccept(ctx, due),
	}
	if !due.Must {
		view.Until = i18n.T(ctx, "gate.until", "date", i18n.Date(ctx, due.Version.EnforceAt))
	}
	if due.Text.Locale != i18n.Current(ctx).Tag {
		view.Untranslated = s.untranslated(ctx, due.Text.Locale)
	}
	view.Issued = s.issue(c, view.Nonce)
	return view
}

func gateTitle(d terms.Due) string {
	switch {
	case d.Again():
		return "gate.again"
	case d.Document.Assent == terms.Acknowledge:
		return "gate.notice"
	case d.Before.Number == 0:
		return "gate.first"
	default:
		return "gate.title"
	}
}

func gateLead(ctx context.Context, d terms.Due) string {
	before := i18n.Date(ctx, d.Before.At)
	switch {
	case d.Withdrawn > 0:
		return i18n.T(ctx, "gate.lead.withdrawn", "old", d.Withdrawn, "n", d.Version.Number)
	case d.Again():
		return i18n.T(ctx, "gate.lead.again", "old", d.Before.Number, "date", before)
	case d.Before.Number == 0:
		return i18n.T(ctx, "gate.lead.first")
	default:
		return i18n.T(ctx, "gate.lead", "old", d.Before.Number, "date", before, "effective", i18n.Date(ctx, d.Version.EffectiveAt))
	}
}

func gateAccept(ctx context.Context, d terms.Due) string {
	if d.Document.Assent == terms.Acknowledge {
		return i18n.T(ctx, "gate.acknowledge")
	}
	return i18n.T(ctx, "gate.accept")
}

// shortLines are what changed in short: of every version since the last one that the person accepted.
func shortLines(d terms.Due) []pages.ShortLine {
	var all []pages.ShortLine
	for _, v := range d.Earlier {
		for _, l := range v.Text.Summary {
			all = append(all, pages.ShortLine{Anchor: l.Anchor, Title: l.Title, Text: l.Text})
		}
	}
	return all
}

func diffView(changes []terms.Change) []pages.Change {
	view := make([]pages.Change, len(changes))
	for i, change := range changes {
		view[i] = pages.Change{Heading: change.Heading, Anchor: change.Anchor}
		for _, segment := range change.Segments {
			view[i].Segments = append(view[i].Segments, pages.Segment{Kind: string(segment.Kind), Text: segment.Text})
		}
	}
	return view
}

func direction(locale string) string {
	if l, ok := i18n.Find(locale); ok {
		return l.Dir
	}
	return "ltr"
}

func (s *Server) untranslated(ctx context.Context, shown string) string {
	language, _ := i18n.Find(shown)
	return i18n.T(ctx, "terms.untranslated", "language", i18n.Current(ctx).Name, "shown", language.Name)
}

// presentation is the screen on which a decision was made, its words in their order, without anything of the person.
func presentation(ctx context.Context, screen, control string, words ...string) terms.Presentation {
	return terms.Presentation{Build: buildID, Screen: screen, Locale: i18n.Current(ctx).Tag, Control: control, Words: words}
}

// gateScreen is the screen of the gate about one version.
func (s *Server) gateScreen(ctx context.Context, key string, number int) (terms.Presentation, error) {
	library, _, err := s.Terms.Library(ctx, tenant.From(ctx).ID)
	if err != nil {
		return terms.Presentation{}, err
	}
	document, _ := library.Document(key)
	text, _ := library.Text(key, number, i18n.Current(ctx).Tag)
	due := terms.Due{Shown: terms.Shown{Document: document, Text: text, Version: terms.Version{Number: number}}}
	return presentation(ctx, "gate", "button", gateScope(ctx, due), gateAccept(ctx, due), i18n.T(ctx, "gate.decline"), i18n.T(ctx, "gate.later")), nil
}

// gateScope is the statement above the buttons: what is accepted, and nothing else.
func gateScope(ctx context.Context, d terms.Due) string {
	return i18n.T(ctx, toldBy(session.From(ctx).Person.Email, "gate.scope", "gate.scope.noemail"), "n", d.Version.Number, "document", d.Text.Title)
}

// toldBy is the message that promises a letter, or without an address for it the one that does not (rule N-9).
func toldBy(email, letter, without string) string {
	if email == "" {
		return without
	}
	return letter
}

// buildID names the screens of this program: it changes whenever they do.
const buildID = "portico-1"

func (s *Server) decideTerms(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	number, _ := strconv.Atoi(form.Get(fieldNumber))
	from, _ := strconv.Atoi(form.Get("from"))
	screen, err := s.gateScreen(ctx, form.Get(fieldDocument), number)
	if err != nil {
		return err
	}
	d := decisionOf(c)
	d.Document, d.Number, d.HTMLSHA256, d.Nonce = form.Get(fieldDocument), number, form.Get(fieldHash), form.Get(fieldNonce)
	d.Method, d.DiffFrom, d.IssuedAt, d.Presentation = terms.MethodGate, from, s.issuedAt(c), screen
	if len(d.Nonce) != 32 || len(d.HTMLSHA256) != 64 {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	switch form.Get(fieldDecision) {
	case "accept":
		err = s.Terms.Accept(ctx, session.User(ctx), d)
	case "decline":
		err = s.Terms.Decline(ctx, session.User(ctx), d)
	case "later":
		return c.Redirect(http.StatusSeeOther, s.safeReturn(form.Get("return_to")))
	default:
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	if errors.Is(err, terms.ErrChanged) {
		return s.termsPage(c, http.StatusConflict, i18n.T(ctx, "gate.newer"))
	}
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	if form.Get(fieldDecision) == "decline" {
		return c.Redirect(http.StatusSeeOther, "/terms/declined")
	}
	return s.done(c, toldBy(session.From(ctx).Person.Email, "gate.done", "gate.done.noemail"), s.safeReturn(form.Get("return_to")))
}

// showDeclined says what happens now, and keeps the way to every right open (rule T-5).
func (s *Server) showDeclined(c echo.Context) error {
	return s.render(c, http.StatusOK, pages.Declined(pages.DeclinedPage{Page: s.page(c, "declined.title")}))
}

// showHistory lists what the person decided.
func (s *Server) showHistory(c echo.Context) error {
	ctx := c.Request().Context()
	events, err := s.Terms.History(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	library, now, err := s.Terms.Library(ctx, tenant.From(ctx).ID)
	if err != nil {
		return err
	}
	view := pages.HistoryPage{Page: s.page(c, "nav.terms")}
	for _, e := range events {
		if e.Document == "" && e.Type != terms.Imported {
			continue // about the account itself
		}
		text, _ := library.Text(e.Document, e.Number, e.LocaleShown)
		language, _ := i18n.Find(e.LocaleShown)
		row := pages.HistoryRow{
			Title: text.Title, Number: e.Number, What: i18n.T(ctx, "assent."+assentWord(e)), Time: i18n.DateTime(ctx, e.OccurredAt),
			Language: language.Name, Lang: e.LocaleShown, Hash: e.HTMLSHA256, URL: terms.Path(e.Document, e.Number, e.LocaleShown),
			Receipt: terms.ReceiptPath(e.ID), Waiting: !e.Placed, Promise: terms.PromisePath(e.ID),
		}
		if e.Document == "" {
			row.Title = i18n.T(ctx, "history.imported")
		}
		if e.Revision > 1 {
			row.URL += "&rev=" + strconv.Itoa(e.Revision)
		}
		if current, ok := library.Current(e.Document, now); ok && current.Number != e.Number {
			row.Compare = compareURL(e.Document, e.Number, current.Number, e.LocaleShown)
			if v, _ := library.Version(e.Document, e.Number); !v.WithdrawnAt.IsZero() {
				row.Note = i18n.T(ctx, "history.withdrawn", "n", current.Number)
			}
		}
		view.Rows = append(view.Rows, row)
	}
	return s.render(c, http.StatusOK, pages.History(view))
}

// assentWord is the last piece of the message that says what an entry is.
func assentWord(e terms.Event) string {
	if e.Type == terms.Objected && e.Method != terms.MethodSignal {
		return "against"
	}
	return e.Type
}

func compareURL(document string, from, to int, locale string) string {
	return "/terms/" + document + "/compare?from=" + strconv.Itoa(from) + "&to=" + strconv.Itoa(to) + "&lang=" + locale
}

// statement fills in the box of the sign-up form: every document that asks for assent, with its version, as links.
func statement(ctx context.Context, view *pages.SignUpPage, shown []terms.Shown) {
	view.Links = map[string]components.Link{}
	for _, one := range shown {
		name := fieldShown + one.Document.Key + "." + strconv.Itoa(one.Version.Number)
		view.Shown = append(view.Shown, pages.ShownDocument{Name: name, Hash: one.Text.HTMLSHA256})
		if len(view.Statement) > 0 {
			view.Statement = append(view.Statement, i18n.Part{Text: " · "})
		}
		for _, part := range agreement(ctx, one) {
			if part.Name == "document" {
				part.Name = name
			}
			view.Statement = append(view.Statement, part)
		}
		view.Links[name] = components.Link{
			URL: terms.Path(one.Document.Key, one.Version.Number, one.Text.Locale), Text: one.Text.Title, Lang: one.Text.Locale,
		}
	}
}

// agreement is what the box of the sign-up form says about one document.
func agreement(ctx context.Context, one terms.Shown) []i18n.Part {
	switch {
	case one.Document.Assent == terms.Acknowledge:
		return i18n.Parts(ctx, "signup.acknowledge", "n", one.Version.Number)
	case one.Upcoming:
		return i18n.Parts(ctx, "signup.agree.next", "n", one.Version.Number, "date", i18n.Date(ctx, one.Version.EffectiveAt))
	default:
		return i18n.Parts(ctx, "signup.agree", "n", one.Version.Number)
	}
}

// fieldShown begins the name of a field that says which text the sign-up form showed: shown.<document>.<number>.
const fieldShown = "shown."

// decisions reads which texts the sign-up form showed.
func (s *Server) decisions(c echo.Context) ([]terms.Decision, error) {
	ctx, form := c.Request().Context(), c.Request().PostForm
	shown, err := s.Terms.AtSignUp(ctx, tenant.From(ctx).ID, i18n.Current(ctx).Tag)
	if err != nil {
		return nil, err
	}
	var words []string
	for _, one := range shown {
		words = append(words, plain(agreement(ctx, one), one.Text.Title))
	}
	screen := presentation(ctx, "signup", "unticked checkbox and button", append(words, i18n.T(ctx, "signup.submit"))...)
	var all []terms.Decision
	for _, name := range sortedKeys(flat(form)) {
		rest, ok := strings.CutPrefix(name, fieldShown)
		document, typed, _ := strings.Cut(rest, ".")
		number, err := strconv.Atoi(typed)
		if !ok || err != nil {
			continue
		}
		d := decisionOf(c)
		d.Document, d.Number, d.HTMLSHA256, d.Nonce = document, number, form.Get(name), newNonce()
		d.Method, d.Presentation = terms.MethodSignUp, screen
		d.Boxes = []terms.Box{{Purpose: document, Ticked: form.Get("terms") == "on"}}
		all = append(all, d)
	}
	return all, nil
}

// plain is a sentence with the document's title in its place.
func plain(parts []i18n.Part, title string) string {
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(part.Text)
		if part.Name != "" {
			b.WriteString(title)
		}
	}
	return b.String()
}
