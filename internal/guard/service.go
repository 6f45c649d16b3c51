package guard

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/internal/tenant"
)

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// CountUp counts a tally once more, atomically, and returns the counter with this time.
	CountUp(ctx context.Context, t tenant.ID, tally Tally, now time.Time) (Counter, error)
	// Counters finds the counters of these keys; a key without one is missing in the map.
	Counters(ctx context.Context, t tenant.ID, keys ...string) (map[string]Counter, error)
	// SaveCounter stores a counter as it is.
	SaveCounter(ctx context.Context, t tenant.ID, c Counter) error
	// ForgetCounters removes the counters of these keys and says how many there were.
	ForgetCounters(ctx context.Context, t tenant.ID, keys ...string) (int, error)
	// ForgetAccount removes every counter of failures of an account.
	ForgetAccount(ctx context.Context, t tenant.ID, account string) error
	// SearchBlocks finds counters that are blocks at now, the newest first.
	SearchBlocks(ctx context.Context, t tenant.ID, f Filter, now time.Time) ([]Counter, error)
}

// Service counts and decides.
type Service struct {
	store Store
	now   func() time.Time
}

// New returns the service on store.
func New(store Store, now func() time.Time) *Service { return &Service{store, now} }

// Allow decides whether somebody may do something now. It returns *TooMany when they must wait, and any other error
// when that cannot be known: then too it must not be done (row 52). For everything but sign-in it counts the try.
func (s *Service) Allow(ctx context.Context, t tenant.ID, a Action, who Subject) error {
	if a == SignIn || a == Reauth {
		return s.allowSignIn(ctx, t, who)
	}
	for _, l := range who.limits(a) {
		if err := s.count(ctx, t, l); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) count(ctx context.Context, t tenant.ID, l limit) error {
	now := s.now()
	c, err := s.store.CountUp(ctx, t, l.tally, now)
	if err != nil {
		return err
	}
	if wait := l.wait(c, now); wait > 0 {
		return &TooMany{After: wait, First: c.Count == l.most+1}
	}
	return nil
}

func (s *Service) allowSignIn(ctx context.Context, t tenant.ID, who Subject) error {
	account, pair, ip, device := who.failureTallies()
	counters, err := s.store.Counters(ctx, t, account.Key, pair.Key, ip.Key, device.Key)
	if err != nil {
		return err
	}
	now, where := s.now(), place(who.IP)
	var refused *TooMany
	if known, ok := who.trusted(counters, device, now); ok {
		where, refused = who.Device, waiting(known, now)
	} else {
		refused = refusal(counters[account.Key].live(now), counters[pair.Key].live(now), counters[ip.Key].live(now), now)
	}
	if refused != nil {
		return refused
	}
	return s.count(ctx, t, who.rate(where))
}

// trusted returns the counter of the device and whether it still spares the device from the other counters.
func (s Subject) trusted(counters map[string]Counter, device Tally, now time.Time) (Counter, bool) {
	c, known := counters[device.Key]
	return c, known && s.Device != "" && now.Before(c.ExpiresAt) && c.Count < deviceMax
}

// refusal decides about a sign-in from a device that is not known.
func refusal(account, pair, ip Counter, now time.Time) *TooMany {
	switch {
	case !pair.BlockedAt.IsZero():
		return &TooMany{After: pair.ExpiresAt.Sub(now), Blocked: true}
	case ip.Count >= placeMax:
		return &TooMany{After: ip.ExpiresAt.Sub(now)}
	}
	return waiting(account, now)
}

// waiting decides by the consecutive failures of an account.
func waiting(c Counter, now time.Time) *TooMany {
	if c.Count >= hardStop {
		return &TooMany{After: longest, Stopped: true}
	}
	if wait := c.LastAt.Add(delay(c.Count)).Sub(now); c.Count > patience && wait > 0 {
		return &TooMany{After: wait}
	}
	return nil
}

// Failed counts a refused sign-in, re-authentication or current password. It must not run inside a transaction that
// may be rolled back.
func (s *Service) Failed(ctx context.Context, t tenant.ID, who Subject) (Outcome, error) {
	var out Outcome
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		account, pair, ip, device := who.failureTallies()
		now := s.now()
		out = Outcome{}
		counters, err := s.store.Counters(ctx, t, device.Key)
		if err != nil {
			return err
		}
		if _, ok := who.trusted(counters, device, now); ok {
			_, err := s.store.CountUp(ctx, t, device, now)
			return err
		}
		// Always in this order, so that parallel failures wait for each other instead of deadlocking.
		if _, err := s.store.CountUp(ctx, t, account, now); err != nil {
			return err
		}
		there, err := s.store.CountUp(ctx, t, ip, now)
		if err != nil {
			return err
		}
		counted, err := s.store.CountUp(ctx, t, pair, now)
		out = Outcome{BlockedNow: counted.Count == blockFrom, StoppedNow: there.Count == placeMax, Tries: counted.Count}
		return err
	})
	return out, err
}

// Succeeded forgets the failures of an account from this place after a right password, and knows the device from now
// on. From a device known before it leaves the failures of the account from elsewhere: they are not its owner's.
func (s *Service) Succeeded(ctx context.Context, t tenant.ID, who Subject) error {
	account, pair, _, device := who.failureTallies()
	return s.store.InTx(ctx, func(ctx context.Context) error {
		counters, err := s.store.Counters(ctx, t, account.Key, pair.Key, device.Key)
		if err != nil {
			return err
		}
		now := s.now()
		if _, ok := who.trusted(counters, device, now); ok {
			delete(counters, account.Key)
		}
		delete(counters, device.Key)
		if len(counters) > 0 {
			if _, err := s.store.ForgetCounters(ctx, t, slices.Collect(maps.Keys(counters))...); err != nil {
				return err
			}
		}
		if who.Device == "" {
			return nil
		}
		known := device.Counter
		known.LastAt, known.ExpiresAt = now, now.Add(device.Length)
		return s.store.SaveCounter(ctx, t, known)
	})
}

// Blocked returns the automatic block of an account from a place, if there is one.
func (s *Service) Blocked(ctx context.Context, t tenant.ID, account string, ip netip.Addr) (Block, bool, error) {
	k := pairKey(accountKey(account), place(ip))
	counters, err := s.store.Counters(ctx, t, k)
	c := counters[k].live(s.now())
	return c.block(), !c.BlockedAt.IsZero(), err
}

// Find returns the automatic block with this key, if there is one still.
func (s *Service) Find(ctx context.Context, t tenant.ID, key string) (Block, bool, error) {
	counters, err := s.store.Counters(ctx, t, key)
	c := counters[key].live(s.now())
	return c.block(), !c.BlockedAt.IsZero(), err
}

// Unblock lifts the automatic block of an account from one place and no other (rule B-5).
func (s *Service) Unblock(ctx context.Context, t tenant.ID, account string, ip netip.Addr) error {
	return s.Lift(ctx, t, pairKey(accountKey(account), place(ip)))
}

// Lift ends the automatic block with this key, as an administrator does from the list. There may be none any more.
func (s *Service) Lift(ctx context.Context, t tenant.ID, key string) error {
	_, err := s.store.ForgetCounters(ctx, t, key)
	return err
}

// UnblockAccount forgets every failure of an account, wherever it came from, after its owner set a new password.
func (s *Service) UnblockAccount(ctx context.Context, t tenant.ID, account string) error {
	return s.store.ForgetAccount(ctx, t, accountKey(account))
}

// Filter narrows a search for blocks. After is the Cursor of the last block of the page before.
type Filter struct {
	Account string
	After   string
	Limit   int
}

// Search lists the automatic blocks of a tenant, the newest first, or those of one account.
func (s *Service) Search(ctx context.Context, t tenant.ID, f Filter) ([]Block, error) {
	if f.Account != "" {
		f.Account = accountKey(f.Account)
	}
	found, err := s.store.SearchBlocks(ctx, t, f, s.now())
	blocks := make([]Block, len(found))
	for i, c := range found {
		blocks[i] = c.block()
	}
	return blocks, err
}

func (c Counter) block() Block {
	return Block{Key: c.Key, User: c.User, Place: c.Place, Tries: c.Count, Since: c.BlockedAt, Until: c.ExpiresAt}
}

// Cursor is where the page after this block begins.
func (b Block) Cursor() string { return strconv.FormatInt(b.Since.UnixMicro(), 10) + "-" + b.Key }

// ParseCursor reads a Cursor; ok is false for anything else.
func ParseCursor(cursor string) (since time.Time, key string, ok bool) {
	micros, key, _ := strings.Cut(cursor, "-")
	n, err := strconv.ParseInt(micros, 10, 64)
	return time.UnixMicro(n).UTC(), key, err == nil && key != ""
}
