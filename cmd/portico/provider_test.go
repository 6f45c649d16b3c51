package main

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// connect starts a provider and connects it to the world.
func (w *world) connect(t *testing.T, id, name string) *idptest.Provider {
	t.Helper()
	p := idptest.New(t)
	p.Now = w.Clock.Now
	p.Claims = map[string]any{"sub": "sub-1", "email": "kim@example.org", "email_verified": true, "name": "Kim Berg"}
	preset, _ := idp.PresetOf(idp.Custom)
	setup := idp.SetupOf(preset.From(w.Tenant.ID))
	setup.ID, setup.Name, setup.Issuer, setup.ClientID, setup.Secret, setup.Trust = id, name, p.Issuer, idptest.ClientID, idptest.Secret, true
	ctx := i18n.With(tenant.With(t.Context(), w.Tenant), "en", nil)
	if _, err := w.portal.config.Providers.Add(ctx, tenant.User{}, setup); err != nil {
		t.Fatal(err)
	}
	return p
}

// by presses the button of a provider that stands on a page, goes there and comes back.
func (v *visitor) by(p *idptest.Provider, on page, action string) page {
	v.t.Helper()
	going := v.send(on, action, nil)
	address, ok := strings.CutPrefix(going.header.Get("Refresh"), "0; url=")
	if !ok {
		v.t.Fatalf("%s leads nowhere: %d %s", action, going.status, going.text())
	}
	return v.get(p.Visit(html.UnescapeString(address)).RequestURI())
}

// Rules T-2 and B-2: who comes by a provider owes what everybody owes, and an account that is closing stays so.
func TestArrivalsPassTheSameGates(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		provider := w.connect(t, "demo", "Demo ID")
		w.issue(t, 1, "Clause one.", nil)
		kim := w.visitor(t)
		asked := kim.by(provider, kim.get("/login"), "/login/with/demo")
		kim.want(asked, http.StatusOK, "/terms/accept", "Clause one.")
		kim.want(kim.get("/account/profile"), http.StatusOK, "/terms/accept", "Clause one.")
		kim.want(decide(kim, kim.get("/account"), "accept"), http.StatusOK, "/account", "Kim")
		p := kim.want(kim.get("/account/data/close"), http.StatusOK, "/account/data/close", "Demo ID: kim@example.org")
		p = kim.send(p, "/account/data/close", map[string]string{"confirm": "kim@example.org"})
		kim.want(p, http.StatusOK, "/closed", "Your account closes on")
		again := w.visitor(t)
		again.want(again.by(provider, again.get("/login"), "/login/with/demo"), http.StatusOK, "/account/closing", "Keep my account")
		again.want(again.get("/account/profile"), http.StatusOK, "/account/closing", "Keep my account")
		if answer := again.still(http.MethodGet, "/login/callback/demo?"+url.Values{"error": {"access_denied"}, "state": {"x"}}.Encode(), nil); answer.status != http.StatusGone {
			t.Errorf("an answer nobody asked for: got %d, want 410", answer.status)
		}
	})
}

// Rule N-9: who has no address is promised no letter, neither when they accept nor when they close the account, and what is
// recorded of their acceptance says what they read.
func TestArrivalsWithoutAnAddressArePromisedNoLetter(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		provider := w.connect(t, "demo", "Demo ID")
		provider.Claims = map[string]any{"sub": "sub-2", "name": "Noa Levi"}
		w.issue(t, 1, "Clause one.", nil)
		noa := w.visitor(t)
		asked := noa.want(noa.by(provider, noa.get("/login"), "/login/with/demo"), http.StatusOK, "/terms/accept", "We keep a record of the version and the date.")
		accepted := noa.want(decide(noa, asked, "accept"), http.StatusOK, "/account", "Your decision is recorded, and kept in your account.")
		closing := noa.want(noa.get("/account/data/close"), http.StatusOK, "/account/data/close", "Only the proofs that you download beforehand open them.")
		for name, p := range map[string]page{"the terms": asked, "the answer": accepted, "closing": closing} {
			for _, promise := range []string{"email you a copy", "copy is on its way", "link in our email", "last email"} {
				if strings.Contains(p.text(), promise) {
					t.Errorf("%s: got the promise %q", name, promise)
				}
			}
		}
		recorded, err := w.DB.Assents(t.Context(), tenant.User{Tenant: w.Tenant.ID, ID: "oidc|demo|sub-2"})
		if err != nil || len(recorded) != 1 {
			t.Fatalf("got %d acceptances and %v, want one", len(recorded), err)
		}
		words, err := w.DB.FindPresentation(t.Context(), w.Tenant.ID, recorded[0].Presentation)
		if err != nil || !strings.Contains(words, "We keep a record of the version and the date.") {
			t.Errorf("got the record %s and %v, want what the page said", words, err)
		}
	})
}

// Rules I-3 and I-4: what both accounts accepted stays on record when they are joined, and an identity that is taken off
// again starts with nothing accepted. Each is told by letter.
func TestWhatWasAcceptedWhenAccountsJoinAndPart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		provider := w.connect(t, "demo", "Demo ID")
		w.issue(t, 1, "Clause one.", nil)
		ana, kim := w.member(t), w.visitor(t)
		kim.want(decide(kim, kim.by(provider, kim.get("/login"), "/login/with/demo"), "accept"), http.StatusOK, "/account", "Kim")
		joins, err := w.DB.FindByConnection(t.Context(), w.Tenant.ID, "demo", "kim@example.org")
		if err != nil {
			t.Fatal(err)
		}
		comparison := ana.by(provider, ana.get("/account/connections"), "/account/connections/with/demo")
		ana.want(comparison, http.StatusOK, "/account/connections/join", "What was accepted with either stays on record.")
		ana.want(ana.send(comparison, "/account/connections/join", nil), http.StatusOK, "/account/connections", "It is connected")
		for u, want := range map[tenant.User]int{joins.User: 1, w.user(t, anaAddress): 2} { // the person has both
			if accepted, err := w.DB.Assents(t.Context(), u); err != nil || len(accepted) != want {
				t.Errorf("%s: got %d acceptances and %v, want %d", u.ID, len(accepted), err, want)
			}
		}
		if told := w.letter(t, "kim@example.org", mail.AccountLinked); !strings.Contains(told.Text, "Demo ID now leads to your account") {
			t.Errorf("got %s", told.Text)
		}
		again := w.visitor(t)
		again.want(again.by(provider, again.get("/login"), "/login/with/demo"), http.StatusOK, "/account", "Hello ana")

		off := "/account/connections/disconnect/" + idp.Linked{Connection: "demo", Identity: idp.Identity{Subject: "sub-1"}}.Mark()
		question := ana.want(ana.get(off), http.StatusOK, off, "asked to accept the terms again")
		ana.want(ana.send(question, off, nil), http.StatusOK, "/account/connections", "leads to an account of its own")
		w.letter(t, anaAddress, mail.AccountUnlinked)
		again.want(again.get("/account"), http.StatusOK, "/login", "Sign in")
		again.want(again.by(provider, again.get("/login"), "/login/with/demo"), http.StatusOK, "/terms/accept", "Clause one.")
	})
}

var promiseLinks = regexp.MustCompile(`/account/terms/[^"]+/promise`)

// Case 17: what the account that was joined had accepted does not stand for the person, who is asked; it stays in their history.
func TestCase17TheMainAccountAcceptsForItself(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		provider := w.connect(t, "demo", "Demo ID")
		w.issue(t, 1, "Clause one.", nil)
		ana, kim := w.member(t), w.visitor(t)
		kim.want(decide(kim, kim.by(provider, kim.get("/login"), "/login/with/demo"), "accept"), http.StatusOK, "/account", "Kim")
		w.issue(t, 2, "Clause two.", func(_ *terms.Draft, plan *terms.Schedule) {
			plan.EffectiveAt, plan.EnforceAt = w.Clock.Now().Add(24*time.Hour), w.Clock.Now().Add(48*time.Hour)
		})
		kim.want(decide(kim, kim.get("/terms/accept"), "accept"), http.StatusOK, "/account", "Kim")
		comparison := ana.by(provider, ana.get("/account/connections"), "/account/connections/with/demo")
		own := promiseLinks.FindAllString(ana.get("/account/terms").body, -1)
		ana.want(ana.send(comparison, "/account/connections/join", nil), http.StatusOK, "/account/connections", "It is connected")
		all := promiseLinks.FindAllString(ana.get("/account/terms").body, -1)
		if len(own) != 1 || len(all) != 3 {
			t.Fatalf("got %d decisions, and %d once the accounts are joined, want 1 and 3", len(own), len(all))
		}
		for _, promise := range all {
			ana.want(ana.get(promise), http.StatusOK, promise, "portico-promise")
		}
		w.Clock.Advance(49 * time.Hour)
		ana.signIn(anaAddress, goodPassword)
		ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "Clause two.")
	})
}

// Rule I-5: whoever closes an account closes the linked identities with it, and is told which. The identity then belongs to
// nobody and may come again, to an account of its own.
func TestLinkedIdentitiesCloseWithTheAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		provider := w.connect(t, "demo", "Demo ID")
		ana := w.member(t)
		comparison := ana.by(provider, ana.get("/account/connections"), "/account/connections/with/demo")
		ana.want(ana.send(comparison, "/account/connections/join", nil), http.StatusOK, "/account/connections", "It is connected")
		ana.want(ana.get("/account/data/close"), http.StatusOK, "/account/data/close", "Demo ID: kim@example.org")
		mara, at := w.administrator(t, "mara@example.org"), "/admin/users/"+w.user(t, anaAddress).ID+"/close"
		mara.want(mara.get(strings.ReplaceAll(at, "|", "%7C")), http.StatusOK, at, "Demo ID: kim@example.org")
		ana.close(anaAddress)
		f.Clock.Advance(8 * 24 * time.Hour)
		if err := w.eraseDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p, err := w.DB.FindByConnection(t.Context(), w.Tenant.ID, "demo", "kim@example.org"); err == nil {
			t.Errorf("got %s, want no account that the identity opens", p.User.ID)
		}
		kim := w.visitor(t)
		kim.want(kim.by(provider, kim.get("/login"), "/login/with/demo"), http.StatusOK, "/account", "Kim")
	})
}

// Rule I-6: a person's file has their identities in Auth0's shape, and never what the provider gave for itself.
func TestIdentitiesInThePersonsFile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		provider := w.connect(t, "demo", "Demo ID")
		ana := w.member(t)
		comparison := ana.by(provider, ana.get("/account/connections"), "/account/connections/with/demo")
		ana.want(ana.send(comparison, "/account/connections/join", nil), http.StatusOK, "/account/connections", "It is connected")
		_, parts := ana.file(privacy.MyData)
		var identities []map[string]any
		if err := json.Unmarshal([]byte(parts["identities.json"]), &identities); err != nil || len(identities) != 1 {
			t.Fatalf("got %s and %v, want the identity", parts["identities.json"], err)
		}
		for name, want := range map[string]any{"connection": "demo", "provider": "oidc", "user_id": "sub-1", "isSocial": false, "main": false} {
			if got := identities[0][name]; got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
		_, records := ana.file(privacy.TechnicalRecords)
		kept := false
		for name, content := range records {
			kept = kept || strings.Contains(content, "Kim Berg")
			if strings.Contains(content, "access_token") || strings.Contains(content, "id_token") {
				t.Errorf("%s holds a token of the provider's", name)
			}
		}
		if !kept {
			t.Error("what the provider said of the person is in neither file")
		}
	})
}

// Rule P-8: what the tenant requires is asked once after the sign-in, in one step, and never when the provider gave it.
func TestArrivalsAreAskedForWhatIsMissing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		provider := w.connect(t, "demo", "Demo ID")
		provider.Claims["phone_number"] = "+351 912 345 678"
		kim := w.visitor(t)
		kim.want(kim.by(provider, kim.get("/login"), "/login/with/demo"), http.StatusOK, "/account", "Kim")
		provider.Claims = map[string]any{"sub": "sub-2", "email": "noa@example.org", "email_verified": true, "name": "Noa Levi"}
		noa := w.visitor(t)
		form := noa.want(noa.by(provider, noa.get("/login"), "/login/with/demo"), http.StatusOK, "/start", "Phone number")
		if strings.Contains(form.body, `name="name"`) {
			t.Error("what the provider gave is asked for again")
		}
		noa.want(noa.send(form, "/start", map[string]string{"phone_number": "+351 912 345 679"}), http.StatusOK, "/account", "Noa")
		again := w.visitor(t)
		again.want(again.by(provider, again.get("/login"), "/login/with/demo"), http.StatusOK, "/account", "Noa")
		provider.Claims["phone_number"] = "+351 912 345 680"
		third := w.visitor(t)
		third.by(provider, third.get("/login"), "/login/with/demo")
		if p, err := w.DB.FindByConnection(t.Context(), w.Tenant.ID, "demo", "noa@example.org"); err != nil || p.PhoneNumber != "+351912345679" {
			t.Errorf("got %q and %v, want the number the person wrote", p.PhoneNumber, err)
		}
	}, func(s *tenant.Settings) {
		s.Attributes = map[string]tenant.AttributePolicy{profile.FieldPhone: {Required: true}}
	})
}
