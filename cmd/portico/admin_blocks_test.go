package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"portico/internal/admin"
	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// fail tries wrong passwords for an account until its place is blocked.
func (w *world) fail(t *testing.T, account string, u tenant.User, from string) {
	t.Helper()
	g := guard.New(w.DB, w.Clock.Now)
	for range 10 {
		subject := guard.Subject{Account: account, User: u, IP: netip.MustParseAddr(from)}
		if _, err := g.Failed(t.Context(), w.Tenant.ID, subject); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBlocksAreListedAndLifted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		p := mara.want(mara.get("/admin/blocks"), http.StatusOK, "/admin/blocks", "Nobody is blocked.")
		mara.want(p, http.StatusOK, "/admin/blocks", "Nothing is blocked automatically.")
		ana := f.NewUser(t, "ana@example.org", func(p *profile.Profile) { p.Name = "Ana Ferreira" })
		bo := f.NewUser(t, "bo@example.org", func(p *profile.Profile) { p.Name = "Bo" })
		ctx, me := tenant.With(t.Context(), f.Tenant), w.user(t, "mara@example.org")
		block := func(u tenant.User, reason string, until time.Time) {
			t.Helper()
			if err := w.portal.config.Admin.Block(ctx, me, u, admin.Blocking{Reason: reason, Until: until}); err != nil {
				t.Fatal(err)
			}
		}
		block(ana, "Chargebacks", time.Time{})
		block(bo, "A quiet day", f.Clock.Now().Add(time.Minute))
		w.fail(t, "ana@example.org", ana, "198.51.100.7")
		w.fail(t, "stranger@example.org", tenant.User{}, "203.0.113.9")
		f.Clock.Advance(2 * time.Minute)

		p = mara.get("/admin/blocks")
		for _, text := range []string{"Ana Ferreira", "Chargebacks", "mara@example.org", "198.51.100.7", "203.0.113.9", "No account has this name"} {
			mara.want(p, http.StatusOK, "/admin/blocks", text)
		}
		if strings.Contains(p.body, "A quiet day") {
			t.Error("a block that ended by itself is listed")
		}
		p = mara.want(mara.send(p, "/admin/blocks", nil), http.StatusUnprocessableEntity, "/admin/blocks", "Give a reason")
		if strings.Count(p.body, "<details open") != 1 {
			t.Error("the refused form is not the one that is open")
		}
		mara.want(mara.send(p, "/admin/blocks", map[string]string{"reason": "Cleared up"}), http.StatusOK, "/admin/blocks", "The block is lifted.")
		if saved, err := f.DB.FindProfile(ctx, ana); err != nil || saved.Block.Blocked {
			t.Errorf("got %+v, %v, want no block", saved.Block, err)
		}
		p = mara.want(mara.get("/admin/blocks"), http.StatusOK, "/admin/blocks", "Nobody is blocked.")
		mara.want(p, http.StatusOK, "/admin/blocks", "198.51.100.7")
		for range 2 {
			mara.send(mara.get("/admin/blocks"), "/admin/blocks", map[string]string{"reason": "It was her"})
		}
		mara.want(mara.get("/admin/blocks"), http.StatusOK, "/admin/blocks", "Nothing is blocked automatically.")
		events, err := w.portal.config.Audit.Search(ctx, f.Tenant.ID, audit.Filter{
			Actor: me.ID, Types: []audit.Type{audit.Unblocked, audit.AutomaticUnblock}, Limit: 9,
		})
		if err != nil || len(events) != 3 || events[2].Detail["reason"] != "Cleared up" || events[0].Detail["reason"] != "It was her" {
			t.Errorf("got %+v, %v, want three liftings with their reasons", events, err)
		}
	})
}

func TestBlocksPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ctx := tenant.With(t.Context(), f.Tenant)
		for i := range 5 {
			f.NewUser(t, fmt.Sprintf("p%d@example.org", i), func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, At: f.Clock.Now()} })
			w.fail(t, fmt.Sprintf("x%d@example.org", i), tenant.User{}, "198.51.100.7")
		}
		people, places, after, automatic := 0, 0, "", ""
		for range 3 {
			page, err := w.portal.config.Admin.Blocks(ctx, f.Tenant.ID, after, automatic, 2)
			if err != nil {
				t.Fatal(err)
			}
			people, places = people+len(page.People), places+len(page.Automatic)
			after, automatic = page.Next, page.NextAutomatic
		}
		if people != 5 || places != 5 || after != "" || automatic != "" {
			t.Errorf("got %d people and %d places, then %q and %q, want 5, 5 and the end", people, places, after, automatic)
		}
	})
}

func TestAnotherTenantsBlocksStay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		theirs := tenant.ID(string(f.Tenant.ID) + "x")
		if err := f.DB.AddTenant(t.Context(), tenant.Tenant{ID: theirs}, []string{"x." + f.Host}); err != nil {
			t.Fatal(err)
		}
		g := guard.New(f.DB, f.Clock.Now)
		for range 10 {
			subject := guard.Subject{Account: "eve@example.org", IP: netip.MustParseAddr("198.51.100.7")}
			if _, err := g.Failed(t.Context(), theirs, subject); err != nil {
				t.Fatal(err)
			}
		}
		standing := func() []guard.Block {
			t.Helper()
			found, err := g.Search(t.Context(), theirs, guard.Filter{Limit: 1})
			if err != nil || len(found) != 1 {
				t.Fatalf("got %v, %v, want one block", found, err)
			}
			return found
		}
		mara := w.administrator(t, "mara@example.org")
		mara.want(mara.get("/admin/blocks"), http.StatusOK, "/admin/blocks", "Nothing is blocked automatically.")
		key, me := standing()[0].Key, w.user(t, "mara@example.org")
		if err := w.portal.config.Admin.Lift(tenant.With(t.Context(), f.Tenant), me, key, "Not mine"); err != nil {
			t.Fatal(err)
		}
		standing()
	})
}
