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
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// guardianPath is where a parent or guardian decides, led there by a letter.
const guardianPath = "/guardian"

// backToHelp is the way on for somebody who has no account here.
var backToHelp = deadEnd{link: "/help", button: "foot.help"}

func (s *Server) openGuardian(c echo.Context) error {
	return s.carry(c, string(ticket.Guardian), guardianPath)
}

func (s *Server) showGuardianAsk(c echo.Context) error {
	return s.guardianAskPage(c, http.StatusOK, nil)
}

// guardianAskPage asks for the code of the letter and a decision. Opening it has no effect, and a program that presses the
// buttons has not read the code.
func (s *Server) guardianAskPage(c echo.Context, status int, refused valid.Errors) error {
	ctx := c.Request().Context()
	asked, err := s.Ages.Look(ctx, tenant.From(ctx).ID, s.carried(c, string(ticket.Guardian)))
	if err != nil {
		return s.unusable(c, err, asked.Ticket, backToHelp)
	}
	documents, err := s.documentsNow(ctx)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.GuardianAskPage{
		Page: s.titled(c, i18n.T(ctx, "guardian.title", "product", tenant.From(ctx).Product)), Token: f.token, Refusals: f.summary(),
		Nonce: newNonce(), Who: i18n.T(ctx, "guardian.who", "who", asked.Who), Scope: guardianScope(ctx), Code: s.codeField(c, f),
		Until: i18n.T(ctx, "guardian.until", "date", i18n.Date(ctx, asked.DueAt)),
	}
	for _, one := range documents {
		view.Documents = append(view.Documents, components.Link{
			URL: terms.Path(one.Document.Key, one.Version.Number, one.Text.Locale), Text: one.Text.Title, Lang: one.Text.Locale,
		})
		view.Shown = append(view.Shown, pages.ShownDocument{
			Name: fieldShown + one.Document.Key + "." + strconv.Itoa(one.Version.Number), Hash: one.Text.HTMLSHA256,
		})
	}
	view.Issued = s.issue(c, view.Nonce)
	view.Refused = len(refused) > 0
	if status == http.StatusConflict {
		view.Note = i18n.T(ctx, "gate.newer")
	} else {
		status = f.status()
	}
	return s.render(c, status, pages.GuardianAsk(view))
}

// documentsNow are the documents in force that people of the tenant are asked about.
func (s *Server) documentsNow(ctx context.Context) ([]terms.Shown, error) {
	shown, err := s.Terms.AtSignUp(ctx, tenant.From(ctx).ID, i18n.Current(ctx).Tag)
	return slices.DeleteFunc(shown, func(one terms.Shown) bool { return one.Upcoming }), err
}

// guardianSaid reads the form of an approval: which texts it named, and the screen.
func (s *Server) guardianSaid(c echo.Context) (terms.GuardianSaid, error) {
	ctx := c.Request().Context()
	documents, err := s.documentsNow(ctx)
	if err != nil {
		return terms.GuardianSaid{}, err
	}
	said := terms.GuardianSaid{Locale: i18n.Current(ctx).Tag, IssuedAt: s.issuedAt(c)}
	words := []string{guardianScope(ctx), i18n.T(ctx, "guardian.approve"), i18n.T(ctx, "guardian.refuse"), i18n.T(ctx, "guardian.what")}
	for _, one := range documents {
		words = append(words, one.Text.Title)
	}
	said.Presentation = presentation(ctx, "guardian", "button", words...)
	form := flat(c.Request().PostForm)
	for _, name := range sortedKeys(form) {
		rest, ok := strings.CutPrefix(name, fieldShown)
		document, typed, _ := strings.Cut(rest, ".")
		if number, err := strconv.Atoi(typed); ok && err == nil {
			said.Documents = append(said.Documents, terms.Decision{Document: document, Number: number, HTMLSHA256: form[name]})
		}
	}
	return said, nil
}

// guardianScope is the statement above the buttons.
func guardianScope(ctx context.Context) string {
	return i18n.T(ctx, "guardian.scope", "product", tenant.From(ctx).Product)
}

func (s *Server) decideGuardian(c echo.Context) error {
	ctx, done := c.Request().Context(), "guardian.refused"
	said, err := s.guardianSaid(c)
	if err != nil {
		return err
	}
	switch c.Request().PostFormValue(fieldDecision) {
	case "approve":
		done = "guardian.approved"
		err = s.Ages.Approve(ctx, s.claim(c, ticket.Guardian), said)
	case "refuse":
		err = s.Ages.Refuse(ctx, s.claim(c, ticket.Guardian))
	default:
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	if refused, ok := codeRefused(err); ok {
		return s.guardianAskPage(c, http.StatusUnprocessableEntity, refused)
	}
	if errors.Is(err, terms.ErrChanged) { // another version came into force meanwhile (case 1)
		return s.guardianAskPage(c, http.StatusConflict, nil)
	}
	if err != nil {
		return s.unusable(c, err, ticket.Ticket{}, backToHelp)
	}
	s.dropLink(c)
	return s.render(c, http.StatusOK, pages.Told(pages.ToldPage{
		Page: s.page(c, done+".title"), Body: i18n.T(ctx, done), Link: "/help", Button: i18n.T(ctx, "foot.help"),
	}))
}
