package main

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

var exampleOf = regexp.MustCompile(`<dt><code[^>]*>([^<]+)</code></dt>`)

// TestTheHelpOfTheSearchIsRight looks for every example that the help gives: each finds the person that it says it finds.
func TestTheHelpOfTheSearchIsRight(t *testing.T) {
	t.Parallel()
	names := func(s *tenant.Settings) {
		s.Attributes = map[string]tenant.AttributePolicy{profile.FieldUsername: {Access: tenant.ReadWrite}}
	}
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		f.NewUser(t, "ana@example.org", func(p *profile.Profile) { p.Name, p.Nickname, p.Username = "Ana Férreira", "Nini", "ana.f" })
		p := mara.want(mara.get("/admin/users"), http.StatusOK, "/admin/users", "How to search")
		examples := exampleOf.FindAllStringSubmatch(p.body, -1)
		if len(examples) != 5 {
			t.Fatalf("got %q, want five examples", examples)
		}
		for _, e := range examples {
			at := "/admin/users?q=" + url.QueryEscape(html.UnescapeString(e[1]))
			mara.want(mara.get(at), http.StatusOK, "/admin/users", "Ana Férreira")
		}
		mara.want(mara.get("/admin/users?q=reira"), http.StatusOK, "/admin/users", "No user matches")
	}, names)
}
