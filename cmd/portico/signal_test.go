package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"portico/internal/audit"
	"portico/internal/store/storetest"
	"portico/internal/terms"
)

const honoured = "Opt-out request honoured"

// private is the header of a browser that objects for its user to selling and sharing.
func private(requestID string) http.Header {
	return http.Header{"Sec-Gpc": {"1"}, "X-Request-Id": {requestID}}
}

// writes counts the statements that change something while do runs, of the request with this id.
func (w *world) writes(requestID string, do func()) int {
	var mu sync.Mutex
	n := 0
	w.Trace.Watch(func(ctx context.Context, statement string) {
		mu.Lock()
		defer mu.Unlock()
		if audit.OriginOf(ctx).RequestID == requestID && !strings.HasPrefix(strings.TrimSpace(statement), "SELECT") {
			n++
		}
	})
	do()
	w.Trace.Watch(nil)
	return n
}

// TestSignalIsHeededOnAnyPage lets a browser begin to object in the middle of a session: terms.md section 3, opt-out signal.
func TestSignalIsHeededOnAnyPage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		w.purpose(t, terms.Document{Key: "partners", Shares: true}, 1)
		w.purpose(t, terms.Document{Key: "news"}, 1)
		p := ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.partners": "on", "on.news": "on"})
		if strings.Contains(p.body, honoured) || !w.consent(t, "partners").State.Wanted() {
			t.Fatal("something was honoured that nobody asked for")
		}

		ana.header = private("the-first-page")
		p = ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", honoured)
		if strings.Count(p.body, honoured) != 1 {
			t.Error("it is said more than once")
		}
		const once = "partners objected signal, partners consented settings, news consented settings"
		if got := w.consents(t); got != once || w.consent(t, "partners").State != terms.Against || w.consent(t, "news").State != terms.On {
			t.Errorf("got %q, want %q", got, once)
		}
		ana.header = private("the-second-page")
		if n := w.writes("the-second-page", func() { ana.want(ana.get("/account/security"), http.StatusOK, "/account/security", honoured) }); n != 0 {
			t.Errorf("got %d statements that write on a page view, want none", n)
		}

		// Of a page that waits for the signal's record, two at once are one record; what is new is recorded too.
		w.purpose(t, terms.Document{Key: "brokers", Shares: true}, 1)
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() { ana.still(http.MethodGet, "/account/profile", nil) })
		}
		all.Wait()
		if got := w.consents(t); got != "brokers objected signal, "+once {
			t.Errorf("got %q, want one more", got)
		}
		ana.header = nil
		if p := ana.get("/account/profile"); strings.Contains(p.body, honoured) {
			t.Error("it is said though the browser says nothing any more")
		}
	})
}

// TestSignalOfVisitors: pages say that it was honoured to who is not signed in too; public documents are the same for everybody.
func TestSignalOfVisitors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.issue(t, 1, "Seven days.", nil)
	w.purpose(t, terms.Document{Key: "partners", Shares: true}, 1)
	plain, objecting := w.visitor(t), w.visitor(t)
	objecting.header = http.Header{"Sec-Gpc": {"1"}}
	for _, path := range []string{"/login", "/signup", "/help", "/password/forgot", "/language", "/nowhere"} {
		if !strings.Contains(objecting.still(http.MethodGet, path, nil).body, honoured) {
			t.Errorf("%s does not say that the signal was honoured", path)
		}
		if strings.Contains(plain.still(http.MethodGet, path, nil).body, honoured) {
			t.Errorf("%s says so without a signal", path)
		}
	}
	for _, path := range []string{"/terms", "/terms/terms", "/terms/terms/1", "/terms/terms/versions", "/terms/terms/embed", "/terms/terms.json"} {
		got, want := objecting.still(http.MethodGet, path, nil), plain.still(http.MethodGet, path, nil)
		if got.status != http.StatusOK || got.body != want.body || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: got %d, want the same bytes for everybody and no cookie", path, got.status)
		}
	}
	objecting.header = http.Header{"Sec-Gpc": {"0"}}
	if strings.Contains(objecting.get("/help").body, honoured) {
		t.Error("no objection is honoured as one")
	}
}

// TestSignalOutlastsAnotherBrowser: who consents where nothing objects, and comes back with the browser that does, has objected
// again by that. The page does not say that the signal was honoured while it is not.
func TestSignalOutlastsAnotherBrowser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		objecting := w.member(t)
		w.purpose(t, terms.Document{Key: "partners", Shares: true}, 1)
		objecting.header = private("first")
		objecting.want(objecting.get("/account/profile"), http.StatusOK, "/account/profile", honoured)

		plain := w.visitor(t)
		plain.signIn(anaAddress, goodPassword)
		plain.send(plain.get("/account/consents"), "/account/consents", map[string]string{"on.partners": "on"})
		if !w.consent(t, "partners").State.Wanted() {
			t.Fatal("the other browser could not consent")
		}
		objecting.want(objecting.get("/account/profile"), http.StatusOK, "/account/profile", honoured)
		if c := w.consent(t, "partners"); c.State != terms.Against {
			t.Errorf("got %s, want the objection that the page speaks of", c.State)
		}
	})
}
