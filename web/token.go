package web

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/session"
	"portico/internal/ticket"
)

// flashLifetime is how long a banner waits for its page.
const flashLifetime = time.Minute

// fieldToken is the form field that proves that a form is ours and belongs to this session.
const fieldToken = "form_token"

// formToken is the token of the forms of this session.
func (s *Server) formToken(c echo.Context) string {
	return base64.RawURLEncoding.EncodeToString(s.Ring.MAC("form", []byte(session.From(c.Request().Context()).ID)))
}

func (s *Server) tokenRight(c echo.Context) bool {
	token, err := base64.RawURLEncoding.DecodeString(c.Request().PostFormValue(fieldToken))
	return err == nil && s.Ring.Verify("form", []byte(session.From(c.Request().Context()).ID), token)
}

// Cookies besides the session's. None holds personal data.
const (
	deviceCookie   = "device"   // which browser this is, for a year
	languageChoice = "language" // the language chosen without being signed in
	flashCookie    = "flash"    // the banner of the next page
	linkCookie     = "link"     // the secret of a mailed link, once it has left the address
)

func (s *Server) setCookie(c echo.Context, what, value string, lifetime time.Duration) {
	cookie := &http.Cookie{ //nolint:gosec // Secure is off for the demonstration over plain HTTP alone
		Name: session.CookieName(what, s.Secure), Value: value, Path: "/", Secure: s.Secure, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, MaxAge: int(lifetime.Seconds()),
	}
	if lifetime <= 0 {
		cookie.MaxAge = -1
	}
	c.SetCookie(cookie)
}

func (s *Server) cookie(c echo.Context, what string) string {
	cookie, err := c.Cookie(session.CookieName(what, s.Secure))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// device returns the id of this browser, or nothing when it has none of ours.
func (s *Server) device(c echo.Context) string {
	if id, ok := c.Get(deviceCookie).(string); ok {
		return id // given in this very request
	}
	id, mac, _ := strings.Cut(s.cookie(c, deviceCookie), ".")
	proof, err := base64.RawURLEncoding.DecodeString(mac)
	if err != nil || id == "" || !s.Ring.Verify("device", []byte(id), proof) {
		return ""
	}
	return id
}

// knowDevice returns the id of this browser and gives it one if need be: where somebody signs in or asks for a letter.
func (s *Server) knowDevice(c echo.Context) string {
	if id := s.device(c); id != "" {
		return id
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	id := base64.RawURLEncoding.EncodeToString(random)
	mac := base64.RawURLEncoding.EncodeToString(s.Ring.MAC("device", []byte(id)))
	s.setCookie(c, deviceCookie, id+"."+mac, 365*24*time.Hour)
	c.Set(deviceCookie, id)
	return id
}

// browser is what tickets know this browser by; a browser without an id of ours has none.
func (s *Server) browser(c echo.Context) string {
	if id := s.device(c); id != "" {
		return session.HashOf(id)
	}
	return ""
}

// elsewhere reports whether another browser than this one asked for a ticket, so that the code of its letter is needed.
func (s *Server) elsewhere(c echo.Context, t ticket.Ticket) bool {
	return t.Browser == "" || t.Browser != s.browser(c)
}

func (s *Server) languageCookie(c echo.Context) string { return s.cookie(c, languageChoice) }

// seal puts a small value into a cookie that the browser cannot read.
func (s *Server) seal(c echo.Context, what string, value any, lifetime time.Duration) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	s.setCookie(c, what, base64.RawURLEncoding.EncodeToString(s.Ring.Seal(what, content)), lifetime)
	return nil
}

// unseal reads what seal put there and reports whether there was something.
func (s *Server) unseal(c echo.Context, what string, value any) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(s.cookie(c, what))
	if err != nil || len(sealed) == 0 {
		return false
	}
	content, err := s.Ring.Open(what, sealed)
	return err == nil && json.Unmarshal(content, value) == nil
}

// link is the secret of a mailed link while its page is open.
type link struct {
	Kind   string `json:"k"`
	Secret string `json:"s"`
}

// carry takes the secret of a mailed link out of the address: it goes into a cookie for an hour, and the browser on to a
// page whose address is no secret (security.md row 22).
func (s *Server) carry(c echo.Context, kind, path string) error {
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	if err := s.seal(c, linkCookie, link{kind, c.Param("ticket")}, time.Hour); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, path)
}

// carried returns the secret that carry kept for this kind of link, or nothing.
func (s *Server) carried(c echo.Context, kind string) string {
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	var l link
	if !s.unseal(c, linkCookie, &l) || l.Kind != kind {
		return ""
	}
	return l.Secret
}

// dropLink forgets the secret of a link that is used up.
func (s *Server) dropLink(c echo.Context) { s.setCookie(c, linkCookie, "", 0) }
