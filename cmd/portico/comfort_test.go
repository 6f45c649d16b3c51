package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/store/storetest"
)

// ux.md "Date and time": the zone is chosen from a list, and letters go by it.
func TestZoneIsChosenFromAList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	p := ana.want(ana.get("/account/profile/zone"), http.StatusOK, "/account/profile/zone", "Tokyo, ")
	ana.want(ana.send(p, "/account/profile/zone", map[string]string{"zoneinfo": "Mars/Olympus"}), http.StatusUnprocessableEntity, "/account/profile/zone", "Enter a time zone")
	saved := ana.want(ana.send(p, "/account/profile/zone", map[string]string{"zoneinfo": "Asia/Tokyo"}), http.StatusOK, "/account/profile", "saved")
	if !strings.Contains(saved.body, `value="Asia/Tokyo"`) {
		t.Error("the zone is not in the profile")
	}
	if p := ana.get("/account/profile/zone"); !strings.Contains(p.body, `<option value="Asia/Tokyo" selected>`) {
		t.Error("the list does not show what is chosen")
	}
	w.visitor(t).signIn("ana@example.org", goodPassword)
	if letter := w.letter(t, "ana@example.org", mail.NewSignIn); !strings.Contains(letter.Text, "(Asia/Tokyo)") || strings.Contains(letter.Text, "UTC") {
		t.Errorf("got %s, want her zone", letter.Text)
	}
}

// ux.md "Session end": short sessions warn, with a script; long ones need not.
func TestShortSessionsWarn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	if p := ana.get("/account"); !strings.Contains(p.body, `<template id="idle" data-seconds="`) {
		t.Error("no warning for a session of half an hour")
	}
	if p := ana.still(http.MethodHead, "/account/stay", nil); p.status != http.StatusNoContent {
		t.Errorf("got %d, want to stay", p.status)
	}
	kept := w.visitor(t)
	kept.send(kept.get("/login"), "/login", map[string]string{"email": "ana@example.org", "password": goodPassword, "keep": "on"})
	if p := kept.want(kept.get("/account"), http.StatusOK, "/account", ""); strings.Contains(p.body, `id="idle"`) {
		t.Error("a warning for a session of a week")
	}
	if p := w.visitor(t).still(http.MethodHead, "/account/stay", nil); p.status != http.StatusSeeOther {
		t.Errorf("a stranger: got %d, want sign-in", p.status)
	}
}

// ux.md 1.2: a pending change offers its letter again.
func TestLetterOfAChangeIsSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	p := ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": "new@example.org"})
	w.letter(t, "new@example.org", mail.EmailChangeConfirm)
	if !strings.Contains(p.body, `name="new_email" value="new@example.org">Send a new email`) {
		t.Fatalf("no way to ask again in %s", p.text())
	}
	ana.want(ana.send(p, "/account/email", map[string]string{"new_email": "new@example.org"}), http.StatusTooManyRequests, "/account/email", "You can ask again in")
	w.Clock.Advance(2 * time.Minute)
	ana.want(ana.send(p, "/account/email", map[string]string{"new_email": "new@example.org"}), http.StatusOK, "/account/email", "We wrote to both addresses")
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Waiting for you to confirm new@example.org")
	ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "Waiting for you to confirm new@example.org")
}

// WCAG 3.3.7: what was typed at sign-in is not asked for again.
func TestForgotKnowsTheAddressThatWasTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	v := w.visitor(t)
	v.signIn("ana@example.org", "wrong but long enough")
	if p := v.get("/password/forgot"); !strings.Contains(p.body, `value="ana@example.org"`) {
		t.Error("the address is asked for again")
	}
}

// ux.md "Double submit": a form that is sent twice gets the answer that it got first.
func TestSignUpSentTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	v := w.visitor(t)
	form := v.get("/signup")
	for range 2 {
		p := v.send(form, "/signup", map[string]string{"email": "ana@example.org", "password": goodPassword})
		v.want(p, http.StatusOK, "/verify", "ana@example.org")
	}
	if n := w.lettersTo(t, "ana@example.org", mail.VerifyEmail); n != 1 {
		t.Errorf("got %d letters, want 1", n)
	}
}

// RFC 9116.
func TestSecurityContactNamesLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.Tenant.SupportEmail = "help@example.org"
	if err := w.DB.SaveSettings(t.Context(), w.Tenant.ID, w.Tenant.Settings); err != nil {
		t.Fatal(err)
	}
	p := w.visitor(t).get("/.well-known/security.txt")
	if !strings.Contains(p.body, "Preferred-Languages: en, de") {
		t.Errorf("got %q, want the languages", p.body)
	}
}
