package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// issue publishes a version of the terms as the test changes it: by default a material one, in force at once.
func (w *world) issue(t *testing.T, number int, text string, change func(*terms.Draft, *terms.Schedule)) {
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
			Locale: locale, Title: title, Source: "## 1. Rules {#rules}\n\n" + text + " " + locale, ChangeNote: "Because " + text,
			Summary: []terms.Line{{Anchor: "rules", Title: "Rules", Text: "In short " + text}},
		})
	}
	now := w.Clock.Now()
	plan := terms.Schedule{AnnounceAt: now, EffectiveAt: now, EnforceAt: now, Reason: "A test.", Typed: strconv.Itoa(number)}
	if change != nil {
		change(&draft, &plan)
	}
	if got, err := service.SaveDraft(ctx, w.Tenant.ID, draft); err != nil || got != number {
		t.Fatalf("got draft %d, %v, want %d", got, err, number)
	}
	if err := service.Publish(ctx, actor, "terms", number, plan); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(6 * time.Second) // what is shown may be five seconds old
}

func decide(v *visitor, p page, decision string) page {
	v.t.Helper()
	return v.send(p, "/terms/accept", map[string]string{"decision": decision})
}

func (w *world) decisions(t *testing.T, email string) []terms.Event {
	t.Helper()
	events, err := w.DB.Assents(context.WithoutCancel(t.Context()), w.user(t, email))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

const anaAddress = "ana@example.org"

// member is a browser in which ana has signed up.
func (w *world) member(t *testing.T) *visitor {
	t.Helper()
	ana := w.visitor(t)
	ana.want(ana.signUp(anaAddress), http.StatusOK, "/account", "Hello ana")
	return ana
}

// TestTermsCases walks the edge cases of terms.md 1.5 by their numbers, on every database.
func TestTermsCases(t *testing.T) {
	t.Parallel()
	cases := map[string]func(t *testing.T, w *world){
		"case 1: a version takes effect between page and decision":           caseChangedWhileReading,
		"case 2: an announced version does not disturb":                      caseOnlyAnnounced,
		"case 3: a corrected translation asks nobody again":                  caseCorrected,
		"case 4: only those who saw the wrong text are asked":                caseWrongTranslation,
		"case 5: a withdrawn version gives way to the one before":            caseWithdrawn,
		"case 6: without a translation the governing language is shown":      caseUntranslated,
		"case 6: who has no text in their language waits until there is one": caseExempt,
		"case 7: three versions later there is one question":                 caseOffline,
		"case 8: no account without its acceptance":                          caseSignUp,
		"case 9: sign-up while a version is announced shows both":            caseSignUpEarly,
		"case 11: declining keeps the rights and blocks nothing before":      caseDeclined,
		"case 13: an acceptance that another replica took satisfies":         caseAhead,
		"case 20: pages have no effect, and a second tab finds it decided":   caseTwoTabs,
		"case 21: an acceptance expires and is asked for again":              caseAgain,
		"text that came back: what satisfies the page satisfies the gate":    caseSameTextAgain,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, f storetest.Fixture) { run(t, newWorld(t, f)) })
		})
	}
}

func caseChangedWhileReading(t *testing.T, w *world) {
	ana := w.member(t)
	w.issue(t, 1, "Seven days.", nil)
	form := ana.get("/account/profile?tab=1")
	w.issue(t, 2, "Fourteen days.", nil)
	p := ana.want(decide(ana, form, "accept"), http.StatusConflict, "/terms/accept", "Nothing was recorded")
	if got := w.decisions(t, anaAddress); len(got) != 0 {
		t.Errorf("got %+v, want nothing recorded", got)
	}
	ana.want(decide(ana, p, "accept"), http.StatusOK, "/account/profile", "Your decision is recorded")
}

func caseOnlyAnnounced(t *testing.T, w *world) {
	ana := w.member(t)
	w.issue(t, 1, "Seven days.", nil)
	form := ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "Seven days.")
	w.issue(t, 2, "Fourteen days.", func(_ *terms.Draft, p *terms.Schedule) { p.EffectiveAt = p.EffectiveAt.Add(40 * 24 * time.Hour) })
	ana.want(decide(ana, form, "accept"), http.StatusOK, "/account", "You can decide until")
	if got := w.decisions(t, anaAddress); len(got) != 1 || got[0].Number != 1 {
		t.Errorf("got %+v, want version 1", got)
	}
	early := ana.want(ana.get("/terms/accept?return_to=%2Faccount"), http.StatusOK, "/terms/accept", "You can decide later until")
	ana.want(decide(ana, early, "later"), http.StatusOK, "/account", "You can decide until")
	ana.want(decide(ana, early, "accept"), http.StatusOK, "/account", "Nothing needs your attention")
}

func caseCorrected(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.member(t)
	ctx, service := tenant.With(t.Context(), w.Tenant), w.portal.config.Terms
	actor := tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}
	mended := terms.Text{Locale: "de", Title: "Nutzungsbedingungen", Source: "## 1. Regeln {#rules}\n\nSieben Tage."}
	if err := service.Correct(ctx, actor, "terms", 1, mended); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(6 * time.Second)
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	ana.want(ana.get("/terms/terms/1?lang=de"), http.StatusOK, "/terms/terms/1", "Sieben Tage.")
	ana.want(ana.get("/terms/terms/1?lang=de&rev=1"), http.StatusOK, "/terms/terms/1", "Seven days. de")
	mended.Locale = "en"
	if err := service.Correct(ctx, actor, "terms", 1, mended); !errors.Is(err, terms.ErrGoverning) {
		t.Errorf("got %v, want the governing language refused", err)
	}
}

func caseWrongTranslation(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.member(t)
	max := w.visitor(t)
	max.lang = "de"
	max.want(max.signUp("max@example.org"), http.StatusOK, "/account", "Guten Tag, max")
	w.issue(t, 2, "Seven days, in other words.", func(d *terms.Draft, _ *terms.Schedule) {
		d.Version.Audience = terms.Audience{Number: 1, Locale: "de"}
	})
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	p := max.want(max.get("/account"), http.StatusOK, "/terms/accept", "Seven days, in other words. de")
	max.want(decide(max, p, "accept"), http.StatusOK, "/account", "Guten Tag, max")
}

func caseWithdrawn(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.member(t)
	w.issue(t, 2, "Fourteen days.", nil)
	ana.want(decide(ana, ana.get("/account"), "accept"), http.StatusOK, "/account", "Hello ana")
	bo := w.visitor(t)
	bo.want(bo.signUp("bo@example.org"), http.StatusOK, "/account", "Hello bo")
	ctx, actor := tenant.With(t.Context(), w.Tenant), tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}
	if err := w.portal.config.Terms.Withdraw(ctx, actor, "terms", 2, "It was wrong."); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(6 * time.Second)
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	ana.want(ana.get("/account/terms"), http.StatusOK, "/account/terms", "withdrawn later. What applies now is version 1")
	p := bo.want(bo.get("/account"), http.StatusOK, "/terms/accept", "Version 2, which you accepted, was withdrawn. Version 1 applies.")
	bo.want(decide(bo, p, "accept"), http.StatusOK, "/account", "Hello bo")
}

func caseUntranslated(t *testing.T, w *world) {
	ana := w.visitor(t)
	ana.lang = "pl"
	ana.signUp(anaAddress)
	w.issue(t, 1, "Seven days.", nil)
	p := ana.get("/account")
	if !strings.Contains(p.body, `lang="en" dir="ltr"`) || !strings.Contains(p.text(), "English") {
		t.Errorf("got %s, want the English text, marked as such", p.text())
	}
	decide(ana, p, "accept")
	if got := w.decisions(t, anaAddress); len(got) != 1 || got[0].LocaleShown != "en" || got[0].LocaleWanted != "pl" {
		t.Errorf("got %+v, want English shown and Polish wanted", got)
	}
}

func caseOffline(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.member(t)
	w.issue(t, 2, "Fourteen days.", nil)
	w.issue(t, 3, "Thirty days.", nil)
	w.issue(t, 4, "Sixty days.", nil)
	p := ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "In short Fourteen days.")
	for _, want := range []string{"In short Thirty days.", "In short Sixty days."} {
		if !strings.Contains(p.text(), want) {
			t.Errorf("got %s, want %q", p.text(), want)
		}
	}
	if !strings.Contains(p.body, "<del>Seven</del>") || !strings.Contains(p.body, "<ins>Sixty</ins>") {
		t.Errorf("got %s, want the difference since version 1", p.body)
	}
	ana.want(decide(ana, p, "accept"), http.StatusOK, "/account", "Hello ana")
	if got := w.decisions(t, anaAddress); len(got) != 2 || got[0].Number != 4 || got[0].DiffFrom != 1 || got[0].DiffTo != 4 {
		t.Errorf("got %+v, want one event, from 1 to 4", got)
	}
}

func caseSignUp(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.visitor(t)
	form := ana.get("/signup")
	w.issue(t, 2, "Fourteen days.", nil)
	fields := map[string]string{"email": anaAddress, "password": goodPassword, "terms": "on"}
	p := ana.want(ana.send(form, "/signup", fields), http.StatusUnprocessableEntity, "/signup", "version 2")
	if _, err := w.DB.FindByEmail(t.Context(), w.Tenant.ID, anaAddress); err == nil {
		t.Error("got an account, want none without its acceptance")
	}
	ana.want(ana.send(p, "/signup", fields), http.StatusOK, "/verify", anaAddress)
	if got := w.decisions(t, anaAddress); len(got) != 1 || got[0].Number != 2 || got[0].Method != terms.MethodSignUp || len(got[0].Presentation) != 64 {
		t.Errorf("got %+v, want version 2 at sign-up", got)
	}
}

func caseSignUpEarly(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	w.issue(t, 2, "Fourteen days.", func(_ *terms.Draft, p *terms.Schedule) {
		p.EffectiveAt = p.EffectiveAt.Add(24 * time.Hour)
		p.EnforceAt = p.EffectiveAt
	})
	ana := w.visitor(t)
	p := ana.get("/signup")
	if text := p.text(); !strings.Contains(text, "(version 1)") || !strings.Contains(text, "(version 2, in force from") {
		t.Errorf("got %s, want both versions", text)
	}
	ana.want(ana.signUp(anaAddress), http.StatusOK, "/account", "Nothing needs your attention")
	w.Clock.Advance(25 * time.Hour)
	ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account", "Hello ana")
	if got := w.decisions(t, anaAddress); len(got) != 2 {
		t.Errorf("got %+v, want both", got)
	}
}

func caseDeclined(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.member(t)
	w.issue(t, 2, "Fourteen days.", func(_ *terms.Draft, p *terms.Schedule) { p.EnforceAt = p.EnforceAt.Add(time.Hour) })
	early := ana.want(ana.get("/terms/accept?return_to=%2Faccount"), http.StatusOK, "/terms/accept", "Fourteen days.")
	ana.want(decide(ana, early, "decline"), http.StatusOK, "/terms/declined", "You declined")
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	w.Clock.Advance(2 * time.Hour)
	ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/terms/accept", "Fourteen days.")
	for _, path := range []string{"/help", "/language", "/terms/declined", "/account/terms", "/account/data"} {
		if p := ana.get(path); p.status != http.StatusOK || p.path != path {
			t.Errorf("%s: got %d %s, want it open", path, p.status, p.path)
		}
	}
	ana.want(ana.send(ana.get("/account/terms"), "/logout", nil), http.StatusOK, "/signed-out", "")
}

func caseAhead(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.member(t)
	w.issue(t, 2, "Fourteen days.", func(_ *terms.Draft, p *terms.Schedule) {
		p.EffectiveAt, p.EnforceAt = p.EffectiveAt.Add(time.Hour), p.EffectiveAt.Add(time.Hour)
	})
	ana.want(decide(ana, ana.get("/terms/accept?return_to=%2Faccount"), "accept"), http.StatusOK, "/account", "Hello ana")
	w.Clock.Advance(61 * time.Minute)
	ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account", "Hello ana")
	w.Clock.Advance(-2 * time.Minute) // a node whose clock is behind
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
}

func caseTwoTabs(t *testing.T, w *world) {
	ana := w.member(t)
	w.issue(t, 1, "Seven days.", nil)
	one, two := ana.get("/account/profile"), ana.get("/account/security")
	if got := w.decisions(t, anaAddress); len(got) != 0 {
		t.Errorf("got %+v, want pages without effect", got)
	}
	ana.want(decide(ana, one, "accept"), http.StatusOK, "/account/profile", "Your decision is recorded")
	ana.want(decide(ana, one, "accept"), http.StatusOK, "/account/profile", "")
	if got := w.decisions(t, anaAddress); len(got) != 1 {
		t.Errorf("got %d events, want one for a form sent twice", len(got))
	}
	ana.want(decide(ana, two, "accept"), http.StatusOK, "/account/security", "")
	ana.want(ana.get("/terms/accept?return_to=%2Faccount%2Fprofile"), http.StatusOK, "/account/profile", "")
	for _, evil := range []string{"https%3A%2F%2Fevil.example%2F", "%2F%2Fevil.example", "%2F%5Cevil.example"} {
		ana.want(ana.get("/terms/accept?return_to="+evil), http.StatusOK, "/account", "Hello ana")
	}
}

func caseAgain(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", func(d *terms.Draft, _ *terms.Schedule) { d.Version.ReacceptMonths = 12 })
	ana := w.member(t)
	w.Clock.Advance(320 * 24 * time.Hour)
	ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account", "Hello ana")
	w.Clock.Advance(90 * 24 * time.Hour)
	p := ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/terms/accept", "We ask again from time to time")
	ana.want(decide(ana, p, "accept"), http.StatusOK, "/account", "Hello ana")
	w.letter(t, anaAddress, mail.TermsAccepted)
	if got := w.decisions(t, anaAddress); len(got) != 2 || got[0].Number != 1 {
		t.Errorf("got %+v, want a second event about the same version", got)
	}
}

func caseSameTextAgain(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.member(t)
	w.issue(t, 2, "Fourteen days.", nil)
	w.issue(t, 3, "Seven days.", nil)
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
}
