package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// requests are those of the tenant that are open.
func (w *world) requests(t *testing.T) []privacy.Request {
	t.Helper()
	found, err := w.DB.SearchRequests(context.WithoutCancel(t.Context()), w.Tenant.ID, privacy.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// readOnly makes the name of people something only administrators change.
func readOnly(s *tenant.Settings) {
	s.Attributes = map[string]tenant.AttributePolicy{profile.FieldName: {Access: tenant.ReadOnly}}
}

// GDPR article 16 and 18(1)(a): what people cannot change they have corrected; meanwhile the account is restricted.
func TestRectificationIsAskedForAndApplied(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.member(t)
		p := ana.want(ana.get("/account/data/correct"), http.StatusOK, "/account/data/correct", "Something else")
		p = ana.send(p, "/account/data/correct", map[string]string{"subject": "name", "value": "", "note": "It is misspelt."})
		p = ana.want(p, http.StatusUnprocessableEntity, "/account/data/correct", "Fill in this field")
		if !strings.Contains(p.body, "It is misspelt.") {
			t.Error("what was typed is lost")
		}
		forged := ana.send(p, "/account/data/correct", map[string]string{"subject": "app_metadata", "value": "x"})
		ana.want(forged, http.StatusUnprocessableEntity, "/account/data/correct", "Choose one from the list")
		for range 2 {
			p = ana.send(ana.get("/account/data/correct"), "/account/data/correct", map[string]string{"subject": "name", "value": "Ana Maria", "note": "It is misspelt."})
			ana.want(p, http.StatusOK, "/account/data", "Your account is restricted")
		}
		if n := len(w.requests(t)); n != 1 {
			t.Fatalf("got %d requests, want one", n)
		}
		w.letter(t, anaAddress, mail.RequestReceived)
		w.letter(t, anaAddress, mail.AccountRestricted)
		ana.want(ana.get("/account/profile"), http.StatusOK, "/account/data", "Should say: Ana Maria")

		one := "/admin/requests/" + w.requests(t)[0].ID
		mara.want(mara.get("/admin/requests?kind=rectification"), http.StatusOK, "/admin/requests", "Correct my data")
		mara.want(mara.get("/admin/requests?kind=objection"), http.StatusOK, "/admin/requests", "Nobody waits for an answer")
		p = mara.want(mara.get(one), http.StatusOK, one, "Ana Maria")
		if faults := faultsOf(p); len(faults) > 0 {
			t.Errorf("got %v", faults)
		}
		p = mara.send(p, one, map[string]string{"answer": "Corrected.", "outcome": "granted"})
		mara.want(p, http.StatusOK, "/admin/requests", "Nobody waits for an answer.")
		mara.want(mara.get("/admin/requests?state=answered"), http.StatusOK, "/admin/requests", "Granted")
		if letter := w.letter(t, anaAddress, mail.RequestAnswered); !strings.Contains(letter.Text, "We did what you asked for.") {
			t.Errorf("got %q, want the outcome", letter.Text)
		}
		w.letter(t, anaAddress, mail.RestrictionLifted)
		changed, err := w.DB.FindProfile(t.Context(), w.user(t, anaAddress))
		if err != nil || changed.Name != "Ana Maria" || changed.Restriction.On {
			t.Errorf("got %q, restricted %v, %v, want it corrected", changed.Name, changed.Restriction.On, err)
		}
		ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "")
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "Granted")
	}, readOnly)
}

// A value that no attribute can have is not granted, and the administrator learns why.
func TestRectificationThatCannotBeAppliedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t, func(s *tenant.Settings) {
		s.Attributes = map[string]tenant.AttributePolicy{profile.FieldPhone: {Access: tenant.ReadOnly}}
	}))
	mara, ana := w.administrator(t, "mara@example.org"), w.member(t)
	ana.send(ana.get("/account/data/correct"), "/account/data/correct", map[string]string{"subject": "phone_number", "value": "none at all"})
	one := "/admin/requests/" + w.requests(t)[0].ID
	p := mara.send(mara.get(one), one, map[string]string{"answer": "Corrected.", "outcome": "granted"})
	p = mara.want(p, http.StatusUnprocessableEntity, one, "Corrected.")
	mara.want(mara.send(p, one, map[string]string{"answer": "This is no number.", "outcome": "refused"}), http.StatusOK, "/admin/requests", "")
	if letter := w.letter(t, anaAddress, mail.RequestAnswered); !strings.Contains(letter.Text, "You can also go to court") {
		t.Errorf("got %q, want what a refusal must say", letter.Text)
	}
}

// Rule G-5: only the pages of rights; the person may end what their own request brought.
func TestRestrictedPeopleReachTheirRightsOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.member(t)
		profilePage := ana.get("/account/profile")
		p := ana.send(ana.get("/account/data/restrict"), "/account/data/restrict", map[string]string{"note": "While I sue you."})
		ana.want(p, http.StatusOK, "/account/data", "Your account is restricted")
		for _, r := range routes(t) {
			if r.method != http.MethodGet || (r.gate != "member" && r.gate != "sensitive") {
				continue
			}
			if p := ana.still(r.method, r.with(nil), nil); p.status != http.StatusSeeOther || p.header.Get("Location") != "/account/data" {
				t.Errorf("%s: got %d %s, want the page of rights", r.path, p.status, p.header.Get("Location"))
			}
		}
		ana.want(ana.send(profilePage, "/account/profile", map[string]string{"name": "Sly"}), http.StatusOK, "/account/data", "restricted")
		if p, _ := w.DB.FindProfile(t.Context(), w.user(t, anaAddress)); p.Name == "Sly" {
			t.Error("a form that was open got through")
		}
		for _, path := range []string{"/account/terms", "/account/consents", "/account/data", "/account/data/correct", "/terms/declined"} {
			ana.want(ana.get(path), http.StatusOK, path, "")
		}
		mara.want(mara.get("/admin/users?q=ana"), http.StatusOK, "/admin/users", "No user matches")
		mara.want(mara.get("/admin/users?state=restricted"), http.StatusOK, "/admin/users", anaAddress)
		ana.want(ana.send(ana.get("/account/data"), "/account/data/waive", nil), http.StatusOK, "/account/data", "no longer restricted")
		ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "")
		if n := len(w.requests(t)); n != 1 {
			t.Errorf("got %d requests, want it still open", n)
		}

		one := "/admin/requests/" + w.requests(t)[0].ID
		mara.send(mara.get(one), one, map[string]string{"answer": "As you wish.", "outcome": "granted"})
		p = ana.want(ana.get("/account/profile"), http.StatusOK, "/account/data", "An administrator did this")
		if strings.Contains(p.body, "/account/data/waive") {
			t.Error("what an administrator decided can be waived")
		}
	})
}

// An administrator restricts and lifts with a reason, effective at the next request, and never an administrator's account.
func TestAdministratorsRestrict(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.member(t)
		w.purpose(t, terms.Document{Key: "news"}, 1)
		ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"})
		u := w.user(t, anaAddress)
		page := "/admin/users/" + strings.ReplaceAll(u.ID, "|", "%7C") + "/actions"
		act := func(action, why string) page2 {
			return page2{mara.do(http.MethodPost, page, actionForm(t, mara.get(page), page, action, why))}
		}
		act("restrict", "").want(t, http.StatusUnprocessableEntity, "Fill in this field")
		act("restrict", "A court says so").want(t, http.StatusOK, "Restricted since")
		ana.want(ana.get("/account"), http.StatusOK, "/login", "")
		ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account/data", "An administrator did this")
		if n := w.listed(t, "news"); n != 0 {
			t.Errorf("got %d in the list of consents, want nobody", n)
		}
		act("unrestrict", "The court changed its mind").want(t, http.StatusOK, "Restrict this account")
		ana.want(ana.get("/account"), http.StatusOK, "/account", "")
		if n := w.listed(t, "news"); n != 1 {
			t.Errorf("got %d in the list of consents, want one", n)
		}
		events, err := w.portal.config.Audit.Search(t.Context(), w.Tenant.ID, audit.Filter{User: u.ID, Types: []audit.Type{audit.Restricted, audit.Unrestricted}, Limit: 9})
		if err != nil || len(events) != 2 || events[1].Detail["reason"] != "A court says so" || events[1].Actor.Kind != audit.ByAdmin {
			t.Errorf("got %+v, %v, want both with their reasons", events, err)
		}
		ctx := tenant.With(t.Context(), w.Tenant)
		if err := w.portal.config.Privacy.Restrict(ctx, w.user(t, "mara@example.org"), w.user(t, "mara@example.org"), "Why not"); !errors.Is(err, privacy.ErrAdministrator) {
			t.Errorf("got %v, want administrators spared", err)
		}
		other := tenant.User{Tenant: "elsewhere", ID: u.ID}
		if err := w.portal.config.Privacy.Restrict(ctx, w.user(t, "mara@example.org"), other, "Why not"); !errors.Is(err, profile.ErrNotFound) {
			t.Errorf("got %v, want another tenant's person unknown", err)
		}
	})
}

// page2 is an answer that is checked in the words of a table.
type page2 struct{ page }

func (p page2) want(t *testing.T, status int, text string) {
	t.Helper()
	if p.status != status || !strings.Contains(p.text(), text) {
		t.Errorf("got %d, want %d with %q:\n%s", p.status, status, text, p.text())
	}
}

func actionForm(t *testing.T, p page, action, name, why string) map[string][]string {
	t.Helper()
	form := formOf(t, p, action)
	form.Set("action", name)
	form.Set("why", why)
	return form
}

// listed is how many people the list of a purpose has.
func (w *world) listed(t *testing.T, document string) int {
	t.Helper()
	n := 0
	err := w.portal.config.Consents.EachConsenter(context.WithoutCancel(t.Context()), w.Tenant.ID, document, func(terms.Consenter) error { n++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// GDPR article 12(3): a month, and two more once, told within the first.
func TestRequestsHaveTerms(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.member(t)
		ana.send(ana.get("/account/data/restrict"), "/account/data/restrict", nil)
		r := w.requests(t)[0]
		if want := privacy.Months(r.At, 1); !r.DueAt.Equal(want) {
			t.Errorf("got due %v, want %v", r.DueAt, want)
		}
		one := "/admin/requests/" + r.ID
		p := mara.send(mara.get(one), one, map[string]string{"outcome": "extend", "reason": ""})
		p = mara.want(p, http.StatusUnprocessableEntity, one, "Fill in this field")
		mara.want(mara.send(p, one, map[string]string{"outcome": "extend", "reason": "Eleven archives."}), http.StatusOK, "/admin/requests", "Extended")
		if letter := w.letter(t, anaAddress, mail.RequestExtended); !strings.Contains(letter.Text, "Eleven archives.") {
			t.Errorf("got %q, want the reason", letter.Text)
		}
		if got := w.requests(t)[0].DueAt; !got.Equal(privacy.Months(r.At, 3)) {
			t.Errorf("got due %v, want three months after it was asked", got)
		}
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "Eleven archives.")
		if strings.Contains(mara.get(one).body, "Take more time") {
			t.Error("it can be extended twice")
		}
		f.Clock.Advance(100 * 24 * time.Hour)
		mara = w.visitor(t)
		mara.signIn("mara@example.org", goodPassword)
		mara.want(mara.get("/admin/requests"), http.StatusOK, "/admin/requests", "Overdue")
		mara.want(mara.get("/admin"), http.StatusOK, "/admin", "Privacy requests due within 7 days 1")
	})
}

func TestMonthsEndWithTheMonth(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{"2027-01-31": "2027-02-28", "2028-01-31": "2028-02-29", "2027-11-30": "2027-12-30", "2026-12-31": "2027-01-31"} {
		at, _ := time.Parse(time.DateOnly, from)
		if got := privacy.Months(at, 1).Format(time.DateOnly); got != want {
			t.Errorf("%s: got %s, want %s", from, got, want)
		}
	}
}

// GDPR article 21: direct marketing ends with one click, the rest is weighed.
func TestObjections(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.administrator(t, "mara@example.org")
		ana := w.member(t)
		w.use(t, terms.Document{Key: "catalogue", Marketing: true})
		w.use(t, terms.Document{Key: "fraud"})
		f.Clock.Advance(20 * time.Minute) // one click needs no proof
		p := ana.want(ana.get("/account/consents"), http.StatusOK, "/account/consents", "You have not objected")
		p = ana.send(p, "/account/consents/object", map[string]string{"use": "catalogue"})
		p = ana.want(p, http.StatusOK, "/account/consents", "because you objected")
		forged := formOf(t, p, "/account/consents/resume")
		forged.Set("use", "fraud")
		ana.want(ana.do(http.MethodPost, "/account/consents/object", forged), http.StatusNotFound, "/account/consents/object", "") // not by one click
		if got := w.consents(t); got != "catalogue objected settings" {
			t.Errorf("got %q, want one objection", got)
		}
		p = ana.send(ana.get("/account/consents"), "/account/consents/resume", map[string]string{"use": "catalogue"})
		ana.want(p, http.StatusOK, "/account/consents", "It is allowed again")

		object := "/account/consents/object/fraud"
		p = ana.send(ana.get(object), object, map[string]string{"note": "I am a witness."})
		p = ana.want(p, http.StatusOK, "/reauth", "")
		p = ana.send(p, "/reauth", map[string]string{"password": goodPassword})
		p = ana.want(p, http.StatusOK, "/resume", "")
		ana.want(ana.send(p, object, nil), http.StatusOK, "/account/data", "Your account is restricted")
		one := "/admin/requests/" + w.requests(t)[0].ID
		mara := w.visitor(t)
		mara.signIn("mara@example.org", goodPassword)
		mara.send(mara.want(mara.get(one), http.StatusOK, one, "I am a witness."), one, map[string]string{"answer": "We stop.", "outcome": "granted"})
		if got := w.consent(t, "fraud").State; got != terms.Against {
			t.Errorf("got %s, want it stopped", got)
		}
		if !strings.HasPrefix(w.consents(t), "fraud objected admin, ") {
			t.Errorf("got %q, want it in the record", w.consents(t))
		}
		ana.want(ana.get("/account/terms"), http.StatusOK, "/account/terms", "Objected")
	})
}

// use publishes a legitimate interest.
func (w *world) use(t *testing.T, d terms.Document) {
	t.Helper()
	ctx := tenant.With(t.Context(), w.Tenant)
	d.Tenant, d.Assent, d.GoverningLocale = w.Tenant.ID, terms.Interest, "en"
	if err := w.portal.config.Terms.AddDocument(ctx, d); err != nil {
		t.Fatal(err)
	}
	w.publishFirst(t, d.Key)
}

func (w *world) publishFirst(t *testing.T, key string) {
	t.Helper()
	ctx, service, now := tenant.With(t.Context(), w.Tenant), w.portal.config.Terms, w.Clock.Now()
	draft := terms.Draft{Version: terms.Version{Document: key, Materiality: terms.Material}, Texts: []terms.Text{{
		Locale: "en", Title: "Use " + key, Source: "## 1. What {#what}\n\nAs the law lets us.", ChangeNote: "New.",
		Summary: []terms.Line{{Anchor: "what", Text: "As the law lets us."}},
	}}}
	if _, err := service.SaveDraft(ctx, w.Tenant.ID, draft); err != nil {
		t.Fatal(err)
	}
	plan := terms.Schedule{AnnounceAt: now, EffectiveAt: now, EnforceAt: now, Reason: "A test.", Typed: "1"}
	if err := service.Publish(ctx, tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}, key, 1, plan); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(6 * time.Second)
}

// Asked at once from many places, it is one request; answered at once by two administrators, one answer.
func TestRequestsWithstandRaces(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.administrator(t, "mara@example.org")
		w.member(t)
		ctx, u, mara := tenant.With(context.WithoutCancel(t.Context()), w.Tenant), w.user(t, anaAddress), w.user(t, "mara@example.org")
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := w.portal.config.Privacy.Ask(ctx, u, privacy.Request{Kind: privacy.Restriction}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		open := w.requests(t)
		if len(open) != 1 {
			t.Fatalf("got %d requests, want one", len(open))
		}
		for range 4 {
			all.Go(func() {
				if err := w.portal.config.Privacy.Answer(ctx, mara, open[0].ID, "No.", privacy.Refused); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		events, err := w.portal.config.Audit.Search(ctx, w.Tenant.ID, audit.Filter{User: u.ID, Types: []audit.Type{audit.RequestAnswered, audit.Unrestricted}, Limit: 9})
		if err != nil || len(events) != 2 {
			t.Errorf("got %d events, %v, want one answer and one end of the restriction", len(events), err)
		}
		if err := w.portal.config.Privacy.Answer(ctx, tenant.User{Tenant: "elsewhere", ID: mara.ID}, open[0].ID, "No.", privacy.Refused); !errors.Is(err, privacy.ErrNotFound) {
			t.Errorf("got %v, want another tenant's request unknown", err)
		}
	})
}
