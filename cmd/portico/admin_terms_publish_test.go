package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// day is a day by UTC so many days from now, as a form writes it.
func (w *world) day(offset int) string {
	return w.Clock.Now().AddDate(0, 0, offset).Format(time.DateOnly)
}

// write saves a draft's text in one language.
func (v *visitor) write(path, locale, source, short string) page {
	v.t.Helper()
	return v.send(v.get(path+"?locale="+locale), path, map[string]string{
		"title": "Terms", "source": source, "summary": short, "change_note": "Because.",
	})
}

func TestASecondPersonApproves(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		mara := w.administrator(t, "mara@example.org")
		path := mara.draft("Thirty days.")
		mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "Publish") // alone, nobody is asked
		nils := w.administrator(t, "nils@example.org")

		p := mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "A second administrator has to approve")
		p = mara.send(p, path+"/publish", map[string]string{"effective_at": w.day(31), "number": "2"})
		mara.want(p, http.StatusOK, "/admin/terms/terms", "The version waits for a second administrator.")
		p = mara.want(mara.get(path), http.StatusOK, path, "It waits for approval")
		if strings.Contains(p.body, "readonly") == false || strings.Contains(p.body, path+"/delete") {
			t.Error("a version that waits for approval can be changed")
		}
		p = mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "Another administrator has to approve it")
		if strings.Contains(p.body, path+"/approve") {
			t.Error("who submitted a version is offered to approve it")
		}
		p = nils.want(nils.get("/admin"), http.StatusOK, "/admin", "terms, version 2, waits for approval.")
		nils.want(p, http.StatusOK, "/admin", "Terms submitted for approval")
		form := nils.want(nils.get(path+"/publish"), http.StatusOK, path+"/publish", "Approve and publish")
		own := formOf(t, form, path+"/approve")
		own.Set("form_token", formOf(t, mara.get(path+"/publish"), path+"/send-back").Get("form_token"))
		own.Set("number", "2")
		mara.want(mara.do(http.MethodPost, path+"/approve", own), http.StatusUnprocessableEntity, path+"/approve", "Another administrator has to approve it")

		p = nils.send(form, path+"/send-back", map[string]string{"reason": "Name the days."})
		nils.want(p, http.StatusOK, path, "The version is a draft again.")
		p = nils.send(form, path+"/approve", map[string]string{"number": "2"}) // the page from before
		nils.want(p, http.StatusConflict, path+"/approve", "Somebody changed this version meanwhile")
		mara.write(path, "en", "## 1. Rules {#rules}\n\nThirty (30) days.", "#rules Rules: More days.")
		mara.send(mara.get(path+"/publish"), path+"/publish", map[string]string{"effective_at": w.day(31), "number": "2"})
		p = nils.send(nils.get(path+"/publish"), path+"/approve", map[string]string{"number": "3"})
		p = nils.want(p, http.StatusUnprocessableEntity, path+"/approve", "Type the version number 2")
		p = nils.send(p, path+"/approve", map[string]string{"number": "2"})
		nils.want(p, http.StatusOK, "/admin/terms/terms", "The version is published.")
		nils.want(nils.get("/admin"), http.StatusOK, "/admin", "submitted_by="+w.user(t, "mara@example.org").ID)
		library, _, err := w.portal.config.Terms.Read(t.Context(), f.Tenant.ID)
		if v, _ := library.Version("terms", 2); err != nil || v.ApprovedBy != w.user(t, "nils@example.org").ID || v.SubmittedBy != w.user(t, "mara@example.org").ID {
			t.Errorf("got %+v, %v, want both names on the version", v, err)
		} else if got := w.manifests(t); len(got) != 2 || got[1] != v.Manifest || len(v.Manifest) != 64 {
			t.Errorf("got %v in the ledger, want the manifest %s of the version last", got, v.Manifest)
		}

		p = mara.send(mara.get("/admin/terms"), "/admin/terms/approval", map[string]string{"approval": "off"})
		mara.want(p, http.StatusOK, "/admin/terms", "Saved.")
		mara.want(mara.get("/admin"), http.StatusOK, "/admin", "after=off, before=usual")
		path = mara.draft("Sixty days.")
		p = mara.send(mara.get(path+"/publish"), path+"/publish", map[string]string{"effective_at": w.day(40), "number": "3"})
		mara.want(p, http.StatusOK, "/admin/terms/terms", "The version is published.")
	})
}

func TestTwoPeopleWriteOneDraft(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		mara, nils := w.administrator(t, "mara@example.org"), w.administrator(t, "nils@example.org")
		path := mara.draft("Thirty days.")
		hers, his, german := mara.get(path), nils.get(path), nils.get(path+"?locale=de")
		mara.want(mara.send(hers, path, map[string]string{"title": "Terms of Mara", "source": "## 1. Rules {#rules}\n\nThirty days, says Mara."}), http.StatusOK, path, "Saved.")
		nils.want(nils.send(german, path, map[string]string{"title": "Bedingungen"}), http.StatusOK, path, "Saved.") // another language is no conflict

		p := nils.send(his, path, map[string]string{"title": "Terms of Nils", "source": "## 1. Rules {#rules}\n\nThirty days, says Nils."})
		p = nils.want(p, http.StatusConflict, path, "Somebody else saved this text meanwhile")
		for _, want := range []string{"Terms of Mara", "Thirty days, says Mara.", "Terms of Nils", "<ins>Nils</ins>", "<del>Mara</del>"} {
			if !strings.Contains(p.body, want) {
				t.Errorf("got %s, want %q", p.text(), want)
			}
		}
		p = nils.send(p, path, map[string]string{"take.title": "saved"})
		nils.want(p, http.StatusOK, path, "Saved.")
		kept := formOf(t, mara.get(path), path)
		if kept.Get("title") != "Terms of Mara" || !strings.Contains(kept.Get("source"), "says Nils") {
			t.Errorf("got %v, want her title and his text", kept)
		}
		if got := formOf(t, mara.get(path+"?locale=de"), path).Get("title"); got != "Bedingungen" {
			t.Errorf("got %q, want the German title of Nils", got)
		}

		open := nils.get(path)
		mara.want(mara.send(mara.get(path+"/delete"), path+"/delete", nil), http.StatusOK, "/admin/terms/terms", "The draft is deleted.")
		p = nils.send(open, path, map[string]string{"source": "## 1. Rules {#rules}\n\nWritten for hours."})
		p = nils.want(p, http.StatusConflict, path, "This draft was deleted meanwhile")
		if !strings.Contains(p.body, "Written for hours.") {
			t.Error("what was typed is lost")
		}
		nils.want(nils.get(path), http.StatusNotFound, path, "")
		if next := mara.draft("Sixty days."); next != "/admin/terms/terms/3" {
			t.Errorf("got %s, want a number that was never given out", next)
		}
		open = nils.get("/admin/terms/terms/3")
		mara.send(mara.get("/admin/terms/terms/3/publish"), "/admin/terms/terms/3/publish", map[string]string{"effective_at": w.day(40), "number": "3"})
		p = nils.send(open, "/admin/terms/terms/3", map[string]string{"source": "## 1. Rules {#rules}\n\nToo late."})
		p = nils.want(p, http.StatusConflict, "/admin/terms/terms/3", "was submitted or published meanwhile")
		if !strings.Contains(p.body, "Too late.") {
			t.Error("what was typed is lost")
		}
	})
}

func TestDraftsArePreviewedAsTheGate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.issue(t, 1, "Seven days.", nil)
	w.issue(t, 2, "Fourteen days.", nil)
	mara := w.administrator(t, "mara@example.org")
	path := mara.draft("Thirty days.")
	before := w.decisions(t, "mara@example.org")
	for _, c := range []struct{ query, lang, dir, want, not string }{
		{"?locale=en", "en", "ltr", "You accepted version 2 on", "In short Fourteen days."},
		{"?locale=en&from=1", "en", "ltr", "You accepted version 1 on", "Nothing in the text changed"},
		{"?locale=en&from=0", "en", "ltr", "Read them before you continue.", "Word for word"},
		{"?locale=de&from=1", "de", "ltr", "Zustimmen und weiter", "Accept and continue"},
		{"?locale=ar&from=2", "ar", "rtl", "English", "Accept and continue"},
		{"?locale=en&from=77", "en", "ltr", "You accepted version 2 on", "77"},
	} {
		p := mara.want(mara.get(path+"/preview"+c.query), http.StatusOK, path+"/preview", "Nothing here is recorded, and the buttons do nothing.")
		if !strings.Contains(p.body, `<html lang="`+c.lang+`" dir="`+c.dir+`">`) || !strings.Contains(p.text(), c.want) || strings.Contains(p.text(), c.not) {
			t.Errorf("%s: got %s, want %q in %s and not %q", c.query, p.text(), c.want, c.lang, c.not)
		}
		if strings.Contains(p.body, `action="/terms/accept"`) || strings.Contains(p.body, `name="decision"`) {
			t.Errorf("%s: the buttons of a preview work", c.query)
		}
	}
	p := mara.get(path + "/preview?locale=en&from=1")
	if !strings.Contains(p.body, "<del>Seven</del>") || !strings.Contains(p.body, "<ins>Thirty</ins>") || !strings.Contains(p.text(), "In short Fourteen days.") {
		t.Errorf("got %s, want the difference since version 1 and every change note between", p.text())
	}
	if got := w.decisions(t, "mara@example.org"); len(got) != len(before) {
		t.Error("a preview was recorded")
	}
}

func TestPublishingIsSimulated(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		for i, metadata := range []profile.Metadata{
			{"lang": []byte(`"de"`), "country": []byte(`"DE"`)},
			{"lang": []byte(`"de-AT"`), "country": []byte(`"AT"`)},
			{"lang": []byte(`"ja"`), "country": []byte(`"JP"`)},
			{"country": []byte(`"DE"`)},
			{"lang": []byte(`23`)},
		} {
			f.NewUser(t, "p"+strconv.Itoa(i)+"@example.org", func(p *profile.Profile) { p.UserMetadata = metadata })
		}
		w.issue(t, 1, "Seven days.", nil)
		mara := w.administrator(t, "mara@example.org")
		path := mara.draft("Thirty days.")
		library, _, err := w.portal.config.Terms.Read(t.Context(), f.Tenant.ID)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := library.Version("terms", 2)
		want := func(a terms.Audience, reach string) {
			t.Helper()
			v.Audience = a
			got, err := w.portal.config.Terms.Simulate(t.Context(), f.Tenant, v)
			if said := saidReach(got); err != nil || said != reach {
				t.Errorf("%+v: got %s, %v, want %s", a, said, err, reach)
			}
		}
		want(terms.Audience{}, "6 asked, en 3 de 2 ja 1 in en, :2 DE 2 AT 1 JP 1, 1 untranslated")
		want(terms.Audience{Name: profile.FacetCountry, Value: "DE"}, "2 asked, de 1 en 1, DE 2, 0 untranslated")
		want(terms.Audience{JoinedBefore: f.Clock.Now().AddDate(0, 0, -1)}, "0 asked, , , 0 untranslated")
		want(terms.Audience{JoinedBefore: f.Clock.Now().AddDate(0, 0, 1), Name: profile.FacetLang, Value: "ja"}, "1 asked, ja 1 in en, JP 1, 1 untranslated")
		want(terms.Audience{Number: 1, Locale: "en"}, "1 asked, en 1, :1, 0 untranslated")
		p := mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "6 users will be asked")
		for _, row := range []string{"Deutsch 2", "日本語 1 English Not translated", "DE 2", "Not stated", "People without a text in their language 1", "at 240 a minute"} {
			if !strings.Contains(strings.Join(strings.Fields(p.text()), " "), row) {
				t.Errorf("got %s, want %q", p.text(), row)
			}
		}
		before := w.rows(t)
		mara.send(p, path+"/publish", map[string]string{"effective_at": w.day(31), "number": "2"})
		if got := w.rows(t); got > before+6 { // of the record of assent, of what administrators did, of the letters to come
			t.Errorf("got %d rows more, want none for people", got-before)
		}
	})
}

func saidReach(r terms.Reach) string {
	said := func(all []terms.Share) string {
		var words []string
		for _, s := range all {
			word := s.Value + " " + strconv.FormatInt(s.People, 10)
			if s.Value == "" {
				word = ":" + strconv.FormatInt(s.People, 10)
			}
			if s.Shown != "" && s.Shown != s.Value {
				word += " in " + s.Shown
			}
			words = append(words, word)
		}
		return strings.Join(words, " ")
	}
	return strconv.FormatInt(r.Asked, 10) + " asked, " + said(r.Languages) + ", " + said(r.Countries) + ", " + strconv.FormatInt(r.Untranslated, 10) + " untranslated"
}

func TestWhatWasAnnouncedIsCancelled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		ana, mara := w.member(t), w.administrator(t, "mara@example.org")
		bo := w.visitor(t)
		bo.signUp("bo@example.org")
		path := mara.draft("Thirty days.")
		mara.send(mara.get(path+"/publish"), path+"/publish", map[string]string{"effective_at": w.day(40), "number": "2"})
		f.Clock.Advance(6 * time.Second)
		decide(ana, ana.get("/terms/accept"), "accept")

		p := mara.want(mara.get(path), http.StatusOK, path, "Cancel this version")
		p = mara.want(mara.send(p, path+"/withdraw", map[string]string{"reason": " "}), http.StatusUnprocessableEntity, path+"/withdraw", "Fill in this field")
		p = mara.send(p, path+"/withdraw", map[string]string{"reason": "The law changed."})
		mara.want(p, http.StatusOK, "/admin/terms/terms", "Cancelled")
		mara.want(mara.get("/admin"), http.StatusOK, "/admin", "reason=The law changed.")
		f.Clock.Advance(6 * time.Second)
		w.tell(t)
		m := w.letter(t, anaAddress, mail.TermsCancelled)
		if !strings.Contains(m.Text, "Version 2 of our Terms") || !strings.Contains(m.Text, "You need do nothing.") {
			t.Errorf("got %s, want to be told", m.Text)
		}
		w.noLetter(t, "bo@example.org", mail.TermsCancelled)
		bo.want(bo.get("/terms/terms/2"), http.StatusOK, "/terms/terms/2", "was cancelled on")
		bo.want(bo.get("/terms/terms/upcoming"), http.StatusNotFound, "/terms/terms/upcoming", "")
		f.Clock.Advance(60 * 24 * time.Hour)
		bo.want(bo.signIn("bo@example.org", goodPassword), http.StatusOK, "/account", "Hello bo")
		w.tell(t)
		if got := w.lettersOf(anaAddress, mail.TermsCancelled); got != 1 {
			t.Errorf("got %d letters, want one", got)
		}

		mara.signIn("mara@example.org", goodPassword)
		path = mara.draft("Sixty days.") // cancelled before anybody was told of it: it has never been public
		mara.send(mara.get(path+"/publish"), path+"/publish", map[string]string{"announce_at": w.day(10), "effective_at": w.day(50), "number": "3"})
		mara.want(mara.get("/admin/terms/terms"), http.StatusOK, "/admin/terms/terms", "Approved")
		mara.send(mara.get(path), path+"/withdraw", map[string]string{"reason": "Not now."})
		f.Clock.Advance(100 * 24 * time.Hour)
		bo.want(bo.get("/terms/terms/3"), http.StatusNotFound, "/terms/terms/3", "")
	})
}

func TestWhoAcceptedIsToldOfAWithdrawal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		ana := w.member(t)
		w.issue(t, 2, "Thirty days.", nil)
		decide(ana, ana.get("/terms/accept"), "accept")
		bo := w.visitor(t)
		bo.signUp("bo@example.org")
		ctx, actor := tenant.With(t.Context(), w.Tenant), tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}
		if err := w.portal.config.Terms.Withdraw(ctx, actor, "terms", 2, "It was wrong."); err != nil {
			t.Fatal(err)
		}
		f.Clock.Advance(6 * time.Second)
		w.tell(t)
		if m := w.letter(t, anaAddress, mail.TermsWithdrawn); !strings.Contains(m.Text, "Version 1 applies again.") || !strings.Contains(m.Text, "You need do nothing.") {
			t.Errorf("got %s, want that nothing is to do", m.Text)
		}
		if m := w.letter(t, "bo@example.org", mail.TermsWithdrawn); !strings.Contains(m.Text, "so we ask you about it") {
			t.Errorf("got %s, want that they are asked about version 1", m.Text)
		}
	})
}

func TestOnlyThoseWhoseProfileSaysSoAreAsked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		ana, mara := w.member(t), w.administrator(t, "mara@example.org")
		bo := w.visitor(t)
		bo.signUp("bo@example.org")
		path := mara.draft("Thirty days.")
		form := path + "/audience"
		p := mara.send(mara.get(path), form, map[string]string{"audience_scope": "user_metadata", "audience_key": "", "audience_value": strings.Repeat("x", 65)})
		p = mara.want(p, http.StatusUnprocessableEntity, form, "Enter one root key")
		p = mara.want(p, http.StatusUnprocessableEntity, form, "Enter a value of up to 64 characters")
		p = mara.send(p, form, map[string]string{"audience_key": "country", "audience_value": "DE"})
		mara.want(p, http.StatusOK, path, "Saved.")
		p = mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "0 users will be asked")
		mara.want(p, http.StatusOK, path+"/publish", "Only people whose user_metadata.country is DE are asked.")

		id := w.user(t, "bo@example.org")
		w.setMetadata(t, id, profile.Metadata{"country": []byte(`"DE"`)})
		p = mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "1 user will be asked")
		mara.send(p, path+"/publish", map[string]string{"effective_at": w.day(0), "number": "2", "reason": "Now."})
		f.Clock.Advance(6 * time.Second)
		ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
		bo.want(bo.get("/account"), http.StatusOK, "/terms/accept", "Thirty days.")
		w.setMetadata(t, id, profile.Metadata{"country": []byte(`"AT"`)})
		bo.want(bo.get("/account"), http.StatusOK, "/account", "Hello bo")
		w.setMetadata(t, id, profile.Metadata{"country": []byte(`"DE"`)})
		p = bo.get("/account")
		bo.want(decide(bo, p, "accept"), http.StatusOK, "/account", "Hello bo")
	})
}

func TestADocumentIsRetired(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		ana, mara := w.member(t), w.administrator(t, "mara@example.org")
		w.issue(t, 2, "Thirty days.", nil)
		gate := ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "Thirty days.")
		mara.send(mara.get("/terms/accept"), "/terms/accept", map[string]string{"decision": "accept"})
		draft := mara.draft("Sixty days.")
		open := mara.get(draft)
		p := mara.send(mara.get("/admin/terms/terms"), "/admin/terms/terms/retire", map[string]string{"reason": ""})
		p = mara.want(p, http.StatusUnprocessableEntity, "/admin/terms/terms/retire", "Fill in this field")
		p = mara.send(p, "/admin/terms/terms/retire", map[string]string{"reason": "Sold."})
		mara.want(p, http.StatusOK, "/admin/terms/terms", "No longer applies")
		mara.want(mara.send(open, draft, map[string]string{"title": "Too late"}), http.StatusConflict, draft, "cannot be changed")
		f.Clock.Advance(6 * time.Second)
		ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
		ana.want(decide(ana, gate, "accept"), http.StatusOK, "/account", "")
		if got := w.decisions(t, anaAddress); len(got) != 1 {
			t.Errorf("got %+v, want nothing about a retired document", got)
		}
		ana.want(ana.get("/terms/terms/2"), http.StatusOK, "/terms/terms/2", "This document no longer applies since")
		ana.want(ana.get("/terms"), http.StatusOK, "/terms", "Nothing is published yet.")
		bo := w.visitor(t)
		bo.want(bo.signUp("bo@example.org"), http.StatusOK, "/account", "Hello bo")
		mara.want(mara.do(http.MethodPost, "/admin/terms/terms", formOf(t, mara.get("/admin/terms"), "/admin/terms/approval")), http.StatusBadRequest, "/admin/terms/terms", "")
	})
}

func TestNoticeByLawNeedsAReasonWhenItIsShorter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.issue(t, 1, "Seven days.", nil)
	mara := w.administrator(t, "mara@example.org")
	const document = "/admin/terms/terms"
	mara.want(mara.send(mara.get(document), document+"/notice", map[string]string{"min_notice_days": "62"}), http.StatusOK, document, "Saved.")
	wrong := formOf(t, mara.get(document), document+"/notice")
	wrong.Set("min_notice_days", "3")
	mara.want(mara.do(http.MethodPost, document+"/notice", wrong), http.StatusBadRequest, document+"/notice", "")
	path := mara.draft("Thirty days.")
	p := mara.want(mara.get(path+"/publish"), http.StatusOK, path+"/publish", "People are usually told 62 days before.")
	p = mara.send(p, path+"/publish", map[string]string{"effective_at": w.day(40), "enforce_at": w.day(39), "number": "2"})
	p = mara.want(p, http.StatusUnprocessableEntity, path+"/publish", "Choose the day it takes effect, or a later one")
	p = mara.send(p, path+"/publish", map[string]string{"enforce_at": ""})
	p = mara.want(p, http.StatusUnprocessableEntity, path+"/publish", "People are usually told 62 days before. Give a reason")
	p = mara.send(p, path+"/publish", map[string]string{"reason": "A judge said so."})
	mara.want(p, http.StatusOK, document, "The version is published.")
	mara.want(mara.get("/admin"), http.StatusOK, "/admin", "reason=A judge said so.")
}

func TestWhatIsMissingIsListedWithWhereToWriteIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.issue(t, 1, "Seven days.", nil)
	mara := w.administrator(t, "mara@example.org")
	path := mara.draft("Thirty days.")
	mara.want(mara.write(path, "de", "## 1. Regeln {#regeln}\n\nDreißig Tage.", "Mehr Tage."), http.StatusOK, path, "Saved.")
	p := mara.want(mara.get(path), http.StatusOK, path, "de, line 1: the governing text has no clause {#regeln}")
	if !strings.Contains(p.body, path+"?locale=de#source") {
		t.Errorf("got %s, want the way to the German text", p.body)
	}
	p = mara.send(mara.get(path+"/publish"), path+"/publish", map[string]string{"effective_at": w.day(40), "number": "2"})
	mara.want(p, http.StatusUnprocessableEntity, path+"/publish", "the clause {#rules} of the governing text is missing")
	p = mara.write(path, "en", strings.Repeat("a line of text\n", 40000), "x")
	p = mara.want(p, http.StatusUnprocessableEntity, path, "The text is larger than 512 KiB")
	if kept := formOf(t, p, path).Get("source"); len(kept) < 512<<10 {
		t.Errorf("got %d bytes, want all that was typed", len(kept))
	}
}

// manifests are what the ledger holds of versions that were published, in their order.
func (w *world) manifests(t *testing.T) []string {
	t.Helper()
	rows, err := w.SQL(t).QueryContext(t.Context(), "SELECT payload FROM assent_events WHERE commitment <> '' AND type = '"+terms.Published+
		"' AND tenant_id = '"+string(w.Tenant.ID)+"' ORDER BY event_id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var payload string
		var e terms.Event
		if err := errors.Join(rows.Scan(&payload), json.Unmarshal([]byte(payload), &e)); err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Manifest)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// tell queues every letter to many people that is due.
func (w *world) tell(t *testing.T) {
	t.Helper()
	if err := w.portal.config.Terms.Tell(context.WithoutCancel(t.Context()), w.portal.tenants.ByID, w.Tenant.ID); err != nil {
		t.Fatal(err)
	}
}

func (w *world) lettersOf(to string, kind mail.Kind) int {
	n := 0
	for _, m := range w.mailbox.Messages() {
		if m.To == to && m.Kind == kind {
			n++
		}
	}
	return n
}

// noLetter fails when somebody got a letter that others got by now.
func (w *world) noLetter(t *testing.T, to string, kind mail.Kind) {
	t.Helper()
	if w.lettersOf(to, kind) > 0 {
		t.Errorf("%s got %s", to, kind)
	}
}

func (w *world) setMetadata(t *testing.T, u tenant.User, m profile.Metadata) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	err := w.DB.InTx(ctx, func(ctx context.Context) error {
		p, err := w.DB.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		p.UserMetadata = p.UserMetadata.Patch(m)
		return w.DB.SaveMetadata(ctx, p)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rows counts what is kept of the tenant, in every table.
func (w *world) rows(t *testing.T) int {
	t.Helper()
	n := 0
	pool := w.SQL(t)
	for _, table := range []string{"users", "assents", "assent_events", "letters", "audit_events", "term_versions", "term_texts", "term_waves", "user_facets", "consents"} {
		var rows int
		if err := pool.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table+" WHERE tenant_id = '"+string(w.Tenant.ID)+"'").Scan(&rows); err != nil { //nolint:gosec // a table's name
			t.Fatal(err)
		}
		n += rows
	}
	return n
}
