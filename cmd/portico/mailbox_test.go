package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/web"
)

func TestMailboxOfTheDemonstration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.visitor(t)
	ana.lang = "de"
	ana.signUp("ana@example.org")
	m := w.letter(t, "ana@example.org", mail.VerifyEmail)

	ana.want(ana.get("/dev/mailbox"), http.StatusOK, "/dev/mailbox", m.Subject)
	p := ana.want(ana.get("/dev/mailbox/"+m.ID), http.StatusOK, "/dev/mailbox/"+m.ID, "ana@example.org")
	if path := link(t, m, "/verify/"); !strings.Contains(p.body, path+`"`) {
		t.Errorf("got no link %s in %s", path, p.body)
	}
	p = ana.get("/dev/mailbox/" + m.ID + "/html")
	if policy := p.header.Get("Content-Security-Policy"); p.status != http.StatusOK || !strings.Contains(policy, "style-src 'unsafe-inline'; ") ||
		strings.Contains(policy, "script-src") || !strings.Contains(policy, "frame-ancestors 'self'; sandbox allow-popups") {
		t.Errorf("got %d with the policy %q", p.status, policy)
	}
	var letters []struct{ To, Subject, Kind, Language, Text, HTML string }
	if err := json.Unmarshal([]byte(ana.get("/dev/mailbox.json").body), &letters); err != nil || len(letters) != 1 {
		t.Fatalf("got %d letters, %v, want 1", len(letters), err)
	}
	if l := letters[0]; l.To != "ana@example.org" || l.Kind != "verify_email" || l.Language != "de" || l.Text != m.Text || l.HTML != m.HTML {
		t.Errorf("got %+v", l)
	}

	other := newWorld(t, storetest.SQLite(t))
	_ = w.mailbox.Send(t.Context(), mail.Message{ID: "foreign", Tenant: other.Tenant.ID, Subject: "Foreign"})
	if p := ana.get("/dev/mailbox/foreign"); p.status != http.StatusNotFound {
		t.Errorf("got %d for a letter of another tenant, want 404", p.status)
	}
	if p := ana.get("/dev/mailbox.json"); strings.Contains(p.body, "Foreign") {
		t.Error("got a letter of another tenant in the list")
	}
}

func TestMailboxHasPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for n := range 120 {
		_ = w.mailbox.Send(t.Context(), mail.Message{ID: fmt.Sprintf("m%03d", n), Tenant: w.Tenant.ID, Subject: fmt.Sprintf("Letter %03d.", n)})
	}
	v := w.visitor(t)
	older := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	seen, path := map[string]bool{}, "/dev/mailbox"
	for page := 1; path != ""; page++ {
		p := v.get(path)
		subjects := regexp.MustCompile(`Letter \d{3}\.`).FindAllString(p.body, -1)
		if p.status != http.StatusOK || len(subjects) > 50 || page > 4 {
			t.Fatalf("got %d with %d letters on page %d, want at most 50", p.status, len(subjects), page)
		}
		for _, subject := range subjects {
			if seen[subject] {
				t.Errorf("%s is on two pages", subject)
			}
			seen[subject] = true
		}
		if (page > 1) != strings.Contains(p.body, `rel="prev" href="/dev/mailbox"`) {
			t.Errorf("page %d: got no way back, or one from the beginning", page)
		}
		path = ""
		if found := older.FindStringSubmatch(p.body); found != nil {
			path = html.UnescapeString(found[1])
		}
	}
	if len(seen) != 120 {
		t.Errorf("got %d letters, want 120", len(seen))
	}
	v.want(v.get("/dev/mailbox?after=gone"), http.StatusOK, "/dev/mailbox", "Letter 119.") // it was pushed out meanwhile
}

func TestNoMailboxWhereLettersAreSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	config := w.portal.config
	config.Mailbox = nil
	w.server.Close()
	w.server = httptest.NewServer(web.New(config))
	for _, path := range []string{"/dev/mailbox", "/dev/mailbox.json", "/dev/mailbox/x", "/dev/mailbox/x/html"} {
		if p := w.visitor(t).get(path); p.status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, p.status)
		}
	}
}

func TestPreviewOfALetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	if p := w.visitor(t).get("/account/letter?lang=ar"); p.path != "/login" {
		t.Errorf("got %s without signing in, want /login", p.path)
	}
	ana := w.visitor(t)
	ana.signUp("ana@example.org")
	for lang, want := range map[string]string{"ar": `<html lang="ar" dir="rtl">`, "../en": `<html lang="en" dir="ltr">`} {
		p := ana.get("/account/letter?lang=" + lang)
		if p.status != http.StatusOK || !strings.Contains(p.body, want) || !strings.Contains(p.body, "ana@example.org") {
			t.Errorf("%s: got %d %s", lang, p.status, p.body)
		}
		if policy := p.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'self'") {
			t.Errorf("got the policy %q", policy)
		}
	}
	if p := ana.get("/account/profile"); !strings.Contains(p.header.Get("Content-Security-Policy"), "frame-src 'self'") {
		t.Error("got a page that cannot show the preview")
	}
}
