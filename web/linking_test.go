package web_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/idp"
	"portico/internal/profile"
	"portico/internal/tenant"
)

const linkingPage = "/account/connections"

func TestConnectingAProvider(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		s.person("kim@work.example", oldSecret)
		laptop := s.browser(home)
		laptop.signIn("kim@work.example", oldSecret)
		laptop.open("/account/security").wants(t, "the security page", http.StatusOK, word(t, "linking.title"))
		laptop.open(linkingPage).wants(t, "the page", http.StatusOK, word(t, "linking.none"), word(t, "linking.connect", "provider", "Demo ID"), "kim@work.example")
		laptop.open(linkingPage+"/join").wants(t, "a comparison that nobody began", http.StatusGone, word(t, "provider.old.title"), `href="`+linkingPage+`"`)
		asked := laptop.back(p, laptop.leave(linkingPage+"/with/demo"))
		laptop.follow(asked).wants(t, "the question", http.StatusOK, word(t, "linking.confirm.add.title", "provider", "Demo ID"), "Kim Berg", kim)
		if attached := s.identities("kim@work.example"); attached != 0 {
			t.Errorf("got %d identities before the button was pressed", attached)
		}
		done := laptop.follow(laptop.submit(linkingPage + "/join"))
		done.wants(t, "the answer", http.StatusOK, word(t, "linking.done"), word(t, "linking.remove", "provider", "Demo ID"))
		other := s.browser(elsewhere)
		other.signInBy(p, "demo")
		other.open("/account/profile").wants(t, "signing in by it", http.StatusOK, "kim@work.example")
		off := laptop.linked("demo", "sub-1")
		laptop.open(off).wants(t, "the question before taking it off", http.StatusOK, word(t, "linking.remove.title", "provider", "Demo ID"),
			word(t, "linking.remove.effect.terms"))
		gone := laptop.follow(laptop.submit(off))
		gone.wants(t, "taking it off", http.StatusOK, word(t, "linking.removed"))
		if other.signedIn() {
			t.Error("a session that it opened goes on")
		}
	})
}

// linked is where an identity is taken off.
func (b *browser) linked(connection, subject string) string {
	return linkingPage + "/disconnect/" + idp.Linked{Connection: connection, Identity: idp.Identity{Subject: subject}}.Mark()
}

// The address that the page had first leads to where it is.
func TestLinkingWasElsewhere(t *testing.T) {
	onEach(t, func(s *site) {
		if got := s.browser(home).ask(http.MethodGet, "/account/security/connections", nil); got.status != http.StatusMovedPermanently || got.location != linkingPage {
			t.Errorf("got %d to %q, want to be led on", got.status, got.location)
		}
	})
}

func (s *site) identities(email string) int {
	s.Helper()
	all, err := s.DB.Identities(s.Context(), s.whose(email, profile.Database).User)
	s.do(err)
	return len(all)
}

func TestJoiningTwoAccounts(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		phone := s.browser(elsewhere)
		phone.signInBy(p, "demo")
		theirs := s.whose(kim, "demo")
		theirs.UserMetadata = profile.Metadata{"lang": json.RawMessage(`"en"`), "shelf": json.RawMessage(`"travel"`), "note": json.RawMessage(`"by another program"`)}
		s.do(s.DB.SaveMetadata(s.Context(), theirs))
		s.person(kim, oldSecret, func(p *profile.Profile) { p.UserMetadata = profile.Metadata{"lang": json.RawMessage(`"en"`)} })
		laptop := s.browser(home)
		laptop.signIn(kim, oldSecret)
		laptop.open(linkingPage).wants(t, "the hint", http.StatusOK, word(t, "linking.suggest", "provider", "Demo ID"))
		phone.open(linkingPage).wants(t, "the hint the other way", http.StatusOK, word(t, "linking.suggest.password", "provider", "Demo ID"), word(t, "linking.main.why"))
		laptop.open(linkingPage)
		laptop.follow(laptop.back(p, laptop.leave(linkingPage+"/with/demo"))).wants(t, "the comparison", http.StatusOK,
			word(t, "linking.confirm.title"), word(t, "linking.copy", "keys", "note, Favourite shelf"), word(t, "linking.lost", "provider", "Demo ID", "keys", word(t, "linking.setting.lang")), word(t, "linking.effect.gone"))
		laptop.follow(laptop.submit(linkingPage+"/join", "copy", "on")).wants(t, "the answer", http.StatusOK, word(t, "linking.done"))
		if phone.signedIn() {
			t.Error("the other account is still signed in")
		}
		if got := s.whose(kim, profile.Database); got.UserMetadata.Text("shelf") != "travel" {
			t.Errorf("got %s, want the shelf taken along", got.UserMetadata.JSON())
		}
		if _, err := s.DB.FindProfile(s.Context(), theirs.User); !errors.Is(err, profile.ErrNotFound) {
			t.Errorf("the other account: %v", err)
		}
		laptop.submit(linkingPage+"/join").wants(t, "pressing the button again", http.StatusGone)
	}, func(settings *tenant.Settings) {
		settings.Metadata = json.RawMessage(`{"type":"object","properties":{"shelf":{"type":"string","x-label":{"en":"Favourite shelf"}}}}`)
	})
}

// Rule I-4: the identity an account came from stays, whatever a form says, and so does whatever is somebody else's.
func TestMainIdentityStays(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		laptop := s.browser(home)
		laptop.signInBy(p, "demo")
		shown := laptop.open(linkingPage).wants(t, "the page", http.StatusOK, word(t, "linking.main.why"), word(t, "linking.sync.each", "provider", "Demo ID"))
		if strings.Contains(shown.body, "/disconnect/") {
			t.Error("it can be taken off")
		}
		s.person("eve@example.org", oldSecret)
		eve := s.browser(elsewhere)
		eve.signIn("eve@example.org", oldSecret)
		for _, b := range []*browser{laptop, eve} {
			b.open(linkingPage)
			if got := b.submit(b.linked("demo", "sub-1")); got.status != http.StatusSeeOther || got.location != linkingPage {
				t.Errorf("got %d to %q, want to be led back", got.status, got.location)
			}
		}
		if again := s.browser(elsewhere); !strings.Contains(again.signInBy(p, "demo").body, "Kim") {
			t.Error("the identity leads nowhere")
		}
	})
}

// Both sides must be fresh, and a form of ours must have asked (rule I-2).
func TestConnectingNeedsBothProofs(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		s.person("kim@work.example", oldSecret)
		laptop := s.browser(home)
		laptop.signIn("kim@work.example", oldSecret)
		laptop.open(linkingPage)
		s.Clock.Advance(16 * time.Minute)
		laptop.follow(laptop.submit(linkingPage+"/with/demo")).wants(t, "an old proof here", http.StatusOK, word(t, "reauth.title"))
		laptop.follow(laptop.submit("/reauth", "password", oldSecret, "return_to", "/resume")).
			wants(t, "going on", http.StatusOK, word(t, "linking.resume"), word(t, "linking.connect", "provider", "Demo ID"))
		s.Clock.Advance(11 * time.Minute)
		laptop.follow(laptop.back(p, laptop.leave(linkingPage+"/with/demo"))).wants(t, "a proof here of 11 minutes", http.StatusOK, word(t, "reauth.title"))
		laptop.follow(laptop.submit("/reauth", "password", oldSecret, "return_to", linkingPage+"/join")).
			wants(t, "proven again", http.StatusOK, word(t, "linking.confirm.add.title", "provider", "Demo ID"))
		s.Clock.Advance(9 * time.Minute)
		laptop.open(linkingPage + "/join")
		s.Clock.Advance(2 * time.Minute)
		laptop.follow(laptop.submit(linkingPage+"/join")).wants(t, "thought about it for too long", http.StatusOK, word(t, "reauth.title"))
		if n := s.identities("kim@work.example"); n != 0 {
			t.Errorf("got %d identities, want none", n)
		}
		laptop.submit("/reauth", "password", oldSecret, "return_to", linkingPage)
		laptop.open(linkingPage)
		p.AuthAge = time.Hour
		laptop.back(p, laptop.leave(linkingPage+"/with/demo")).wants(t, "an old proof there", http.StatusForbidden, word(t, "provider.fresh.title", "provider", "Demo ID"))
		p.AuthAge = 0
		laptop.open(linkingPage)
		address := laptop.leave(linkingPage + "/with/demo")
		laptop.open("/account")
		laptop.submit("/logout")
		laptop.back(p, address).wants(t, "signed out meanwhile", http.StatusGone)
		if n := s.identities("kim@work.example"); n != 0 {
			t.Errorf("got %d identities, want none", n)
		}
		laptop.token = "forged"
		if got := laptop.submit(linkingPage + "/join"); got.status != http.StatusForbidden {
			t.Errorf("a forged form: got %d, want %d", got.status, http.StatusForbidden)
		}
	})
}

func TestWhatCannotBeConnectedSaysWhy(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		s.person("ana@example.org", oldSecret)
		s.person("kim@work.example", oldSecret)
		for _, email := range []string{"ana@example.org", "kim@work.example"} {
			laptop := s.browser(home)
			laptop.signIn(email, oldSecret)
			laptop.open(linkingPage)
			got := laptop.follow(laptop.back(p, laptop.leave(linkingPage+"/with/demo")))
			if email == "ana@example.org" {
				laptop.submit(linkingPage+"/join").wants(t, "the first", http.StatusSeeOther)
				continue
			}
			got.wants(t, "the second", http.StatusConflict, word(t, "linking.refused.elsewhere"))
		}
		person := s.browser(elsewhere)
		person.signInBy(p, "demo")
		if got := person.open("/account/profile"); !strings.Contains(got.body, "ana@example.org") {
			t.Error("the identity leads elsewhere")
		}
	})
}
