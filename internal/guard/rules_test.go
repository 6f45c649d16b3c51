package guard

import (
	"net/netip"
	"testing"
	"time"
)

func TestDelay(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		0: 0, 1: 0, 3: 0, 4: time.Second, 5: 2 * time.Second, 6: 4 * time.Second, 10: 64 * time.Second,
		15: 2048 * time.Second, 16: time.Hour, 17: time.Hour, 99: time.Hour, 1_000_000: time.Hour,
	} {
		if got := delay(failures); got != want {
			t.Errorf("after %d failures: got %v, want %v", failures, got, want)
		}
	}
}

func TestPlace(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.7":             "192.0.2.7",
		"::ffff:192.0.2.7":      "192.0.2.7",
		"2001:db8:1:2:3:4:5:6":  "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1":  "2001:db8:1:2::/64",
		"fe80::1%eth0":          "fe80::/64",
		"2001:db8:1:3:3:4:5:6":  "2001:db8:1:3::/64",
		"2001:db8:ffff::1":      "2001:db8:ffff::/64",
		"2001:db8:ffff:1::1":    "2001:db8:ffff:1::/64",
		"255.255.255.255":       "255.255.255.255",
		"::1":                   "::/64",
		"2001:db8::192.0.2.128": "2001:db8::/64",
	} {
		if got := place(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: got %s, want %s", ip, got, want)
		}
	}
	if got := place(netip.Addr{}); got != "invalid IP" {
		t.Errorf("no address: got %q, want a place of its own", got)
	}
}

func TestRefusal(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ago := func(n int, d time.Duration) Counter { return Counter{Count: n, LastAt: now.Add(-d)} }
	for _, c := range []struct {
		behaviour         string
		account, pair, ip Counter
		want              *TooMany
	}{
		{"nothing yet", Counter{}, Counter{}, Counter{}, nil},
		{"three failures just now", ago(3, 0), Counter{}, Counter{}, nil},
		{"four failures just now", ago(4, 0), Counter{}, Counter{}, &TooMany{After: time.Second}},
		{"four failures a second ago", ago(4, time.Second), Counter{}, Counter{}, nil},
		{"nine failures half a minute ago", ago(9, 30*time.Second), Counter{}, Counter{}, &TooMany{After: 2 * time.Second}},
		{"99 failures 59 minutes ago", ago(99, 59*time.Minute), Counter{}, Counter{}, &TooMany{After: time.Minute}},
		{"100 failures a month ago", ago(100, 30*24*time.Hour), Counter{}, Counter{}, &TooMany{After: time.Hour, Stopped: true}},
		{
			"a block that ends tomorrow", ago(4, 0),
			Counter{Count: 10, BlockedAt: now, ExpiresAt: now.Add(24 * time.Hour)},
			Counter{},
			&TooMany{After: 24 * time.Hour, Blocked: true},
		},
		{"99 failures of a place", Counter{}, Counter{}, Counter{Count: 99, ExpiresAt: now.Add(time.Minute)}, nil},
		{"100 failures of a place", Counter{}, Counter{}, Counter{Count: 100, ExpiresAt: now.Add(time.Minute)}, &TooMany{After: time.Minute}},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			got := refusal(c.account, c.pair, c.ip, now)
			if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
