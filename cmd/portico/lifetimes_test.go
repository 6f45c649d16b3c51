package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
)

// Head of rules.md: an operator can change how long each link works. Letters and pages say the time that is set, and no
// link outlives it.
func TestLinksLiveAsLongAsIsSet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		p := mara.want(mara.get("/admin/settings"), http.StatusOK, "/admin/settings", "Hours that a link to confirm an address works")
		if form := formOf(t, p, "/admin/settings"); form.Get("verify_hours") != "24" || form.Get("undo_days") != "7" || form.Get("reset_minutes") != "60" {
			t.Errorf("got %v, want what rules.md begins with", form)
		}
		p = settingsSent(t, mara, p, map[string]any{"verify_hours": "3", "undo_days": "10"})
		mara.want(p, http.StatusOK, "/admin/settings", "The settings are saved.")
		ana.want(ana.get("/secure"), http.StatusOK, "/secure", "For 10 days its button")

		ana.send(ana.get("/signup"), "/signup", map[string]string{"email": "ana@example.org", "password": goodPassword, "terms": "on"})
		proof := w.letter(t, "ana@example.org", mail.VerifyEmail)
		if !strings.Contains(proof.Text, "3 hours") || strings.Contains(proof.Text, "24 hours") {
			t.Errorf("got %s, want the time that is set", proof.Text)
		}
		w.Clock.Advance(3*time.Hour + time.Minute)
		late := w.visitor(t)
		late.want(late.get(link(t, proof, "/verify/")), http.StatusGone, "/verify/link", "")

		u := f.NewUser(t, "bo@example.org", func(*profile.Profile) {})
		mara = w.visitor(t)
		mara.signIn("mara@example.org", goodPassword)
		path := userPath(u, "/email")
		p = mara.want(mara.get(path), http.StatusOK, "/admin/users/"+u.ID+"/email", "undo the change for 10 days")
		mara.send(p, path, map[string]string{"new_email": "bo@example.net", "reason": "He lost it"})
		undo := link(t, w.letter(t, "bo@example.org", mail.EmailChangedByAdmin), "/email/undo/")
		w.Clock.Advance(10*24*time.Hour - time.Hour)
		late.want(late.get(undo), http.StatusOK, "/email/undo", "")
		w.Clock.Advance(2 * time.Hour)
		late.want(late.get(undo), http.StatusGone, "/email/undo", "")
	})
}

// Row 66: the address before is warned for a week, also where a change can be undone for a day only.
func TestNoticesGoToTheAddressBeforeForAWeekWhateverIsSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	mara := w.administrator(t, "mara@example.org")
	settingsSent(t, mara, mara.get("/admin/settings"), map[string]any{"undo_days": "1"})
	w.moved(t)
	w.Clock.Advance(6 * 24 * time.Hour)
	later := w.visitor(t)
	later.want(later.signIn("new@example.org", goodPassword), http.StatusOK, "/account", "Hello")
	w.letter(t, "ana@example.org", mail.NewSignIn)
}
