package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/store/storetest"
)

func TestMainJourney(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.visitor(t)
		ana.want(ana.signUp("ana@example.org"), http.StatusOK, "/account", "Hello ana")

		p := ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "Personal info")
		p = ana.send(p, "/account/profile", map[string]string{"name": "Ana Ferreira", "nickname": "Ana", "ui_lang": "en", "lang": "de", "phone_number": "+351 912 345 678"})
		ana.want(p, http.StatusOK, "/account/profile", "Your personal info is saved.")
		if !strings.Contains(p.body, `value="Ana Ferreira"`) || !strings.Contains(p.body, `value="&#43;351912345678"`) && !strings.Contains(p.body, `value="+351912345678"`) {
			t.Errorf("got %s, want what was saved", p.body)
		}

		p = ana.send(p, "/logout", nil)
		ana.want(p, http.StatusOK, "/signed-out", "You are signed out")
		ana.want(ana.get("/account/profile"), http.StatusOK, "/login", "Sign in")
		ana.want(ana.signIn("ana@example.org", "wrong but long enough"), http.StatusUnprocessableEntity, "/login", "The email address or password is not right")
		ana.want(ana.signIn("nobody@example.org", "wrong but long enough"), http.StatusUnprocessableEntity, "/login", "The email address or password is not right")
		ana.want(ana.signIn("ANA@example.org", goodPassword), http.StatusOK, "/account", "Hello Ana")
	})
}

func TestRefusedProfileKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.visitor(t)
	ana.signUp("ana@example.org")
	p := ana.send(ana.get("/account/profile"), "/account/profile", map[string]string{"name": "", "nickname": "Typed", "phone_number": "912 345"})
	ana.want(p, http.StatusUnprocessableEntity, "/account/profile", "Enter your full name")
	for _, want := range []string{`value="Typed"`, `value="912 345"`, "<title>Error:", `aria-describedby="phone_number-hint phone_number-error"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("no %s in %s", want, p.body)
		}
	}
}

func TestStaleProfileShowsBothVersions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.visitor(t)
		ana.signUp("ana@example.org")
		first, second := ana.get("/account/profile"), ana.get("/account/profile")
		ana.send(first, "/account/profile", map[string]string{"name": "First"})
		p := ana.send(second, "/account/profile", map[string]string{"name": "Second", "nickname": "Kept"})
		ana.want(p, http.StatusConflict, "/account/profile", "First")
		p = ana.send(p, "/account/profile", nil)
		ana.want(p, http.StatusOK, "/account/profile", "Your personal info is saved.")
		if !strings.Contains(p.body, `value="Second"`) || !strings.Contains(p.body, `value="Kept"`) {
			t.Errorf("got %s, want what was entered", p.body)
		}
	})
}

func TestForgedFieldsAreIgnoredAndRecorded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.visitor(t)
		ana.signUp("ana@example.org")
		ana.send(ana.get("/account/profile"), "/account/profile", map[string]string{
			"name": "Ana", "blocked": "true", "email_verified": "false", "app_metadata": `{"plan":"gold"}`, "email": "evil@example.org", "role": "admin",
		})
		p, err := f.DB.FindByEmail(t.Context(), f.Tenant.ID, "ana@example.org")
		if err != nil || !p.EmailVerified || p.Role != "" || len(p.AppMetadata) != 0 || p.Block.Blocked || p.Name != "Ana" {
			t.Errorf("got %+v, %v, want only the name changed", p, err)
		}
		ana.want(ana.get("/account/security/activity"), http.StatusOK, "/account/security/activity", "Tried to change a protected field")
	})
}

func TestChangeOfAddress(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.visitor(t)
		ana.signUp("ana@example.org")
		p := ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": "new@example.org"})
		ana.want(p, http.StatusOK, "/account/email", "Waiting for you to confirm new@example.org")

		confirm := w.letter(t, "new@example.org", mail.EmailChangeConfirm)
		robot := w.visitor(t)
		p = robot.get(link(t, confirm, "/email/confirm/"))
		robot.want(robot.send(p, "/email/confirm", nil), http.StatusUnprocessableEntity, "/email/confirm", "Enter all 6 digits")

		p = ana.get(link(t, confirm, "/email/confirm/"))
		ana.want(ana.send(p, "/email/confirm", nil), http.StatusOK, "/email/confirm", "Now approve in the email to the old address")
		notice := w.letter(t, "ana@example.org", mail.EmailChangeNotice)
		p = ana.get(link(t, notice, "/email/approve/"))
		ana.want(ana.send(p, "/email/approve", nil), http.StatusOK, "/email/approve", "You now sign in with new@example.org")

		// The owner of the old address objects, in a browser that asked for nothing.
		changed := w.letter(t, "ana@example.org", mail.EmailChanged)
		owner := w.visitor(t)
		p = owner.get(link(t, changed, "/email/undo/"))
		owner.want(owner.send(p, "/email/undo", map[string]string{"code": code(t, changed)}), http.StatusOK, "/email/undo", "Your account is secured")
		ana.want(ana.get("/account"), http.StatusOK, "/login", "Sign in")
		w.letter(t, "ana@example.org", mail.ResetEmail)
		ana.want(ana.signIn("new@example.org", goodPassword), http.StatusUnprocessableEntity, "/login", "not right")
		ana.want(ana.signIn("ana@example.org", goodPassword), http.StatusOK, "/account", "Hello")
		p = ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": "again@example.org"})
		ana.want(p, http.StatusUnprocessableEntity, "/account/email", "Wait a day")
	})
}

func TestChangeOfAddressWithoutTheOldOneWaits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.visitor(t)
		ana.signUp("ana@example.org")
		ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": "new@example.org"})
		p := ana.get(link(t, w.letter(t, "new@example.org", mail.EmailChangeConfirm), "/email/confirm/"))
		ana.send(p, "/email/confirm", nil)
		for _, c := range []struct {
			after time.Duration
			want  string
		}{{71 * time.Hour, "ana@example.org"}, {2 * time.Hour, "new@example.org"}} {
			f.Clock.Advance(c.after)
			if err := w.portal.changes.ApplyDue(t.Context(), w.portal.tenants.ByID); err != nil {
				t.Fatal(err)
			}
			if _, err := f.DB.FindByEmail(t.Context(), f.Tenant.ID, c.want); err != nil {
				t.Errorf("after %v more: got %v, want the address %s", c.after, err, c.want)
			}
		}
	})
}
