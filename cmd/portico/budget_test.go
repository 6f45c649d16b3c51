package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"portico/internal/audit"
	"portico/internal/store/storetest"
)

var update = flag.Bool("update", false, "write what was measured to testdata")

const budgetsFile = "testdata/budgets.golden"

// measured are the pages that people see most, by who asks for them.
var measured = []struct{ who, path string }{
	{"stranger", "/login"},
	{"stranger", "/signup"},
	{"stranger", "/password/forgot"},
	{"stranger", "/terms"},
	{"stranger", "/terms/terms"},
	{"stranger", "/terms/terms/versions"},
	{"ana", "/account"},
	{"ana", "/account/profile"},
	{"ana", "/account/security"},
	{"ana", "/account/security/sessions"},
	{"ana", "/account/security/activity"},
	{"ana", "/account/terms"},
	{"ana", "/account/consents"},
	{"ana", "/account/data"},
	{"ana", "/account/email"},
	{"ana", "/account/security/password"},
	{"admin", "/admin"},
	{"admin", "/admin/users"},
	{"admin", "/admin/audit"},
	{"admin", "/admin/terms"},
	{"admin", "/admin/emails"},
}

// cost is what one page takes.
type cost struct{ statements, bytes, packed, allocations int }

const costFormat = "%d statements, %d bytes, %d packed, %d allocations"

// TestBudgets holds every page to what it costs today: SQL statements exactly, bytes and allocations up to what is written in
// testdata (bench.md P11). A change that makes a page dearer has to say so there; -update writes what was measured, rounded up.
func TestBudgets(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	w.issue(t, 1, "Seven days.", nil)
	browsers := map[string]*visitor{"stranger": w.visitor(t), "ana": w.member(t), "admin": w.administrator(t, "admin@example.org")}
	costs := make([]cost, len(measured))
	var b strings.Builder
	for i, m := range measured {
		costs[i] = w.cost(t, browsers[m.who], m.path)
		got := costs[i]
		fmt.Fprintf(&b, "%s %s: "+costFormat+"\n", m.who, m.path,
			got.statements, upTo(got.bytes, 500), upTo(got.packed, 250), upTo(got.allocations, 250))
	}
	if *update {
		if err := os.WriteFile(budgetsFile, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(budgetsFile)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(written)), "\n") {
		page, budget, _ := strings.Cut(line, ": ")
		var limit cost
		if _, err := fmt.Sscanf(budget, costFormat, &limit.statements, &limit.bytes, &limit.packed, &limit.allocations); err != nil ||
			i >= len(measured) || page != measured[i].who+" "+measured[i].path {
			t.Fatalf("testdata speaks of %q, this test does not (-update writes it anew)", line)
		}
		got := costs[i]
		if got.statements != limit.statements || got.bytes > limit.bytes || got.packed > limit.packed || got.allocations > limit.allocations {
			t.Errorf("%s: got %+v, want at most %+v", page, got, limit)
		}
	}
}

// cost asks for a page without a network between, and says what that took.
func (w *world) cost(t *testing.T, v *visitor, path string) cost {
	t.Helper()
	v.want(v.get(path), http.StatusOK, path, "") // first, so that what is made once is made
	host := &url.URL{Scheme: "http", Host: w.Host, Path: "/"}
	ask := func() *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		r.Host = w.Host
		r.Header.Set("X-Request-Id", "budget-of-a-page")
		for _, cookie := range v.client.Jar.Cookies(host) {
			r.AddCookie(cookie)
		}
		answer := httptest.NewRecorder()
		w.server.Config.Handler.ServeHTTP(answer, r)
		return answer
	}
	var mu sync.Mutex
	got := cost{}
	w.Trace.Watch(func(ctx context.Context, _ string) {
		mu.Lock()
		defer mu.Unlock()
		if audit.OriginOf(ctx).RequestID == "budget-of-a-page" {
			got.statements++
		}
	})
	answer := ask()
	w.Trace.Watch(nil)
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: got %d", path, answer.Code)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(answer.Body.Bytes())
	_ = z.Close()
	got.bytes, got.packed, got.allocations = answer.Body.Len(), packed.Len(), int(testing.AllocsPerRun(20, func() { ask() }))
	return got
}

// upTo rounds up and leaves room for dates that are longer on other days.
func upTo(n, step int) int { return ((n+step/5)/step + 1) * step }
