package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// draft begins a version of "terms" as an administrator does, with texts in English and German, and returns its path.
func (v *visitor) draft(text string) string {
	v.t.Helper()
	path := v.send(v.get("/admin/terms/terms"), "/admin/terms/terms", map[string]string{"materiality": "material"}).path
	for _, locale := range []string{"en", "de"} {
		p := v.send(v.get(path+"?locale="+locale), path, map[string]string{
			"title": "Terms", "source": "## 1. Rules {#rules}\n\n" + text + " " + locale, "summary": "#rules Rules: " + text, "change_note": "Because.",
		})
		v.want(p, http.StatusOK, path, "Saved.")
	}
	return path
}

func TestADraftSaysWhomItAsks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		f.Clock.Advance(6 * time.Second)
		bea := w.visitor(t)
		bea.lang = "de"
		bea.signUp("bea@example.org")
		ana := w.member(t)
		mara := w.administrator(t, "mara@example.org")

		path := mara.draft("Thirty days.")
		form, page := path+"/audience", mara.get(path)
		p := mara.send(page, form, map[string]string{"joined_before": "soon", "reaccept_months": "many"})
		p = mara.want(p, http.StatusUnprocessableEntity, form, "like 2027-02-28")
		p = mara.want(p, http.StatusUnprocessableEntity, form, "a number of months up to 120")
		if kept := formOf(t, p, form); kept.Get("joined_before") != "soon" || kept.Get("reaccept_months") != "many" {
			t.Errorf("got %v, want what was typed", kept)
		}
		p = mara.want(mara.send(page, form, map[string]string{"audience": "9.de"}), http.StatusUnprocessableEntity, form, "Nobody can have accepted")
		p = mara.send(p, form, map[string]string{"audience": "1.de", "reaccept_months": "12"})
		p = mara.want(p, http.StatusOK, path, "Saved.")
		if kept := formOf(t, p, form); kept.Get("audience") != "1.de" || kept.Get("reaccept_months") != "12" {
			t.Errorf("got %v, want what was saved", kept)
		}

		publish := path + "/publish"
		p = mara.want(mara.get(publish), http.StatusOK, publish, "1 user will be asked")
		p = mara.want(p, http.StatusOK, publish, "Only those asked: Who accepted version 1 in Deutsch.")
		today, tomorrow := f.Clock.Now().Format(time.DateOnly), f.Clock.Now().AddDate(0, 0, 1).Format(time.DateOnly)
		answers := map[string]string{"effective_at": today, "announce_at": tomorrow, "number": "2", "reason": "A wrong word."}
		p = mara.want(mara.send(p, publish, answers), http.StatusUnprocessableEntity, publish, "announced before it takes effect")
		answers["announce_at"] = "31.12."
		p = mara.want(mara.send(p, publish, answers), http.StatusUnprocessableEntity, publish, "like 2027-02-28")
		answers["announce_at"] = ""
		mara.want(mara.send(p, publish, answers), http.StatusOK, "/admin/terms/terms", "The version is published.")
		f.Clock.Advance(6 * time.Second)

		ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
		p = bea.get("/account")
		if p.path != "/terms/accept" {
			t.Errorf("got %s, want the reader of the German text to be asked", p.path)
		}
		bea.send(p, "/terms/accept", map[string]string{"decision": "accept"})
		party, err := f.DB.Party(t.Context(), w.user(t, "bea@example.org"))
		if err != nil || party.Accepted[len(party.Accepted)-1].ExpiresAt.IsZero() {
			t.Errorf("got %+v, %v, want an acceptance that expires", party.Accepted, err)
		}
		p = mara.want(mara.get(path), http.StatusOK, path, "An acceptance counts for 12 months.")
		if strings.Contains(p.body, form+`"`) {
			t.Error("a published version can be limited")
		}
		mara.want(mara.do(http.MethodPost, form, formOf(t, page, form)), http.StatusConflict, form, "")
	})
}

func TestAnnouncementsAndNewAccountsNarrowWhoIsAsked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		f.Clock.Advance(6 * time.Second)
		ana, mara := w.member(t), w.administrator(t, "mara@example.org")
		path := mara.draft("Thirty days.")
		day := func(offset int) string { return f.Clock.Now().AddDate(0, 0, offset).Format(time.DateOnly) }
		p := mara.send(mara.get(path), path+"/audience", map[string]string{"joined_before": day(-1)})
		mara.want(p, http.StatusOK, path, "Saved.")
		p = mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "0 users will be asked")
		mara.want(p, http.StatusOK, path+"/publish", "Only accounts created before "+day(-1))
		mara.send(mara.get(path), path+"/audience", map[string]string{"joined_before": day(1)})
		p = mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "2 users will be asked")
		mara.send(p, path+"/publish", map[string]string{"announce_at": day(10), "effective_at": day(45), "number": "2"})
		f.Clock.Advance(6 * time.Second)
		library, now, err := w.portal.config.Terms.Library(t.Context(), f.Tenant.ID)
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := library.Version("terms", 2); !v.Published() || v.Visible(now) || !v.Visible(now.AddDate(0, 0, 11)) {
			t.Errorf("got %+v, want a version that is announced in ten days", v)
		}
		ana.want(ana.get("/terms/terms/2"), http.StatusNotFound, "/terms/terms/2", "")
		if err := w.portal.config.Terms.Limit(t.Context(), tenant.User{Tenant: f.Tenant.ID}, "terms", 7, terms.Material, terms.Audience{}, 0); err == nil {
			t.Error("a version that does not exist is limited")
		}
	})
}

func TestATranslationIsCorrected(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven dais.", nil)
		f.Clock.Advance(6 * time.Second)
		ana, mara := w.member(t), w.administrator(t, "mara@example.org")
		path := "/admin/terms/terms/1/correct"
		mara.want(mara.get("/admin/terms/terms/1?locale=de"), http.StatusOK, "/admin/terms/terms/1", "Correct this translation")
		if governing := mara.get("/admin/terms/terms/1"); strings.Contains(governing.body, path) || !strings.Contains(governing.body, "{#returns}") {
			t.Error("the governing text can be corrected, or the hint does not say how headings are named")
		}
		for _, locale := range []string{"en", "xx", ""} {
			mara.want(mara.get(path+"?locale="+locale), http.StatusNotFound, path, "")
		}
		p := mara.get(path + "?locale=de")
		source := formOf(t, p, path).Get("source")
		p = mara.send(p, path, map[string]string{"source": source + "\n\n<b>x</b>", "title": " "})
		p = mara.want(p, http.StatusUnprocessableEntity, path, "HTML is not allowed")
		if kept := formOf(t, p, path); !strings.Contains(kept.Get("source"), "<b>x</b>") {
			t.Error("what was typed is lost")
		}
		fixed := strings.Replace(source, "dais", "days", 1)
		p = mara.send(p, path, map[string]string{"source": fixed, "title": "Nutzungsbedingungen"})
		p = mara.want(p, http.StatusOK, path, "Publish the correction")
		if !strings.Contains(p.body, "<del>dais") {
			t.Errorf("what changes is not shown:\n%s", p.text())
		}
		again := mara.want(mara.send(p, path, map[string]string{"again": "yes", "confirmed": ""}), http.StatusOK, path, "")
		if kept := formOf(t, again, path); kept.Get("source") != fixed {
			t.Errorf("got %q, want what was typed", kept.Get("source"))
		}
		p = mara.send(p, path, map[string]string{"confirmed": "yes", "again": ""})
		mara.want(p, http.StatusOK, "/admin/terms/terms/1", "The correction is published.")
		f.Clock.Advance(6 * time.Second)
		ana.want(ana.get("/terms/terms/1?lang=de"), http.StatusOK, "/terms/terms/1", "Seven days.")
		ana.want(ana.get("/terms/terms/1?lang=de&rev=1"), http.StatusOK, "/terms/terms/1", "Seven dais.")
		ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")

		p = mara.send(mara.get(path+"?locale=fr"), path, map[string]string{"source": "## 1. Règles {#rules}\n\nSept jours.", "title": "Conditions"})
		p = mara.send(p, path, map[string]string{"confirmed": "yes", "again": ""})
		mara.want(p, http.StatusOK, "/admin/terms/terms/1", "The correction is published.")
		f.Clock.Advance(6 * time.Second)
		ana.want(ana.get("/terms/terms/1?lang=fr"), http.StatusOK, "/terms/terms/1", "Sept jours.")
	})
}

// TestALateTranslationSaysWhatChanges adds a language to a version that says in short what it changes: so must the translation.
func TestALateTranslationSaysWhatChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		w.issue(t, 2, "Eight days.", nil)
		f.Clock.Advance(6 * time.Second)
		ana, mara := w.member(t), w.administrator(t, "mara@example.org")
		const path = "/admin/terms/terms/2/correct"
		text := map[string]string{"source": "## 1. Règles {#rules}\n\nHuit jours.", "title": "Conditions"}
		p := mara.send(mara.get(path+"?locale=fr"), path, text)
		p = mara.send(p, path, map[string]string{"confirmed": "yes", "again": ""})
		p = mara.want(p, http.StatusUnprocessableEntity, path, "Say in short what changes")
		if kept := formOf(t, p, path); kept.Get("title") != "Conditions" {
			t.Errorf("got %v, want what was typed", kept)
		}
		p = mara.send(p, path, map[string]string{"summary": "#rules Règles : huit jours au lieu de sept.", "change_note": "Plus de temps."})
		p = mara.want(p, http.StatusOK, path, "huit jours au lieu de sept")
		p = mara.send(p, path, map[string]string{"confirmed": "yes", "again": ""})
		mara.want(p, http.StatusOK, "/admin/terms/terms/2", "The correction is published.")
		f.Clock.Advance(6 * time.Second)
		ana.want(ana.get("/terms/terms/versions?lang=fr"), http.StatusOK, "/terms/terms/versions", "Plus de temps.")

		p = mara.send(mara.get(path+"?locale=fr"), path, map[string]string{"change_note": "Un jour de plus."}) // not a letter of the text
		p = mara.send(mara.want(p, http.StatusOK, path, "Un jour de plus."), path, map[string]string{"confirmed": "yes", "again": ""})
		mara.want(p, http.StatusOK, "/admin/terms/terms/2", "The correction is published.")
	})
}
