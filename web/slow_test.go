package web_test

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"time"

	"portico/internal/store/storetest"
)

// Point 9: a provider that takes 10 seconds costs whoever waits for it less than that, leaves no flow, no session and no
// goroutine behind, and whoever comes another way notices nothing. It is not parallel, because it counts.
func TestSlowProviderLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time to run out")
	}
	s := newSite(t, storetest.SQLite(t))
	p := s.provider("demo")
	s.person("ana@example.org", oldSecret)
	laptop, other := s.browser(home), s.browser(elsewhere)
	laptop.open("/login")
	slow := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
			w.WriteHeader(http.StatusOK)
		}
	}
	before := runtime.NumGoroutine()
	trouble := func(step string, ask func() page) {
		t.Helper()
		started := time.Now()
		ask().wants(t, step, http.StatusServiceUnavailable, word(t, "provider.down.title", "provider", "Demo ID"), word(t, "provider.other"))
		if took := time.Since(started); took > 9*time.Second {
			t.Errorf("%s took %s, want less than 9 s", step, took)
		}
	}
	p.Instead["/.well-known/openid-configuration"] = slow
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		trouble("a slow description", func() page { return laptop.submit("/login/with/demo") })
	}()
	started := time.Now()
	if other.signIn("ana@example.org", oldSecret); !other.signedIn() || time.Since(started) > 3*time.Second {
		t.Errorf("the password took %s", time.Since(started))
	}
	<-waited
	delete(p.Instead, "/.well-known/openid-configuration")
	address := laptop.leaveAgain("/login/with/demo")
	p.Instead["/token"] = slow
	trouble("a slow token endpoint", func() page { return laptop.back(p, address) })
	if laptop.signedIn() {
		t.Error("somebody got in")
	}
	delete(p.Instead, "/token")
	address = laptop.leaveAgain("/login/with/demo")
	p.Instead["/me"] = slow
	trouble("slow user info", func() page { return laptop.back(p, address) })
	s.leftBehind(before)
	delete(p.Instead, "/me")
	if laptop.signInBy(p, "demo"); !laptop.signedIn() {
		t.Error("the provider is back, and nobody gets in")
	}
}

// leftBehind looks for what trouble with a provider may leave: trips that are open, sessions of people, goroutines.
func (s *site) leftBehind(goroutines int) {
	s.Helper()
	pool := s.SQL(s.T)
	for what, query := range map[string]string{
		"open trips": "SELECT COUNT(*) FROM idp_flows WHERE tenant_id = ?",
		"identities": "SELECT COUNT(*) FROM identities WHERE tenant_id = ?",
		"accounts":   "SELECT COUNT(*) - 1 FROM users WHERE tenant_id = ?",
		"sessions":   "SELECT COUNT(*) - 1 FROM sessions WHERE tenant_id = ? AND user_id <> ''",
	} {
		n := 0
		if err := pool.QueryRowContext(context.Background(), query, string(s.Tenant.ID)).Scan(&n); err != nil || n != 0 {
			s.Errorf("got %d %s and %v, want none besides Ana's own", n, what, err)
		}
	}
	_ = pool.Close()
	for wait := time.Now(); runtime.NumGoroutine() > goroutines+4 && time.Since(wait) < 5*time.Second; {
		time.Sleep(20 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > goroutines+4 {
		s.Errorf("got %d goroutines, had %d", after, goroutines)
	}
}
