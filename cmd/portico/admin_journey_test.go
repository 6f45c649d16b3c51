package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/internal/admin"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

func userPath(u tenant.User, tab string) string { return "/admin/users/" + url.PathEscape(u.ID) + tab }

func TestAdministratorBlocksAndUnblocks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana, elsewhere := w.administrator(t, "mara@example.org"), w.visitor(t), w.visitor(t)
		ana.signUp("ana@example.org")
		elsewhere.want(elsewhere.signIn("ana@example.org", goodPassword), http.StatusOK, "/account", "Hello ana")
		reset := w.visitor(t)
		reset.send(reset.get("/password/forgot"), "/password/forgot", map[string]string{"email": "ana@example.org"})
		if err := w.portal.resets.Answer(t.Context(), f.Tenant.ID); err != nil {
			t.Fatal(err)
		}
		letter := w.letter(t, "ana@example.org", mail.ResetEmail)
		u := w.user(t, "ana@example.org")

		mara.want(mara.get("/admin/users?q=ana@"), http.StatusOK, "/admin/users", "ana@example.org")
		actions := userPath(u, "/actions")
		p := mara.send(mara.get(actions), actions, map[string]string{"action": "block"})
		mara.want(p, http.StatusUnprocessableEntity, "/admin/users/"+u.ID+"/actions", "Give a reason")
		p = mara.send(mara.get(actions), actions, map[string]string{"action": "block", "reason": "Chargebacks", "message": "Call us."})
		mara.want(p, http.StatusOK, "/admin/users/"+u.ID+"/actions", "Unblock this user")

		for _, v := range []*visitor{ana, elsewhere} {
			v.want(v.get("/account/profile"), http.StatusOK, "/login", "Sign in")
		}
		p = ana.signIn("ana@example.org", "the wrong password here")
		ana.want(p, http.StatusUnprocessableEntity, "/login", "not right")
		p = ana.want(ana.signIn("ana@example.org", goodPassword), http.StatusForbidden, "/login", "Call us.")
		if strings.Contains(p.body, "Chargebacks") {
			t.Error("the internal reason is shown")
		}
		reset.want(reset.get(link(t, letter, "/password/reset/")), http.StatusGone, "/password/reset", "")
		w.letter(t, "ana@example.org", mail.AccountBlocked)

		p = mara.send(mara.get(actions), actions, map[string]string{"action": "unblock", "reason": "Cleared up"})
		mara.want(p, http.StatusOK, "/admin/users/"+u.ID+"/actions", "Block this user")
		ana.want(ana.signIn("ana@example.org", goodPassword), http.StatusOK, "/account", "Hello ana")
		mara.want(mara.get("/admin/audit?user="+url.QueryEscape(u.ID)), http.StatusOK, "/admin/audit", "Account unblocked")
	})
}

func TestAdministratorCorrects(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		ana.signUp("ana@example.org")
		u := w.user(t, "ana@example.org")
		self, metadata := userPath(u, ""), userPath(u, "/metadata")
		p := mara.send(mara.get(self), self, map[string]string{"name": "Ana Ferreira", "phone_number": "912"})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/users/"+u.ID, "country code")
		p = mara.send(p, self, map[string]string{"phone_number": "+351912"})
		mara.want(p, http.StatusOK, "/admin/users/"+u.ID, "Saved.")
		w.letter(t, "ana@example.org", mail.ProfileChangedByAdmin)

		typed := "{\n  \"plan\": gold\n}"
		p = mara.send(mara.get(metadata), metadata, map[string]string{"app_metadata": typed, "user_metadata": "{\"a\": 1"})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/users/"+u.ID+"/metadata", "Line 2, column 11: this is not valid JSON, at “gold”")
		mara.want(p, http.StatusUnprocessableEntity, "/admin/users/"+u.ID+"/metadata", "The JSON ends too early, in line 1, column 8")
		if kept := formOf(t, p, metadata); kept.Get("app_metadata") != typed || kept.Get("user_metadata") != "{\"a\": 1" {
			t.Errorf("got %q, want what was typed", kept)
		}
		long := "{\"a\": \"" + strings.Repeat("x", 60<<10) + "\"}"
		p = mara.send(p, metadata, map[string]string{"app_metadata": long, "user_metadata": long})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/users/"+u.ID+"/metadata", "16")
		if kept := formOf(t, p, metadata); kept.Get("app_metadata") != long || kept.Get("user_metadata") != long {
			t.Error("what is too long is lost")
		}
		p = mara.send(mara.get(metadata), metadata, map[string]string{"app_metadata": `{"plan": "gold", "blocked": true}`})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/users/"+u.ID+"/metadata", "This key belongs to the profile itself: blocked")
		p = mara.send(p, metadata, map[string]string{"app_metadata": `{"plan": "gold"}`})
		p = mara.want(p, http.StatusOK, "/admin/users/"+u.ID+"/metadata", "app_metadata.plan")
		p = mara.send(p, metadata, map[string]string{"confirmed": "yes"})
		mara.want(p, http.StatusOK, "/admin/users/"+u.ID+"/metadata", "Saved.")
		if saved, err := f.DB.FindProfile(t.Context(), u); err != nil || saved.AppMetadata.Text("plan") != "gold" || saved.Name != "Ana Ferreira" {
			t.Errorf("got %+v, %v, want what was saved", saved, err)
		}
		mara.want(mara.get("/admin/users?q=ferreira"), http.StatusOK, "/admin/users", "Ana Ferreira")
		mara.want(mara.get("/admin/users?q=nobody"), http.StatusOK, "/admin/users", "No user matches “nobody”.")
		for _, tab := range []string{"/security", "/activity"} {
			mara.want(mara.get(userPath(u, tab)), http.StatusOK, "/admin/users/"+u.ID+tab, "Ana Ferreira")
		}
	})
}

func TestAdministrationDoesNotExistForOthers(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t, storetest.SQLite(t)), newWorld(t, storetest.SQLite(t))
	ana, stranger, mara := w.visitor(t), w.visitor(t), w.administrator(t, "mara@example.org")
	ana.signUp("ana@example.org")
	foreign := other.visitor(t)
	foreign.signUp("foreign@example.org")
	theirs := other.user(t, "foreign@example.org")
	for _, path := range []string{"/admin", "/admin/users", "/admin/audit", userPath(w.user(t, "ana@example.org"), ""), userPath(w.user(t, "ana@example.org"), "/actions"), "/admin/emails"} {
		for name, v := range map[string]*visitor{"a person": ana, "a stranger": stranger} {
			if p := v.get(path); p.status != http.StatusNotFound {
				t.Errorf("%s at %s: got %d, want 404", name, path, p.status)
			}
		}
		if p := mara.get(path); p.status != http.StatusOK {
			t.Errorf("the administrator at %s: got %d, want 200", path, p.status)
		}
	}
	for _, tab := range []string{"", "/metadata", "/security", "/activity", "/actions"} {
		if p := mara.get(userPath(theirs, tab)); p.status != http.StatusNotFound {
			t.Errorf("another tenant's user, %s: got %d, want 404", tab, p.status)
		}
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		w.administrator(t, "bo@example.org")
		a, b := w.user(t, "mara@example.org"), w.user(t, "bo@example.org")
		actions := userPath(a, "/actions")
		p := mara.send(mara.get(actions), actions, map[string]string{"action": "demote"})
		mara.want(p, http.StatusUnprocessableEntity, "/admin/users/"+a.ID+"/actions", "the last administrator")

		ctx := tenant.With(t.Context(), f.Tenant)
		var both sync.WaitGroup
		for _, pair := range [][2]tenant.User{{a, b}, {b, a}} {
			both.Go(func() { _ = w.portal.config.Admin.Block(ctx, pair[0], pair[1], admin.Blocking{Reason: "A race."}) })
		}
		both.Wait()
		left := 0
		for _, u := range []tenant.User{a, b} {
			if p, err := f.DB.FindProfile(ctx, u); err == nil && !p.Block.Blocked {
				left++
			}
		}
		if left != 1 {
			t.Errorf("got %d administrators left, want one", left)
		}
	})
}

func TestSearchPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		for _, name := range []string{"Ana One", "Ána Two", "ana Three", "Bo Ana"} {
			f.NewUser(t, strings.ReplaceAll(name, " ", ".")+"@example.org", func(p *profile.Profile) { p.Name, p.Nickname = name, "" })
		}
		for _, c := range []struct {
			query admin.Query
			want  int
		}{
			{admin.Query{Text: "ana", Limit: 2}, 4},
			{admin.Query{Text: "ÁNA", Limit: 100}, 4},
			{admin.Query{Text: "ana t", Limit: 100}, 2},
			{admin.Query{Text: "zz", Limit: 100}, 0},
			{admin.Query{Limit: 3}, 4},
			{admin.Query{State: admin.Blocked, Limit: 3}, 0},
		} {
			seen := map[string]bool{}
			for range 20 {
				found, err := f.DB.SearchProfiles(t.Context(), f.Tenant.ID, c.query)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range found.People {
					seen[p.User.ID] = true
				}
				if c.query.After = found.Next; found.Next == "" {
					break
				}
			}
			if len(seen) != c.want {
				t.Errorf("%+v: got %d people, want %d", c.query, len(seen), c.want)
			}
		}
	})
}

func TestPrivacyRequestsAreAnswered(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		ana.signUp("ana@example.org")
		w.publish(t, 1, "Rules.", 0)
		f.Clock.Advance(time.Second)
		for range 2 {
			w.asked(t, "ana@example.org") // in the days when a person answered
		}
		w.letter(t, "ana@example.org", mail.RequestReceived)
		gate := mara.get("/admin/requests")
		mara.send(gate, "/terms/accept", map[string]string{"decision": "accept"})
		mara.want(mara.get("/admin/requests"), http.StatusOK, "/admin/requests", "Close my account")
		if n := len(w.requests(t)); n != 1 {
			t.Errorf("got %d requests, want one however often it is asked", n)
		}
		one := "/admin/requests/" + w.requests(t)[0].ID
		p := mara.want(mara.send(mara.get(one), one, nil), http.StatusUnprocessableEntity, one, "Fill in this field")
		p = mara.send(p, one, map[string]string{"answer": "It is done on Monday."})
		mara.want(p, http.StatusOK, "/admin/requests", "Nobody waits for an answer.")
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "It is done on Monday.")
		w.letter(t, "ana@example.org", mail.RequestAnswered)
	})
}

func TestAdministratorPublishesTerms(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		ana.signUp("ana@example.org")
		p := mara.send(mara.get("/admin/terms"), "/admin/terms", map[string]string{"key": "No good", "assent": "agree", "locale": "en"})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/terms", "Use lower-case letters")
		p = mara.send(p, "/admin/terms", map[string]string{"key": "terms", "assent": "agree", "locale": "en"})
		p = mara.want(p, http.StatusOK, "/admin/terms/terms", "There is no version yet.")
		p = mara.send(p, "/admin/terms/terms", map[string]string{"materiality": "material"})
		draft := mara.want(p, http.StatusOK, "/admin/terms/terms/1", "A draft is begun")

		p = mara.send(draft, "/admin/terms/terms/1", map[string]string{"title": "", "source": "fine\n\n<script>x</script>"})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/terms/terms/1", "Line 3: HTML is not allowed")
		if !strings.Contains(p.body, "&lt;script&gt;") {
			t.Error("what was typed is lost")
		}
		p = mara.send(p, "/admin/terms/terms/1", map[string]string{"title": "Terms", "source": "## 1. Rules {#rules}\n\nBe kind."})
		mara.want(p, http.StatusOK, "/admin/terms/terms/1", "Saved.")
		german := mara.get("/admin/terms/terms/1?locale=de")
		p = mara.send(german, "/admin/terms/terms/1", map[string]string{"title": "Bedingungen", "source": "## 1. Regeln {#rules}\n\nSeien Sie freundlich."})
		mara.want(p, http.StatusOK, "/admin/terms/terms/1", "Saved.")
		mara.want(mara.get("/admin/terms/terms/1/preview?locale=de"), http.StatusOK, "/admin/terms/terms/1/preview", "Seien Sie freundlich.")
		stranger := w.visitor(t)
		stranger.want(stranger.get("/terms/terms/1"), http.StatusNotFound, "/terms/terms/1", "")

		publish := mara.want(mara.get("/admin/terms/terms/1/publish"), http.StatusOK, "/admin/terms/terms/1/publish", "2 users will be asked")
		today := f.Clock.Now().Format(time.DateOnly)
		p = mara.send(publish, "/admin/terms/terms/1/publish", map[string]string{"effective_at": today, "number": "7"})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/terms/terms/1/publish", "Type the version number 1 to publish")
		p = mara.send(p, "/admin/terms/terms/1/publish", map[string]string{"effective_at": today, "number": "1"})
		mara.want(p, http.StatusOK, "/terms/accept", "Be kind.")
		f.Clock.Advance(6 * time.Second)
		stranger.want(stranger.get("/terms/terms?lang=de"), http.StatusOK, "/terms/terms", "Seien Sie freundlich.")
		ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "Be kind.")
		mara.send(p, "/terms/accept", map[string]string{"decision": "accept"})

		p = mara.send(mara.get("/admin/terms/terms"), "/admin/terms/terms", map[string]string{"materiality": "material"})
		mara.send(p, "/admin/terms/terms/2", map[string]string{"source": "## 1. Rules {#rules}\n\nBe very kind.", "title": "Terms"})
		p = mara.send(mara.get("/admin/terms/terms/2/publish"), "/admin/terms/terms/2/publish", map[string]string{"effective_at": today, "number": "2"})
		mara.want(p, http.StatusUnprocessableEntity, "/admin/terms/terms/2/publish", "Say in short what changes")
		p = mara.send(mara.get("/admin/terms/terms/1"), "/admin/terms/terms/1/withdraw", map[string]string{"reason": ""})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/terms/terms/1/withdraw", "Fill in this field")
		mara.want(mara.send(p, "/admin/terms/terms/1/withdraw", map[string]string{"reason": "A mistake."}), http.StatusOK, "/admin/terms/terms", "Withdrawn")
		ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	})
}
