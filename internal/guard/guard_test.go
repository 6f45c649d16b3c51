package guard_test

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/internal/guard"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

var (
	home  = netip.MustParseAddr("192.0.2.1")
	other = netip.MustParseAddr("198.51.100.1")
)

// world is a guard with what its tests do over and over.
type world struct {
	*testing.T
	*guard.Service
	storetest.Fixture
}

func each(t *testing.T, test func(w world)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		test(world{t, guard.New(f.DB, f.Clock.Now), f})
	})
}

func (w world) allow(a guard.Action, who guard.Subject) *guard.TooMany {
	w.Helper()
	err := w.Allow(w.Context(), w.Tenant.ID, a, who)
	refused, ok := errors.AsType[*guard.TooMany](err)
	if err != nil && !ok {
		w.Fatal(err)
	}
	return refused
}

func (w world) allowed(behaviour string, a guard.Action, who guard.Subject) {
	w.Helper()
	if refused := w.allow(a, who); refused != nil {
		w.Errorf("%s: got %v, want it allowed", behaviour, refused)
	}
}

func (w world) refused(behaviour string, a guard.Action, who guard.Subject) guard.TooMany {
	w.Helper()
	refused := w.allow(a, who)
	if refused == nil {
		w.Fatalf("%s: got it allowed, want too many", behaviour)
	}
	if refused.After <= 0 {
		w.Errorf("%s: got a wait of %v, want a time to tell", behaviour, refused.After)
	}
	return *refused
}

func (w world) fail(who guard.Subject, times int) guard.Outcome {
	w.Helper()
	var out guard.Outcome
	for range times {
		var err error
		if out, err = w.Failed(w.Context(), w.Tenant.ID, who); err != nil {
			w.Fatal(err)
		}
	}
	return out
}

func (w world) do(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func ana(ip netip.Addr) guard.Subject { return guard.Subject{Account: "ana@example.org", IP: ip} }

func TestAccountWaitsAfterTheFourthFailure(t *testing.T) {
	each(t, func(w world) {
		w.fail(ana(home), 3)
		w.allowed("after three", guard.SignIn, ana(home))
		w.fail(ana(home), 1)
		w.refused("after four", guard.SignIn, ana(other))
		w.allowed("another account", guard.SignIn, guard.Subject{Account: "ben@example.org", IP: home})
		w.Clock.Advance(time.Second)
		w.allowed("a second later", guard.SignIn, ana(other))
		w.fail(ana(home), 1)
		w.Clock.Advance(time.Second)
		w.refused("a second after the fifth", guard.Reauth, ana(home))
		w.do(w.Succeeded(w.Context(), w.Tenant.ID, ana(home)))
		w.allowed("after success", guard.SignIn, ana(other))
	})
}

func TestAutomaticBlock(t *testing.T) {
	each(t, func(w world) {
		if out := w.fail(ana(home), 9); out.BlockedNow || out.Tries != 9 {
			t.Errorf("after 9: got %+v, want no block", out)
		}
		if out := w.fail(ana(home), 1); !out.BlockedNow || out.Tries != 10 {
			t.Errorf("after 10: got %+v, want a block", out)
		}
		if out := w.fail(ana(home), 1); out.BlockedNow {
			t.Errorf("after 11: got %+v, want no second block", out)
		}
		w.Clock.Advance(time.Hour)
		if got := w.refused("from the blocked place", guard.SignIn, ana(home)); !got.Blocked {
			t.Errorf("got %+v, want it to be the block", got)
		}
		w.allowed("from another place", guard.SignIn, ana(other))
		w.Clock.Advance(30*24*time.Hour - time.Hour - time.Minute)
		w.refused("30 days later, less a minute", guard.SignIn, ana(home))
		w.Clock.Advance(2 * time.Minute)
		w.allowed("30 days later", guard.SignIn, ana(home))
		if out := w.fail(ana(home), 1); out.Tries != 1 {
			t.Errorf("after that: got %+v, want counting anew", out)
		}
	})
}

func TestUnblockLiftsOnePlace(t *testing.T) {
	each(t, func(w world) {
		w.fail(ana(home), 10)
		w.fail(ana(other), 10)
		w.Clock.Advance(2 * time.Hour)
		block, blocked, err := w.Blocked(w.Context(), w.Tenant.ID, "ana@example.org", home)
		if err != nil || !blocked || block.Tries != 10 || block.Place != home.String() {
			t.Errorf("got %+v, %v, %v, want the block", block, blocked, err)
		}
		w.do(w.Unblock(w.Context(), w.Tenant.ID, "ana@example.org", home))
		w.allowed("from the place that is named", guard.SignIn, ana(home))
		w.refused("from the other one", guard.SignIn, ana(other))
		w.do(w.UnblockAccount(w.Context(), "another", "ana@example.org"))
		w.refused("after another tenant's reset", guard.SignIn, ana(other))
		w.do(w.UnblockAccount(w.Context(), w.Tenant.ID, "ana@example.org"))
		w.allowed("after a reset", guard.SignIn, ana(other))
	})
}

func TestHardStopIsLiftedByAReset(t *testing.T) {
	each(t, func(w world) {
		for n := range 10 {
			w.fail(ana(netip.AddrFrom4([4]byte{203, 0, 113, byte(n)})), 10)
		}
		w.Clock.Advance(100 * 24 * time.Hour)
		if got := w.refused("after 100", guard.SignIn, ana(home)); !got.Stopped {
			t.Errorf("got %+v, want the hard stop", got)
		}
		w.do(w.UnblockAccount(w.Context(), w.Tenant.ID, "ana@example.org"))
		w.allowed("after a reset", guard.SignIn, ana(home))
	})
}

func TestPlaceIsStoppedAfterHundredFailures(t *testing.T) {
	each(t, func(w world) {
		stuffing := func(n int) guard.Subject {
			return guard.Subject{Account: string(rune('a'+n)) + "@example.org", IP: netip.MustParseAddr("2001:db8::1")}
		}
		for n := range 100 {
			w.fail(stuffing(n), 1)
		}
		neighbour := ana(netip.MustParseAddr("2001:db8::ffff"))
		w.refused("another address of the same /64", guard.SignIn, neighbour)
		w.allowed("another /64", guard.SignIn, ana(netip.MustParseAddr("2001:db8:0:1::1")))
		w.Clock.Advance(time.Hour)
		w.allowed("an hour later", guard.SignIn, neighbour)
	})
}

// Row 50: attackers cannot lock the owner out of a device the owner has used.
func TestKnownDeviceHasItsOwnCounter(t *testing.T) {
	each(t, func(w world) {
		owner := ana(home)
		owner.Device = "laptop"
		stranger := ana(home)
		stranger.Device = "theirs"
		w.do(w.Succeeded(w.Context(), w.Tenant.ID, owner))
		w.fail(ana(home), 50)
		w.fail(stranger, 50)
		w.refused("a stranger", guard.SignIn, stranger)
		w.refused("a device nobody signed in from", guard.SignIn, guard.Subject{Account: "ana@example.org", IP: home, Device: "desktop"})
		w.allowed("the owner on a known device", guard.SignIn, owner)
		w.do(w.Succeeded(w.Context(), w.Tenant.ID, owner))
		if got := w.refused("a stranger after that", guard.SignIn, ana(other)); !got.Stopped {
			t.Errorf("got %+v, want the stop to stay", got)
		}
		w.fail(owner, 4)
		w.refused("the owner after four failures", guard.SignIn, owner)
		w.fail(owner, 6)
		w.Clock.Advance(time.Hour)
		w.refused("the device after ten failures, like any other", guard.SignIn, owner)
	})
}

func TestTryingIsLimitedEvenWhenItSucceeds(t *testing.T) {
	each(t, func(w world) {
		for n := range 20 {
			w.allowed("try "+string(rune('a'+n)), guard.SignIn, ana(home))
		}
		w.refused("the 21st within a minute", guard.SignIn, ana(home))
		w.allowed("somebody else", guard.SignIn, guard.Subject{Account: "ben@example.org", IP: home})
		w.Clock.Advance(time.Minute)
		for range 10 {
			w.allowed("ten more in the next minute", guard.SignIn, ana(home))
		}
		w.refused("the 11th of the next minute", guard.SignIn, ana(home))
		w.Clock.Advance(3 * time.Minute)
		for range 20 {
			w.allowed("twenty after a rest", guard.SignIn, ana(home))
		}
	})
}

// Row 51.
func TestLettersAreLimited(t *testing.T) {
	each(t, func(w world) {
		sent := 0
		try := func(a guard.Action, who guard.Subject) {
			if w.allow(a, who) == nil {
				sent++
			}
		}
		try(guard.VerifyRequest, ana(home))
		if got := w.refused("again at once", guard.Resend, ana(other)); got.After > time.Minute {
			t.Errorf("got %v, want a minute at most", got.After)
		}
		w.allowed("for another purpose", guard.ResetRequest, ana(home))
		for range 59 {
			w.Clock.Advance(time.Minute)
			try(guard.Resend, ana(home))
		}
		if sent != 5 {
			t.Errorf("got %d letters in an hour, want 5", sent)
		}
		for range 22 {
			w.Clock.Advance(time.Hour)
			for range 10 {
				try(guard.Resend, ana(home))
				w.Clock.Advance(time.Second * 61)
			}
		}
		if sent > 20 {
			t.Errorf("got %d letters within two days, want at most 20", sent)
		}
	})
}

func TestLettersFromOnePlaceAreLimited(t *testing.T) {
	each(t, func(w world) {
		for n := range 20 {
			w.allowed("letter", guard.SignUp, guard.Subject{Account: string(rune('a'+n)) + "@example.org", IP: home})
		}
		w.refused("the 21st address", guard.ResetRequest, guard.Subject{Account: "z@example.org", IP: home})
		w.allowed("from another place", guard.ResetRequest, guard.Subject{Account: "y@example.org", IP: other})
	})
}

func TestTwoHundredParallelFailuresBlockOnce(t *testing.T) {
	each(t, func(w world) {
		var blocks, most atomic.Int64
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				out, err := w.Failed(w.Context(), w.Tenant.ID, ana(home))
				if err != nil {
					t.Error(err)
					return
				}
				if out.BlockedNow {
					blocks.Add(1)
				}
				for {
					seen := most.Load()
					if int64(out.Tries) <= seen || most.CompareAndSwap(seen, int64(out.Tries)) {
						return
					}
				}
			})
		}
		wg.Wait()
		if blocks.Load() != 1 || most.Load() != 200 {
			t.Errorf("got %d blocks, %d counted, want 1 and 200", blocks.Load(), most.Load())
		}
	})
}

func TestParallelTriesDoNotSlipThrough(t *testing.T) {
	each(t, func(w world) {
		var through atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := w.Allow(w.Context(), w.Tenant.ID, guard.SignIn, ana(home)); err == nil {
					through.Add(1)
				}
			})
		}
		wg.Wait()
		if got := through.Load(); got != 20 {
			t.Errorf("got %d of 100 parallel tries through, want 20", got)
		}
	})
}

func TestSearchPagesThroughBlocks(t *testing.T) {
	each(t, func(w world) {
		user := tenant.User{Tenant: w.Tenant.ID, ID: "portico|1"}
		for n := range 5 {
			who := guard.Subject{Account: string(rune('a'+n)) + "@example.org", User: user, IP: home}
			w.fail(who, 10)
			if n%2 == 1 {
				w.Clock.Advance(time.Second)
			}
		}
		w.fail(ana(other), 9)
		var seen []string
		filter := guard.Filter{Limit: 2}
		for {
			page, err := w.Search(w.Context(), w.Tenant.ID, filter)
			w.do(err)
			for _, b := range page {
				if b.User != user || b.Tries != 10 || b.Place != home.String() {
					t.Errorf("got %+v, want user, tries and place", b)
				}
				seen = append(seen, b.Key)
			}
			if len(page) < 2 {
				break
			}
			filter.After = page[1].Cursor()
		}
		if len(seen) != 5 {
			t.Fatalf("got %d blocks, want 5", len(seen))
		}
		if of, err := w.Search(w.Context(), w.Tenant.ID, guard.Filter{Account: "a@example.org", Limit: 9}); err != nil || len(of) != 1 || of[0].Key != seen[4] {
			t.Errorf("of one account: got %v, %v, want the oldest", of, err)
		}
		if of, err := w.Search(w.Context(), "another", guard.Filter{Limit: 9}); err != nil || len(of) != 0 {
			t.Errorf("of another tenant: got %v, %v, want none", of, err)
		}
		w.do(w.Lift(w.Context(), "another", seen[0]))
		w.do(w.Lift(w.Context(), w.Tenant.ID, seen[0]))
		if left, err := w.Search(w.Context(), w.Tenant.ID, guard.Filter{Limit: 9}); err != nil || len(left) != 4 {
			t.Errorf("after lifting one: got %d, %v, want 4", len(left), err)
		}
	})
}

// Row 52: when the counters cannot be asked, nothing is allowed.
func TestFailsClosed(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t)
	s := guard.New(f.DB, f.Clock.Now)
	_ = f.DB.Close()
	for _, a := range []guard.Action{guard.SignIn, guard.Reauth, guard.Code, guard.SignUp, guard.ResetRequest, guard.VerifyRequest, guard.Resend, guard.BlockLetter} {
		if err := s.Allow(t.Context(), f.Tenant.ID, a, ana(home)); err == nil {
			t.Errorf("%s: got it allowed without a database", a)
		}
	}
	if _, err := s.Failed(t.Context(), f.Tenant.ID, ana(home)); err == nil {
		t.Error("a failure that was not counted went unnoticed")
	}
}
