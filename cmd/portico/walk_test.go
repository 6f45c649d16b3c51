package main

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// walked is a line of the route map.
type walked struct{ gate, method, path string }

func routes(t *testing.T) []walked {
	t.Helper()
	golden, err := os.ReadFile("../../web/testdata/routes.golden")
	if err != nil {
		t.Fatal(err)
	}
	var all []walked
	for line := range strings.Lines(string(golden)) {
		f := strings.Fields(line)
		all = append(all, walked{f[0], f[1], f[2]})
	}
	return all
}

func (r walked) public() bool { return r.gate == "open" || r.gate == "anyone" }

// anything is a parameter of every kind that a route may have, of something that need not be there.
var anything = map[string]string{
	"id": "x", "doc": "terms", "n": "1", "kind": "verify_email", "purpose": "x", "connection": "demo", "preset": "oidc", "ticket": "x", "link": "x",
	"identity": "x",
}

// with fills in the parameters of the path, the given ones before the others.
func (r walked) with(parameters map[string]string) string {
	parts := strings.Split(r.path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			value, ok := parameters[name]
			if !ok {
				value = anything[name]
			}
			parts[i] = url.PathEscape(value)
		}
	}
	return strings.Join(parts, "/")
}

// still does a request without following where it leads.
func (v *visitor) still(method, path string, form url.Values) page {
	v.t.Helper()
	client := *v.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var body *strings.Reader
	if form == nil {
		body = strings.NewReader("")
	} else {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.world.server.URL+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Host = v.world.Host
	maps.Copy(r.Header, v.header)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	return read(v.t, response)
}

func TestEveryRouteWithoutASessionLeadsToSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	stranger := w.visitor(t)
	for _, r := range routes(t) {
		if r.public() {
			continue
		}
		path := r.with(nil)
		p := stranger.still(r.method, path, url.Values{})
		switch {
		case r.method == http.MethodPost:
			if p.status != http.StatusForbidden {
				t.Errorf("POST %s without a token: got %d, want 403", path, p.status)
			}
		case strings.HasPrefix(r.gate, "admin"):
			if p.status != http.StatusNotFound {
				t.Errorf("GET %s: got %d, want 404", path, p.status)
			}
		default:
			want := "/login?return_to=" + url.QueryEscape(path)
			if p.status != http.StatusSeeOther || p.header.Get("Location") != want {
				t.Errorf("GET %s: got %d to %q, want 303 to %q", path, p.status, p.header.Get("Location"), want)
			}
		}
	}
}

// A form with a right token, but without a person, leads to sign-in as well.
func TestEveryFormWithoutAPersonIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	stranger := w.visitor(t)
	token := formOf(t, stranger.get("/login"), "/login").Get("form_token")
	for _, r := range routes(t) {
		if r.public() || r.method != http.MethodPost {
			continue
		}
		p := stranger.still(r.method, r.with(nil), url.Values{"form_token": {token}})
		admin := strings.HasPrefix(r.gate, "admin")
		if admin && p.status != http.StatusNotFound || !admin && !strings.HasPrefix(p.header.Get("Location"), "/login?return_to=") {
			t.Errorf("POST %s: got %d to %q, want sign-in first", r.path, p.status, p.header.Get("Location"))
		}
	}
}

func TestEveryFormIsGuarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	mara := w.administrator(t, "mara@example.org")
	token := formOf(t, mara.get("/account/profile"), "/account/profile").Get("form_token")
	parameters := map[string]string{"id": w.user(t, "mara@example.org").ID}
	for _, r := range routes(t) {
		if r.method != http.MethodPost {
			continue
		}
		path := r.with(parameters)
		// A provider's answer comes from its own site: the state in it is its token. Its notice is signed.
		ours := r.path != "/login/callback/:connection" && r.path != "/login/backchannel/:connection"
		if p := mara.still(r.method, path, url.Values{"form_token": {"forged"}}); ours && p.status != http.StatusForbidden && p.status != http.StatusNotFound {
			t.Errorf("POST %s with a forged token: got %d, want 403", path, p.status)
		}
		if p := mara.still(r.method, path, url.Values{"form_token": {token, token}}); p.status != http.StatusBadRequest {
			t.Errorf("POST %s with a parameter twice: got %d, want 400", path, p.status)
		}
		if p := mara.still(r.method, path+"?a=1&a=2", url.Values{"form_token": {token}}); p.status != http.StatusBadRequest {
			t.Errorf("POST %s with a parameter of its address twice: got %d, want 400", path, p.status)
		}
		if p := mara.still(r.method, path, url.Values{"form_token": {token}, "x": {strings.Repeat("x", 5<<20)}}); p.status != http.StatusRequestEntityTooLarge {
			t.Errorf("POST %s with five megabytes: got %d, want 413", path, p.status)
		}
	}
	if mara.get("/account").path != "/account" {
		t.Error("a forged form ended the session")
	}
}

// neighbour is another tenant in the same database, served with the same keys.
func (w *world) neighbour(t *testing.T) *world {
	t.Helper()
	f := w.Fixture
	f.Tenant.ID, f.Host = w.Tenant.ID+"-b", "b-"+w.Host
	f.Tenant.Origin, f.Tenant.Product = "http://"+f.Host, "Next Door"
	if err := w.DB.AddTenant(t.Context(), f.Tenant, []string{f.Host}); err != nil {
		t.Fatal(err)
	}
	return worldWith(t, f, w.ring)
}

// property is what belongs to a tenant and must stay as it is, whatever a neighbour sends.
func (w *world) property(t *testing.T, people ...string) any {
	t.Helper()
	var all []any
	for _, email := range people {
		p, err := w.DB.FindByEmail(t.Context(), w.Tenant.ID, email)
		if err != nil {
			t.Fatal(err)
		}
		sessions, err := w.DB.Sessions(t.Context(), p.User)
		if err != nil {
			t.Fatal(err)
		}
		for i := range sessions {
			sessions[i].SeenAt, sessions[i].IdleAt = time.Time{}, time.Time{}
		}
		all = append(all, p.Email, p.Name, p.Block, p.Role, string(p.UserMetadata.JSON()), string(p.AppMetadata.JSON()), len(sessions),
			len(w.decisions(t, email)))
	}
	library, err := w.DB.Library(t.Context(), w.Tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	return append(all, len(library.Versions), library.Texts)
}

// others is what only the other tenant's pages say: an address, a clause, a provider.
var others = regexp.MustCompile(`(?i)canary(\.example| clause| ID)`)

// TestNeighboursSeeNothing walks every route of one tenant with the ids of another and with the other's cookies (rule X-1).
func TestNeighboursSeeNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ours := w.administrator(t, "mara@canary.example")
		w.issue(t, 1, "Canary clause.", nil)
		decide(ours, ours.get("/account"), "accept")
		ours.send(ours.get("/account/data"), "/account/data/export", map[string]string{"layer": "data"})
		reset := w.letter(t, "mara@canary.example", mail.VerifyEmail)
		w.connect(t, "demo", "Canary ID")
		b := w.neighbour(t)
		eve := b.administrator(t, "eve@example.org")
		parameters := map[string]string{
			"id": w.user(t, "mara@canary.example").ID, "doc": "terms", "n": "1", "kind": "verify_email",
			"ticket": strings.TrimPrefix(link(t, reset, "/verify/"), "/verify/"),
		}
		before := w.property(t, "mara@canary.example")
		token := formOf(t, eve.get("/account/profile"), "/account/profile").Get("form_token")
		foreign := &visitor{t: t, world: b, client: ours.client, lang: "en"} // their cookies at our door
		for _, r := range routes(t) {
			if r.path == "/logout" || r.method == http.MethodPost && r.path == "/account/security/sessions/end-others" {
				continue
			}
			path := r.with(parameters)
			form := url.Values{"form_token": {token}, "id": {parameters["id"]}, "session": {"x"}, "number": {"1"}, "document": {"terms"}, "reason": {"x"}, "action": {"block"}}
			if r.method == http.MethodGet {
				form = nil
			}
			p := eve.still(r.method, path, form)
			if others.MatchString(p.body) {
				t.Errorf("%s %s shows what belongs to another tenant", r.method, path)
			}
			if p = foreign.still(r.method, path, form); strings.Contains(p.body, "mara@canary") || strings.Contains(p.body, "Canary clause") {
				t.Errorf("%s %s opens with another tenant's cookies", r.method, path)
			}
			if !r.public() && p.status < 300 {
				t.Errorf("%s %s: got %d with another tenant's cookies, want no entry", r.method, path, p.status)
			}
		}
		if diff := cmp.Diff(before, w.property(t, "mara@canary.example")); diff != "" {
			t.Errorf("a neighbour changed something:\n%s", diff)
		}
	})
}

func TestSensitivePagesAskAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	mara := w.administrator(t, "mara@example.org")
	token := formOf(t, mara.get("/account/profile"), "/account/profile").Get("form_token")
	w.Clock.Advance(16 * time.Minute)
	for _, r := range routes(t) {
		if r.gate != "sensitive" && r.gate != "rights" && r.gate != "admin+" {
			continue
		}
		form := url.Values{"form_token": {token}}
		if r.method == http.MethodGet {
			form = nil
		}
		p := mara.still(r.method, r.with(nil), form)
		if p.status != http.StatusSeeOther || !strings.HasPrefix(p.header.Get("Location"), "/reauth?return_to=") {
			t.Errorf("%s %s 16 minutes later: got %d to %q, want /reauth", r.method, r.path, p.status, p.header.Get("Location"))
		}
	}
}

func TestUnknownAddressesSpeakTheTenantsLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	v := w.visitor(t)
	v.lang = "de"
	for _, path := range []string{"/nowhere", "/.well-known/resource-that-should-not-exist", "/account/x/y/z"} {
		p := v.want(v.get(path), http.StatusNotFound, path, "Harbour Books")
		if !strings.Contains(p.body, `lang="de"`) {
			t.Errorf("%s: got %s, want German", path, p.body)
		}
	}
	robots := v.want(v.get("/robots.txt"), http.StatusOK, "/robots.txt", "Allow: /terms")
	if got := robots.header.Get("Set-Cookie"); got != "" {
		t.Errorf("got cookie %s, want none", got)
	}
	v.want(v.get("/site.webmanifest"), http.StatusOK, "/site.webmanifest", `"name":"Harbour Books"`)
	v.want(v.get("/accessibility"), http.StatusOK, "/accessibility", "WCAG 2.2")
	v.want(v.get("/.well-known/security.txt"), http.StatusNotFound, "/.well-known/security.txt", "")
	s := newWorld(t, storetest.SQLite(t, func(s *tenant.Settings) { s.SupportEmail = "help@example.org" })).visitor(t)
	s.want(s.get("/.well-known/security.txt"), http.StatusOK, "/.well-known/security.txt", "Contact: mailto:help@example.org")
}
