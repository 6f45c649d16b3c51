package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"portico/internal/mail/mailtest"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/store"
	"portico/internal/tenant"
)

// TestErasureSurvivesAKill kills the program in the middle of erasing many people, more than once. Whoever is gone is gone
// wholly, with one mark, one line of the record and one last letter; whoever is not yet is untouched, and goes at the next start.
func TestErasureSurvivesAKill(t *testing.T) {
	t.Parallel()
	const people = 90
	post := mailtest.New(t)
	s := newService(t, post.URL())
	s.start(t)
	_ = s.process.Process.Signal(syscall.SIGTERM)
	s.ends(t, 12*time.Second)
	s.closeMany(t, people)

	pool, err := sql.Open("sqlite", "file:"+filepath.Join(s.folder, "portico.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	count := func(query string) (n int) {
		t.Helper()
		if err := pool.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	gone := func() int { return people - count("SELECT COUNT(*) FROM users") }
	whole := func() {
		t.Helper()
		erased := gone()
		for query, want := range map[string]int{
			"SELECT COUNT(*) FROM closings":                                                  people - erased,
			"SELECT COUNT(*) FROM devices":                                                   people - erased,
			"SELECT COUNT(*) FROM erased_subjects":                                           erased,
			"SELECT COUNT(*) FROM audit_events WHERE type = 'erasure_done'":                  erased,
			"SELECT COUNT(*) FROM letters WHERE kind = 'account_closed'":                     erased,
			"SELECT COUNT(DISTINCT user_id) FROM audit_events WHERE user_id LIKE 'erased|%'": erased,
		} {
			if got := count(query); got != want {
				t.Errorf("%s: got %d, want %d of %d people erased", query, got, want, erased)
			}
		}
	}
	for range 6 {
		before := gone()
		s.start(t)
		until(t, "the next erasure", func() bool { return gone() > before })
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
		whole()
	}
	if gone() == people {
		t.Fatal("nobody was left to be erased by the last kill: the test kills too late")
	}
	s.start(t)
	until(t, "the end of everybody", func() bool { return gone() == people })
	whole()
	_ = s.process.Process.Signal(syscall.SIGTERM)
	s.ends(t, 12*time.Second)
}

// closeMany adds people whose days of grace are over.
func (s *service) closeMany(t *testing.T, people int) {
	t.Helper()
	db, err := store.Open("sqlite:" + filepath.Join(s.folder, "portico.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	at := time.Now().UTC().Add(-30 * 24 * time.Hour)
	for n := range people {
		u := tenant.User{Tenant: tenant.Default, ID: fmt.Sprintf("portico|leaving-%d", n)}
		p := profile.Profile{
			User: u, Version: 1, Connection: profile.Database, Email: fmt.Sprintf("leaving%d@example.org", n), EmailVerified: true,
			Name: fmt.Sprint("Leaving ", n), CreatedAt: at, UpdatedAt: at, EditedAt: at,
		}
		if err := db.AddProfile(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if err := db.AddClosing(t.Context(), privacy.Closing{User: u, AskedAt: at, DueAt: at.Add(7 * 24 * time.Hour), By: u.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.KnowDevice(t.Context(), u, fmt.Sprintf("%064d", n), at); err != nil {
			t.Fatal(err)
		}
	}
}
