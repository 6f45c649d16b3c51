package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// caseExempt is the option exempt_until_translated of case 6: nobody is asked in a language that there is no text in, by the gate
// and by what says the same in Go, no letter goes to them, and the counts say so; a text that is added makes them be asked.
func caseExempt(t *testing.T, w *world) {
	ctx, service := tenant.With(context.WithoutCancel(t.Context()), w.Tenant), w.portal.config.Terms
	actor := tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}
	ana, bo := w.visitor(t), w.visitor(t)
	ana.lang = "pl"
	ana.signUp(anaAddress)
	bo.signUp("bo@example.org")
	w.NewUser(t, "ola@example.org", func(p *profile.Profile) {
		p.UserMetadata = profile.Metadata{profile.FieldLang: json.RawMessage(`"pl-PL"`)}
	})
	w.NewUser(t, "nel@example.org", func(p *profile.Profile) { // a language that the portal does not speak: she reads another one
		p.UserMetadata = profile.Metadata{profile.FieldLang: json.RawMessage(`"nl"`)}
	})
	w.issue(t, 1, "Seven days.", nil)
	for _, v := range []*visitor{ana, bo} {
		v.want(decide(v, v.get("/account"), "accept"), http.StatusOK, "/account", "")
	}
	w.issue(t, 2, "Fourteen days.", func(_ *terms.Draft, s *terms.Schedule) { s.Exempt = true })

	asked := func(want bool) {
		t.Helper()
		at := "/account"
		if want {
			at = "/terms/accept"
		}
		ana.want(ana.get("/account"), http.StatusOK, at, "")
		owed, err := service.Owed(ctx, w.user(t, anaAddress), "pl")
		if must := len(owed) > 0 && owed[0].Must; err != nil || must != want {
			t.Errorf("got %+v, %v beside the gate, want the same: %v", owed, err, want)
		}
	}
	asked(false)
	if p := ana.get("/account/profile"); strings.Contains(p.body, "/terms/accept?return_to") {
		t.Error("a banner tells of what is not asked")
	}
	bo.want(bo.get("/account"), http.StatusOK, "/terms/accept", "Fourteen days.")
	w.tells(t)
	for to, want := range map[string]int{anaAddress: 0, "ola@example.org": 0, "bo@example.org": 1, "nel@example.org": 1} {
		if got := w.queuedTo(t, to, mail.TermsChanged); got != want {
			t.Errorf("%s: got %d announcements, want %d", to, got, want)
		}
	}
	counts := func(waiting, exempt int64) {
		t.Helper()
		r, err := service.Rollout(ctx, w.Tenant, "terms", 2)
		if err != nil || r.Waiting != waiting || r.Exempt != exempt {
			t.Errorf("got %d who wait and %d exempt, %v, want %d and %d", r.Waiting, r.Exempt, err, waiting, exempt)
		}
		all, err := service.Undecided(ctx, w.Tenant.ID, "terms", 2, "", 10)
		if err != nil || int64(len(all)) != waiting {
			t.Errorf("got %d people, %v, want %d", len(all), err, waiting)
		}
	}
	counts(2, 2)

	// The language of pages decides, and only one that the tenant speaks.
	ana.send(ana.get("/language"), "/language", map[string]string{"lang": "en"})
	asked(true)
	ana.send(ana.get("/language"), "/language", map[string]string{"lang": "pl"})
	asked(false)
	settings := w.Tenant.Settings
	settings.Locales = []string{"en", "de"}
	for _, s := range []tenant.Settings{settings, w.Tenant.Settings} {
		if err := w.DB.SaveSettings(ctx, w.Tenant.ID, s); err != nil {
			t.Fatal(err)
		}
		asked(len(s.Locales) == 2)
	}

	mended := terms.Text{
		Locale: "pl", Title: "Regulamin", Source: "## 1. Zasady {#rules}\n\nCzternaście dni. pl", ChangeNote: "Więcej czasu.",
		Summary: []terms.Line{{Anchor: "rules", Title: "Zasady", Text: "Czternaście dni."}},
	}
	if err := service.Correct(ctx, actor, "terms", 2, mended); err != nil {
		t.Fatal(err)
	}
	asked(true)
	counts(4, 0)
	for range 2 {
		w.Clock.Advance(time.Minute)
		w.tells(t)
	}
	for to, want := range map[string]int{anaAddress: 1, "ola@example.org": 1, "bo@example.org": 1, "nel@example.org": 1} {
		if got := w.queuedTo(t, to, mail.TermsChanged); got != want {
			t.Errorf("%s: got %d announcements, want %d", to, got, want)
		}
	}
	if letter := w.letter(t, anaAddress, mail.TermsChanged); letter.Language != "pl" || !strings.Contains(letter.Text, "Czternaście dni.") {
		t.Errorf("got %s in %s, want the text in Polish", letter.Text, letter.Language)
	}
	p := ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "Czternaście dni.")
	ana.want(decide(ana, p, "accept"), http.StatusOK, "/account", "")
	asked(false)
}

// TestPublishingSaysWhoWaits looks at the page that says before what publishing does, and publishes from it (case 6).
func TestPublishingSaysWhoWaits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		for _, email := range []string{anaAddress, "ola@example.org"} {
			v := w.visitor(t)
			v.lang = "pl"
			v.signUp(email)
		}
		mara, nils := w.administrator(t, "mara@example.org"), w.administrator(t, "nils@example.org")
		path := mara.draft("Thirty days.")
		p := mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "At present that concerns 2.")
		mara.want(p, http.StatusOK, path+"/publish", "4 users will be asked")
		if strings.Contains(p.text(), "Not asked until there is a text") {
			t.Error("what nobody chose is counted")
		}
		typed := map[string]string{"effective_at": w.day(31), "number": "4", "exempt_until_translated": "on"}
		p = mara.send(p, path+"/publish", typed)
		for _, want := range []string{"2 users will be asked", "their language 2", "Not stated 2", "English 2 English", "Whose language has no text is not asked until there is one."} {
			p = mara.want(p, http.StatusUnprocessableEntity, path+"/publish", want)
		}
		if form := formOf(t, p, path+"/publish"); !form.Has("exempt_until_translated") {
			t.Error("the refused form lost the choice")
		}
		p = mara.send(p, path+"/publish", map[string]string{"number": "2"})
		mara.want(p, http.StatusOK, "/admin/terms/terms", "The version waits for a second administrator.")
		p = nils.want(nils.get(path+"/publish"), http.StatusOK, path+"/publish", "Whose language has no text is not asked until there is one.")
		nils.want(nils.send(p, path+"/approve", map[string]string{"number": "2"}), http.StatusOK, "/admin/terms/terms", "The version is published.")
		mara.want(mara.get(path), http.StatusOK, path, "Whose language has no text is not asked until there is one.")
		mara.want(mara.get(path+"/rollout"), http.StatusOK, path+"/rollout", "Not asked until there is a text in their language under 5")
	})
}

// TestAFirstVersionIsNotAnnouncedByALateTranslation adds a language to the first version while the second is on its way: the
// first changes nothing, so nobody is written to about it.
func TestAFirstVersionIsNotAnnouncedByALateTranslation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", func(_ *terms.Draft, s *terms.Schedule) { s.Exempt = true })
		w.issue(t, 2, "Fourteen days.", func(_ *terms.Draft, s *terms.Schedule) {
			s.EffectiveAt, s.EnforceAt = s.EffectiveAt.Add(30*day), s.EnforceAt.Add(30*day)
		})
		text := terms.Text{Locale: "fr", Title: "Conditions", Source: "## 1. Règles {#rules}\n\nSept jours."}
		if err := w.portal.config.Terms.Correct(tenant.With(t.Context(), w.Tenant), tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}, "terms", 1, text); err != nil {
			t.Fatal(err)
		}
		if n := w.rowsOf(t, "term_waves", "number = 1"); n != 0 {
			t.Errorf("got %d waves of letters about the first version, want none", n)
		}
	})
}
