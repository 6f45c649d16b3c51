package session

import (
	"errors"
	"net/http"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	"portico/internal/keys"
	"portico/internal/tenant"
)

// Cookies is the gorilla sessions.Store on the database: the cookie holds a signed random id and nothing else, and no
// row is written for a visitor of whom nothing must be remembered.
type Cookies struct {
	service *Service
	codecs  []securecookie.Codec
	name    string
	options sessions.Options
}

// NewCookies returns the store. With secure set the cookie is only sent over TLS and is bound to the host ("__Host-",
// security.md row 32); without, it serves the demonstration over plain HTTP.
func NewCookies(service *Service, ring keys.Ring, secure bool) *Cookies {
	c := &Cookies{service: service, name: CookieName("session", secure), options: sessions.Options{
		Path: "/", Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}}
	for _, key := range ring.MACKeys("session cookie") {
		codec := securecookie.New(key, nil)
		codec.SetSerializer(securecookie.NopEncoder{})
		codec.MaxAge(int(KeepAbsolute.Seconds()))
		c.codecs = append(c.codecs, codec)
	}
	return c
}

// CookieName is the name of one of our cookies.
func CookieName(what string, secure bool) string {
	if secure {
		return "__Host-portico-" + what
	}
	return "portico-" + what
}

const liveKey = "live"

// Current returns the session of a request. A request without one gets a new id, of which no row exists yet.
func (c *Cookies) Current(r *http.Request) (*sessions.Session, Live, error) {
	s, err := c.Get(r, c.name)
	if err != nil {
		return nil, Live{}, err
	}
	live, _ := s.Values[liveKey].(Live)
	live.ID = s.ID
	return s, live, nil
}

// Get implements sessions.Store: one session per request and name.
func (c *Cookies) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(c, name)
}

// New implements sessions.Store: it reads the cookie and the row.
func (c *Cookies) New(r *http.Request, name string) (*sessions.Session, error) {
	s := sessions.NewSession(c, name)
	options := c.options
	s.Options, s.IsNew = &options, true
	if cookie, err := r.Cookie(name); err == nil {
		var id []byte
		if err := securecookie.DecodeMulti(name, cookie.Value, &id, c.codecs...); err == nil {
			s.ID, s.IsNew = string(id), false
		}
	}
	if s.IsNew {
		s.ID = newID()
		return s, nil
	}
	live, err := c.service.Find(r.Context(), tenant.From(r.Context()).ID, s.ID)
	if err != nil && !errors.Is(err, ErrNone) {
		return nil, err
	}
	s.Values[liveKey] = live
	return s, nil
}

// Save implements sessions.Store: it sets the cookie, or removes it when the options' MaxAge is negative.
func (c *Cookies) Save(_ *http.Request, w http.ResponseWriter, s *sessions.Session) error {
	value := ""
	if s.Options.MaxAge >= 0 {
		encoded, err := securecookie.EncodeMulti(s.Name(), []byte(s.ID), c.codecs...)
		if err != nil {
			return err
		}
		value = encoded
	}
	http.SetCookie(w, sessions.NewCookie(s.Name(), value, s.Options))
	return nil
}

// Give makes the browser carry opened from now on. A kept session outlives the browser, the others do not.
func (c *Cookies) Give(r *http.Request, w http.ResponseWriter, opened Session) error {
	s, _, err := c.Current(r)
	if err != nil {
		return err
	}
	s.ID, s.Options.MaxAge = opened.ID, 0
	if opened.Keep {
		s.Options.MaxAge = int(opened.ExpiresAt.Sub(opened.CreatedAt).Seconds())
	}
	return s.Save(r, w)
}

// Take makes the browser forget its session.
func (c *Cookies) Take(r *http.Request, w http.ResponseWriter) error {
	s, _, err := c.Current(r)
	if err != nil {
		return err
	}
	s.Options.MaxAge = -1
	return s.Save(r, w)
}
