package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/admin"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

func TestTheStartOfTheAdministrationCounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		mara.want(mara.get("/admin"), http.StatusOK, "/admin", "Three steps to begin with")
		want := func(figures admin.Figures) {
			t.Helper()
			got, err := w.portal.config.Admin.Figures(context.WithoutCancel(t.Context()), f.Tenant.ID)
			if err != nil || got != figures {
				t.Errorf("got %+v, %v, want %+v", got, err, figures)
			}
		}
		want(admin.Figures{Users: 1})

		ana, bo := w.visitor(t), w.visitor(t)
		ana.signUp("ana@example.org")
		bo.signUp("bo@example.org")
		f.NewUser(t, "cy@example.org", func(p *profile.Profile) { p.EmailVerified = false })
		f.NewUser(t, "di@example.org", func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, Until: f.Clock.Now().Add(time.Hour)} })
		f.NewUser(t, "ed@example.org", func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, Until: f.Clock.Now().Add(-time.Hour)} })
		w.asked(t, "ana@example.org")
		want(admin.Figures{Users: 6, Unverified: 1, Blocked: 1, Requests: 1})

		w.publish(t, 1, "Rules.", 0)
		f.Clock.Advance(time.Second)
		want(admin.Figures{Users: 6, Unverified: 1, Blocked: 1, Requests: 1, Owing: 6})
		for _, v := range []*visitor{mara, bo} {
			v.send(v.get("/terms/accept"), "/terms/accept", map[string]string{"decision": "accept"})
		}
		want(admin.Figures{Users: 6, Unverified: 1, Blocked: 1, Requests: 1, Owing: 4})

		ctx := tenant.With(t.Context(), f.Tenant)
		u := w.user(t, "ana@example.org")
		if err := w.portal.config.Admin.Block(ctx, w.user(t, "mara@example.org"), u, admin.Blocking{Reason: "Chargebacks"}); err != nil {
			t.Fatal(err)
		}
		p := mara.want(mara.get("/admin"), http.StatusOK, "/admin", "reason=Chargebacks")
		mara.want(p, http.StatusOK, "/admin", "Account blocked mara@example.org ana@example.org")
		if strings.Contains(p.text(), u.ID) || !strings.Contains(p.body, strings.ReplaceAll(u.ID, "|", "%7C")) {
			t.Errorf("got %s, want names that lead to people", p.text())
		}
		if strings.Contains(p.text(), "Three steps") {
			t.Error("a tenant with people is still shown how to begin")
		}
		mara.want(p, http.StatusOK, "/admin", "Owe an answer to terms 4")
	})
}
