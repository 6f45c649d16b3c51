package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/brand"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/views/emails"
)

// letterPolicy is the content policy of a letter that is shown in a frame of ours. A letter has its styles at its elements;
// it may load nothing and run nothing, and its links open outside of the frame.
const letterPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"

// letterDocument answers with the HTML of a letter as a document of its own.
func (s *Server) letterDocument(c echo.Context, html string) error {
	c.Response().Header().Set("Content-Security-Policy", letterPolicy)
	return c.HTML(http.StatusOK, strings.Replace(html, "<head>", `<head><base target="_blank">`, 1))
}

// showLetter shows the person a letter as it would reach them in a language. Its code and its link are made up.
func (s *Server) showLetter(c echo.Context) error {
	ctx := c.Request().Context()
	facts := emails.Sample(mail.VerifyEmail)
	live := session.From(ctx)
	facts.Name, facts.Link = live.Person.Nickname, tenant.From(ctx).URL("/help")
	return s.sampleLetter(c, mail.Letter{
		User: live.User.ID, To: live.Person.Email, Kind: mail.VerifyEmail, Language: c.QueryParam("lang"), Facts: facts,
	})
}

// sampleLetter renders a letter without sending it.
func (s *Server) sampleLetter(c echo.Context, l mail.Letter) error {
	ctx := c.Request().Context()
	_, _, html, err := emails.Render(ctx, LetterFrom(tenant.From(ctx)), l)
	if err != nil {
		return err
	}
	return s.letterDocument(c, html)
}

// LetterFrom is whose letters those of a tenant are, in its colour.
func LetterFrom(t tenant.Tenant) emails.From {
	from := emails.From{Product: t.Product, Origin: t.Origin, SupportEmail: t.SupportEmail, SupportURL: t.SupportURL}
	if colour, err := brand.Parse(t.Brand); err == nil {
		from.Brand.Day, from.Brand.Night, from.Brand.OnNight = colour.Letters()
	}
	return from
}

// dirOf is the direction in which a letter's language is written.
func dirOf(tag string) string {
	language, ok := i18n.Find(tag)
	if !ok {
		return "auto"
	}
	return language.Dir
}
