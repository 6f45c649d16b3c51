package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/admin"
	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// moved is ana with another address since just now, told to both.
func (w *world) moved(t *testing.T) *visitor {
	t.Helper()
	ana := w.member(t)
	ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": "new@example.org"})
	for _, l := range []struct {
		to, path string
		kind     mail.Kind
	}{{"new@example.org", "/email/confirm", mail.EmailChangeConfirm}, {"ana@example.org", "/email/approve", mail.EmailChangeNotice}} {
		p := ana.get(link(t, w.letter(t, l.to, l.kind), l.path+"/"))
		ana.want(ana.send(p, l.path, nil), http.StatusOK, l.path, "")
	}
	w.letter(t, "ana@example.org", mail.EmailChanged)
	return ana
}

// Row 66: what warns goes to every address, the one of last week too, and a copy opens nothing.
func TestNoticesGoToTheAddressBefore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.moved(t)
		u := w.user(t, "new@example.org")
		profile := func(phone string) {
			ana.send(ana.get("/account/profile"), "/account/profile", map[string]string{"phone_number": phone})
		}
		profile("+351 912 345 678") // a first number takes nothing away
		profile("+351 912 345 679")
		phone := w.visitor(t)
		phone.want(phone.signIn("new@example.org", goodPassword), http.StatusOK, "/account", "Hello")
		const form = "/account/security/password"
		ana.send(ana.get(form), form, map[string]string{"current_password": goodPassword, "password": "two ferries and a gull"})
		mara := w.administrator(t, "mara@example.org")
		mara.get("/admin")
		ctx := tenant.With(t.Context(), f.Tenant)
		err := w.portal.config.Admin.Block(ctx, w.user(t, "mara@example.org"), u, admin.Blocking{Reason: "A test."})
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []mail.Kind{mail.PhoneChanged, mail.NewSignIn, mail.PasswordChanged, mail.AccountBlocked} {
			for _, to := range []string{"new@example.org", "ana@example.org"} {
				if n := w.lettersTo(t, to, kind); n != 1 {
					t.Errorf("got %d letters %s to %s, want 1", n, kind, to)
				}
			}
		}
		if strings.Contains(w.letter(t, "ana@example.org", mail.PasswordChanged).Text, "new@example.org") {
			t.Error("the copy names the new address")
		}
	})
}

func TestNoticesStopAfterAWeek(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.moved(t)
	w.Clock.Advance(8 * 24 * time.Hour)
	later := w.visitor(t)
	later.want(later.signIn("new@example.org", goodPassword), http.StatusOK, "/account", "Hello")
	w.letter(t, "new@example.org", mail.NewSignIn)
	for _, m := range w.mailbox.Messages() {
		if m.To == "ana@example.org" && m.Kind == mail.NewSignIn {
			t.Error("told an address that left the account eight days ago")
		}
	}
}

// ux.md 1.1: an address that somebody else took meanwhile is of no use, without a word why, and its owner is told.
func TestAddressTakenMeanwhile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": "new@example.org"})
		confirm := w.letter(t, "new@example.org", mail.EmailChangeConfirm)
		approve := ana.get(link(t, w.letter(t, "ana@example.org", mail.EmailChangeNotice), "/email/approve/"))
		ana.send(approve, "/email/approve", nil)
		f.Clock.Advance(2 * time.Minute)
		w.visitor(t).signUp("new@example.org")
		f.Clock.Advance(2 * time.Minute)
		p := ana.get(link(t, confirm, "/email/confirm/"))
		ana.want(ana.send(p, "/email/confirm", nil), http.StatusGone, "/email/confirm", "There is a newer link")
		if n := w.lettersTo(t, "new@example.org", mail.EmailTaken); n != 1 {
			t.Errorf("got %d letters to the owner, want 1", n)
		}
		if n := w.recorded(t, w.user(t, "ana@example.org"), audit.EmailFailed); n != 1 {
			t.Errorf("got %d lines in the record, want 1", n)
		}
		if strings.Contains(ana.get("/account").text(), "Waiting for you") {
			t.Error("the change is still pending")
		}
	})
}

// Row 66: the page for who says "that was not me".
func TestSecuringAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	thief := w.visitor(t)
	thief.signIn("ana@example.org", goodPassword)
	thief.send(thief.get("/account/email"), "/account/email", map[string]string{"new_email": "thief@example.net"})
	stranger := w.visitor(t)
	p := stranger.want(stranger.get("/secure"), http.StatusOK, "/secure", "Choose a new password")
	if strings.Contains(p.text(), "You are signed in here") {
		t.Error("a stranger is offered what only the person can do")
	}
	letter := w.letter(t, "ana@example.org", mail.NewSignIn)
	p = ana.get(link(t, letter, "/secure"))
	w.Clock.Advance(16 * time.Minute) // row 42
	p = ana.want(ana.send(p, "/account/security/secure", nil), http.StatusOK, "/reauth", "Confirm it is you")
	p = ana.want(ana.send(p, "/reauth", map[string]string{"password": goodPassword}), http.StatusOK, "/resume", "")
	p = ana.send(p, "/account/security/secure", nil)
	ana.want(p, http.StatusOK, "/account/security/password", "Now choose a new password.")
	thief.want(thief.get("/account"), http.StatusOK, "/login", "")
	if strings.Contains(ana.get("/account").text(), "thief@example.net") {
		t.Error("the thief's change of address is still pending")
	}
}
