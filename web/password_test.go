package web_test

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

const (
	kim       = "Kim.Nowak@example.org"
	oldSecret = "seven umbrellas in the lift"
	newSecret = "nine kettles on the balcony"
	home      = "192.0.2.1"
	elsewhere = "198.51.100.7"
)

// word is a message in English, as it stands in a page.
func word(t *testing.T, key string, args ...any) string {
	return strings.NewReplacer("&", "&amp;", "'", "&#39;", `"`, "&#34;").Replace(i18n.T(t.Context(), key, args...))
}

// forgets asks for a reset letter and returns it.
func (b *browser) forgets(email string) sent {
	b.site.Helper()
	b.open("/password/forgot")
	b.follow(b.submit("/password/forgot", "email", email)).wants(b.site.T, "asking", http.StatusOK, word(b.site.T, "forgot.sent.title"))
	b.site.answerResets()
	return b.site.letter(kim, mail.ResetEmail)
}

func TestForgottenPassword(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop, other := s.browser(home), s.browser(elsewhere)
		other.signIn(kim, oldSecret)
		if !other.signedIn() {
			t.Fatal("cannot sign in")
		}
		letter := laptop.forgets("kim.nowak@example.org")

		opened := laptop.ask(http.MethodGet, letter.linkPath(), nil).wants(t, "ASVS-14.2.1 opening the link", http.StatusSeeOther)
		if opened.location != "/password/reset" || opened.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("got %q with %q, want an address without the secret, and no referrer", opened.location, opened.header.Get("Referrer-Policy"))
		}
		form := laptop.follow(opened).wants(t, "the form", http.StatusOK, `autocomplete="new-password"`, `autocomplete="username"`)
		if strings.Contains(form.body, `name="code"`) {
			t.Error("the browser that asked is asked for the code")
		}
		if secret := path.Base(letter.Link); strings.Contains(form.body, secret) || form.header.Get("Cache-Control") != "no-store" {
			t.Error("the page holds the secret or may be kept")
		}
		laptop.submit("/password/reset", "password", "too short").wants(t, "a short password", http.StatusUnprocessableEntity,
			word(t, "err.password.short", "min", 15))
		saved := laptop.submit("/password/reset", "password", newSecret).wants(t, "a good one", http.StatusSeeOther)
		if saved.location != "/login" {
			t.Errorf("got on to %q, want to sign in", saved.location)
		}
		laptop.follow(saved).wants(t, "afterwards", http.StatusOK, word(t, "reset.done"))
		if laptop.signedIn() {
			t.Error("signed in by the reset")
		}
		if other.signedIn() {
			t.Error("ASVS-7.4.3: the other browser is still signed in")
		}
		s.letter(kim, mail.PasswordChanged)
		laptop.open(letter.linkPath()).wants(t, "ASVS-6.5.1 the link again", http.StatusGone, word(t, "link.used.title"), "/password/forgot")
		if laptop.signIn(kim, oldSecret); laptop.signedIn() {
			t.Error("the old password still works")
		}
		if laptop.signIn(kim, newSecret); !laptop.signedIn() {
			t.Error("the new password does not work")
		}
		if log := s.log.String(); strings.Contains(log, path.Base(letter.Link)) || strings.Contains(log, newSecret) {
			t.Error("a secret stands in the log")
		}
	})
}

func TestResetInAnotherBrowserNeedsTheCode(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		letter := s.browser(home).forgets(kim)
		phone := s.browser(elsewhere)
		phone.open(letter.linkPath()).wants(t, "the form", http.StatusOK, `autocomplete="one-time-code"`)
		phone.submit("/password/reset", "password", newSecret).wants(t, "without the code", http.StatusUnprocessableEntity, word(t, "err.code.short"))
		wrong := strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, letter.Code)
		phone.submit("/password/reset", "password", newSecret, "code", wrong).wants(t, "a wrong code", http.StatusUnprocessableEntity)
		phone.submit("/password/reset", "password", newSecret, "code", letter.Code).wants(t, "the code", http.StatusSeeOther)
		if phone.signIn(kim, newSecret); !phone.signedIn() {
			t.Error("the new password does not work")
		}
	})
}

// A mail scanner opens every link and sends every form it finds (head of rules.md, row 22).
func TestScannerResetsNothing(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop, scanner := s.browser(home), s.browser("203.0.113.9")
		letter := laptop.forgets(kim)
		for range 3 {
			scanner.ask(http.MethodHead, letter.linkPath(), nil)
			scanner.open(letter.linkPath())
			scanner.submit("/password/reset")
			scanner.submit("/password/reset", "password", newSecret, "code", "")
		}
		laptop.open(letter.linkPath()).wants(t, "the person after that", http.StatusOK)
		laptop.submit("/password/reset", "password", newSecret).wants(t, "the person after that", http.StatusSeeOther)
	})
}

func TestUselessResetLinks(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop := s.browser(home)
		first := laptop.forgets(kim)
		s.Clock.Advance(2 * time.Minute)
		second := laptop.forgets(kim)
		way := `href="/password/forgot"`
		laptop.open(first.linkPath()).wants(t, "replaced", http.StatusGone, word(t, "link.replaced.title"), way)
		laptop.submit("/password/reset", "password", newSecret).wants(t, "replaced", http.StatusGone)
		laptop.open("/password/reset/AAAA").wants(t, "unknown", http.StatusGone, word(t, "link.unknown.title"), way)
		s.browser(home).open("/password/reset").wants(t, "no link at all", http.StatusGone, word(t, "link.unknown.title"), way)
		s.Clock.Advance(61 * time.Minute)
		laptop.open(second.linkPath()).wants(t, "expired", http.StatusGone, word(t, "link.expired.title"), way)
	})
}

// Row 21: links begin with the configured origin, whatever host a request names.
func TestResetLinkIgnoresTheHostHeader(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop := s.browser(home)
		laptop.open("/password/forgot")
		letter := laptop.forgets(kim)
		if !strings.HasPrefix(letter.Link, s.Tenant.Origin+"/password/reset/") {
			t.Errorf("got %s, want a link to %s", letter.Link, s.Tenant.Origin)
		}
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Tenant.Origin+"/password/forgot", nil)
		r.Host = "evil.example"
		if response, err := laptop.RoundTrip(r); err != nil || response.StatusCode != http.StatusNotFound {
			t.Errorf("a forged host: got %v, %v, want 404", response.StatusCode, err)
		}
	})
}

// Row 16: every address gets the same answer, and none tells by its time whether it is known.
func TestForgotAnswersTheSameToEveryAddress(t *testing.T) {
	if testing.Short() {
		t.Skip("asks a thousand times")
	}
	onEach(t, func(s *site) {
		const rounds = 40 // each answer takes a quarter of a second
		kinds := map[string]func(p *profile.Profile){
			"known":      func(*profile.Profile) {},
			"blocked":    func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, At: time.Now()} },
			"unverified": func(p *profile.Profile) { p.EmailVerified = false },
			"unknown":    nil,
		}
		address := func(kind string, n int) string { return fmt.Sprintf("%s%d@example.org", kind, n) }
		for kind, change := range kinds {
			for n := range rounds {
				if change != nil {
					s.NewUser(t, address(kind, n), change)
				}
			}
		}
		times, answers := map[string][]time.Duration{}, map[string]string{}
		for n := range rounds {
			b := s.browser(fmt.Sprintf("10.0.%d.%d", n/200, n%200))
			b.open("/password/forgot")
			for kind := range kinds {
				start := time.Now()
				got := b.submit("/password/forgot", "email", address(kind, n))
				times[kind] = append(times[kind], time.Since(start))
				answers[kind] = strings.Join([]string{http.StatusText(got.status), got.location, got.body, got.header.Get("Content-Length")}, "|")
			}
		}
		unknown := median(times["unknown"])
		for kind, all := range times {
			if answers[kind] != answers["unknown"] {
				t.Errorf("%s: got %q, want %q", kind, answers[kind], answers["unknown"])
			}
			if gap := (median(all) - unknown).Abs(); gap > max(2*time.Millisecond, unknown/4) {
				t.Errorf("%s: the median is %v away from the %v of unknown addresses", kind, gap, unknown)
			}
		}
	})
}

func median(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

func TestChangePassword(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop, phone := s.browser(home), s.browser(elsewhere)
		phone.signIn(kim, oldSecret)
		laptop.signIn(kim, oldSecret)
		laptop.open("/.well-known/change-password").wants(t, "the well-known address", http.StatusOK, `autocomplete="current-password"`,
			`autocomplete="new-password"`, `autocomplete="username"`)
		const form = "/account/security/password"
		laptop.submit(form, "current_password", "wrong "+oldSecret, "password", newSecret).
			wants(t, "a wrong current one", http.StatusUnprocessableEntity, word(t, "err.password.current"))
		laptop.submit(form, "current_password", oldSecret, "password", oldSecret).
			wants(t, "the same one", http.StatusUnprocessableEntity, word(t, "err.password.same"))
		refused := laptop.submit(form, "current_password", oldSecret, "password", "PorticoPortico1!").
			wants(t, "a bad one", http.StatusUnprocessableEntity)
		if strings.Contains(refused.body, oldSecret) || strings.Contains(refused.body, "PorticoPortico1!") {
			t.Error("a password was put back into the page")
		}
		laptop.follow(laptop.submit(form, "current_password", oldSecret, "password", newSecret)).
			wants(t, "a good one", http.StatusOK, word(t, "reset.done"))
		if !laptop.signedIn() || phone.signedIn() {
			t.Errorf("got signed in here %v, there %v, want here only", laptop.signedIn(), phone.signedIn())
		}
		s.letter(kim, mail.PasswordChanged)
	})
}

// Row 42.
func TestChangePasswordNeedsAFreshProof(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop := s.browser(home)
		laptop.signIn(kim, oldSecret)
		s.Clock.Advance(16 * time.Minute)
		asked := laptop.open("/account/security/password").wants(t, "16 minutes later", http.StatusOK, word(t, "reauth.title"))
		if !strings.HasPrefix(asked.path, "/reauth?") {
			t.Errorf("got %s, want the page that asks again", asked.path)
		}
		laptop.follow(laptop.submit("/reauth", "password", oldSecret, "return_to", "/account/security/password")).
			wants(t, "after the proof", http.StatusOK, word(t, "password.current"))
		stranger := s.browser(home)
		if got := stranger.open("/account/security/password"); !strings.HasPrefix(got.path, "/login?") {
			t.Errorf("got %s, want sign-in first", got.path)
		}
	})
}

// Row 11: twenty wrong current passwords are too many.
func TestWrongCurrentPasswordsAreTooMany(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop := s.browser(home)
		laptop.signIn(kim, oldSecret)
		laptop.open("/account/security/password")
		for range 20 {
			got := laptop.submit("/account/security/password", "current_password", "wrong "+oldSecret, "password", newSecret)
			if got.header.Get("Retry-After") != "" {
				return
			}
		}
		t.Error("20 wrong current passwords were all looked at")
	})
}

func TestMustChangePassword(t *testing.T) {
	onEach(t, func(s *site) {
		u := s.person(kim, oldSecret)
		s.do(s.DB.RequirePasswordChange(t.Context(), u))
		laptop := s.browser(home)
		got := laptop.signIn(kim, oldSecret).wants(t, "signing in", http.StatusOK, word(t, "password.must"))
		if !strings.HasPrefix(got.path, "/account/security/password?") {
			t.Errorf("got %s, want the page that changes the password", got.path)
		}
		laptop.follow(laptop.submit("/account/security/password", "current_password", oldSecret, "password", newSecret, "return_to", "/account/profile")).
			wants(t, "after the change", http.StatusOK, word(t, "profile.title"))
	})
}

// Row 12: one policy on every path.
func TestEveryPathHasOnePolicy(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret, func(p *profile.Profile) { p.Name = "Kim Nowak" })
		laptop := s.browser(home)
		letter := laptop.forgets(kim)
		member := s.browser(elsewhere)
		member.signIn(kim, oldSecret)
		signup := s.browser("203.0.113.1")
		paths := map[string]func(bad string) page{
			"sign-up": func(bad string) page {
				signup.open("/signup")
				return signup.submit("/signup", "email", kim, "password", bad, "terms", "on")
			},
			"reset": func(bad string) page {
				laptop.open(letter.linkPath())
				return laptop.submit("/password/reset", "password", bad)
			},
			"change": func(bad string) page {
				member.open("/account/security/password")
				return member.submit("/account/security/password", "current_password", oldSecret, "password", bad)
			},
		}
		for bad, key := range map[string]string{
			"":                          "err.password.empty",
			"fourteen chars":            "err.password.short",
			strings.Repeat("xq7", 50):   "err.password.long",
			"passwordpassword":          "err.password.common",
			"kim.nowak@example.org":     "err.password.personal",
			"HarbourBooks1HarbourBooks": "err.password.personal",
		} {
			for name, try := range paths {
				try(bad).wants(t, name+" with "+key, http.StatusUnprocessableEntity, word(t, key, "min", 15, "max", 128))
			}
		}
	}, func(s *tenant.Settings) { s.Product = "Harbour Books" })
}
