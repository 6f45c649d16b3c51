package admin

import (
	"testing"
	"time"

	"portico/internal/profile"
	"portico/internal/tenant"
)

func TestWhoIsLeftOut(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, time.February, 1, 12, 0, 0, 0, time.UTC)
	me := tenant.User{Tenant: "books", ID: "portico|me"}
	person := func(change func(*profile.Profile)) profile.Profile {
		p := profile.Profile{User: tenant.User{Tenant: "books", ID: "portico|ana"}, Email: "ana@example.org"}
		change(&p)
		return p
	}
	anybody := person(func(*profile.Profile) {})
	self := person(func(p *profile.Profile) { p.User = me })
	blocked := person(func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, Until: now.Add(time.Second)} })
	over := person(func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, Until: now.Add(-time.Second)} })
	verified := person(func(p *profile.Profile) { p.EmailVerified = true })
	nameless := person(func(p *profile.Profile) { p.Email = "" })
	restricted := person(func(p *profile.Profile) { p.Restriction.On = true })
	for _, test := range []struct {
		name                            string
		p                               profile.Profile
		block, unblock, end, mail, anew Exception
	}{
		{"anybody", anybody, "", BlockedNot, "", "", ""},
		{"oneself", self, ItIsYou, BlockedNot, ItIsYou, "", ""},
		{"who is blocked", blocked, BlockedNow, "", "", "", ""},
		{"whose block is over", over, "", BlockedNot, "", "", ""},
		{"whose address is confirmed", verified, "", BlockedNot, "", VerifiedNow, ""},
		{"who has no address", nameless, "", BlockedNot, "", NoAddress, NoAddress},
		{"who is restricted", restricted, "", BlockedNot, "", "", ""},
	} {
		for d, want := range map[Deed]Exception{
			DeedBlock: test.block, DeedUnblock: test.unblock, DeedEnd: test.end, DeedVerify: test.mail, DeedReset: test.anew,
		} {
			if got := d.except(me, test.p, now); got != want {
				t.Errorf("%s, %s: got %q, want %q", test.name, d, got, want)
			}
		}
	}
}
