package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"portico/internal/idp"
	"portico/internal/mail"
	"portico/internal/profile"
)

// Account takeover by a provider, against one that lies. Each test is one way that worked somewhere else; those that need
// no browser are in package idp.

// Somebody signs up with another's address and waits for its owner to come by a provider ("pre-hijacking", Sudhodanan and
// Paverd, USENIX Security 2022).
func TestSquatterGainsNothingWhenTheOwnerArrives(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		s.person(kim, "the squatter's own words", func(p *profile.Profile) { p.EmailVerified = false })
		squatter := s.browser(elsewhere)
		squatter.signIn(kim, "the squatter's own words")
		owner := s.browser(home)
		owner.signInBy(p, "demo").wants(t, "the owner", http.StatusOK, "Kim")
		if here, there := s.whose(kim, profile.Database), s.whose(kim, "demo"); here.User == there.User || here.EmailVerified || !there.EmailVerified {
			t.Errorf("got %+v and %+v, want two profiles, the owner's alone verified", here, there)
		}
		if got := squatter.open("/account/profile"); strings.Contains(got.body, "Kim Berg") {
			t.Error("the squatter sees the owner's profile")
		}
	})
}

// A provider says of everybody that their address is verified.
func TestLyingProviderVerifiesNothing(t *testing.T) {
	onEach(t, func(s *site) {
		owners := s.person(kim, oldSecret)
		p := s.provider("demo", func(c *idp.Connection) { c.Trust = false })
		thief := s.browser(elsewhere)
		thief.signInBy(p, "demo")
		liar := s.whose(kim, "demo")
		if liar.EmailVerified || liar.User == owners {
			t.Errorf("got %+v, want a profile of its own whose address is not verified", liar)
		}
		thief.open("/password/forgot")
		thief.submit("/password/forgot", "email", kim)
		s.answerResets()
		if letter := s.letter(kim, mail.ResetEmail); letter.User != owners.ID {
			t.Errorf("the letter is about %s, want the owner", letter.User)
		}
		if has, err := s.DB.HasPassword(s.Context(), liar.User); err != nil || has {
			t.Errorf("the provider's profile has a password: %v", err)
		}
	})
}

// The provider gives the address to somebody else, who then resets or verifies here what was the first one's.
func TestAddressThatMovedUpstream(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		laptop := s.browser(home)
		laptop.signInBy(p, "demo")
		first := s.whose(kim, "demo")
		p.Claims = map[string]any{"sub": "sub-2", "email": kim, "email_verified": true, "name": "Somebody Else"}
		stranger := s.browser(elsewhere)
		stranger.signInBy(p, "demo").wants(t, "the second holder", http.StatusOK)
		if got := stranger.open("/account/profile"); strings.Contains(got.body, "Kim Berg") {
			t.Error("the address alone led into the first holder's account")
		}
		if now := s.whose(kim, "demo"); now.User != first.User {
			t.Errorf("the address moved to %s", now.User.ID)
		}
	})
}

// Login CSRF: the thief's own answer, posted or linked into the victim's browser, would sign the victim in as the thief,
// who then reads what the victim enters.
func TestAnswersDoNotSignOthersIn(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		victimsID := s.person("victim@example.org", oldSecret)
		thief, victim := s.browser(elsewhere), s.browser(home)
		victim.signIn("victim@example.org", oldSecret)
		thief.open("/login")
		u := p.Visit(thief.leave("/login/with/demo"))
		posted := victim.postAcross(u.Path, u.Query())
		if got := victim.follow(posted); got.status != http.StatusGone {
			t.Errorf("a posted answer: got %d, want %d", got.status, http.StatusGone)
		}
		u = p.Visit(thief.leaveAgain("/login/with/demo"))
		victim.open(u.RequestURI()).wants(t, "a link", http.StatusGone)
		victim.open("/account/profile").wants(t, "the victim", http.StatusOK, "victim@example.org")
		if sessions, err := s.DB.Sessions(s.Context(), victimsID); err != nil || len(sessions) != 1 {
			t.Errorf("got %d sessions and %v, want the victim's own", len(sessions), err)
		}
	})
}

// Mix-up (RFC 9700, section 4.4): a dishonest provider hands on the honest one's answer, to have the code sent to itself.
func TestMixUp(t *testing.T) {
	onEach(t, func(s *site) {
		honest := s.provider("honest")
		evil := s.provider("evil")
		victim := s.browser(home)
		victim.open("/login")
		toHonest := honest.Visit(victim.leave("/login/with/honest"))
		q := toHonest.Query()
		victim.open("/login/callback/evil?"+q.Encode()).wants(t, "at the evil one's address", http.StatusGone)
		q = honest.Visit(victim.leaveAgain("/login/with/honest")).Query()
		q.Set("iss", evil.Issuer)
		victim.open("/login/callback/honest?"+q.Encode()).wants(t, "in the evil one's name", http.StatusGone)
		toEvil, err := url.Parse(victim.leaveAgain("/login/with/evil"))
		s.do(err)
		lure := toEvil.Query()
		stolen := honest.Code(url.Values{"redirect_uri": {lure.Get("redirect_uri")}, "nonce": {lure.Get("nonce")}, "code_challenge": {lure.Get("code_challenge")}})
		answer := url.Values{"state": {lure.Get("state")}, "code": {stolen}, "iss": {evil.Issuer}}
		victim.open("/login/callback/evil?"+answer.Encode()).wants(t, "the honest one's code at the evil one", http.StatusBadGateway)
		if victim.signedIn() || honest.Tokens() != 0 {
			t.Errorf("signed in, or %d codes of the honest provider used", honest.Tokens())
		}
	})
}

// A session that somebody planted before the trip is worth nothing after it.
func TestTripEndsThePlantedSession(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		laptop := s.browser(home)
		laptop.open("/login")
		planted := *laptop
		planted.client = &http.Client{Transport: laptop, CheckRedirect: laptop.client.CheckRedirect}
		origin, err := url.Parse(s.Tenant.Origin)
		s.do(err)
		before := laptop.client.Jar.Cookies(origin)
		planted.client.Jar = s.browser(elsewhere).client.Jar
		planted.client.Jar.SetCookies(origin, before)
		laptop.signInBy(p, "demo")
		if !laptop.signedIn() || planted.signedIn() {
			t.Errorf("signed in %t, with the planted session %t", laptop.signedIn(), planted.signedIn())
		}
	})
}
