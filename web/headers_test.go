package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/static"
)

// accidental are the parts of headers that differ from run to run: ids, secrets, hashes.
var accidental = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`^(Set-Cookie: [^=]+=)[^;]+`), "${1}…"},
	{regexp.MustCompile(`(Expires=)[^;]*20[^;]+`), "${1}…"},
	{regexp.MustCompile(`^(X-Request-Id: ).*`), "${1}…"},
	{regexp.MustCompile(`^(E[Tt]ag: (?:W/)?").*"`), "${1}…\""},
	{regexp.MustCompile(`^(Content-Length: ).*`), "${1}…"},
	{regexp.MustCompile(`^(Memento-Datetime: ).*`), "${1}…"},
	{regexp.MustCompile(`https?://t[0-9-]+\.example\.org`), "…"},
}

// headerLines are the headers of an answer, sorted, without what is accidental.
func (p page) headerLines() []string {
	var lines []string
	for name, values := range p.header {
		for _, value := range values {
			line := name + ": " + value
			for _, a := range accidental {
				line = a.pattern.ReplaceAllString(line, a.instead)
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

// publishTerms puts the first version of the terms in force.
func (s *site) publishTerms() {
	s.Helper()
	ctx := tenant.With(s.Context(), s.Tenant)
	s.do(s.terms.AddDocument(ctx, terms.Document{Tenant: s.Tenant.ID, Key: "terms", Assent: terms.Agree, GoverningLocale: "en"}))
	_, err := s.terms.SaveDraft(ctx, s.Tenant.ID, terms.Draft{
		Version: terms.Version{Document: "terms", Materiality: terms.Material},
		Texts: []terms.Text{{
			Locale: "en", Title: "Terms of use", Source: "## 1. Rules {#rules}\n\nBe kind.", ChangeNote: "The first.",
			Summary: []terms.Line{{Anchor: "rules", Title: "Rules", Text: "Be kind."}},
		}},
	})
	s.do(err)
	now := s.Clock.Now()
	actor := tenant.User{Tenant: s.Tenant.ID, ID: "portico|admin"}
	s.do(s.terms.Publish(ctx, actor, "terms", 1, terms.Schedule{AnnounceAt: now, EffectiveAt: now, EnforceAt: now, Reason: "A test.", Typed: "1"}))
	s.Clock.Advance(time.Second)
}

// TestHeaders compares every header of one answer of each kind with the golden file (security.md rows 32, 55 to 59): the
// first as it is, the others by what they have more (+) and less (-).
func TestHeaders(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t)
	f.Tenant.Origin = "https://" + f.Host
	s := newSite(t, f)
	s.person(kim, oldSecret)
	var b strings.Builder
	var usual []string
	seen := func(what string, p page) {
		lines := p.headerLines()
		fmt.Fprintf(&b, "\n# %s: %d\n", what, p.status)
		for _, line := range usual {
			if !slices.Contains(lines, line) {
				fmt.Fprintln(&b, "-", line)
			}
		}
		for _, line := range lines {
			if !slices.Contains(usual, line) {
				fmt.Fprintln(&b, "+", line)
			}
		}
		if usual == nil {
			usual = lines
		}
	}
	guest, laptop := s.browser(elsewhere), s.browser(home)

	seen("page, signed out", guest.ask(http.MethodGet, "/help", nil))
	seen("page with a form, signed out", guest.ask(http.MethodGet, "/login", nil))
	seen("form refused, signed out", guest.submit("/login", "email", kim, "password", "wrong "+oldSecret))
	seen("form without a token", guest.ask(http.MethodPost, "/login", url.Values{}))
	seen("page that asks for a session", guest.ask(http.MethodGet, "/account", nil))
	seen("page of administrators, signed out", guest.ask(http.MethodGet, "/admin", nil))
	laptop.open("/login")
	seen("signing in", laptop.submit("/login", "email", kim, "password", oldSecret, "keep", "on"))
	seen("page, signed in", laptop.ask(http.MethodGet, "/account", nil))
	seen("page, signed in, head", laptop.ask(http.MethodHead, "/account", nil))
	laptop.ask(http.MethodGet, "/account/profile", nil)
	seen("form refused, signed in", laptop.submit("/account/profile", "name", strings.Repeat("x", 400)))
	laptop.ask(http.MethodGet, "/account/profile", nil)
	seen("form done", laptop.submit("/account/profile", "name", "Kim", "nickname", "kim", "version", "1"))
	seen("page with a banner", laptop.ask(http.MethodGet, "/account/profile", nil))
	seen("letter in a frame", laptop.ask(http.MethodGet, "/account/letter", nil))
	seen("link of a letter", guest.ask(http.MethodGet, "/password/reset/"+strings.Repeat("x", 43), nil))
	seen("page of a link that is no good", guest.ask(http.MethodGet, "/password/reset", nil))
	laptop.ask(http.MethodGet, "/account/profile", nil)
	seen("signing out", laptop.submit("/logout"))
	s.publishTerms()
	seen("public document", guest.ask(http.MethodGet, "/terms/terms", nil))
	seen("version of a public document", guest.ask(http.MethodGet, "/terms/terms/1", nil))
	seen("public document for programs", guest.ask(http.MethodGet, "/terms/terms.json", nil))
	seen("public document in a frame", guest.ask(http.MethodGet, "/terms/terms/embed", nil))
	seen("moved page", guest.ask(http.MethodGet, "/privacy", nil))
	seen("unknown address", guest.ask(http.MethodGet, "/nowhere.css", nil))
	seen("method that is not offered", guest.ask(http.MethodDelete, "/login", nil))
	seen("static file", guest.ask(http.MethodGet, static.URL("portico.css"), nil))
	seen("static file that is not there", guest.ask(http.MethodGet, "/static/portico.css", nil))
	seen("icon", guest.ask(http.MethodGet, "/favicon.ico", nil))
	seen("robots", guest.ask(http.MethodGet, "/robots.txt", nil))
	seen("manifest", guest.ask(http.MethodGet, "/site.webmanifest", nil))
	seen("health", guest.ask(http.MethodGet, "/healthz", nil))
	s.do(s.DB.Close())
	seen("our own fault", guest.ask(http.MethodPost, "/password/forgot", url.Values{"form_token": {guest.token}, "email": {kim}}))

	const golden = "testdata/headers.golden"
	if *update {
		s.do(os.WriteFile(golden, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	s.do(err)
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("headers changed; if they are meant to: go test ./web -run TestHeaders -update\n%s", diff)
	}
}
