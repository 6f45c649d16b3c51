package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

func TestTheRecordIsNarrowedToDays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		log := w.portal.config.Audit
		record := func(words string) {
			t.Helper()
			event := audit.Event{Type: audit.LetterFailed, User: tenant.User{Tenant: f.Tenant.ID, ID: "portico|x"}, Fields: []string{words}}
			if err := log.Record(t.Context(), event); err != nil {
				t.Fatal(err)
			}
		}
		day := func(offset int) string { return f.Clock.Now().AddDate(0, 0, offset).Format(time.DateOnly) }
		record("the-day-before-yesterday")
		f.Clock.Advance(24 * time.Hour)
		record("yesterday")
		f.Clock.Advance(24 * time.Hour)
		for i := range 60 {
			record(fmt.Sprintf("today-%d", i))
		}
		mara := w.administrator(t, "mara@example.org")
		p := mara.want(mara.get("/admin/audit?type=fn&from="+day(-1)+"&to="+day(-1)), http.StatusOK, "/admin/audit", "yesterday")
		if strings.Contains(p.body, "the-day-before") || strings.Contains(p.body, "today-") {
			t.Error("other days are listed")
		}
		p = mara.get("/admin/audit?type=fn&from=" + day(-1))
		if strings.Contains(p.text(), " yesterday ") || strings.Count(p.body, "today-") != 50 {
			t.Errorf("got %d of today, want a page of them", strings.Count(p.body, "today-"))
		}
		older := p.body[strings.Index(p.body, `rel="next" href="`)+len(`rel="next" href="`):]
		older = strings.ReplaceAll(older[:strings.Index(older, `"`)], "&amp;", "&")
		if !strings.Contains(older, "from="+day(-1)) || !strings.Contains(older, "type=fn") {
			t.Errorf("the way on is %s, want it to keep the filter", older)
		}
		p = mara.want(mara.get(older), http.StatusOK, "/admin/audit", " yesterday ")
		if strings.Contains(p.body, "the-day-before") || strings.Count(p.body, "today-") != 10 {
			t.Errorf("got %d of today on the next page, want 10, and nothing older", strings.Count(p.body, "today-"))
		}
		p = mara.want(mara.get("/admin/audit?from=31%2F12%2F2026&user=portico%7Cx"), http.StatusUnprocessableEntity, "/admin/audit", "like 2027-02-28")
		for _, typed := range []string{`value="31/12/2026"`, `value="portico|x"`} {
			if !strings.Contains(p.body, typed) {
				t.Errorf("%s is lost", typed)
			}
		}
		mara.want(mara.get("/admin/audit?from=2027-02-30"), http.StatusUnprocessableEntity, "/admin/audit", "like 2027-02-28")
		mara.want(mara.get("/admin/audit?from="+day(0)+"&to="+day(-1)), http.StatusUnprocessableEntity, "/admin/audit", "before the first")
	})
}
