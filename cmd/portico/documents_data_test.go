package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// library is a tenant with two versions of its terms, the second announced, and a corrected German text.
func library(t *testing.T, f storetest.Fixture) (*world, *visitor) {
	t.Helper()
	now := f.Clock.Now()
	f.Clock.Advance(now.Truncate(24 * time.Hour).Add(36 * time.Hour).Sub(now)) // noon, so that no day ends meanwhile
	w := newWorld(t, f)
	w.issue(t, 1, "Seven days.", nil)
	w.issue(t, 2, "Fourteen days.", func(_ *terms.Draft, p *terms.Schedule) { p.EffectiveAt = p.EffectiveAt.Add(40 * 24 * time.Hour) })
	mended := terms.Text{Locale: "de", Title: "Nutzungsbedingungen", Source: "## 1. Regeln {#rules}\n\nSieben Tage."}
	actor := tenant.User{Tenant: w.Tenant.ID, ID: "portico|admin"}
	if err := w.portal.config.Terms.Correct(tenant.With(t.Context(), w.Tenant), actor, "terms", 1, mended); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(6 * time.Second)
	return w, w.visitor(t)
}

func TestDocumentsAreReadByPrograms(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		_, stranger := library(t, f)
		p := stranger.want(stranger.get("/terms/terms.json"), http.StatusOK, "/terms/terms.json", "")
		if kind, origin := p.header.Get("Content-Type"), p.header.Get("Access-Control-Allow-Origin"); kind != "application/json" || origin != "*" {
			t.Errorf("got %q for %q", kind, origin)
		}
		var d struct {
			Number   int
			State    string
			Type     string `json:"terms_type"`
			Upcoming struct{ Number int }
			Versions []struct{ Number int }
			Texts    []struct {
				Locale   string
				Revision int
				SHA256   string `json:"source_sha256"`
				URL      string `json:"sha256_url"`
				Markdown string `json:"markdown_url"`
			}
		}
		if err := json.Unmarshal([]byte(p.body), &d); err != nil {
			t.Fatal(err)
		}
		if d.Number != 1 || d.State != "current" || d.Type != "Terms of Service" || d.Upcoming.Number != 2 || len(d.Versions) != 2 || len(d.Texts) != 2 {
			t.Fatalf("got %+v", d)
		}
		for _, text := range d.Texts {
			byHash := stranger.get("/terms/sha256/" + text.SHA256)
			sum := sha256.Sum256([]byte(byHash.body))
			if hex.EncodeToString(sum[:]) != text.SHA256 || byHash.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
				t.Errorf("%s: got %d, %q, other bytes than their name says", text.Locale, byHash.status, byHash.header.Get("Cache-Control"))
			}
			_, path, _ := strings.Cut(strings.TrimPrefix(text.Markdown, "http://"), "/")
			if got := stranger.get("/" + path); got.body != byHash.body {
				t.Errorf("%s: got %q as Markdown, want %q", text.Locale, got.body, byHash.body)
			}
		}
		if first := stranger.get("/terms/terms/1.md?lang=de&rev=1"); !strings.Contains(first.body, "Seven days. de") {
			t.Errorf("got %q, want the text before its correction", first.body)
		}
		for _, path := range []string{
			"/terms/terms.xml", "/terms/terms.", "/terms/terms/3.json", "/terms/terms/01.json", "/terms/terms/1.md?rev=x", "/terms/other.json",
			"/terms/sha256/" + strings.Repeat("0", 64), "/terms/other/feed.atom", "/terms/other/embed",
		} {
			if p := stranger.get(path); p.status != http.StatusNotFound {
				t.Errorf("%s: got %d, want 404", path, p.status)
			}
		}
	})
}

func TestDocumentsAsOfADay(t *testing.T) {
	t.Parallel()
	w, stranger := library(t, storetest.SQLite(t))
	published := w.Clock.Now()
	w.Clock.Advance(41 * 24 * time.Hour)
	for day, want := range map[string]string{
		published.Format(time.DateOnly):                   "/terms/terms/1",
		published.AddDate(0, 0, 20).Format(time.DateOnly): "/terms/terms/1",
		published.AddDate(0, 0, 41).Format(time.DateOnly): "/terms/terms/2",
		published.AddDate(0, 0, -1).Format(time.DateOnly): "",
		published.AddDate(0, 0, 60).Format(time.DateOnly): "",
		"2026-02-30": "",
		published.Format(time.DateOnly) + "?lang=de": "/terms/terms/1?lang=de",
	} {
		p := stranger.still(http.MethodGet, "/terms/terms/as-of/"+day, nil)
		status := http.StatusSeeOther
		if want == "" {
			status = http.StatusNotFound
		}
		if got := p.header.Get("Location"); p.status != status || got != want {
			t.Errorf("as of %s: got %d to %q, want %d to %q", day, p.status, got, status, want)
		}
	}
}

func TestDocumentsAreFollowedByFeed(t *testing.T) {
	t.Parallel()
	w, stranger := library(t, storetest.SQLite(t))
	p := stranger.want(stranger.get("/terms/terms/feed.atom?lang=de"), http.StatusOK, "/terms/terms/feed.atom", "")
	var feed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string   `xml:"id"`
		Updated string   `xml:"updated"`
		Entries []struct {
			ID       string `xml:"id"`
			Updated  string `xml:"updated"`
			Category struct {
				Term string `xml:"term,attr"`
			} `xml:"category"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(p.body), &feed); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	ids := map[string]bool{}
	for _, e := range feed.Entries {
		kinds, ids[e.ID] = append(kinds, e.Category.Term), true
	}
	slices.Sort(kinds)
	if !slices.Equal(kinds, []string{"change", "correction", "first"}) || len(ids) != 3 || feed.Updated != feed.Entries[0].Updated {
		t.Errorf("got %+v, want two versions and a correction", feed)
	}
	w.Clock.Advance(50 * 24 * time.Hour)
	if again := stranger.get("/terms/terms/feed.atom?lang=de"); again.body != p.body {
		t.Error("an entry changes while nothing in the document does")
	}
	if all := stranger.get("/terms/feed.atom"); all.status != http.StatusOK || strings.Count(all.body, "<entry>") != 2 {
		t.Errorf("got %d with %d entries, want the two versions in English", all.status, strings.Count(all.body, "<entry>"))
	}
	if site := stranger.get("/sitemap.xml"); strings.Count(site.body, "<loc>") != 1 || strings.Count(site.body, `hreflang="de"`) != 1 {
		t.Errorf("got %s", site.body)
	}
}

func TestDocumentsStandInFramesOfTheCompany(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t, func(s *tenant.Settings) {
		s.EmbedOrigins = []string{"https://shop.example.org", "https://x; script-src *"}
	})
	_, stranger := library(t, f)
	p := stranger.want(stranger.get("/terms/terms/embed"), http.StatusOK, "/terms/terms/embed", "Seven days.")
	if policy := p.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors https://shop.example.org;") {
		t.Errorf("got %q, want the shop and nobody else", policy)
	}
	page := stranger.get("/terms/terms/1")
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("got %q for a page that is no frame", policy)
	}
	links := strings.Join(page.header.Values("Link"), "\n")
	for _, relation := range []string{"latest-version original", "version-history", "successor-version", "terms-of-service"} {
		if !strings.Contains(links, `rel="`+relation+`"`) {
			t.Errorf("got %s, want %s", links, relation)
		}
	}
	if _, err := http.ParseTime(page.header.Get("Memento-Datetime")); err != nil {
		t.Error(err)
	}
}
