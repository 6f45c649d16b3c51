package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

const day = 24 * time.Hour

// ahead publishes version 2 of the terms as a material change that is announced now, in force in 30 days and asked from then on.
func (w *world) ahead(t *testing.T, change func(*terms.Schedule)) {
	t.Helper()
	w.issue(t, 2, "Thirty days.", func(_ *terms.Draft, plan *terms.Schedule) {
		plan.EffectiveAt = plan.AnnounceAt.Add(31 * day)
		plan.EnforceAt = plan.EffectiveAt
		if change != nil {
			change(plan)
		}
	})
}

// tells queues the letters to many people that are due, as the process does every few seconds.
func (w *world) tells(t *testing.T) {
	t.Helper()
	if err := w.portal.config.Terms.Tell(t.Context(), w.portal.tenants.ByID, w.Tenant.ID); err != nil {
		t.Fatal(err)
	}
}

// queuedTo counts the letters of a kind to an address, sent or waiting.
func (w *world) queuedTo(t *testing.T, to string, kind mail.Kind) (n int) {
	t.Helper()
	query := "SELECT COUNT(*) FROM letters WHERE tenant_id = ? AND to_address = ? AND kind = ?"
	if err := w.SQL(t).QueryRowContext(t.Context(), query, string(w.Tenant.ID), to, string(kind)).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAnAnnouncementCarriesTheText(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		ana, bea := w.member(t), w.visitor(t)
		bea.signUp("bea@example.org")
		w.tells(t)
		if n := w.queuedTo(t, "ana@example.org", mail.TermsChanged); n != 0 {
			t.Errorf("got %d letters about the first version, which changes nothing", n)
		}
		w.ahead(t, nil)
		bea.send(bea.get("/terms/accept"), "/terms/accept", map[string]string{"decision": "accept"})
		w.tells(t)
		letter := w.letter(t, "ana@example.org", mail.TermsChanged)
		for _, want := range []string{"## 1. Rules {#rules}", "Thirty days. en", "- Rules: In short Thirty days."} {
			if !strings.Contains(letter.Text, want) {
				t.Errorf("the text part lacks %q:\n%s", want, letter.Text)
			}
		}
		if !strings.Contains(letter.HTML, "<h2 id=\"rules\">1. Rules</h2>") {
			t.Errorf("the HTML part lacks the document:\n%s", letter.HTML)
		}
		w.tells(t)
		if n := w.queuedTo(t, "ana@example.org", mail.TermsChanged); n != 1 {
			t.Errorf("got %d announcements, want one", n)
		}
		if n := w.queuedTo(t, "bea@example.org", mail.TermsChanged); n != 0 {
			t.Errorf("got %d letters to who has accepted already", n)
		}

		p := ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "You can decide until")
		if !strings.Contains(p.body, `href="/terms/accept?return_to=%2Faccount%2Fprofile"`) {
			t.Error("the banner does not lead to the question and back")
		}
		ana.want(ana.get("/account"), http.StatusOK, "/account", "You can decide until")
		if p := bea.get("/account/profile"); strings.Contains(p.body, "You can decide until") {
			t.Error("who has accepted is told to decide")
		}

		f.Clock.Advance(24*day + time.Hour) // a week before
		w.tells(t)
		reminder := w.letter(t, "ana@example.org", mail.TermsReminder)
		if !strings.Contains(reminder.Text, "You can decide until") || strings.Contains(reminder.Text, "## 1. Rules") {
			t.Errorf("got %s", reminder.Text)
		}
		f.Clock.Advance(6 * day) // a day before
		w.tells(t)
		if n := w.queuedTo(t, "ana@example.org", mail.TermsReminder); n != 2 {
			t.Errorf("got %d reminders, want one a week and one a day before", n)
		}
		if n := w.queuedTo(t, "bea@example.org", mail.TermsReminder); n != 0 {
			t.Errorf("got %d reminders to who has accepted", n)
		}
	})
}

func TestNobodyIsToldOfWhatIsOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		w.member(t)
		w.ahead(t, nil)
		ctx := tenant.With(t.Context(), f.Tenant)
		actor := tenant.User{Tenant: f.Tenant.ID, ID: "portico|admin"}
		if err := w.portal.config.Terms.Withdraw(ctx, actor, "terms", 2, "A mistake."); err != nil {
			t.Fatal(err)
		}
		w.tells(t)
		f.Clock.Advance(30 * day)
		w.tells(t)
		for _, kind := range []mail.Kind{mail.TermsChanged, mail.TermsReminder} {
			if n := w.queuedTo(t, "ana@example.org", kind); n != 0 {
				t.Errorf("got %d letters %s about a version that was taken back", n, kind)
			}
		}
	})
}

// TestWhoWasNotToldIsAskedLater is case 19 of terms.md 1.5: where the document says so, a version waits for everybody to be told.
func TestWhoWasNotToldIsAskedLater(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		ana, bea := w.member(t), w.visitor(t)
		bea.signUp("bea@example.org")
		cyd := w.visitor(t)
		cyd.signUp("cyd@example.org")
		mara := w.administrator(t, "mara@example.org")
		p := mara.get("/admin/terms/terms")
		mara.want(mara.send(p, "/admin/terms/terms/notice", map[string]string{"min_notice_days": "0", "personal_notice": "on"}),
			http.StatusOK, "/admin/terms/terms", "Saved.")
		f.Clock.Advance(6 * time.Second)
		w.ahead(t, nil)
		w.tells(t)
		w.letter(t, "bea@example.org", mail.TermsChanged)
		if err := w.portal.config.Terms.Unreached(t.Context(), w.user(t, "cyd@example.org")); err != nil {
			t.Fatal(err) // whose mail server refused the letter
		}
		asked := func(v *visitor, name string) bool {
			t.Helper()
			v.signIn(name+"@example.org", goodPassword)
			return v.get("/account").path == "/terms/accept"
		}
		f.Clock.Advance(31*day + time.Hour)
		if !asked(bea, "bea") {
			t.Error("who got the letter a notice ago is not asked")
		}
		if asked(cyd, "cyd") {
			t.Error("who was never told is asked")
		}
		cyd.want(cyd.get("/account/profile"), http.StatusOK, "/account/profile", "waits for your decision")
		f.Clock.Advance(29 * day)
		if asked(cyd, "cyd") {
			t.Error("who was told by a page is asked before a notice has passed")
		}
		f.Clock.Advance(2 * day)
		if !asked(cyd, "cyd") {
			t.Error("who was told by a page is not asked after a notice")
		}
		f.Clock.Advance(30 * day) // more than 90 days after the date
		if !asked(ana, "ana") {
			t.Error("there is no hard stop")
		}
	})
}

func TestAdministratorsFollowARollout(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		people := make([]*visitor, 12)
		for i := range people {
			people[i] = w.visitor(t)
			people[i].signUp(fmt.Sprintf("p%02d@example.org", i))
		}
		w.ahead(t, nil)
		for i, p := range people {
			switch {
			case i < 6:
				decide(p, p.get("/terms/accept"), "accept")
			case i < 8:
				decide(p, p.get("/terms/accept"), "decline")
			case i < 10:
				p.get("/account/profile")
			}
		}
		mara := w.administrator(t, "mara@example.org") // who accepts both versions as she signs up
		path, remind := "/admin/terms/terms/2/rollout", "/admin/terms/terms/2/remind"
		p := mara.want(mara.get(path), http.StatusOK, path, "Who has not accepted")
		for _, want := range []string{"<dd class=\"num\">7</dd>", "under 5", "<polyline class=\"accepted\"", f.Clock.Now().Format(time.DateOnly), "Announcement with the text"} {
			if !strings.Contains(p.body, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
		if strings.Contains(p.body, ">2<") {
			t.Error("a number under 5 is shown")
		}
		for i, name := range []string{"p05@example.org", "p06@example.org", "p11@example.org"} {
			if got, want := strings.Contains(p.body, name), i > 0; got != want {
				t.Errorf("%s among those who have not accepted: got %v, want %v", name, got, want)
			}
		}
		csv := mara.get(path + ".csv")
		if lines := strings.Count(csv.body, "@example.org"); lines < 6 || !strings.Contains(csv.body, "p11@example.org") || strings.Contains(csv.body, "p00@") {
			t.Errorf("got %d lines:\n%s", lines, csv.body)
		}
		w.tells(t)
		f.Clock.Advance(time.Minute)
		mara.want(mara.send(p, remind, nil), http.StatusOK, path, "The reminder is on its way.")
		mara.want(mara.send(mara.get(path), remind, nil), http.StatusConflict, remind, "A reminder was sent today.")
		w.tells(t)
		w.letter(t, "p11@example.org", mail.TermsReminder)
		if n := w.queuedTo(t, "p00@example.org", mail.TermsReminder); n != 0 {
			t.Error("who has accepted is reminded")
		}
		mara.want(mara.get("/admin/terms/terms/9/rollout"), http.StatusNotFound, "/admin/terms/terms/9/rollout", "")
		if _, err := w.portal.config.Terms.Rollout(context.WithoutCancel(t.Context()), f.Tenant, "terms", 9); err == nil {
			t.Error("a version that is not there has a rollout")
		}
	})
}
