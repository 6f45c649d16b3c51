package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/tenant"
)

// Rule N-9: what needs an address is hidden or explained, and adding one works.
func TestPeopleWithoutAnAddress(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		p.Claims = map[string]any{"sub": "sub-1", "name": "Noa Levi"}
		laptop := s.browser(home)
		laptop.signInBy(p, "demo").wants(t, "the overview", http.StatusOK, "Noa", word(t, "home.noemail"))
		overview := laptop.open("/account")
		if strings.Contains(overview.body, word(t, "profile.lang.mail")) || strings.Contains(overview.body, word(t, "profile.unverified")) {
			t.Error("the overview speaks of letters")
		}
		personal := laptop.open("/account/profile").wants(t, "personal info", http.StatusOK, word(t, "security.noemail"))
		if strings.Contains(personal.body, word(t, "profile.preview")) {
			t.Error("personal info shows a letter that nobody gets")
		}
		laptop.open("/account/security").wants(t, "security", http.StatusOK, word(t, "security.nopassword", "provider", "Demo ID"))
		laptop.open("/verify").wants(t, "verifying", http.StatusOK, word(t, "email.add.title"))
		laptop.open("/account/email").wants(t, "the address", http.StatusOK, word(t, "email.add.lead", "provider", "Demo ID"))
		laptop.follow(laptop.submit("/account/email", "new_email", "noa@example.org")).
			wants(t, "asking", http.StatusOK, word(t, "email.add.sent"), word(t, "email.add.pending", "email", "noa@example.org"))
		letter := s.letter("noa@example.org", mail.EmailChangeConfirm)
		laptop.open(letter.linkPath())
		laptop.submit("/email/confirm").wants(t, "confirming", http.StatusOK, word(t, "email.add.done", "email", "noa@example.org"))
		if got := s.whose("noa@example.org", "demo"); !got.EmailVerified || got.Name != "Noa Levi" {
			t.Errorf("got %+v, want the address proven", got)
		}
		again := s.browser(elsewhere)
		again.signInBy(p, "demo").wants(t, "the next time", http.StatusOK, "noa@example.org")
	})
}

// Where the policy wants a proven address, who has none is led to where one is added, and can do so.
func TestPolicyForPeopleWithoutAnAddress(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		p.Claims = map[string]any{"sub": "sub-1", "name": "Noa Levi"}
		laptop := s.browser(home)
		laptop.signInBy(p, "demo").wants(t, "arriving", http.StatusOK, word(t, "email.add.title"))
		laptop.submit("/account/email", "new_email", "noa@example.org").wants(t, "adding one", http.StatusSeeOther)
		laptop.open(s.letter("noa@example.org", mail.EmailChangeConfirm).linkPath())
		laptop.submit("/email/confirm")
		laptop.open("/account").wants(t, "afterwards", http.StatusOK, "noa@example.org")
	}, func(settings *tenant.Settings) {
		settings.Verification = tenant.Verification{Mode: tenant.VerifyRequire}
	})
}

// Who has no password here is told how they sign in, by letter alone, and only where the address is proven.
func TestForgottenPasswordThatNeverWas(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		s.browser(home).signInBy(p, "demo")
		p.Claims = map[string]any{"sub": "sub-2", "email": "unproven@example.org", "name": "Somebody"}
		s.browser(elsewhere).signInBy(p, "demo")
		stranger := s.browser(elsewhere)
		for _, email := range []string{kim, "unproven@example.org", "nobody@example.org"} {
			stranger.open("/password/forgot")
			stranger.submit("/password/forgot", "email", email).wants(t, "asking", http.StatusSeeOther)
			s.Clock.Advance(2 * time.Minute)
		}
		s.answerResets()
		letter := s.letter(kim, mail.ResetProvider)
		if letter.Provider != "Demo ID" || letter.linkPath() != "/login" || letter.Code != "" {
			t.Errorf("got %+v, want how to sign in and no secret", letter.Facts)
		}
		if n := s.lettersTo(kim, mail.ResetEmail) + s.lettersTo("unproven@example.org", mail.ResetProvider) + s.lettersTo("nobody@example.org", mail.ResetProvider); n != 0 {
			t.Errorf("got %d other letters, want none", n)
		}
		s.person(kim, oldSecret)
		stranger.open("/password/forgot")
		stranger.submit("/password/forgot", "email", kim)
		s.answerResets()
		s.letter(kim, mail.ResetEmail)
	})
}
