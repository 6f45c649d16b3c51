package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// ux.md "Session end": sign in, then the filled form again.
func TestFormSentTooLateIsFilledInAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		form := ana.get("/account/profile")
		f.Clock.Advance(session.Idle + time.Minute)
		login := ana.want(ana.send(form, "/account/profile", map[string]string{"name": "Typed in time"}), http.StatusOK, "/login", "Your entries are kept")
		again := ana.want(ana.send(login, "/login", map[string]string{"email": "ana@example.org", "password": goodPassword}), http.StatusOK, "/resume", "Personal info")
		for _, want := range []string{`value="Typed in time"`, "Check it and send it."} {
			if !strings.Contains(again.body, want) {
				t.Errorf("got a page without %s", want)
			}
		}
		ana.want(ana.send(again, "/account/profile", nil), http.StatusOK, "/account/profile", "Your personal info is saved.")
	})
}

func TestFormSentTooLateIsNobodyElses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	w.visitor(t).signUp("eve@example.org")
	form := ana.get("/account/profile")
	w.Clock.Advance(session.Idle + time.Minute)
	login := ana.send(form, "/account/profile", map[string]string{"name": "Private words"})
	p := ana.send(login, "/login", map[string]string{"email": "eve@example.org", "password": goodPassword})
	if p.path == "/resume" || strings.Contains(p.body, "Private words") {
		t.Errorf("got %s, want what somebody else typed to stay theirs", p.path)
	}
	ana.want(ana.get("/resume"), http.StatusOK, "/account", "Hello")
}

// ux.md 1.5: a form whose token is too old keeps what was typed, in the form itself.
func TestFormThatWasOpenTooLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	form := formOf(t, ana.get("/account/profile"), "/account/profile")
	form.Set("form_token", "old")
	form.Set("nickname", "Kept")
	p := ana.do(http.MethodPost, "/account/profile", form)
	ana.want(p, http.StatusForbidden, "/account/profile", "Your entries are still here")
	if !strings.Contains(p.body, `value="Kept"`) {
		t.Error("what was typed is gone")
	}
	ana.want(ana.send(p, "/account/profile", nil), http.StatusOK, "/account/profile", "Your personal info is saved.")

	stranger := w.visitor(t)
	p = stranger.do(http.MethodPost, "/login", url.Values{"email": {"ana@example.org"}, "password": {goodPassword}})
	stranger.want(p, http.StatusForbidden, "/login", "Your entries are still here")
	if !strings.Contains(p.body, `value="ana@example.org"`) || strings.Contains(p.body, goodPassword) {
		t.Error("want the address kept, and the password not")
	}
}

// Row 35: the session from before a sign-in is worth nothing any more.
func TestSigningInAgainEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	token := formOf(t, ana.get("/account"), "/logout").Get("form_token")
	ana.do(http.MethodPost, "/login", url.Values{"form_token": {token}, "email": {"ana@example.org"}, "password": {goodPassword}})
	open, err := w.portal.config.Sessions.List(t.Context(), w.user(t, "ana@example.org"))
	if err != nil || len(open) != 1 {
		t.Errorf("got %d sessions, %v, want the new one alone", len(open), err)
	}
}

// Row 39.
func TestTwentyFirstSessionEndsAnother(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		u := w.user(t, "ana@example.org")
		var least session.Session
		for n := range session.Most - 1 {
			f.Clock.Advance(time.Second)
			opened, _, err := w.portal.config.Sessions.Start(t.Context(), session.Opening{User: u})
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				least = opened
			}
		}
		f.Clock.Advance(2 * time.Minute)
		ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello") // hers is the oldest, and in use
		other := w.visitor(t)
		other.want(other.signIn("ana@example.org", goodPassword), http.StatusOK, "/account", "Hello")
		ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello")
		if _, err := w.portal.config.Sessions.Find(t.Context(), u.Tenant, least.ID); err == nil {
			t.Error("the session that was not used for longest goes on")
		}
		if n := w.lettersTo(t, "ana@example.org", mail.SessionLimit); n != 1 {
			t.Errorf("got %d letters, want 1", n)
		}
	})
}

// Rule V-7, case require: who mistyped the address can still change it, and leave.
func TestWhoMustVerifyCanChangeTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t, func(s *tenant.Settings) { s.Verification.Mode = tenant.VerifyRequire }))
	ana := w.visitor(t)
	ana.send(ana.get("/signup"), "/signup", map[string]string{"email": "mistyped@example.org", "password": goodPassword})
	verify := ana.want(ana.signIn("mistyped@example.org", goodPassword), http.StatusOK, "/verify", "mistyped@example.org")
	formOf(t, verify, "/logout")
	ana.want(ana.get("/account/profile"), http.StatusOK, "/verify", "mistyped@example.org")
	early := ana.send(ana.send(verify, "/verify/again", nil), "/verify/again", nil)
	ana.want(early, http.StatusTooManyRequests, "/verify/again", "mistyped@example.org")
	change := ana.want(ana.get("/account/email"), http.StatusOK, "/account/email", "mistyped@example.org")
	ana.want(ana.send(change, "/account/email", map[string]string{"new_email": "ana@example.org"}), http.StatusOK, "/account/email", "Waiting for you to confirm ana@example.org")
	p := ana.get(link(t, w.letter(t, "ana@example.org", mail.EmailChangeConfirm), "/email/confirm/"))
	ana.want(ana.send(p, "/email/confirm", nil), http.StatusOK, "/email/confirm", "ana@example.org")
	ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "Personal info")
}

// Rule B-2: a form of somebody who was blocked meanwhile changes nothing, whoever may send it.
func TestBlockedPersonIsAVisitor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	u := w.user(t, "ana@example.org")
	language := ana.get("/language")
	p, err := w.DB.FindProfile(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	p.Block = profile.Block{Blocked: true, At: w.Clock.Now()}
	if err := w.DB.SaveBlock(context.WithoutCancel(t.Context()), p); err != nil {
		t.Fatal(err)
	}
	ana.send(language, "/language", map[string]string{"lang": "fr"})
	if p, err = w.DB.FindProfile(t.Context(), u); err != nil || p.UserMetadata.Text(profile.FieldPageLang) != "" {
		t.Errorf("got %s, %v, want nothing changed", p.UserMetadata.JSON(), err)
	}
	ana.want(ana.get("/help"), http.StatusOK, "/help", "")
	ana.want(ana.get("/account"), http.StatusOK, "/login", "")
}

// Rule L-3: the parameter is a list, best first, and holds for the pages that follow.
func TestLanguagesASiteAsksFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	v := w.visitor(t)
	for _, path := range []string{"/login?ui_locales=xx+fr-CA+en", "/signup", "/help"} {
		if p := v.get(path); !strings.Contains(p.body, `<html lang="fr" dir="ltr">`) {
			t.Errorf("%s is not in French", path)
		}
	}
}

// Rule P-5: without a nickname people are called by their name.
func TestNicknameCanBeRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	ana.send(ana.get("/account/profile"), "/account/profile", map[string]string{"name": "Ana Ferreira", "nickname": ""})
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello Ana Ferreira")
}
