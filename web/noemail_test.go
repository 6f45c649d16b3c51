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
		overview := laptop.open("/account").wants(t, "the overview", http.StatusOK, word(t, "btn.add"))
		if strings.Contains(overview.body, word(t, "profile.lang.mail.row")) || strings.Contains(overview.body, word(t, "profile.unverified")) {
			t.Error("the overview speaks of letters")
		}
		personal := laptop.open("/account/profile").wants(t, "personal info", http.StatusOK, word(t, "security.noemail"))
		if strings.Contains(personal.body, word(t, "profile.preview")) || strings.Contains(personal.body, word(t, "profile.region.hint")) {
			t.Error("personal info shows a letter that nobody gets")
		}
		laptop.open("/account/security").wants(t, "security", http.StatusOK, word(t, "security.nopassword", "provider", "Demo ID"), word(t, "btn.add"))
		laptop.open("/account/consents").wants(t, "consents", http.StatusOK, word(t, "consent.noemail"))
		laptop.open("/verify").wants(t, "verifying", http.StatusOK, word(t, "email.add.title"))
		laptop.open("/account/email").wants(t, "the address", http.StatusOK, word(t, "email.add.lead", "provider", "Demo ID"))
		laptop.follow(laptop.submit("/account/email", "new_email", "noa@example.org")).
			wants(t, "asking", http.StatusOK, word(t, "email.add.sent"), word(t, "email.add.pending", "email", "noa@example.org"))
		laptop.open("/account/email").wants(t, "waiting", http.StatusOK, word(t, "email.add.cancel"))
		laptop.follow(laptop.submit("/account/email/cancel")).wants(t, "giving up", http.StatusOK, word(t, "email.add.cancelled"))
		s.Clock.Advance(2 * time.Minute)
		laptop.submit("/account/email", "new_email", "noa@example.org")
		letter := s.letter("noa@example.org", mail.EmailChangeConfirm)
		laptop.open("/account/email")
		laptop.submit("/account/email/code", "code", strings.Map(func(r rune) rune { return (r-'0'+1)%10 + '0' }, letter.Code)).wants(t, "a wrong code", http.StatusUnprocessableEntity, word(t, "err.code.wrong", "count", 4))
		laptop.submit("/account/email/code", "code", "").wants(t, "no code", http.StatusUnprocessableEntity, word(t, "err.code.short"))
		laptop.submit("/account/email/code", "code", letter.Code).wants(t, "confirming", http.StatusOK, word(t, "email.add.done", "email", "noa@example.org"))
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

// Rules N-9 and P-3, for administrators: what needs an address or a password is not offered to who has none, and refused with
// the reason; what a provider owns is shown as such.
func TestAdministratorsAndPeopleOfProviders(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		p.Claims = map[string]any{"sub": "sub-1", "name": "Noa Levi"}
		s.browser(elsewhere).signInBy(p, "demo")
		root := s.administrator()
		const noa = "/admin/users/oidc%7Cdemo%7Csub-1"
		form := root.open(noa).wants(t, "the profile", http.StatusOK, word(t, "admin.tag.noemail"), word(t, "admin.managed", "provider", "Demo ID"))
		if strings.Contains(form.body, word(t, "profile.unverified")) {
			t.Error("an address that is not there is called unverified")
		}
		root.submit(noa, "name", "Somebody Else").wants(t, "writing over the provider", http.StatusUnprocessableEntity, word(t, "profile.managed", "provider", "Demo ID"))
		why, whyNot := word(t, "admin.noemail"), word(t, "admin.nopassword", "provider", "Demo ID")
		actions := root.open(noa+"/actions").wants(t, "the actions", http.StatusOK, why, whyNot)
		for action, reason := range map[string]string{"verify": why, "reset": why, "change": whyNot} {
			if strings.Contains(actions.body, `value="`+action+`"`) {
				t.Errorf("%s is offered", action)
			}
			root.submit(noa+"/actions", "action", action).wants(t, action, http.StatusUnprocessableEntity, reason)
		}
		ana := s.person("ana@example.org", oldSecret)
		usual := root.open("/admin/users/"+strings.ReplaceAll(ana.ID, "|", "%7C")+"/actions").wants(t, "somebody with both", http.StatusOK, `value="reset"`, `value="change"`)
		if strings.Contains(usual.body, why) || strings.Contains(usual.body, whyNot) {
			t.Error("gives reasons for nothing")
		}
	})
}
