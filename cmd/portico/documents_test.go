package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/store/storetest"
	"portico/internal/terms"
)

// TestPublicDocumentsAreKept asks for public documents as browsers, link checkers and caches do (terms.md 2).
func TestPublicDocumentsAreKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		stranger, ana := w.visitor(t), w.member(t)
		first := stranger.want(stranger.get("/terms/terms"), http.StatusOK, "/terms/terms", "Seven days.")
		if signedIn := ana.get("/terms/terms"); signedIn.body != first.body {
			t.Error("somebody who is signed in gets another page")
		}
		if got := first.header.Get("Cache-Control"); got != "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400" {
			t.Errorf("got Cache-Control %q", got)
		}
		if got := first.header.Values("Set-Cookie"); len(got) > 0 {
			t.Errorf("got cookies %q", got)
		}

		w.issue(t, 2, "Fourteen days.", func(_ *terms.Draft, p *terms.Schedule) { p.EffectiveAt = p.EffectiveAt.Add(60 * time.Second) })
		p := stranger.want(stranger.get("/terms/terms"), http.StatusOK, "/terms/terms", "Seven days.")
		if got := p.header.Get("Cache-Control"); !strings.HasPrefix(got, "public, max-age=5") {
			t.Errorf("got Cache-Control %q, want it to end when version 2 takes effect", got)
		}
		stranger.want(stranger.get("/terms/terms/upcoming"), http.StatusOK, "/terms/terms/upcoming", "Fourteen days.")
		w.Clock.Advance(54 * time.Second)
		stranger.want(stranger.get("/terms/terms"), http.StatusOK, "/terms/terms", "Fourteen days.")
		stranger.want(stranger.get("/terms/terms/upcoming"), http.StatusNotFound, "/terms/terms/upcoming", "")
	})
}
