package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/internal/idp"
	"portico/internal/idp/idptest"
)

// Point 7: signing out at the provider as well, where the connection says so.
func TestSigningOutAtTheProvider(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo", func(c *idp.Connection) { c.SignOut = true })
		laptop := s.browser(home)
		laptop.signInBy(p, "demo")
		laptop.open("/account")
		left := laptop.submit("/logout").wants(t, "signing out", http.StatusOK, word(t, "provider.leaving.title", "provider", "Demo ID"))
		if address := left.header.Get("Refresh"); !strings.HasPrefix(address, "0; url="+p.Issuer+"/logout?") {
			t.Errorf("leads to %q, want the provider", address)
		}
		if strings.Contains(left.body, "Kim Berg") || laptop.signedIn() {
			t.Error("still signed in here")
		}
		s.person("ana@example.org", oldSecret)
		laptop.signIn("ana@example.org", oldSecret)
		laptop.open("/account")
		if got := laptop.submit("/logout"); got.location != idp.SignedOutPath {
			t.Errorf("who came by a password: got to %q", got.location)
		}
	})
}

func TestProviderSaysThatSomebodySignedOut(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		laptop := s.browser(home)
		laptop.signInBy(p, "demo")
		token := func(audience string) string {
			return p.Sign(map[string]any{ // which session is over, and nobody's name
				"iss": p.Issuer, "aud": audience, "iat": p.Now().Unix(), "exp": p.Now().Add(time.Minute).Unix(), "jti": "1", "sid": "session-1",
				"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
			})
		}
		tell := func(connection, token string) int {
			return s.browser(elsewhere).postAcross("/login/backchannel/"+connection, url.Values{"logout_token": {token}}).status
		}
		if got := tell("demo", token("somebody else")); got != http.StatusBadRequest || !laptop.signedIn() {
			t.Errorf("a notice for somebody else: got %d", got)
		}
		if got := tell("nowhere", token(idptest.ClientID)); got != http.StatusNotFound {
			t.Errorf("an unknown connection: got %d", got)
		}
		if got := tell("demo", token(idptest.ClientID)); got != http.StatusOK || laptop.signedIn() {
			t.Errorf("got %d, still signed in %t", got, laptop.signedIn())
		}
	})
}
