package idp_test

import (
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/retention"
	"portico/internal/session"
)

func TestLeaving(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		c := d.connect(p, "demo", func(c *idp.Connection) { c.SignOut = true })
		live := session.Live{Session: d.mustEnter(p, "demo")}
		trip, err := d.Leave(d.ctx, live)
		u, _ := url.Parse(trip.Address)
		if err != nil || !strings.HasPrefix(trip.Address, p.Issuer+"/logout?") || u.Query().Get("client_id") != idptest.ClientID ||
			u.Query().Get("post_logout_redirect_uri") != d.Tenant.Origin+idp.SignedOutPath || u.Query().Get("logout_hint") != "session-1" {
			d.Errorf("got %q and %v", trip.Address, err)
		}
		if trip, err := d.Leave(d.ctx, session.Live{}); err != nil || trip.Address != "" {
			d.Errorf("who came by a password: got %q and %v, want to stay", trip.Address, err)
		}
		c.SignOut = false
		if err := d.DB.SaveConnection(d.ctx, c); err != nil {
			d.Fatal(err)
		}
		if trip, err := d.Leave(d.ctx, live); err != nil || trip.Address != "" {
			d.Errorf("not asked for: got %q and %v, want to stay", trip.Address, err)
		}
		down := d.connect(p, "down", func(c *idp.Connection) { c.SignOut, c.Issuer = true, "http://127.0.0.1:1" })
		live.Content = map[string]string{idp.ContentConnection: down.ID}
		if trip, err := d.Leave(d.ctx, live); err != nil || trip.Address != "" {
			d.Errorf("a provider that is down: got %q and %v, want to stay", trip.Address, err)
		}
	})
}

// logoutToken is a notice as a provider sends it, with changes.
func logoutToken(p *idptest.Provider, changes map[string]any) string {
	claims := map[string]any{
		"iss": p.Issuer, "aud": idptest.ClientID, "iat": p.Now().Unix(), "exp": p.Now().Add(time.Minute).Unix(), "jti": rand.Text(), "sub": "s", "sid": "session-1",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	for name, value := range changes {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return p.Sign(claims)
}

// Back-Channel Logout 1.0, section 2.6: what is not proven ends nothing.
func TestNoticeThatIsNone(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		d.connect(p, "other")
		p.Claims = verified("s", kim)
		opened := d.mustEnter(p, "demo")
		for name, token := range map[string]string{
			"no token":               "x",
			"another issuer":         logoutToken(p, map[string]any{"iss": "https://evil.example"}),
			"for somebody else":      logoutToken(p, map[string]any{"aud": "x"}),
			"no event":               logoutToken(p, map[string]any{"events": map[string]any{}}),
			"a nonce":                logoutToken(p, map[string]any{"nonce": "n"}),
			"no id":                  logoutToken(p, map[string]any{"jti": nil}),
			"nobody":                 logoutToken(p, map[string]any{"sub": nil, "sid": nil}),
			"old":                    logoutToken(p, map[string]any{"iat": p.Now().Add(-time.Hour).Unix()}),
			"over":                   logoutToken(p, map[string]any{"exp": p.Now().Add(-time.Hour).Unix()}),
			"an id token":            p.IDToken("nonce"),
			"much more than a token": strings.Repeat("x", 20<<10),
		} {
			if err := d.Notice(d.ctx, "demo", token); !errors.Is(err, idp.ErrNotice) {
				d.Errorf("%s: got %v, want ErrNotice", name, err)
			}
		}
		p.Type = "at+jwt"
		if err := d.Notice(d.ctx, "demo", logoutToken(p, nil)); !errors.Is(err, idp.ErrNotice) {
			d.Errorf("a token that says it is something else: got %v, want ErrNotice", err)
		}
		p.Type, p.Foreign = "", true
		if err := d.Notice(d.ctx, "demo", logoutToken(p, nil)); !errors.Is(err, idp.ErrNotice) {
			d.Errorf("signed by a stranger: got %v, want ErrNotice", err)
		}
		p.Foreign = false
		if err := d.Notice(d.ctx, "nowhere", logoutToken(p, nil)); !errors.Is(err, idp.ErrNotFound) {
			d.Errorf("an unknown connection: got %v, want ErrNotFound", err)
		}
		for name, end := range map[string]func() error{
			"of another session":    func() error { return d.Notice(d.ctx, "demo", logoutToken(p, map[string]any{"sid": "session-2"})) },
			"of somebody else":      func() error { return d.Notice(d.ctx, "demo", logoutToken(p, map[string]any{"sub": "x"})) },
			"by another connection": func() error { return d.Notice(d.ctx, "other", logoutToken(p, nil)) },
			"of another session, of anybody": func() error {
				return d.Notice(d.ctx, "demo", logoutToken(p, map[string]any{"sub": nil, "sid": "session-2"}))
			},
			"by another connection, of anybody": func() error { return d.Notice(d.ctx, "other", logoutToken(p, map[string]any{"sub": nil})) },
		} {
			if err := end(); err != nil {
				d.Errorf("%s: %v", name, err)
			}
		}
		if _, err := d.sessions.Find(d.ctx, d.Tenant.ID, opened.ID); err != nil {
			d.Errorf("the session: got %v, want it to go on", err)
		}
	})
}

// Back-Channel Logout 1.0, section 2.4: a notice names the person, the provider's session, or both.
func TestNoticeEndsSessions(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.Claims = verified("s", kim)
		first := d.mustEnter(p, "demo")
		p.InToken = map[string]any{"sid": "session-2"}
		second := d.mustEnter(p, "demo")
		p.Type = "logout+jwt"
		d.ends(logoutToken(p, nil), first, true)
		p.Type = ""
		d.ends(logoutToken(p, nil), second, false) // what is over stays over
		d.ends(logoutToken(p, map[string]any{"sid": nil}), second, true)
	})
}

// Back-Channel Logout 1.0, section 2.6, step 8: a copy of a notice ends nothing that was opened since.
func TestNoticeCountsOnce(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		d.connect(p, "other")
		p.Claims = verified("s", kim)
		older := d.mustEnter(p, "demo")
		token := logoutToken(p, map[string]any{"sid": nil, "jti": "1", "exp": p.Now().Add(time.Hour).Unix()})
		d.ends(token, older, true)
		newer := d.mustEnter(p, "demo")
		replayed := func(when string) {
			d.Helper()
			if err := d.Notice(d.ctx, "demo", token); !errors.Is(err, idp.ErrNotice) {
				d.Errorf("%s: got %v, want ErrNotice", when, err)
			}
			d.over(newer, false)
		}
		replayed("at once")
		again := logoutToken(p, map[string]any{"sid": nil, "jti": "1", "iat": p.Now().Add(20 * time.Second).Unix()})
		if err := d.Notice(d.ctx, "demo", again); !errors.Is(err, idp.ErrNotice) {
			d.Errorf("another notice by the same id: got %v, want ErrNotice", err)
		}
		for _, state := range []string{"1", "demo\x001", "notice", "notice\x00demo\x001"} { // nobody has it forgotten
			if _, err := d.Arrive(d.ctx, idp.Answer{Connection: "demo", State: state, Code: "x", Browser: laptop}); !errors.Is(err, idp.ErrNotAsked) {
				d.Errorf("an answer to the state %q: got %v, want ErrNotAsked", state, err)
			}
		}
		d.Clock.Advance(4*time.Minute + 50*time.Second)
		d.forget()
		replayed("as late as it counts")
		d.Clock.Advance(time.Minute)
		d.forget()
		replayed("when it is too old")

		elsewhere := d.mustEnter(p, "other")
		if err := d.Notice(d.ctx, "other", logoutToken(p, map[string]any{"sid": nil, "jti": "1"})); err != nil {
			d.Errorf("the same id by another connection: %v", err)
		}
		d.over(elsewhere, true)
	})
}

// forget lets the job end what is kept no longer.
func (d *desk) forget() {
	d.Helper()
	if _, err := d.DB.Purge(d.ctx, d.Tenant.ID, retention.Flows, d.Clock.Now(), 100); err != nil {
		d.Fatal(err)
	}
}

func TestNoticeThatNamesASession(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		d.connect(p, "other")
		p.Claims = verified("s", kim)
		p.InToken = map[string]any{"sid": "Sitzung „7“"} // whatever a provider likes to write
		first, second := d.mustEnter(p, "demo"), d.mustEnter(p, "demo")
		renewed, err := d.sessions.Renew(d.ctx, second)
		if err != nil {
			d.Fatal(err)
		}
		elsewhere := d.mustEnter(p, "other")
		p.Claims = verified("t", "tom@example.org")
		toms := d.mustEnter(p, "demo")
		p.InToken = map[string]any{"sid": nil}
		without := d.mustEnter(p, "demo")

		d.ends(logoutToken(p, map[string]any{"sid": "Sitzung „7“", "sub": "t"}), first, false)
		d.over(toms, true)
		d.ends(logoutToken(p, map[string]any{"sid": "Sitzung „7“", "sub": nil}), first, true)
		d.over(renewed, true) // a fresh proof leaves it what it was
		d.over(elsewhere, false)
		d.over(without, false)
		log, err := d.DB.SearchEvents(d.ctx, d.Tenant.ID, audit.Filter{Types: []audit.Type{audit.SessionsEnded}, Limit: 10})
		if err != nil || len(log) != 2 || log[0].User != first.User || log[1].User != toms.User {
			d.Errorf("got record %v and %v, want one line for each person", log, err)
		}
	})
}

// ends sends a notice and compares whether a session is over.
func (d *desk) ends(token string, one session.Session, want bool) {
	d.Helper()
	if err := d.Notice(d.ctx, "demo", token); err != nil {
		d.Fatal(err)
	}
	d.over(one, want)
}

// over compares whether a session is over.
func (d *desk) over(one session.Session, want bool) {
	d.Helper()
	_, err := d.sessions.Find(d.ctx, d.Tenant.ID, one.ID)
	if got := errors.Is(err, session.ErrNone); got != want {
		d.Errorf("got over %t (%v), want %t", got, err, want)
	}
}
