package guard

import "time"

// The limits of guessing (security.md rows 48 and 49, rule B-3).
const (
	patience  = 3         // failures before an account has to wait
	longest   = time.Hour // the longest such wait
	hardStop  = 100       // consecutive failures of an account until a new password is set
	blockFrom = 10        // failures for an account from one place until that place is blocked
	blockFor  = 30 * 24 * time.Hour
	deviceMax = 10 // failures from a known device until it counts like any other
	placeMax  = 100
	placeFor  = time.Hour
	remember  = 365 * 24 * time.Hour // how long consecutive failures are remembered
)

// Tally says how to count one thing: Length is how long after the first time the count starts anew, or with Sliding
// after the last. A count that starts anew within Length of the end of the one before starts with Carry already used.
// At BlockFrom, when that is not 0, the counter becomes a block.
type Tally struct {
	Counter
	Length    time.Duration
	Sliding   bool
	Carry     int
	BlockFrom int
}

// limit is how often one thing may happen.
type limit struct {
	tally Tally
	most  int
}

// wait says how long to wait when c has counted beyond the limit.
func (l limit) wait(c Counter, now time.Time) time.Duration {
	if c.Count <= l.most {
		return 0
	}
	return c.ExpiresAt.Sub(now)
}

// delay is how long an account waits after so many consecutive failures: 1 s after the fourth, then doubling.
func delay(failures int) time.Duration {
	if failures <= patience {
		return 0
	}
	if failures > patience+12 { // 2^12 s are more than the longest
		return longest
	}
	return min(time.Second<<(failures-patience-1), longest)
}

// failureTallies are what a failed sign-in counts for. A known device has a counter of its own (row 50), so that
// failures elsewhere cannot lock it out; a device is known when it has that counter, which only a right password makes.
func (s Subject) failureTallies() (account, pair, ip, device Tally) {
	place := place(s.IP)
	account = Tally{Counter: Counter{Key: key("failures", s.Account), Account: accountKey(s.Account), User: s.User}, Length: remember, Sliding: true}
	pair = Tally{
		Counter: Counter{Key: pairKey(accountKey(s.Account), place), Account: accountKey(s.Account), User: s.User, Place: place},
		Length:  blockFor, Sliding: true, BlockFrom: blockFrom,
	}
	ip = Tally{Counter: Counter{Key: key("place", place)}, Length: placeFor}
	device = Tally{Counter: Counter{Key: key("device", s.Account, s.Device), Account: accountKey(s.Account), User: s.User}, Length: remember, Sliding: true}
	return account, pair, ip, device
}

func pairKey(account, place string) string { return key("pair", account, place) }

// rate is how often somebody may try to sign in at all, rightly or not: 20 times in a minute, then 10 times a minute.
// It counts in one place, or on one known device.
func (s Subject) rate(where string) limit {
	return limit{Tally{Counter: Counter{Key: key("rate", s.Account, where)}, Length: time.Minute, Carry: 10}, 20}
}

// limits are those of every action but sign-in, in the order they are counted: what one refuses, the next do not count.
func (s Subject) limits(a Action) []limit {
	counted := func(length time.Duration, most int, parts ...string) limit {
		return limit{Tally{Counter: Counter{Key: key(append(parts, length.String())...)}, Length: length}, most}
	}
	switch a {
	case Code:
		return []limit{
			counted(time.Hour, 20, "code", s.Account, place(s.IP)),
			counted(time.Hour, placeMax, "code", place(s.IP)),
		}
	case ProviderTrip:
		return []limit{
			counted(time.Minute, 60, "provider trip", place(s.IP)),
			counted(time.Hour, 600, "provider trip", place(s.IP)),
		}
	case ProviderNotice:
		return []limit{counted(time.Minute, 600, "provider notice", place(s.IP))}
	case BlockLetter:
		return []limit{counted(time.Hour, 1, "block letter", s.Account, place(s.IP))}
	case Resend, SignUp:
		a = VerifyRequest
	}
	purpose := "mail " + string(a)
	byAccount := []limit{ // row 51
		counted(time.Minute, 1, purpose, s.Account),
		counted(time.Hour, 5, purpose, s.Account),
		counted(24*time.Hour, 10, purpose, s.Account),
	}
	byPlace := counted(time.Hour, 20, "mail", place(s.IP))
	if a != GuardianLetter {
		return append(byAccount, byPlace)
	}
	// Whoever asks may name another address each time, and the address may be asked for by many.
	byUser := []limit{counted(time.Hour, 5, purpose, "of", s.User.ID), counted(24*time.Hour, 10, purpose, "of", s.User.ID)}
	for i := range byUser {
		byUser[i].tally.User = s.User
	}
	return append(append(byAccount, byUser...), byPlace)
}
