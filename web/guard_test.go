package web_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/profile"
)

// guess tries one wrong password and then waits long enough to be looked at again, and returns the answer.
func (b *browser) guess(email string) page {
	b.site.Helper()
	b.open("/login")
	got := b.submit("/login", "email", email, "password", "wrong "+oldSecret)
	b.site.Clock.Advance(2 * time.Minute)
	return got
}

// Rows 48 and 49, rules B-3 and B-5.
func TestGuessingIsStopped(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		thief, owner := s.browser(elsewhere), s.browser(home)
		for range 4 {
			thief.open("/login")
			thief.submit("/login", "email", kim, "password", "wrong "+oldSecret).
				wants(t, "a wrong password", http.StatusUnprocessableEntity, word(t, "login.refused"))
		}
		waiting := thief.submit("/login", "email", kim, "password", oldSecret).wants(t, "the right one too soon", http.StatusTooManyRequests)
		if waiting.header.Get("Retry-After") != "1" {
			t.Errorf("got Retry-After %q, want 1", waiting.header.Get("Retry-After"))
		}
		s.Clock.Advance(2 * time.Minute)
		for range 6 {
			thief.guess(kim)
		}
		blocked := thief.guess(kim)
		if blocked.header.Get("Retry-After") == "" {
			t.Error("the 11th try was looked at")
		}
		s.Clock.Advance(24 * time.Hour)
		thief.open("/login")
		if thief.submit("/login", "email", kim, "password", oldSecret); thief.signedIn() {
			t.Error("signed in from the blocked place")
		}
		if owner.signIn(kim, oldSecret); !owner.signedIn() {
			t.Error("the owner cannot sign in from home")
		}
		if n := s.lettersTo(kim, mail.BlockedAccount); n != 1 {
			t.Errorf("got %d letters, want 1", n)
		}
	})
}

func TestUnblockLetterLiftsTheBlock(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop := s.browser(home)
		for range 10 {
			laptop.guess(kim)
		}
		letter := s.letter(kim, mail.BlockedAccount)
		if letter.Count != 10 || letter.IP != home {
			t.Errorf("got %d tries from %s, want 10 from %s", letter.Count, letter.IP, home)
		}
		laptop.open(letter.linkPath()).wants(t, "the link", http.StatusOK, home)
		if laptop.signIn(kim, oldSecret); laptop.signedIn() {
			t.Error("opening the link lifted the block")
		}
		laptop.open(letter.linkPath())
		laptop.follow(laptop.submit("/unblock", "code", letter.Code)).wants(t, "the button", http.StatusOK, word(t, "unblock.done"))
		if laptop.signIn(kim, oldSecret); !laptop.signedIn() {
			t.Error("cannot sign in after the block was lifted")
		}
	})
}

// ASVS 6.3.8: counters tell nothing about who exists.
func TestUnknownAddressesAreStoppedTheSame(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		thieves := map[string]*browser{kim: s.browser(elsewhere), "nobody@example.org": s.browser("203.0.113.3")}
		for n := range 12 {
			var seen []string
			for email, thief := range thieves {
				got := thief.guess(email)
				text := strings.ReplaceAll(plainText(got.body), email, "ADDRESS")
				seen = append(seen, http.StatusText(got.status)+got.header.Get("Retry-After")+text)
			}
			// The clock moves between the two, so only whether they have to wait is the same, not how long.
			if waits := func(s string) bool { return strings.Contains(s, "Too many") }; waits(seen[0]) != waits(seen[1]) {
				t.Errorf("try %d: got %q and %q, want the same", n+1, seen[0], seen[1])
			}
		}
	})
}

// Row 50: an attack from anywhere leaves the owner's own device alone.
func TestAttackDoesNotLockTheOwnerOut(t *testing.T) {
	if testing.Short() {
		t.Skip("guesses a hundred times")
	}
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		owner := s.browser(home)
		owner.signIn(kim, oldSecret)
		owner.open("/account/profile")
		owner.submit("/logout")
		for n := range 100 {
			thief := s.browser("10.9.0." + string(rune('0'+n%10)))
			thief.open("/login")
			thief.submit("/login", "email", kim, "password", "wrong "+oldSecret)
			s.Clock.Advance(time.Hour + time.Second)
		}
		stranger := s.browser(elsewhere)
		if stranger.signIn(kim, oldSecret); stranger.signedIn() {
			t.Error("a right password on a new device was let in after 100 failures")
		}
		if owner.signIn(kim, oldSecret); !owner.signedIn() {
			t.Error("the owner is locked out of their own device")
		}
	})
}

// Rule B-4: the two kinds of block know nothing of each other.
func TestAdministratorsBlockStays(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret, func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, At: time.Now()} })
		laptop := s.browser(home)
		for range 10 {
			laptop.guess(kim)
		}
		letter := s.letter(kim, mail.BlockedAccount)
		laptop.open(letter.linkPath())
		laptop.submit("/unblock", "code", letter.Code)
		laptop.signIn(kim, oldSecret).wants(t, "signing in", http.StatusForbidden, word(t, "blocked.title"))
	})
}

// Row 52: without the counters nobody gets in, and nobody is told more than that it does not work.
func TestGuardFailsClosed(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop := s.browser(home)
		laptop.open("/login")
		s.do(s.DB.Close())
		for path, fields := range map[string][]string{
			"/login":           {"email", kim, "password", oldSecret},
			"/password/forgot": {"email", kim},
		} {
			if got := laptop.submit(path, fields...); got.status < http.StatusInternalServerError {
				t.Errorf("%s: got %d, want it to fail", path, got.status)
			}
		}
	})
}

// Row 10 and row 48: parallel tries neither fill the memory nor slip through.
func TestParallelGuessesAreFew(t *testing.T) {
	onEach(t, func(s *site) {
		s.person(kim, oldSecret)
		laptop := s.browser(home)
		laptop.open("/login")
		var wg sync.WaitGroup
		var mu sync.Mutex
		looked := 0
		for range 60 {
			wg.Go(func() {
				thief := *laptop
				if got := thief.submit("/login", "email", kim, "password", "wrong "+oldSecret); got.header.Get("Retry-After") == "" {
					mu.Lock()
					defer mu.Unlock()
					looked++
				}
			})
		}
		wg.Wait()
		if looked > 20 {
			t.Errorf("got %d of 60 parallel guesses looked at, want at most 20", looked)
		}
		if n := s.lettersTo(kim, mail.BlockedAccount); n > 1 {
			t.Errorf("got %d letters, want at most 1", n)
		}
	})
}
