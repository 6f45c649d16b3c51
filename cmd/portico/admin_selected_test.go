package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

const selected = "/admin/users/selected"

// ticked are the fields of the list p when the boxes of these people are ticked and a button is pressed.
func ticked(t *testing.T, p page, action string, people ...tenant.User) map[string]string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{"action": action}
	for n := range root.Descendants() {
		if attribute(n, "type") == "checkbox" && slices.ContainsFunc(people, func(u tenant.User) bool { return u.ID == attribute(n, "value") }) {
			fields[attribute(n, "name")] = attribute(n, "value")
		}
	}
	if len(fields) != len(people)+1 {
		t.Fatalf("got boxes %v, want %d", fields, len(people))
	}
	return fields
}

func (w *world) blocked(t *testing.T, u tenant.User) profile.Block {
	t.Helper()
	p, err := w.DB.FindProfile(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return p.Block
}

// choose ticks people in the list of v, and goes as far as the page that asks.
func (v *visitor) choose(action string, people ...tenant.User) page {
	v.t.Helper()
	list := v.get("/admin/users")
	return v.send(list, selected, ticked(v.t, list, action, people...))
}

func TestManyAreBlockedAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		ana.signUp("ana@example.org")
		me, anas := w.user(t, "mara@example.org"), w.user(t, "ana@example.org")
		bo := f.NewUser(t, "bo@example.org", func(p *profile.Profile) { p.Name = "Bo" })
		cleo := f.NewUser(t, "cleo@example.org", func(p *profile.Profile) {
			p.Block = profile.Block{Blocked: true, At: f.Clock.Now(), Reason: "Earlier"}
		})
		dora := f.NewUser(t, "dora@example.org")

		p := mara.choose("block", me, anas, bo, cleo)
		mara.want(p, http.StatusOK, selected, "This concerns 2 users")
		for _, text := range []string{"ana@example.org", "Bo", "This is you.", "Already blocked.", "Each of them gets an email."} {
			mara.want(p, http.StatusOK, selected, text)
		}
		if form := formOf(t, p, selected); form.Get("user.2") != "" || !form.Has("user.0") || !form.Has("user.1") || !form.Has("left.1") || form.Has("left.2") {
			t.Errorf("got %v, want two people named and two left out", form)
		}
		if w.blocked(t, bo).Blocked {
			t.Fatal("blocked before it was confirmed")
		}
		p = mara.send(p, selected, map[string]string{"confirmed": "yes", "message": "Call us."})
		p = mara.want(p, http.StatusUnprocessableEntity, selected, "Give a reason")
		mara.want(p, http.StatusUnprocessableEntity, selected, "This is you.")
		if form := formOf(t, p, selected); form.Get("message") != "Call us." || !form.Has("user.1") {
			t.Errorf("got %v, want what was typed and ticked", form)
		}
		done := mara.send(p, selected, map[string]string{"confirmed": "yes", "reason": "Chargebacks"})
		mara.want(done, http.StatusOK, selected, "Done for 2 users.")
		for _, u := range []tenant.User{anas, bo} {
			if b := w.blocked(t, u); !b.Blocked || b.Reason != "Chargebacks" || b.Message != "Call us." || b.By != me.ID {
				t.Errorf("got %+v, want the block", b)
			}
		}
		if w.blocked(t, me).Blocked || w.blocked(t, dora).Blocked || w.blocked(t, cleo).Reason != "Earlier" {
			t.Error("somebody else was blocked")
		}
		ana.want(ana.get("/account"), http.StatusOK, "/login", "")
		w.letter(t, "ana@example.org", mail.AccountBlocked)
		again := mara.send(p, selected, map[string]string{"confirmed": "yes", "reason": "Twice"})
		again = mara.want(again, http.StatusOK, selected, "Done for 0 users.")
		if w.blocked(t, bo).Reason != "Chargebacks" || strings.Count(again.text(), "Already blocked.") != 2 {
			t.Errorf("what was sent twice was done twice: %s", again.text())
		}
		if n := w.lettersTo(t, "bo@example.org", mail.AccountBlocked); n != 1 {
			t.Errorf("got %d letters, want one", n)
		}
		events, err := w.portal.config.Audit.Search(t.Context(), f.Tenant.ID, audit.Filter{Actor: me.ID, Types: []audit.Type{audit.Blocked}, Limit: 9})
		if err != nil || len(events) != 2 || events[0].Detail["reason"] != "Chargebacks" {
			t.Errorf("got %+v, %v, want a line for each of two", events, err)
		}

		p = mara.choose("unblock", bo, dora)
		mara.want(p, http.StatusOK, selected, "Not blocked by an administrator.")
		mara.want(mara.send(p, selected, map[string]string{"confirmed": "yes", "reason": "Cleared up"}), http.StatusOK, selected, "Done for 1 user.")
		if w.blocked(t, bo).Blocked || !w.blocked(t, anas).Blocked {
			t.Error("the wrong block was lifted")
		}
	})
}

func TestOneFailureTakesNothingFromTheOthers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		bo := f.NewUser(t, "bo@example.org")
		broken := f.NewUser(t, "no address at all") // no letter can go there, and a block that is not told is not made
		dora := f.NewUser(t, "dora@example.org")
		p := mara.choose("block", bo, broken, dora)
		p = mara.send(p, selected, map[string]string{"confirmed": "yes", "reason": "Chargebacks"})
		p = mara.want(p, http.StatusOK, selected, "Done for 2 users.")
		mara.want(p, http.StatusOK, selected, "no address at all It did not work. Try again.")
		if !w.blocked(t, bo).Blocked || w.blocked(t, broken).Blocked || !w.blocked(t, dora).Blocked {
			t.Errorf("got %+v, %+v, %+v, want the first and the last blocked", w.blocked(t, bo), w.blocked(t, broken), w.blocked(t, dora))
		}
	})
}

func TestManyGetLettersAndLoseTheirSessions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		ana.signUp("ana@example.org")
		me, anas := w.user(t, "mara@example.org"), w.user(t, "ana@example.org")
		bo := f.NewUser(t, "bo@example.org", func(p *profile.Profile) { p.EmailVerified = false })
		nobody := f.NewUser(t, "", func(p *profile.Profile) { p.EmailVerified, p.Name = false, "Nameless" })

		p := mara.want(mara.choose("verify", anas, bo, nobody), http.StatusOK, selected, "This concerns 1 user")
		mara.want(p, http.StatusOK, selected, "Nameless Has no email address.")
		mara.want(p, http.StatusOK, selected, "ana@example.org The address is confirmed already.")
		mara.want(mara.send(p, selected, map[string]string{"confirmed": "yes"}), http.StatusOK, selected, "Done for 1 user.")
		w.letter(t, "bo@example.org", mail.VerifyEmail)

		p = mara.want(mara.choose("reset", anas, bo), http.StatusOK, selected, "This concerns 2 users")
		mara.send(p, selected, map[string]string{"confirmed": "yes"})
		w.letter(t, "ana@example.org", mail.ResetEmail)
		w.letter(t, "bo@example.org", mail.ResetEmail)

		p = mara.want(mara.choose("end", me, anas), http.StatusOK, selected, "This is you.")
		mara.want(mara.send(p, selected, map[string]string{"confirmed": "yes"}), http.StatusOK, selected, "ana")
		ana.want(ana.get("/account"), http.StatusOK, "/login", "")
		mara.want(mara.get(selected), http.StatusOK, selected, "Done for 1 user.")
	})
}

func TestSelectedPeopleOfOthersAreUnknown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		ana.signUp("ana@example.org")
		theirs := f
		theirs.Tenant.ID = tenant.ID(string(f.Tenant.ID) + "x")
		if err := f.DB.AddTenant(t.Context(), tenant.Tenant{ID: theirs.Tenant.ID}, []string{"x." + f.Host}); err != nil {
			t.Fatal(err)
		}
		eve := theirs.NewUser(t, "eve@example.org")
		bo := f.NewUser(t, "bo@example.org")
		list := mara.get("/admin/users")
		fields := ticked(t, list, "block", bo)
		fields["user.49"] = eve.ID
		p := mara.want(mara.send(list, selected, fields), http.StatusOK, selected, "This concerns 1 user")
		p = mara.send(p, selected, map[string]string{"confirmed": "yes", "reason": "Mine", "user.40": eve.ID})
		if strings.Contains(p.body, eve.ID) || strings.Contains(p.body, "eve@") {
			t.Error("somebody else's user is named")
		}
		if w.blocked(t, eve).Blocked || !w.blocked(t, bo).Blocked {
			t.Error("got somebody else's user blocked, or one's own not")
		}
		p = mara.send(mara.get("/admin/users?state=admins"), selected, map[string]string{"action": "block", "user.0": eve.ID})
		p = mara.want(p, http.StatusUnprocessableEntity, selected, "Select at least one user")
		if form := formOf(t, p, selected); form.Get("back") != "/admin/users?state=admins" {
			t.Errorf("got %v, want the same list", form)
		}
		if p := mara.send(list, selected, map[string]string{"action": "erase", "user.0": bo.ID}); p.status != http.StatusBadRequest {
			t.Errorf("got %d, want 400 for what cannot be done to many", p.status)
		}
		for _, token := range []string{"", formOf(t, ana.get("/account/profile"), "/account/profile").Get("form_token")} {
			values := url.Values{"action": {"block"}, "user.0": {bo.ID}, "form_token": {token}}
			p := ana.do(http.MethodPost, selected, values)
			if p.status == http.StatusOK || strings.Contains(p.body, "bo@example.org") {
				t.Errorf("got %d %s for who is no administrator", p.status, p.text())
			}
		}
	})
}

func TestWhatIsDoneToManyAsksWhoItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	mara := w.administrator(t, "mara@example.org")
	bo := w.NewUser(t, "bo@example.org")
	mara.want(mara.get(selected), http.StatusOK, "/admin/users", "bo@example.org")
	list := mara.get("/admin/users")
	w.Clock.Advance(16 * time.Minute)
	p := mara.want(mara.send(list, selected, ticked(t, list, "block", bo)), http.StatusOK, "/reauth", "")
	p = mara.send(p, "/reauth", map[string]string{"password": goodPassword})
	p = mara.want(p, http.StatusOK, "/resume", "This concerns 1 user")
	mara.want(mara.send(p, selected, map[string]string{"confirmed": "yes", "reason": "Chargebacks"}), http.StatusOK, selected, "Done for 1 user.")
	if !w.blocked(t, bo).Blocked {
		t.Error("got no block")
	}
}
