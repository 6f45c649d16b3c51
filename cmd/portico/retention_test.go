package main

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"portico/internal/age"
	"portico/internal/audit"
	"portico/internal/idp"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/retention"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// rowsOf counts the rows of a table that belong to the tenant.
func (w *world) rowsOf(t *testing.T, table, condition string) int {
	t.Helper()
	var n int
	query := "SELECT COUNT(*) FROM " + table + " WHERE tenant_id = '" + string(w.Tenant.ID) + "' AND " + condition
	if err := w.SQL(t).QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// ASVS 14.2.7: what is over is removed when its time comes, not before, in every family of rows, under a moved clock.
func TestRetentionPurgesWhatIsOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ctx := tenant.With(context.WithoutCancel(t.Context()), w.Tenant)
		w.administrator(t, "mara@example.org")
		ana := w.member(t)
		u := w.user(t, anaAddress)
		ana.send(ana.get("/account/data/restrict"), "/account/data/restrict", nil)
		w.letter(t, anaAddress, mail.RequestReceived)
		w.visitor(t).send(w.visitor(t).get("/password/forgot"), "/password/forgot", map[string]string{"email": anaAddress})
		provider := w.connect(t, "demo", "Demo ID")
		_ = provider
		if _, err := w.portal.config.Providers.Begin(ctx, idp.Beginning{Connection: "demo"}); err != nil {
			t.Fatal(err)
		}
		if err := w.portal.config.Privacy.Answer(ctx, w.user(t, "mara@example.org"), w.requests(t)[0].ID, "No.", privacy.Refused); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); w.rowsOf(t, "letters", "state <> 'sent'") > 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("some letters are not sent")
			}
		}
		run := func() {
			t.Helper()
			if err := w.portal.config.Retention.Run(ctx, w.Tenant.ID); err != nil {
				t.Fatal(err)
			}
		}
		kept := func(day int, table, condition string, want bool) {
			t.Helper()
			if n := w.rowsOf(t, table, condition); (n > 0) != want {
				t.Errorf("day %d: got %d rows of %s where %s, want some: %v", day, n, table, condition, want)
			}
		}
		const full, cut = "ip <> '' AND ip NOT LIKE '%/%'", "ip LIKE '%/24'"
		if err := w.DB.SaveGuardian(ctx, age.Guardian{User: u, Address: "mum@example.net", DueAt: f.Clock.Now().Add(age.Patience)}); err != nil {
			t.Fatal(err)
		}
		run()
		kept(0, "sessions", "user_id <> ''", true)
		kept(0, "idp_flows", "1 = 1", true)
		f.Clock.Advance(2 * 24 * time.Hour)
		run()
		kept(2, "sessions", "user_id <> ''", false)
		kept(2, "idp_flows", "1 = 1", false)
		kept(2, "letters", "state = 'sent'", true)
		kept(2, "tickets", "1 = 1", true)
		kept(2, "guardians", "1 = 1", true)
		f.Clock.Advance(33 * 24 * time.Hour)
		run()
		kept(35, "letters", "state = 'sent'", false)
		kept(35, "tickets", "1 = 1", false)
		kept(35, "guardians", "1 = 1", false)
		kept(35, "users", "last_ip <> ''", true)
		kept(35, "audit_events", full, true)
		f.Clock.Advance(60 * 24 * time.Hour)
		run()
		kept(95, "audit_events", full, false)
		kept(95, "audit_events", cut, true)
		kept(95, "users", "last_ip <> ''", false)
		events, err := w.portal.config.Audit.Search(ctx, w.Tenant.ID, audit.Filter{User: u.ID, Limit: 50})
		if err != nil || len(events) == 0 || events[0].Origin.IP.IsValid() && events[0].Origin.IP.String() == "127.0.0.1" {
			t.Errorf("got %+v, %v, want addresses without their end", events, err)
		}
		f.Clock.Advance(280 * 24 * time.Hour)
		run()
		kept(375, "audit_events", "type = 'ss'", false)
		kept(375, "privacy_requests", "1 = 1", true)
		f.Clock.Advance(800 * 24 * time.Hour)
		run()
		kept(1175, "privacy_requests", "1 = 1", false)
		kept(1175, "users", "1 = 1", true)

		mara := w.visitor(t)
		mara.signIn("mara@example.org", goodPassword)
		p := mara.want(mara.get("/admin/retention"), http.StatusOK, "/admin/retention", "from 90 to 3650")
		p = mara.send(p, "/admin/retention", map[string]string{"days.audit": "3", "days.letters": "7"})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/retention", "")
		p = mara.send(p, "/admin/retention", map[string]string{"days.audit": "90"})
		mara.want(p, http.StatusOK, "/admin/retention", "Saved.")
		rows, err := w.portal.config.Retention.List(ctx, w.Tenant.ID)
		if err != nil || rows[0].Days != 90 || rows[2].Days != 7 || rows[0].Removed == 0 || rows[0].RanAt.IsZero() {
			t.Errorf("got %+v, %v, want the new periods and what was removed", rows, err)
		}
	})
}

// Of many replicas that look at once, one does the work.
func TestRetentionIsDoneOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		ctx, now := context.WithoutCancel(t.Context()), f.Clock.Now()
		var mu sync.Mutex
		var all sync.WaitGroup
		claims := 0
		for range 8 {
			all.Go(func() {
				mine, err := f.DB.ClaimRetention(ctx, f.Tenant.ID, retention.Audit, now.Add(-time.Hour), now)
				if err != nil {
					t.Error(err)
				}
				if mine {
					mu.Lock()
					claims++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if claims != 1 {
			t.Errorf("got %d claims, want one", claims)
		}
	})
}
