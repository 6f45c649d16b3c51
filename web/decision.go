package web

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// fieldScript is filled in by our script: whether it runs is part of what the person saw.
const fieldScript = "script"

// decisionOf is what every decision says of the browser and of how its user signed in.
func decisionOf(c echo.Context) terms.Decision {
	ctx, r := c.Request().Context(), c.Request()
	return terms.Decision{
		LocaleWanted: i18n.Current(ctx).Tag, AcceptLang: r.Header.Get("Accept-Language"), OptOut: r.Header.Get("Sec-GPC"),
		SignedInBy: signedInBy(session.From(ctx)), Script: r.PostFormValue(fieldScript) == "on",
	}
}

func signedInBy(live session.Live) string {
	switch provider := live.Content[idp.ContentConnection]; {
	case !live.SignedIn():
		return ""
	case provider != "":
		return "provider " + provider
	default:
		return terms.ByPassword
	}
}

// issue says in a form when it was shown, so that nobody can say another time: signed, for this session and this nonce.
func (s *Server) issue(c echo.Context, nonce string) string {
	at := strconv.FormatInt(s.Now().Unix(), 10)
	return at + "." + base64.RawURLEncoding.EncodeToString(s.Ring.MAC("issued", issued(c, at, nonce)))
}

func issued(c echo.Context, at, nonce string) []byte {
	return []byte(at + "\n" + nonce + "\n" + session.From(c.Request().Context()).ID)
}

// issuedAt is when a form was shown, or zero when it was not shown to this session with this nonce.
func (s *Server) issuedAt(c echo.Context) time.Time {
	at, proof, _ := strings.Cut(c.Request().PostFormValue(fieldIssued), ".")
	mac, err := base64.RawURLEncoding.DecodeString(proof)
	seconds, wrong := strconv.ParseInt(at, 10, 64)
	if err != nil || wrong != nil || !s.Ring.Verify("issued", issued(c, at, c.Request().PostFormValue(fieldNonce)), mac) {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// wantsJSON reports whether a program asks, which cannot follow a redirect to a page.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// termsRequired is what a program gets instead of the page on which people decide (case 15).
type termsRequired struct {
	Error     string          `json:"error"`
	URL       string          `json:"url"`
	Documents []termsDocument `json:"documents"`
}

type termsDocument struct {
	Document string `json:"document"`
	Number   int    `json:"number"`
	Title    string `json:"title"`
	Locale   string `json:"locale"`
	SHA256   string `json:"source_sha256"`
	URL      string `json:"url"`
}

func (s *Server) refuseUntilAccepted(c echo.Context) error {
	ctx := c.Request().Context()
	owed, err := s.Terms.Owed(ctx, session.User(ctx), i18n.Current(ctx).Tag)
	if err != nil {
		return err
	}
	t := tenant.From(ctx)
	answer := termsRequired{Error: "terms_required", URL: t.URL("/terms/accept"), Documents: []termsDocument{}}
	for _, due := range owed {
		if due.Must {
			answer.Documents = append(answer.Documents, termsDocument{
				Document: due.Document.Key, Number: due.Version.Number, Title: due.Text.Title, Locale: due.Text.Locale,
				SHA256: due.Text.SourceSHA256, URL: t.URL(terms.Path(due.Document.Key, due.Version.Number, due.Text.Locale)),
			})
		}
	}
	return c.JSON(http.StatusForbidden, answer)
}
