package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

func TestAdministratorCorrectsAnAddress(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		ana.signUp("ana@example.org")
		f.NewUser(t, "taken@example.org", func(*profile.Profile) {})
		u := w.user(t, "ana@example.org")
		self, path := "/admin/users/"+u.ID, userPath(u, "/email")
		p := mara.want(mara.get(path), http.StatusOK, self+"/email", "The address before is told")
		for typed, words := range map[string]string{
			"nothing": "like name@example.org", "ANA@example.org": "the address already", "taken@example.org": "Another account has this address",
		} {
			p = mara.send(p, path, map[string]string{"new_email": typed, "reason": "She lost it"})
			p = mara.want(p, http.StatusUnprocessableEntity, self+"/email", words)
			if !strings.Contains(p.body, `value="`+typed+`"`) || !strings.Contains(p.body, `value="She lost it"`) {
				t.Errorf("%s: what was typed is lost", typed)
			}
		}
		p = mara.send(p, path, map[string]string{"new_email": "ana@example.net", "reason": " "})
		p = mara.want(p, http.StatusUnprocessableEntity, self+"/email", "Give a reason")
		p = mara.send(p, path, map[string]string{"new_email": "ana@example.net", "reason": "She lost it"})
		mara.want(p, http.StatusOK, self, "The address is corrected.")
		saved, err := f.DB.FindProfile(t.Context(), u)
		if err != nil || saved.Email != "ana@example.net" || saved.EmailVerified {
			t.Fatalf("got %s, verified %t, %v, want the new address unverified", saved.Email, saved.EmailVerified, err)
		}
		events, err := w.portal.config.Audit.Search(t.Context(), f.Tenant.ID, audit.Filter{User: u.ID, Types: []audit.Type{audit.EmailChanged}, Limit: 2})
		if err != nil || len(events) != 1 || events[0].Actor.Kind != audit.ByAdmin || events[0].Detail["reason"] != "She lost it" {
			t.Errorf("got %+v, %v, want one event by an administrator with the reason", events, err)
		}
		ana.want(ana.get("/account"), http.StatusOK, "/login", "Sign in")
		ana.want(ana.signIn("ana@example.org", goodPassword), http.StatusUnprocessableEntity, "/login", "not right")
		ana.want(ana.signIn("ana@example.net", goodPassword), http.StatusOK, "/account", "Hello ana")

		told := w.letter(t, "ana@example.org", mail.EmailChangedByAdmin)
		if strings.Contains(told.Text, "ana@example.net") || strings.Contains(told.Text, "127.0.0.1") {
			t.Errorf("the letter to the address before tells too much:\n%s", told.Text)
		}
		proof := w.letter(t, "ana@example.net", mail.VerifyEmail)
		p = ana.send(ana.get("/verify"), "/verify", map[string]string{"code": code(t, proof)})
		ana.want(p, http.StatusOK, "/account", "")
		if saved, err = f.DB.FindProfile(t.Context(), u); err != nil || !saved.EmailVerified {
			t.Errorf("got verified %t, %v, want it proven by its owner", saved.EmailVerified, err)
		}

		f.Clock.Advance(6 * 24 * time.Hour)
		stranger := w.visitor(t)
		p = stranger.get(link(t, told, "/email/undo/"))
		stranger.send(p, "/email/undo", map[string]string{"code": code(t, told)})
		if saved, err = f.DB.FindProfile(t.Context(), u); err != nil || saved.Email != "ana@example.org" || !saved.EmailVerified {
			t.Errorf("got %s, verified %t, %v, want the address before back", saved.Email, saved.EmailVerified, err)
		}
		mara = w.visitor(t)
		mara.signIn("mara@example.org", goodPassword)
		p = mara.send(mara.get(path), path, map[string]string{"new_email": "ana@example.com", "reason": "Again"})
		mara.want(p, http.StatusUnprocessableEntity, self+"/email", "Somebody undid a change")
	})
}

func TestAnUnprovenAddressIsCorrectedInSilence(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		u := f.NewUser(t, "tpyo@example.org", func(p *profile.Profile) { p.EmailVerified = false })
		path := userPath(u, "/email")
		p := mara.want(mara.get(path), http.StatusOK, "/admin/users/"+u.ID+"/email", "Nobody has confirmed the address before")
		p = mara.send(p, path, map[string]string{"new_email": "typo@example.org", "reason": "A slip"})
		mara.want(p, http.StatusOK, "/admin/users/"+u.ID, "The address is corrected.")
		w.letter(t, "typo@example.org", mail.VerifyEmail)
		for _, m := range w.mailbox.Messages() {
			if m.To == "tpyo@example.org" {
				t.Errorf("a stranger got %s", m.Kind)
			}
		}
	})
}

func TestWhoseAddressIsNotForAnAdministratorToCorrect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.administrator(t, "mara@example.org")
	me := w.user(t, "mara@example.org")
	social := w.NewUser(t, "sam@example.org", func(p *profile.Profile) { p.Connection = "google" })
	for name, c := range map[string]struct {
		u    tenant.User
		want string
	}{"oneself": {me, "err.email.own"}, "a provider's": {social, "err.email.managed"}} {
		err := w.portal.config.Admin.CorrectEmail(tenant.With(t.Context(), w.Tenant), me, c.u, "new@example.org", "A reason")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

func TestUsernamesAreCorrectedWhereTheyAreInUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		ana.signUp("ana@example.org")
		f.NewUser(t, "bo@example.org", func(p *profile.Profile) { p.Username = "bo" })
		u := w.user(t, "ana@example.org")
		self, path := "/admin/users/"+u.ID, userPath(u, "")
		p := mara.send(mara.get(path), path, map[string]string{"username": "BO"})
		p = mara.want(p, http.StatusUnprocessableEntity, self, "Somebody else has this username")
		p = mara.send(p, path, map[string]string{"username": "two words"})
		p = mara.want(p, http.StatusUnprocessableEntity, self, "Use at most 15 letters")
		p = mara.send(p, path, map[string]string{"username": "Ana.F"})
		mara.want(p, http.StatusOK, self, "Saved.")
		mara.want(mara.get("/admin/users?q=ana.f"), http.StatusOK, "/admin/users", "ana@example.org")
		p = ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "Username")
		p = ana.send(p, "/account/profile", map[string]string{"username": "ana.the.first", "name": "Ana"})
		ana.want(p, http.StatusOK, "/account/profile", "saved")
		if saved, err := f.DB.FindProfile(t.Context(), u); err != nil || saved.Username != "ana.f" || saved.Name != "Ana" {
			t.Errorf("got %q, %v, want what the administrator wrote: the tenant lets nobody else change it", saved.Username, err)
		}
	}, func(s *tenant.Settings) {
		s.Attributes = map[string]tenant.AttributePolicy{profile.FieldUsername: {Access: tenant.ReadOnly}}
	})
}
