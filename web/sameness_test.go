package web_test

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/internal/profile"
	"portico/internal/tenant"
)

// crowd are people of every kind, a number of each, and unknown addresses besides.
type crowd struct {
	*site
	kinds []string
}

func (s *site) crowd(of int) crowd {
	changes := map[string]func(p *profile.Profile){
		"known":      func(*profile.Profile) {},
		"blocked":    func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, At: time.Now()} },
		"unverified": func(p *profile.Profile) { p.EmailVerified = false },
	}
	hash, err := s.hasher.Hash(s.Context(), oldSecret)
	s.do(err)
	c := crowd{s, []string{"unknown"}}
	for kind, change := range changes {
		c.kinds = append(c.kinds, kind)
		for n := range of {
			u := s.NewUser(s.T, c.address(kind, n), change)
			s.do(s.DB.SavePassword(s.Context(), u, hash, s.Clock.Now(), false))
		}
	}
	return c
}

// address is as long for every kind, so that pages are.
func (crowd) address(kind string, n int) string { return fmt.Sprintf("%.5s%03d@example.org", kind, n) }

var setCookie = regexp.MustCompile(`(portico-\w+)=[^;]*`)

// answer is all that an outsider sees of a page, but for the address that they typed and what is random in it.
func (c crowd) answer(p page, address string) string {
	header := p.header.Clone()
	header.Del("X-Request-Id")
	text := fmt.Sprint(p.status, header, tokenPattern.ReplaceAllString(p.body, ""))
	return strings.ReplaceAll(setCookie.ReplaceAllString(text, "$1"), address, "someone")
}

// tolerance is how far the times of two kinds may lie apart (security.md row 16).
const tolerance = 2 * time.Millisecond

// compare asks for every kind in turn, many times, and fails when answers or their times tell one kind from another.
func (c crowd) compare(t *testing.T, rounds int, ask func(kind string, n int) (page, time.Duration, page)) {
	t.Helper()
	slower, faster, answers := map[string]int{}, map[string]int{}, map[string]string{}
	for n := range rounds {
		took := map[string]time.Duration{}
		for i := range c.kinds {
			kind := c.kinds[(i+n)%len(c.kinds)] // each is first as often as the others
			got, passed, then := ask(kind, n)
			took[kind] = passed
			answers[kind] = c.answer(got, c.address(kind, n)) + c.answer(then, c.address(kind, n))
		}
		for kind := range took {
			if gap := took[kind] - took["unknown"]; gap > tolerance {
				slower[kind]++
			} else if gap < -tolerance {
				faster[kind]++
			}
		}
	}
	for _, kind := range c.kinds {
		if answers[kind] != answers["unknown"] {
			t.Errorf("%s: got %s, want %s", kind, answers[kind], answers["unknown"])
		}
		for how, often := range map[string]int{"slower": slower[kind], "faster": faster[kind]} {
			if !testing.Short() && tells(often, rounds) {
				t.Errorf("%s addresses are %s than unknown ones by over %v in %d of %d rounds", kind, how, tolerance, often, rounds)
			}
		}
	}
}

// tells reports whether something that is seen so often in so many rounds is no accident: a sign test, at one in 30,000. Were the
// median of the gap within the tolerance, then half of the rounds at most would show more, however busy the machine is with
// other things: those hit all kinds alike.
func tells(often, rounds int) bool {
	return float64(often) > float64(rounds)/2+4*math.Sqrt(float64(rounds))/2
}

// timed sends a form and returns the answer, how long it took, and the page it leads to.
func (b *browser) timed(path string, fields ...string) (page, time.Duration, page) {
	b.site.Helper()
	start := time.Now()
	got := b.submit(path, fields...)
	took := time.Since(start)
	return got, took, b.follow(got)
}

// a wrong password, to a sign-up, to the wish for a new password, to a withdrawal from a contract, and to the wish for another letter.
// clock is a time of day, which goes on between two answers.
var clock = regexp.MustCompile(`\d\d:\d\d`)

// ASVS 6.3.8, security.md row 16: known, unknown, blocked and unverified addresses get the same answer in the same time, to
// a wrong password, to a sign-up, to the wish for a new password, and to the wish for another letter.
func TestNothingTellsWhoHasAnAccount(t *testing.T) {
	rounds := 40
	if testing.Short() { // the answers alone; a few tries say nothing about their time
		rounds = 2
	}
	place := func(kind string, n int) string { return fmt.Sprintf("10.%d.%d.%d", len(kind), n/200, n%200+1) }
	for name, ask := range map[string]func(c crowd, kind string, n int) (page, time.Duration, page){
		"sign-in": func(c crowd, kind string, n int) (page, time.Duration, page) {
			b := c.browser(place(kind, n))
			b.open("/login")
			return b.timed("/login", "email", c.address(kind, n), "password", "wrong "+oldSecret)
		},
		"sign-up": func(c crowd, kind string, n int) (page, time.Duration, page) {
			b := c.browser(place(kind, n))
			b.open("/signup")
			return b.timed("/signup", "email", c.address(kind, n), "password", newSecret)
		},
		"forgotten password": func(c crowd, kind string, n int) (page, time.Duration, page) {
			b := c.browser(place(kind, n))
			b.open("/password/forgot")
			return b.timed("/password/forgot", "email", c.address(kind, n))
		},
		"withdrawal": func(c crowd, kind string, n int) (page, time.Duration, page) {
			b := c.browser(place(kind, n))
			said := []string{"name", "Rui Costa", "reference", "4711", "email", c.address(kind, n), "nonce", kind + strconv.Itoa(n)}
			b.open("/withdraw")
			b.submit("/withdraw", said...)
			got, took, then := b.timed("/withdraw/confirm", said...)
			then.body = clock.ReplaceAllString(then.body, "now")
			return got, took, then
		},
		"another letter": func(c crowd, kind string, n int) (page, time.Duration, page) {
			b := c.browser(place(kind, n))
			b.open("/signup")
			b.follow(b.submit("/signup", "email", c.address(kind, n), "password", newSecret))
			c.Clock.Advance(2 * time.Minute)
			return b.timed("/verify/again")
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(s *site) {
				c := s.crowd(rounds)
				c.compare(s.T, rounds, func(kind string, n int) (page, time.Duration, page) { return ask(c, kind, n) })
			}, func(s *tenant.Settings) { s.Withdrawal = true })
		})
	}
}

// A right password is all that tells a blocked account from any other (rule B-6).
func TestBlockShowsOnlyAfterTheRightPassword(t *testing.T) {
	onEach(t, func(s *site) {
		c := s.crowd(1)
		b := s.browser(home)
		b.open("/login")
		b.submit("/login", "email", c.address("blocked", 0), "password", "wrong "+oldSecret).
			wants(t, "a wrong password", http.StatusUnprocessableEntity, word(t, "login.refused"))
		b.submit("/login", "email", c.address("blocked", 0), "password", oldSecret).
			wants(t, "the right one", http.StatusForbidden, word(t, "blocked.title"))
	})
}
