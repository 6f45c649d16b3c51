package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/internal/store/storetest"
)

// everywhere is what every answer must carry, whatever its status: rows 56 and 57.
var everywhere = map[string]string{
	"X-Content-Type-Options":       "nosniff",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

// TestEveryAnswerIsProtected walks every route as a stranger and as an administrator: headers, caching, cookies
// (security.md rows 32 and 56 to 59). What each kind of answer carries to the letter is in web/testdata/headers.golden.
func TestEveryAnswerIsProtected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.publish(t, 1, "Rules.", 0)
	w.Clock.Advance(time.Second)
	mara := w.administrator(t, "mara@example.org")
	token := formOf(t, mara.get("/account/profile"), "/account/profile").Get("form_token")
	parameters := map[string]string{
		"id": w.user(t, "mara@example.org").ID, "doc": "terms", "n": "1", "kind": "verify_email", "preset": "oidc", "connection": "demo", "ticket": "x",
	}
	for name, v := range map[string]*visitor{"stranger": w.visitor(t), "administrator": mara} {
		for _, r := range routes(t) {
			if r.path == "/logout" && v == mara {
				continue
			}
			path := r.with(parameters)
			var form url.Values
			if r.method == http.MethodPost {
				form = url.Values{"form_token": {token}}
			}
			p := v.still(r.method, path, form)
			if p.status == http.StatusInternalServerError {
				t.Errorf("%s: %s %s: got 500", name, r.method, path)
			}
			for header, want := range everywhere {
				if strings.HasSuffix(r.path, "/embed") && header == "Cross-Origin-Resource-Policy" {
					want = "cross-origin" // it is there to stand in frames of other sites
				}
				if got := p.header.Get(header); got != want {
					t.Errorf("%s: %s %s: got %s %q, want %q", name, r.method, path, header, got, want)
				}
			}
			p.wantSafe(t, name+": "+r.method+" "+path, r.gate == "open")
		}
	}
}

// wantSafe checks what depends on the answer: its policy, who may keep it, its charset, its cookies.
func (p page) wantSafe(t *testing.T, what string, open bool) {
	t.Helper()
	policy := p.header.Get("Content-Security-Policy")
	letter := strings.Contains(policy, "sandbox ") && strings.Contains(policy, "frame-ancestors 'self'")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || !letter && (strings.Contains(policy, "unsafe-") || !strings.Contains(policy, "frame-ancestors 'none'")) {
		t.Errorf("%s: got policy %q, want nothing allowed inline and no frame around it", what, policy)
	}
	if kept := p.header.Get("Cache-Control"); kept != "no-store" && (!open || p.status != http.StatusOK) {
		t.Errorf("%s: got Cache-Control %q, want no-store", what, kept)
	}
	if kind := p.header.Get("Content-Type"); strings.HasPrefix(kind, "text/") && !strings.Contains(strings.ToLower(kind), "charset=utf-8") {
		t.Errorf("%s: got %q, want the charset named", what, kind)
	}
	for _, cookie := range p.header.Values("Set-Cookie") {
		if open && p.status == http.StatusOK {
			t.Errorf("%s: got cookie %s on a public page, want none", what, cookie)
		}
		for _, part := range []string{"Path=/;", "HttpOnly", "SameSite=Lax"} {
			if !strings.Contains(cookie, part) {
				t.Errorf("%s: got cookie %s, want %s", what, cookie, part)
			}
		}
	}
}
