package main

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// purpose publishes version number of an optional purpose.
func (w *world) purpose(t *testing.T, d terms.Document, number int) {
	t.Helper()
	ctx, service, now := tenant.With(t.Context(), w.Tenant), w.portal.config.Terms, w.Clock.Now()
	d.Tenant, d.Assent, d.GoverningLocale = w.Tenant.ID, terms.Consent, "en"
	if err := service.AddDocument(ctx, d); err != nil {
		t.Fatal(err)
	}
	draft := terms.Draft{Version: terms.Version{Document: d.Key, Materiality: terms.Material}, Texts: []terms.Text{{
		Locale: "en", Title: "Letters about " + d.Key, Source: "## 1. What {#what}\n\nOnce a month. " + strings.Repeat("More. ", number), ChangeNote: "Because.",
		Summary: []terms.Line{{Anchor: "what", Text: "Once a month."}},
	}}}
	if _, err := service.SaveDraft(ctx, w.Tenant.ID, draft); err != nil {
		t.Fatal(err)
	}
	plan := terms.Schedule{AnnounceAt: now, EffectiveAt: now, EnforceAt: now, Reason: "A test.", Typed: string(rune('0' + number))}
	if err := service.Publish(ctx, tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}, d.Key, number, plan); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(6 * time.Second)
}

// consents are what the record says ana decided, the newest first.
func (w *world) consents(t *testing.T) string {
	t.Helper()
	var all []string
	for _, e := range w.decisions(t, anaAddress) {
		all = append(all, e.Document+" "+e.Type+" "+e.Method)
	}
	return strings.Join(all, ", ")
}

func (w *world) consent(t *testing.T, document string) terms.Choice {
	t.Helper()
	all, err := w.DB.Consents(context.WithoutCancel(t.Context()), w.user(t, anaAddress))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Document == document {
			return c
		}
	}
	return terms.Choice{State: terms.Off}
}

func TestConsentsAreGivenAndWithdrawn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		ana.want(ana.get("/account/consents"), http.StatusOK, "/account/consents", "There is nothing to choose")
		w.purpose(t, terms.Document{Key: "news"}, 1)
		w.purpose(t, terms.Document{Key: "offers"}, 1)
		page := ana.want(ana.get("/account/consents"), http.StatusOK, "/account/consents", "You have never turned it on")
		if form := formOf(t, page, "/account/consents"); form.Has("on.news") || form.Has("on.offers") {
			t.Error("a box is ticked that nobody ticked")
		}
		page = ana.want(ana.send(page, "/account/consents", map[string]string{"on.news": "on"}), http.StatusOK, "/account/consents", "On since")
		ana.send(page, "/account/consents", nil) // nothing changes, nothing is recorded
		if got := w.consents(t); got != "news consented settings" {
			t.Errorf("got %q, want one event", got)
		}
		form := formOf(t, page, "/account/consents")
		form.Del("on.news")
		ana.want(ana.do(http.MethodPost, "/account/consents", form), http.StatusOK, "/account/consents", "Off since")
		ana.do(http.MethodPost, "/account/consents", form)
		if got := w.consents(t); got != "news withdrawn settings, news consented settings" {
			t.Errorf("got %q, want it withdrawn once", got)
		}
		ana.want(ana.get("/account/terms"), http.StatusOK, "/account/terms", "Turned off")
		ana.want(ana.get("/account/security/activity"), http.StatusOK, "/account/security/activity", "Consent withdrawn")

		page = ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"})
		stale := formOf(t, page, "/account/consents")
		w.purpose(t, terms.Document{Key: "news"}, 2)
		ana.want(ana.get("/account/consents"), http.StatusOK, "/account/consents", "You had agreed to version 1.")
		ana.want(ana.do(http.MethodPost, "/account/consents", stale), http.StatusConflict, "/account/consents", "A text changed while you were reading")
		if got := len(w.decisions(t, anaAddress)); got != 3 {
			t.Errorf("got %d events, want none for a text that changed", got)
		}
	})
}

func TestConsentNeverStandsBeforeTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	w.purpose(t, terms.Document{Key: "news"}, 1)
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Nothing needs your attention")
	w.issue(t, 1, "Seven days.", nil)
	ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "")
	ana.want(ana.get("/account/consents"), http.StatusOK, "/account/consents", "Letters about news")
}

func TestConsentIsConfirmedByLetter(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana, robot := w.member(t), w.visitor(t)
		w.purpose(t, terms.Document{Key: "news", Confirms: true}, 1)
		p := ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"})
		ana.want(p, http.StatusOK, "/account/consents", "Waiting for your confirmation")
		letter := w.letter(t, anaAddress, mail.ConsentConfirm)
		asks := robot.want(robot.get(link(t, letter, "/consents/confirm/")), http.StatusOK, "/consents/confirm", "Confirm that it was you")
		robot.want(robot.send(asks, "/consents/confirm", nil), http.StatusUnprocessableEntity, "/consents/confirm", "")
		if got := w.consent(t, "news").State; got != terms.Pending {
			t.Errorf("got %s, want a robot to confirm nothing", got)
		}
		asks = ana.want(ana.get(link(t, letter, "/consents/confirm/")), http.StatusOK, "/consents/confirm", "Confirm that it was you")
		ana.want(ana.send(asks, "/consents/confirm", nil), http.StatusOK, "/consents/confirm", "It is on")
		if got := w.consents(t); got != "news consented mail" || w.consent(t, "news").State != terms.On {
			t.Errorf("got %q", got)
		}
		ana.want(ana.get(link(t, letter, "/consents/confirm/")), http.StatusGone, "/consents/confirm", "")
	})
}

func TestConsentEndsWithOneClick(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana, stranger := w.member(t), w.visitor(t)
		w.purpose(t, terms.Document{Key: "news"}, 1)
		ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"})
		address := "/unsubscribe/" + w.consent(t, "news").Link
		stranger.want(stranger.get(address), http.StatusOK, address, "You need not sign in")
		if w.consent(t, "news").State != terms.On {
			t.Fatal("a page withdrew it")
		}
		for range 2 { // a mail program, without cookies and token (RFC 8058, 3.2)
			p := w.visitor(t).still(http.MethodPost, address, url.Values{"List-Unsubscribe": {"One-Click"}})
			if p.status != http.StatusOK || p.header.Get("Set-Cookie") != "" {
				t.Errorf("got %d %v, want 200 and no cookie", p.status, p.header)
			}
		}
		if got := w.consents(t); got != "news withdrawn one_click_mail, news consented settings" {
			t.Errorf("got %q", got)
		}
		stranger.want(stranger.get("/unsubscribe/"+strings.Repeat("x", 43)), http.StatusNotFound, "/unsubscribe/"+strings.Repeat("x", 43), "")
		stranger.want(stranger.get("/account"), http.StatusOK, "/login", "") // it signs nobody in
	})
}

func TestConsentHeedsTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	w.purpose(t, terms.Document{Key: "partners", Shares: true}, 1)
	w.purpose(t, terms.Document{Key: "news"}, 1)
	ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.partners": "on", "on.news": "on"})
	private := w.visitor(t)
	private.header = http.Header{"Sec-Gpc": {"1"}}
	private.signIn(anaAddress, goodPassword)
	private.want(private.get("/account/consents"), http.StatusOK, "/account/consents", "We honour that")
	if w.consent(t, "partners").State.Wanted() || w.consent(t, "news").State != terms.On {
		t.Errorf("got %q, want partners off and news on", w.consents(t))
	}
	form := formOf(t, private.get("/account/consents"), "/account/consents")
	form.Set("on.partners", "on")
	private.do(http.MethodPost, "/account/consents", form)
	if w.consent(t, "partners").State.Wanted() {
		t.Error("a forged box outweighs the signal")
	}
	ana.want(ana.get("/account/terms"), http.StatusOK, "/account/terms", "Turned off by your browser’s signal")
	if p := ana.get("/.well-known/gpc.json"); !strings.Contains(p.body, `"gpc":true`) {
		t.Errorf("got %s", p.body)
	}
}

func TestConsentsAreListedForWhoeverWrites(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana, mara := w.member(t), w.administrator(t, "mara@example.org")
		w.purpose(t, terms.Document{Key: "news"}, 1)
		ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"})
		ana.send(ana.get("/account/profile"), "/account/profile", map[string]string{"name": "=cmd()"})
		mara.want(mara.get("/admin/terms/news"), http.StatusOK, "/admin/terms/news", "1 person consents")
		p := mara.want(mara.get("/admin/terms/news/consents"), http.StatusOK, "/admin/terms/news/consents", "")
		rows, err := csv.NewReader(strings.NewReader(p.body)).ReadAll()
		if err != nil || len(rows) != 2 || rows[1][1] != anaAddress || rows[1][2] != "'=cmd()" {
			t.Fatalf("got %q, %v", rows, err)
		}
		u, _ := url.Parse(rows[1][6])
		w.visitor(t).still(http.MethodPost, u.Path, url.Values{"List-Unsubscribe": {"One-Click"}})
		if w.consent(t, "news").State != terms.Off {
			t.Error("the address of the list withdraws nothing")
		}
	})
}
