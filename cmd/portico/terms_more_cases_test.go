package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/internal/admin"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
)

// TestMoreTermsCases walks those edge cases of terms.md 1.5 that need more than a reader and a gate, on every database.
func TestMoreTermsCases(t *testing.T) {
	t.Parallel()
	cases := map[string]func(t *testing.T, w *world){
		"case 1: what was sent survives a change while reading":              caseParkedWhileReading,
		"case 3: receipts from before a correction keep verifying":           caseCorrectedReceipt,
		"case 12: an announced text is frozen and a change is a new number":  caseFrozen,
		"case 14: two versions with one moment of effect are one current":    caseOneMoment,
		"case 15: programs get 403 terms_required, sent forms are kept":      casePrograms,
		"case 16: blocked comes first, and no gate stands before the rights": caseBlockedFirst,
		"case 18: a flag from elsewhere satisfies nothing":                   caseImported,
		"case 22: administrators record with a reason, never a consent":      caseRecorded,
		"case 23: a text of 300 kB is served, a hostile one refused":         caseLarge,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, f storetest.Fixture) { run(t, newWorld(t, f)) })
		})
	}
}

func caseParkedWhileReading(t *testing.T, w *world) {
	ana := w.member(t)
	form := ana.get("/account/profile")
	w.issue(t, 1, "Seven days.", nil)
	gate := ana.want(ana.send(form, "/account/profile", map[string]string{"name": "Typed in time"}), http.StatusOK, "/terms/accept", "Seven days.")
	w.issue(t, 2, "Fourteen days.", nil)
	gate = ana.want(decide(ana, gate, "accept"), http.StatusConflict, "/terms/accept", "published while you were reading")
	again := ana.want(decide(ana, gate, "accept"), http.StatusOK, "/resume", "We kept what you entered.")
	if !strings.Contains(again.body, `value="Typed in time"`) {
		t.Error("what was typed is gone")
	}
	ana.want(ana.send(again, "/account/profile", nil), http.StatusOK, "/account/profile", "Your personal info is saved.")
	got := w.decisions(t, anaAddress)
	if len(got) != 1 || got[0].Number != 2 || got[0].IssuedAt.IsZero() || got[0].SignedInBy != terms.ByPassword || got[0].SignInLevel != "aal1" ||
		got[0].Session == "" || got[0].SignedInAt.IsZero() || got[0].Deadline.IsZero() || got[0].RequestID == "" || got[0].UserAgent == "" || got[0].Script {
		t.Errorf("got %+v, want version 2 with all that is known of the moment", got)
	}
	shown := ana.want(ana.get("/account/terms"), http.StatusOK, "/account/terms", got[0].HTMLSHA256)
	if !strings.Contains(shown.body, "/account/terms/"+got[0].ID) {
		t.Error("got no proof")
	}
}

func caseCorrectedReceipt(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	max := w.visitor(t)
	max.lang = "de"
	max.want(max.signUp(anaAddress), http.StatusOK, "/account", "Guten Tag")
	if err := w.portal.config.Ledger.SequenceTenant(t.Context(), w.Tenant); err != nil {
		t.Fatal(err)
	}
	e := w.decisions(t, anaAddress)[0]
	receipt := max.get(terms.ReceiptPath(e.ID)).body
	mended := terms.Text{Locale: "de", Title: "Nutzungsbedingungen", Source: "## 1. Regeln {#rules}\n\nSieben Tage."}
	if err := w.portal.config.Terms.Correct(tenant.With(t.Context(), w.Tenant), tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}, "terms", 1, mended); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(6 * time.Second)
	proven, err := ledger.VerifyReceipt(receipt, max.get("/ledger/"+string(w.Tenant.ID)+"/keys").body)
	if err != nil || !strings.Contains(proven.Payload, e.SourceSHA256) {
		t.Errorf("got %+v, %v", proven, err)
	}
	max.want(max.get("/terms/sha256/"+e.SourceSHA256), http.StatusOK, "/terms/sha256/"+e.SourceSHA256, "Seven days. de")
}

func caseFrozen(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.member(t)
	later := func(_ *terms.Draft, p *terms.Schedule) {
		p.EffectiveAt = p.EffectiveAt.Add(40 * 24 * time.Hour)
		p.EnforceAt = p.EffectiveAt
	}
	w.issue(t, 2, "Fourteen days.", later)
	service, ctx := w.portal.config.Terms, tenant.With(t.Context(), w.Tenant)
	frozen := ana.get("/terms/terms/2.md").body
	if err := service.Withdraw(ctx, tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}, "terms", 2, "It was too early."); err != nil {
		t.Fatal(err)
	}
	w.issue(t, 3, "Thirty days.", later)
	ana.want(ana.get("/terms/terms/upcoming"), http.StatusOK, "/terms/terms/upcoming", "Thirty days.")
	ana.want(ana.get("/terms/terms/2"), http.StatusOK, "/terms/terms/2", "cancelled")
	if now := ana.get("/terms/terms/2.md").body; now != frozen || frozen == "" {
		t.Errorf("got %q, want the announced text as it was", now)
	}
	ana.want(decide(ana, ana.get("/terms/accept?return_to=%2Faccount"), "accept"), http.StatusOK, "/account", "Hello ana")
	if got := w.decisions(t, anaAddress); len(got) != 2 || got[0].Number != 3 {
		t.Errorf("got %+v, want version 3", got)
	}
}

func caseOneMoment(t *testing.T, w *world) {
	at := w.Clock.Now()
	version := func(n int) terms.Version {
		return terms.Version{Document: "terms", Number: n, Materiality: terms.Material, PublishedAt: at, AnnounceAt: at, EffectiveAt: at, EnforceAt: at}
	}
	library := terms.Library{Documents: []terms.Document{{Key: "terms", Assent: terms.Agree}}, Versions: []terms.Version{version(1), version(2)}}
	if got, ok := library.Current("terms", at); !ok || got.Number != 2 {
		t.Errorf("got version %d, want the higher number", got.Number)
	}
	if got := library.Required("terms", terms.Party{}, at); got != 2 {
		t.Errorf("got %d required, want 2", got)
	}
	var before terms.Version
	for _, skew := range []time.Duration{-3 * time.Second, 0, 3 * time.Second} {
		got, _ := library.Current("terms", at.Add(skew))
		if got.Number < before.Number {
			t.Errorf("got version %d after %d", got.Number, before.Number)
		}
		before = got
	}
}

func casePrograms(t *testing.T, w *world) {
	ana := w.member(t)
	w.issue(t, 1, "Seven days.", nil)
	ana.header = http.Header{"Accept": {"application/json"}}
	p := ana.get("/account/profile")
	var answer struct {
		Error     string
		URL       string
		Documents []struct {
			Document, Title, URL string
			Number               int
			SHA256               string `json:"source_sha256"`
		}
	}
	if err := json.Unmarshal([]byte(p.body), &answer); err != nil || p.status != http.StatusForbidden || answer.Error != "terms_required" ||
		len(answer.Documents) != 1 || answer.Documents[0].Number != 1 || !strings.HasSuffix(answer.URL, "/terms/accept") || len(answer.Documents[0].SHA256) != 64 {
		t.Errorf("got %d %s, %v", p.status, p.body, err)
	}
	if got := w.decisions(t, anaAddress); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	ana.header = nil
	ana.want(decide(ana, ana.get("/account"), "accept"), http.StatusOK, "/account", "Hello ana")
	ana.header = http.Header{"Accept": {"application/json"}}
	if p := ana.get("/account/profile"); p.status != http.StatusOK {
		t.Errorf("got %d once it is accepted", p.status)
	}
}

func caseBlockedFirst(t *testing.T, w *world) {
	ana := w.member(t)
	w.issue(t, 1, "Seven days.", nil)
	for _, path := range []string{"/account/data", "/account/terms", "/account/consents", "/help"} {
		ana.want(ana.get(path), http.StatusOK, path, "")
	}
	w.administrator(t, "mara@example.org")
	mara := w.user(t, "mara@example.org")
	err := w.portal.config.Admin.Block(tenant.With(t.Context(), w.Tenant), mara, w.user(t, anaAddress), admin.Blocking{Reason: "Chargebacks", Message: "Call us."})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/account", "/terms/accept"} {
		if p := ana.get(path); p.path == "/terms/accept" && p.status == http.StatusOK {
			t.Errorf("%s: got the terms for somebody who is blocked", path)
		}
	}
	ana.want(ana.signIn(anaAddress, goodPassword), http.StatusForbidden, "/login", "Call us.")
}

func caseImported(t *testing.T, w *world) {
	ana := w.member(t)
	w.issue(t, 1, "Seven days.", nil)
	u, ctx := w.user(t, anaAddress), tenant.With(t.Context(), w.Tenant)
	flag, ok := terms.ImportedFlag(profile.Metadata{"consentGiven": json.RawMessage(`"true"`), "consentTimestamp": json.RawMessage(`"1505342101"`)})
	if !ok || flag.At.Year() != 2017 {
		t.Fatalf("got %+v, %v", flag, ok)
	}
	for i, want := range []bool{true, false} {
		if fresh, err := w.portal.config.Terms.Import(ctx, u, flag); err != nil || fresh != want {
			t.Errorf("import %d: got %v, %v, want %v", i, fresh, err, want)
		}
	}
	got := w.decisions(t, anaAddress)
	if len(got) != 1 || got[0].Type != terms.Imported || got[0].Number != 0 || got[0].Source["version"] != "unknown" {
		t.Errorf("got %+v", got)
	}
	ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "Seven days.")
	ana.want(ana.get("/account/terms"), http.StatusOK, "/account/terms", "A consent from an earlier system, version unknown")
}

func caseRecorded(t *testing.T, w *world) {
	mara := w.administrator(t, "mara@example.org")
	w.issue(t, 1, "Seven days.", nil)
	mara.want(decide(mara, mara.get("/account"), "accept"), http.StatusOK, "/account", "")
	ana := w.visitor(t)
	w.issue(t, 2, "Fourteen days.", func(_ *terms.Draft, p *terms.Schedule) { p.EnforceAt = p.EnforceAt.Add(time.Hour) })
	ana.want(ana.signUp(anaAddress), http.StatusOK, "/account", "")
	w.issue(t, 3, "Thirty days.", nil)
	u := w.user(t, anaAddress)
	mara.want(decide(mara, mara.get("/account"), "accept"), http.StatusOK, "/account", "")
	page := userPath(u, "/consents")
	refused := mara.send(mara.get(page), page, map[string]string{"reason": "Signed on paper", "version": "terms/3"})
	mara.want(refused, http.StatusUnprocessableEntity, "/admin/users/"+u.ID+"/consents", "Fill in this field")
	if !strings.Contains(refused.body, `value="Signed on paper"`) {
		t.Error("what was typed is gone")
	}
	old := mara.send(refused, page, map[string]string{"evidence": "Folder 7", "version": "terms/1"})
	mara.want(old, http.StatusUnprocessableEntity, "/admin/users/"+u.ID+"/consents", "Choose a version that is in force or announced")
	mara.want(mara.send(refused, page, map[string]string{"evidence": "Folder 7", "version": "terms/3"}), http.StatusOK, "/admin/users/"+u.ID+"/consents", "Folder 7")
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	if text := w.letter(t, anaAddress, mail.TermsRecorded).Text; !strings.Contains(text, "> Signed on paper") || !strings.Contains(text, "version 3") {
		t.Errorf("got %s", text)
	}
	got := w.decisions(t, anaAddress)[0]
	if got.Type != terms.AdminRecorded || got.Method != terms.MethodAdmin || got.Actor != w.user(t, "mara@example.org").ID || got.Evidence != "Folder 7" {
		t.Errorf("got %+v", got)
	}
	w.wantProofs(t, mara, u)

	ctx, service := tenant.With(t.Context(), w.Tenant), w.portal.config.Terms
	purpose := terms.Document{Tenant: w.Tenant.ID, Key: "news", Assent: terms.Consent, GoverningLocale: "en"}
	if err := service.AddDocument(ctx, purpose); err != nil {
		t.Fatal(err)
	}
	why := terms.Evidence{Reason: "They said so.", Evidence: "By telephone."}
	me := w.user(t, "mara@example.org")
	if err := service.RecordFor(ctx, me, u, "news", 1, why); !errors.Is(err, terms.ErrNotFound) {
		t.Errorf("got %v, want no consent for somebody else", err)
	}
	if err := service.RecordFor(ctx, me, me, "terms", 3, why); !errors.Is(err, terms.ErrNotFound) {
		t.Errorf("got %v, want nobody to record for themselves", err)
	}
	elsewhere := tenant.User{Tenant: "elsewhere", ID: "portico|x"}
	if err := service.RecordFor(ctx, elsewhere, u, "terms", 3, why); !errors.Is(err, terms.ErrNotFound) {
		t.Errorf("got %v for an administrator of another tenant", err)
	}
}

// wantProofs downloads what an administrator can show of somebody's decisions.
func (w *world) wantProofs(t *testing.T, mara *visitor, u tenant.User) {
	t.Helper()
	if err := w.portal.config.Ledger.SequenceTenant(t.Context(), w.Tenant); err != nil {
		t.Fatal(err)
	}
	p := mara.get(userPath(u, "/consents/proofs"))
	archive, err := zip.NewReader(bytes.NewReader([]byte(p.body)), int64(len(p.body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, file := range archive.File {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		_, _ = b.ReadFrom(r)
		files[file.Name] = b.String()
	}
	keys, _, _ := strings.Cut(files["keys.txt"], "\n\n")
	receipts, texts := 0, 0
	for name, content := range files {
		switch {
		case strings.HasSuffix(name, ".tlog-proof"):
			if _, err := ledger.VerifyReceipt(content, keys); err != nil {
				t.Error(err)
			}
			receipts++
		case strings.HasSuffix(name, ".md"):
			texts++
		}
	}
	if receipts < 2 || texts < 2 {
		t.Errorf("got %d receipts and %d texts", receipts, texts)
	}
}

func caseLarge(t *testing.T, w *world) {
	var long strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&long, "Paragraph %d says that nothing in it matters, at some length so that it adds up to a book. ", i)
		if i%3 == 0 {
			long.WriteString("\n\n")
		}
	}
	brief := func(d *terms.Draft, _ *terms.Schedule) {
		for i := range d.Texts {
			d.Texts[i].ChangeNote, d.Texts[i].Summary = "Because.", []terms.Line{{Text: "In short"}}
		}
	}
	w.issue(t, 1, long.String(), brief)
	ana := w.member(t)
	w.issue(t, 2, strings.ReplaceAll(long.String(), "nothing", "everything"), brief)
	started := time.Now()
	p := ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "Paragraph 2999")
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("the gate took %v", took)
	}
	ana.want(decide(ana, p, "accept"), http.StatusOK, "/account", "Hello ana")

	service, ctx := w.portal.config.Terms, tenant.With(t.Context(), w.Tenant)
	for name, source := range map[string]string{
		"too large": "## 1. Rules {#rules}\n\n" + strings.Repeat("word ", 110_000),
		"html":      "## 1. Rules {#rules}\n\n<script>alert(1)</script>",
		"link":      "## 1. Rules {#rules}\n\n[here](javascript:alert(1))",
	} {
		draft := terms.Draft{Version: terms.Version{Document: "terms", Materiality: terms.Material}, Texts: []terms.Text{{Locale: "en", Title: "T", Source: source}}}
		_, err := service.SaveDraft(ctx, w.Tenant.ID, draft)
		if _, ok := errors.AsType[valid.Errors](err); !ok {
			t.Errorf("%s: got %v, want it refused with a reason", name, err)
		}
	}
}

// TestAcceptancesRaceAPublication lets 200 people accept while a version comes into force in the middle: everybody has
// exactly one acceptance of what they were shown, or none and an answer that says so.
func TestAcceptancesRaceAPublication(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		service, ctx := w.portal.config.Terms, tenant.With(t.Context(), f.Tenant)
		library, _, err := service.Library(ctx, f.Tenant.ID)
		if err != nil {
			t.Fatal(err)
		}
		shown, _ := library.Text("terms", 1, "en")
		const people = 200
		users := make([]tenant.User, people)
		for i := range users {
			users[i] = f.NewUser(t, fmt.Sprintf("p%d@example.org", i))
		}
		results := make([]error, people)
		var all sync.WaitGroup
		for i := range users {
			all.Go(func() {
				if i == people/2 {
					w.issue(t, 2, "Fourteen days.", nil)
				}
				results[i] = service.Accept(ctx, users[i], terms.Decision{
					Document: "terms", Number: 1, HTMLSHA256: shown.HTMLSHA256, LocaleWanted: "en", Nonce: fmt.Sprintf("nonce-%d", i), Method: terms.MethodGate,
				})
			})
		}
		all.Wait()
		accepted, refused := 0, 0
		for i, err := range results {
			events, readErr := f.DB.Assents(context.WithoutCancel(ctx), users[i])
			if readErr != nil {
				t.Fatal(readErr)
			}
			switch {
			case err == nil && len(events) == 1 && events[0].Number == 1:
				accepted++
			case errors.Is(err, terms.ErrChanged) && len(events) == 0:
				refused++
			default:
				t.Errorf("person %d: got %v and %d events", i, err, len(events))
			}
			owed, err := service.Owed(ctx, users[i], "en")
			if err != nil || len(owed) != 1 || owed[0].Version.Number != 2 {
				t.Errorf("person %d: got %+v, %v, want version 2 owed", i, owed, err)
			}
		}
		t.Logf("%d accepted version 1 in time, %d were shown version 2", accepted, refused)
		if err := w.portal.config.Ledger.SequenceTenant(t.Context(), f.Tenant); err != nil {
			t.Fatal(err)
		}
		if n, err := w.portal.config.Ledger.Verify(t.Context(), f.Tenant.ID, ""); err != nil || n != int64(accepted)+2 {
			t.Errorf("got %d entries, %v, want %d acceptances and two publications", n, err, accepted)
		}
	})
}

// TestDecisionsThatNobodyWasShown are refused with a clear page, and nothing is recorded (issue: bad input).
func TestDecisionsThatNobodyWasShown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		w.issue(t, 1, "Seven days.", nil)
		form := ana.get("/account")
		for name, fields := range map[string]url.Values{
			"unknown document":   {"document": {"other"}},
			"unknown version":    {"number": {"9"}},
			"version as word":    {"number": {"one"}},
			"unknown hash":       {"hash": {strings.Repeat("0", 64)}},
			"hash of no hash":    {"hash": {"x"}},
			"no nonce":           {"nonce": {""}},
			"unknown decision":   {"decision": {"maybe"}},
			"no decision":        {"decision": {""}},
			"hash of the source": {"hash": {"a" + strings.Repeat("0", 63)}},
		} {
			sent := map[string]string{"decision": "accept"}
			for field, value := range fields {
				sent[field] = value[0]
			}
			p := ana.send(form, "/terms/accept", sent)
			if p.status != http.StatusBadRequest && p.status != http.StatusNotFound && p.status != http.StatusConflict {
				t.Errorf("%s: got %d, want it refused", name, p.status)
			}
			if !strings.Contains(p.body, "<h1") {
				t.Errorf("%s: got no page: %s", name, p.body)
			}
		}
		if got := w.decisions(t, anaAddress); len(got) != 0 {
			t.Errorf("got %+v, want nothing recorded", got)
		}
		forged := decide(ana, page{path: form.path, status: form.status, body: strings.Replace(form.body, `name="issued" value="1`, `name="issued" value="2`, 1)}, "accept")
		ana.want(forged, http.StatusOK, "/account", "Hello ana")
		if got := w.decisions(t, anaAddress); len(got) != 1 || !got[0].IssuedAt.IsZero() {
			t.Errorf("got %+v, want no word of when the page was shown", got)
		}
	})
}
