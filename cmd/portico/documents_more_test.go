package main

import (
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/internal/store/storetest"
	"portico/internal/terms"
)

// publicPaths are the public addresses of the terms of library.
func publicPaths(t *testing.T, v *visitor) []string {
	t.Helper()
	hash := regexp.MustCompile(`"source_sha256": "([0-9a-f]{64})"`).FindStringSubmatch(v.get("/terms/terms.json").body)
	if hash == nil {
		t.Fatal("got no hash")
	}
	return []string{
		"/terms", "/terms/terms", "/terms/terms?lang=de", "/terms/terms?lang=xx", "/terms/terms/1", "/terms/terms/1?lang=de&rev=1", "/terms/terms/upcoming",
		"/terms/terms/versions", "/terms/terms/compare?from=1&to=2", "/terms/terms.json", "/terms/terms/1.json", "/terms/terms.md", "/terms/terms/2.md?lang=de",
		"/terms/sha256/" + hash[1], "/terms/terms/feed.atom", "/terms/feed.atom", "/terms/terms/embed", "/sitemap.xml",
	}
}

// TestPublicDocumentsAreTheSameForEverybody asks as strangers, signed-in people and browsers of every kind do.
func TestPublicDocumentsAreTheSameForEverybody(t *testing.T) {
	t.Parallel()
	w, stranger := library(t, storetest.SQLite(t))
	ana, odd := w.member(t), w.visitor(t)
	odd.lang = "tlh, *;q=0.1"
	odd.header = http.Header{"Cookie": {"session=x; language=de"}, "Accept": {"*/*"}, "User-Agent": {"linkcheck/1"}}
	for _, path := range publicPaths(t, stranger) {
		want := stranger.get(path)
		if want.status != http.StatusOK {
			t.Errorf("%s: got %d", path, want.status)
		}
		for _, v := range []*visitor{ana, odd} {
			got := v.get(path)
			if got.body != want.body || got.header.Get("ETag") != want.header.Get("ETag") {
				t.Errorf("%s: got other bytes than a stranger", path)
			}
			if got.header.Get("Set-Cookie") != "" || strings.Contains(got.header.Get("Vary"), "Cookie") {
				t.Errorf("%s: got %v", path, got.header)
			}
		}
	}
}

// TestPublicDocumentsOutliveTheDatabase closes it under a running server.
func TestPublicDocumentsOutliveTheDatabase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w, stranger := library(t, f)
		paths := publicPaths(t, stranger)
		before := map[string]string{}
		for _, path := range paths {
			before[path] = stranger.get(path).body
		}
		if err := f.DB.Close(); err != nil {
			t.Fatal(err)
		}
		for _, later := range []time.Duration{10 * time.Second, time.Hour} {
			w.Clock.Advance(later)
			for _, path := range append(paths, "/terms/terms/2?lang=de") {
				p := stranger.get(path)
				if p.status != http.StatusOK || (before[path] != "" && p.body != before[path]) {
					t.Errorf("%s, %v later: got %d", path, later, p.status)
				}
				if kept := p.header.Get("Cache-Control"); !strings.Contains(kept, "stale-if-error=86400") && !strings.Contains(kept, "immutable") {
					t.Errorf("%s: got Cache-Control %q", path, kept)
				}
			}
		}
		if p := stranger.get("/login"); p.status != http.StatusServiceUnavailable && p.status != http.StatusInternalServerError {
			t.Errorf("got %d for a page that needs the database", p.status)
		}
	})
}

// TestTenThousandReadersGetNoCookie reads as link checkers and app stores do.
func TestTenThousandReadersGetNoCookie(t *testing.T) {
	t.Parallel()
	w, stranger := library(t, storetest.SQLite(t))
	paths := publicPaths(t, stranger)
	statements := 0
	handler := w.server.Config.Handler
	started := time.Now()
	const readers = 10_000
	for i := range readers {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.Host+paths[i%len(paths)], nil)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if answer.Code != http.StatusOK || len(answer.Result().Cookies()) > 0 {
			t.Fatalf("%s: got %d, %v", paths[i%len(paths)], answer.Code, answer.Result().Cookies())
		}
		statements++
	}
	if took := time.Since(started); took > 60*time.Second {
		t.Errorf("%d answers took %v", statements, took)
	}
}

type atomCheck struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	ID      []string `xml:"id"`
	Title   []string `xml:"title"`
	Updated []string `xml:"updated"`
	Author  []struct {
		Name string `xml:"name"`
	} `xml:"author"`
	Links   []atomRel `xml:"link"`
	Entries []struct {
		ID        []string  `xml:"id"`
		Title     []string  `xml:"title"`
		Updated   []string  `xml:"updated"`
		Published []string  `xml:"published"`
		Links     []atomRel `xml:"link"`
	} `xml:"entry"`
}

type atomRel struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

// TestFeedsAreValid holds the feeds to RFC 4287, section 4.1, and checks that they name themselves and what they tell of.
func TestFeedsAreValid(t *testing.T) {
	t.Parallel()
	_, stranger := library(t, storetest.SQLite(t))
	tag := regexp.MustCompile(`^tag:[a-z0-9.-]+,\d{4}-\d{2}-\d{2}:\S+$`) // RFC 4151
	for _, path := range []string{"/terms/feed.atom", "/terms/terms/feed.atom", "/terms/terms/feed.atom?lang=ar"} {
		p := stranger.get(path)
		if kind := p.header.Get("Content-Type"); kind != "application/atom+xml; charset=utf-8" {
			t.Errorf("%s: got %q", path, kind)
		}
		var feed atomCheck
		if err := xml.Unmarshal([]byte(p.body), &feed); err != nil {
			t.Fatal(err)
		}
		one := func(what string, values []string) string {
			if len(values) != 1 || values[0] == "" {
				t.Errorf("%s: got %q for %s, want exactly one", path, values, what)
				return ""
			}
			return values[0]
		}
		when := func(what string, values []string) time.Time {
			at, err := time.Parse(time.RFC3339, one(what, values))
			if err != nil {
				t.Errorf("%s: %s: %v", path, what, err)
			}
			return at
		}
		ids := []string{one("id", feed.ID)}
		one("title", feed.Title)
		newest := when("updated", feed.Updated)
		if len(feed.Author) != 1 || feed.Author[0].Name == "" {
			t.Errorf("%s: got no author", path)
		}
		self := slices.IndexFunc(feed.Links, func(l atomRel) bool { return l.Rel == "self" })
		if self < 0 || !strings.HasSuffix(feed.Links[self].Href, path) {
			t.Errorf("%s: got the links %v", path, feed.Links)
		}
		for _, e := range feed.Entries {
			ids = append(ids, one("entry id", e.ID))
			one("entry title", e.Title)
			if at := when("entry updated", e.Updated); at.After(newest) {
				t.Errorf("%s: an entry of %v is newer than the feed", path, at)
			}
			if when("entry published", e.Published).IsZero() || len(e.Links) != 1 || e.Links[0].Rel != "alternate" {
				t.Errorf("%s: got %+v", path, e)
			}
		}
		for i, id := range ids {
			if !tag.MatchString(id) || slices.Contains(ids[:i], id) {
				t.Errorf("%s: got the id %q, want a tag of its own", path, id)
			}
		}
	}
}

var alternate = regexp.MustCompile(`<link rel="alternate" hreflang="([^"]+)" href="https?://[^/"]+([^"]+)"`)

// TestLanguagesNameEachOther follows every hreflang and finds all of them there, the page itself among them.
func TestLanguagesNameEachOther(t *testing.T) {
	t.Parallel()
	w, stranger := library(t, storetest.SQLite(t))
	variants := func(path string) map[string]string {
		all := map[string]string{}
		for _, found := range alternate.FindAllStringSubmatch(stranger.want(stranger.get(path), http.StatusOK, strings.Split(path, "?")[0], "").body, -1) {
			all[found[1]] = strings.ReplaceAll(found[2], "&amp;", "&")
		}
		return all
	}
	w.issue(t, 3, "Thirty days.", func(_ *terms.Draft, p *terms.Schedule) { p.EffectiveAt = p.EffectiveAt.Add(50 * 24 * time.Hour) })
	for _, path := range []string{"/terms/terms", "/terms/terms/1", "/terms/terms/2"} {
		first := variants(path)
		if len(first) != 3 || first["x-default"] == "" || first["de"] == "" || first["en"] == "" {
			t.Errorf("%s: got %v, want English, German and the default", path, first)
		}
		for lang, address := range first {
			if other := variants(address); other[lang] != address || len(other) != len(first) {
				t.Errorf("%s: got %v from %s, want it to name itself as %s", path, other, address, lang)
			}
		}
	}
}

// TestWithdrawnAndPrintedVersions stay readable, and say on every sheet what they are.
func TestWithdrawnAndPrintedVersions(t *testing.T) {
	t.Parallel()
	_, stranger := library(t, storetest.SQLite(t))
	p := stranger.get("/terms/terms/1")
	sheet := regexp.MustCompile(`(?s)class="sheet"[^>]*>(.*?)</div>`).FindStringSubmatch(p.body)
	if sheet == nil || !strings.Contains(sheet[1], "/terms/terms/1") || !regexp.MustCompile(`[0-9a-f]{12}`).MatchString(sheet[1]) {
		t.Errorf("got %q, want number, hash and permanent address on each sheet", sheet)
	}
}
