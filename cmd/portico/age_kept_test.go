package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/admin"
	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// caseGuardianCannotAnswer lets the time of guardians end whose answer would not have been taken, because the account is blocked
// (rule B-2), and of a person whose data is to be kept (rule G-5): neither account closes, the guardian is forgotten as was
// promised, and afterwards there is as much time as before.
func caseGuardianCannotAnswer(t *testing.T, w *world) {
	w.administrator(t, "mara@example.org")
	ctx, mara := tenant.With(context.WithoutCancel(t.Context()), w.Tenant), w.user(t, "mara@example.org")
	ana, p := w.young(t)
	letter := w.asks(t, ana, p)
	u := w.user(t, anaAddress)
	for _, held := range []struct {
		hold, free func() error
	}{
		{
			func() error { return w.portal.config.Admin.Block(ctx, mara, u, admin.Blocking{Reason: "A test"}) },
			func() error { return w.portal.config.Admin.Unblock(ctx, mara, u, "It is over") },
		},
		{
			func() error { return w.portal.config.Privacy.Restrict(ctx, mara, u, "Asked for") },
			func() error { return w.portal.config.Privacy.Lift(ctx, mara, u, "It is over") },
		},
	} {
		if err := held.hold(); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(14*24*time.Hour + time.Minute)
		for range 2 {
			if err := w.portal.lapse(ctx); err != nil {
				t.Fatal(err)
			}
		}
		w.wantAge(t, profile.AgePending, "SE-13", profile.GuardianPending)
		if c, err := w.DB.FindClosing(t.Context(), u); err != nil || c.Pending() || w.recorded(t, u, audit.GuardianSilent) != 0 {
			t.Fatalf("got %+v, %v, want the account to stay", c, err)
		}
		w.forgotten(t)
		mum := w.visitor(t)
		mum.want(mum.get(link(t, letter, "/guardian/")), http.StatusGone, "/guardian", "")
		if err := held.free(); err != nil {
			t.Fatal(err)
		}
		ana.signIn(anaAddress, goodPassword)
		p = ana.want(ana.get("/account"), http.StatusOK, "/age", "A parent or guardian has to approve")
		ana.want(p, http.StatusOK, "/age", "Without an answer by "+w.Clock.Now().Add(14*24*time.Hour).Format("2 January 2006"))
		ana.want(ana.send(p, "/age/guardian", map[string]string{"guardian_email": mumAddress}), http.StatusOK, "/age", "We wrote to "+mumAddress)
		letter = w.newest(t, mumAddress, mail.GuardianRequest, letter.ID)
	}
	w.Clock.Advance(14*24*time.Hour + time.Minute)
	if err := w.portal.lapse(ctx); err != nil {
		t.Fatal(err)
	}
	w.wantAge(t, profile.AgeUnder, "SE-13", profile.GuardianSilent)
}

// caseAgeOfASquatter answers for an address that is another's. Whoever proves the address (rule V-7) is asked themselves, or, where
// the answer was that they are too young, names a guardian of their own: nobody is older for a new password.
func caseAgeOfASquatter(t *testing.T, w *world) {
	thief, ana, mum := w.visitor(t), w.visitor(t), w.visitor(t)
	claim := func(email string) page {
		t.Helper()
		ana.send(ana.get("/password/forgot"), "/password/forgot", map[string]string{"email": email})
		if err := w.portal.resets.Answer(t.Context(), w.Tenant.ID); err != nil {
			t.Fatal(err)
		}
		letter := w.letter(t, email, mail.ResetEmail)
		p := ana.get(link(t, letter, "/password/reset/"))
		ana.send(p, "/password/reset", map[string]string{"password": "another goat climbs", "code": code(t, letter)})
		return ana.signIn(email, "another goat climbs")
	}
	thief.unfinished("kim@example.org")
	p := thief.want(thief.signIn("kim@example.org", goodPassword), http.StatusOK, "/age", "How old are you?")
	thief.send(p, "/age", w.born(30, 0, "SE"))
	w.setApp(t, w.user(t, "kim@example.org"), profile.Metadata{"plan": json.RawMessage(`"gold"`)})
	ana.want(claim("kim@example.org"), http.StatusOK, "/age", "How old are you?")
	kim, err := w.DB.FindProfile(t.Context(), w.user(t, "kim@example.org"))
	if err != nil || kim.Age() != profile.AgeUnknown || kim.AppMetadata.Text("plan") != "gold" {
		t.Errorf("got %s, %v, want the company's words without the stranger's", kim.AppMetadata.JSON(), err)
	}

	thief, ana = w.visitor(t), w.visitor(t)
	thief.unfinished(anaAddress)
	p = thief.signIn(anaAddress, goodPassword)
	letter := w.asks(t, thief, thief.send(p, "/age", w.born(11, 0, "SE")))
	mum.want(mum.get(link(t, letter, "/guardian/")), http.StatusOK, "/guardian", anaAddress)
	p = ana.want(claim(anaAddress), http.StatusOK, "/age", "A parent or guardian has to approve")
	ana.want(p, http.StatusOK, "/age", "Without an answer by")
	mum.want(mum.get(link(t, letter, "/guardian/")), http.StatusGone, "/guardian", "")
	w.wantAge(t, profile.AgePending, "SE-13", profile.GuardianPending)
	w.forgotten(t)
}

// TestMistypedAgeCanBePutRight: also where people who close their account are erased within minutes, a wrong year of birth leaves time
// to take the data along and to ask support, as the page and the letter say.
func TestMistypedAgeCanBePutRight(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.administrator(t, "mara@example.org")
		ana, p := w.young(t)
		ana.want(p, http.StatusOK, "/account/closing", "you can take your data along")
		day := f.Clock.Now().Add(3 * 24 * time.Hour).Format("2 January 2006")
		if letter := w.letter(t, anaAddress, mail.AgeClosing); !strings.Contains(letter.Text, "closes on "+day) {
			t.Errorf("got %s, want %s", letter.Text, day)
		}
		f.Clock.Advance(3*24*time.Hour - time.Minute)
		u, ctx := w.user(t, anaAddress), tenant.With(context.WithoutCancel(t.Context()), w.Tenant)
		if err := w.portal.erase(ctx); err != nil || w.gone(t, u) {
			t.Fatalf("%v, gone: %v, want the account until the day that was told", err, w.gone(t, u))
		}
		if err := w.portal.config.Admin.ClearAge(ctx, w.user(t, "mara@example.org"), u, "They meant 2001."); err != nil {
			t.Fatal(err)
		}
		p = ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account/closing", "Keep my account")
		p = ana.want(ana.send(p, "/account/closing", nil), http.StatusOK, "/age", "How old are you?")
		ana.want(ana.send(p, "/age", w.born(25, 0, "SE")), http.StatusOK, "/account", "Hello ana")
	}, askedFor(tenant.AgeClose), func(s *tenant.Settings) { s.GraceDays = new(0) })
}

// caseConsentOfTheYoung asks who consented before the company asked for the age: it writes to nobody who turns out to be too young,
// until a guardian approves.
func caseConsentOfTheYoung(t *testing.T, w *world) {
	ana := w.visitor(t)
	p := ana.signUp(anaAddress)
	ana.send(p, "/age", w.born(30, 0, "SE"))
	w.purpose(t, terms.Document{Key: "news"}, 1)
	ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"})
	u := w.user(t, anaAddress)
	for guardian, want := range map[string]int{profile.GuardianPending: 0, profile.GuardianRefused: 0, profile.GuardianApproved: 1} {
		found, err := w.DB.FindProfile(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		found.AppMetadata = found.AppMetadata.Patch(profile.AgeResult(false, "SE-13", guardian, w.Clock.Now()))
		if err := w.DB.SaveAge(t.Context(), found); err != nil {
			t.Fatal(err)
		}
		people, err := w.DB.Consenters(t.Context(), w.Tenant.ID, "news", "", 9)
		if err != nil || len(people) != want {
			t.Errorf("%s: got %+v, %v, want %d people to write to", guardian, people, err, want)
		}
	}
}
