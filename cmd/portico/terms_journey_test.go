package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// publish publishes a version of the terms in English and German that takes effect after a while.
func (w *world) publish(t *testing.T, number int, text string, after time.Duration) {
	t.Helper()
	ctx := tenant.With(t.Context(), w.Tenant)
	service, actor := w.portal.config.Terms, tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}
	document := terms.Document{Tenant: w.Tenant.ID, Key: "terms", Assent: terms.Agree, GoverningLocale: "en"}
	if err := service.AddDocument(ctx, document); err != nil {
		t.Fatal(err)
	}
	draft := terms.Draft{Version: terms.Version{Document: "terms", Materiality: terms.Material}}
	for locale, title := range map[string]string{"en": "Terms of use", "de": "Nutzungsbedingungen"} {
		draft.Texts = append(draft.Texts, terms.Text{
			Locale: locale, Title: title, Source: "## 1. Rules {#rules}\n\n" + text + " " + locale, ChangeNote: "Because.",
			Summary: []terms.Line{{Anchor: "rules", Title: "Rules", Text: "In short " + text}},
		})
	}
	if got, err := service.SaveDraft(ctx, w.Tenant.ID, draft); err != nil || got != number {
		t.Fatalf("got draft %d, %v, want %d", got, err, number)
	}
	now := w.Clock.Now()
	plan := terms.Schedule{AnnounceAt: now, EffectiveAt: now.Add(after), EnforceAt: now.Add(after), Reason: "A test.", Typed: string(rune('0' + number))}
	if err := service.Publish(ctx, actor, "terms", number, plan); err != nil {
		t.Fatal(err)
	}
}

func TestTermsStandBeforeTheAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.publish(t, 1, "Fourteen days.", 0)
		ana := w.visitor(t)
		p := ana.send(ana.get("/signup"), "/signup", map[string]string{"email": "ana@example.org", "password": goodPassword})
		ana.want(p, http.StatusUnprocessableEntity, "/signup", "Accept the terms to create an account")
		ana.want(ana.signUp("ana@example.org"), http.StatusOK, "/account", "Hello ana")
		ana.want(ana.get("/account/terms"), http.StatusOK, "/account/terms", "Terms of use")

		open := ana.get("/account/profile")
		w.publish(t, 2, "Thirty days.", time.Hour)
		ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
		f.Clock.Advance(2 * time.Hour)
		ana.want(ana.signIn("ana@example.org", goodPassword), http.StatusOK, "/terms/accept", "You accepted version 1")
		_ = open

		gate := ana.want(ana.get("/account/profile"), http.StatusOK, "/terms/accept", "In short Thirty days.")
		if !strings.Contains(gate.body, "<del>Fourteen</del>") || !strings.Contains(gate.body, "<ins>Thirty</ins>") {
			t.Errorf("got %s, want what changed word for word", gate.body)
		}
		for _, path := range []string{"/help", "/language", "/terms/declined", "/account/terms"} {
			if p := ana.get(path); p.status != http.StatusOK || p.path != path {
				t.Errorf("%s: got %d %s, want it open", path, p.status, p.path)
			}
		}
		ana.want(ana.send(gate, "/terms/accept", map[string]string{"decision": "decline"}), http.StatusOK, "/terms/declined", "You declined")
		ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "Thirty days.")

		// A newer version takes effect between the page and the decision (case 1).
		gate = ana.get("/account/profile")
		w.publish(t, 3, "Sixty days.", 0)
		f.Clock.Advance(time.Second)
		p = ana.send(gate, "/terms/accept", map[string]string{"decision": "accept"})
		gate = ana.want(p, http.StatusConflict, "/terms/accept", "Nothing was recorded")
		ana.want(ana.send(gate, "/terms/accept", map[string]string{"decision": "accept"}), http.StatusOK, "/account/profile", "Your decision is recorded")
		ana.want(ana.send(gate, "/terms/accept", map[string]string{"decision": "accept"}), http.StatusOK, "/account/profile", "")
		events, err := f.DB.Assents(t.Context(), w.user(t, "ana@example.org"))
		if err != nil || len(events) != 3 || events[0].Number != 3 || events[0].DiffFrom != 1 || events[0].Presentation == "" || events[0].IP == "" {
			t.Errorf("got %+v, %v, want version 1, declined 2, version 3", events, err)
		}
		w.letter(t, "ana@example.org", mail.TermsAccepted)
	})
}

func (w *world) user(t *testing.T, email string) tenant.User {
	t.Helper()
	p, err := w.DB.FindByEmail(t.Context(), w.Tenant.ID, email)
	if err != nil {
		t.Fatal(err)
	}
	return p.User
}

func TestTermsKeepASentForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.visitor(t)
	ana.signUp("ana@example.org")
	form := ana.get("/account/profile")
	w.publish(t, 1, "Rules.", 0)
	w.Clock.Advance(time.Second)
	gate := ana.send(form, "/account/profile", map[string]string{"name": "Typed in time"})
	ana.want(gate, http.StatusOK, "/terms/accept", "Rules.")
	again := ana.want(ana.send(gate, "/terms/accept", map[string]string{"decision": "accept"}), http.StatusOK, "/resume", "Check it and send it.")
	if !strings.Contains(again.body, `value="Typed in time"`) {
		t.Error("what was typed is gone")
	}
	p := ana.send(again, "/account/profile", nil)
	ana.want(p, http.StatusOK, "/account/profile", "Your personal info is saved.")
}

func TestManyAcceptancesAtOnceAreOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.publish(t, 1, "Rules.", 0)
		f.Clock.Advance(time.Second)
		u := f.NewUser(t, "ana@example.org")
		ctx := tenant.With(t.Context(), f.Tenant)
		owed, err := w.portal.config.Terms.Owed(ctx, u, "en")
		if err != nil || len(owed) != 1 || !owed[0].Must {
			t.Fatalf("got %+v, %v, want one document", owed, err)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				err := w.portal.config.Terms.Accept(ctx, u, terms.Decision{
					Document: "terms", Number: 1, HTMLSHA256: owed[0].Text.HTMLSHA256, LocaleWanted: "en", Nonce: "one", Method: terms.MethodGate,
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if events, err := f.DB.Assents(context.WithoutCancel(ctx), u); err != nil || len(events) != 1 {
			t.Errorf("got %d events, %v, want one", len(events), err)
		}
	})
}

func TestPublicDocuments(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		stranger := w.visitor(t)
		stranger.want(stranger.get("/terms/terms"), http.StatusNotFound, "/terms/terms", "Page not found")
		w.publish(t, 1, "Fourteen days.", 0)
		w.publish(t, 2, "Thirty days.", 40*24*time.Hour)
		f.Clock.Advance(6 * time.Second)
		p := stranger.want(stranger.get("/terms/terms"), http.StatusOK, "/terms/terms", "Fourteen days. en")
		if p.header.Get("Set-Cookie") != "" || !strings.HasPrefix(p.header.Get("Cache-Control"), "public, max-age=300,") || p.header.Get("ETag") == "" {
			t.Errorf("got %v, want a page that may be kept, without a cookie", p.header)
		}
		german := w.visitor(t)
		german.lang = "de"
		if got := german.get("/terms/terms"); got.body != p.body {
			t.Error("got other bytes for another browser, want the same")
		}
		german.want(german.get("/terms/terms?lang=de"), http.StatusOK, "/terms/terms", "Fourteen days. de")
		stranger.want(stranger.get("/terms/terms/2"), http.StatusOK, "/terms/terms/2", "announced but not in force")
		stranger.want(stranger.get("/terms/terms/upcoming"), http.StatusOK, "/terms/terms/upcoming", "Thirty days.")
		stranger.want(stranger.get("/terms/terms/versions"), http.StatusOK, "/terms/terms/versions", "Because.")
		compare := stranger.want(stranger.get("/terms/terms/compare?from=1&to=2"), http.StatusOK, "/terms/terms/compare", "From version 1 to version 2")
		if !strings.Contains(compare.body, "<del>Fourteen</del>") {
			t.Errorf("got %s, want the difference", compare.body)
		}
		stranger.want(stranger.get("/terms"), http.StatusOK, "/terms", "Terms of use")
		for _, path := range []string{"/terms/terms/3", "/terms/terms/01", "/terms/other", "/terms/terms/compare?from=1&to=9", "/terms/terms/x"} {
			if p := stranger.get(path); p.status != http.StatusNotFound {
				t.Errorf("%s: got %d, want 404", path, p.status)
			}
		}
		f.Clock.Advance(41 * 24 * time.Hour)
		stranger.want(stranger.get("/terms/terms"), http.StatusOK, "/terms/terms", "Thirty days.")
		stranger.want(stranger.get("/terms/terms/1"), http.StatusOK, "/terms/terms/1", "This version was replaced")
		if err := f.DB.Close(); err != nil {
			t.Fatal(err)
		}
		f.Clock.Advance(10 * time.Second)
		stranger.want(stranger.get("/terms/terms"), http.StatusOK, "/terms/terms", "Thirty days.")
	})
}
