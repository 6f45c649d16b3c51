package session_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"portico/internal/session"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

func opened(t *testing.T, f storetest.Fixture, o session.Opening) (*session.Service, session.Session) {
	t.Helper()
	s := session.New(f.DB, f.Clock.Now)
	o.User, o.IP, o.UserAgent = f.NewUser(t, "ana@example.org"), netip.MustParseAddr("192.0.2.1"), "Test"
	one, _, err := s.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s, one
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opening        session.Opening
		idle, absolute time.Duration
	}{
		"a user's session":         {session.Opening{}, session.Idle, session.Absolute},
		"a kept session":           {session.Opening{Keep: true}, session.KeepIdle, session.KeepAbsolute},
		"an administrator's":       {session.Opening{Admin: true}, session.AdminIdle, session.AdminAbsolute},
		"an administrator's, kept": {session.Opening{Admin: true, Keep: true}, session.AdminIdle, session.AdminAbsolute},
	} {
		t.Run(name+" ends when it is idle", func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
				s, one := opened(t, f, c.opening)
				f.Clock.Advance(c.idle - time.Second)
				if _, err := s.Find(t.Context(), f.Tenant.ID, one.ID); err != nil {
					t.Fatalf("just before: got %v, want the session", err)
				}
				f.Clock.Advance(c.idle + time.Second)
				if _, err := s.Find(t.Context(), f.Tenant.ID, one.ID); !errors.Is(err, session.ErrNone) {
					t.Errorf("after: got %v, want ErrNone", err)
				}
			})
		})
		t.Run(name+" ends at last, however busy", func(t *testing.T) {
			t.Parallel()
			f := storetest.SQLite(t)
			s, one := opened(t, f, c.opening)
			for passed := time.Duration(0); passed < c.absolute-c.idle/2; passed += c.idle / 2 {
				if _, err := s.Find(t.Context(), f.Tenant.ID, one.ID); err != nil {
					t.Fatalf("after %v: got %v, want the session", passed, err)
				}
				f.Clock.Advance(c.idle / 2)
			}
			f.Clock.Advance(c.idle / 2)
			if _, err := s.Find(t.Context(), f.Tenant.ID, one.ID); !errors.Is(err, session.ErrNone) {
				t.Errorf("got %v, want ErrNone", err)
			}
		})
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		s, one := opened(t, f, session.Opening{})
		f.Clock.Advance(20 * time.Minute)
		renewed, err := s.Renew(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Find(t.Context(), f.Tenant.ID, one.ID); !errors.Is(err, session.ErrNone) {
			t.Errorf("old id: got %v, want ErrNone", err)
		}
		live, err := s.Find(t.Context(), f.Tenant.ID, renewed.ID)
		if err != nil || !live.Fresh(f.Clock.Now()) || !live.ExpiresAt.Equal(one.ExpiresAt) {
			t.Errorf("got %+v, %v, want a fresh session with the old end", live, err)
		}
	})
}

func TestEnding(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		s, one := opened(t, f, session.Opening{})
		if err := s.End(t.Context(), tenant.User{Tenant: f.Tenant.ID, ID: "portico|other"}, one.Hash); !errors.Is(err, session.ErrNone) {
			t.Errorf("another person's session: got %v, want ErrNone", err)
		}
		if err := s.End(t.Context(), tenant.User{Tenant: "other", ID: one.User.ID}, one.Hash); !errors.Is(err, session.ErrNone) {
			t.Errorf("another tenant's session: got %v, want ErrNone", err)
		}
		if _, err := s.Find(t.Context(), "other", one.ID); !errors.Is(err, session.ErrNone) {
			t.Errorf("found from another tenant: got %v, want ErrNone", err)
		}
		var newest session.Session
		for range session.Most {
			f.Clock.Advance(time.Second)
			next, _, err := s.Start(t.Context(), session.Opening{User: one.User})
			if err != nil {
				t.Fatal(err)
			}
			newest = next
		}
		if _, err := s.Find(t.Context(), f.Tenant.ID, one.ID); !errors.Is(err, session.ErrNone) {
			t.Errorf("the oldest of 21: got %v, want ErrNone", err)
		}
		ended, err := s.EndAll(t.Context(), one.User, newest.Hash)
		if err != nil || ended != session.Most-1 {
			t.Errorf("got %d ended, %v, want %d", ended, err, session.Most-1)
		}
		if left, err := s.List(t.Context(), one.User); err != nil || len(left) != 1 || left[0].Hash != newest.Hash {
			t.Errorf("got %d left, %v, want the newest alone", len(left), err)
		}
	})
}
