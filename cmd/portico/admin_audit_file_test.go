package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

func TestTheRecordIsAFile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		log, x := w.portal.config.Audit, tenant.User{Tenant: f.Tenant.ID, ID: "=portico|x"}
		err := f.DB.InTx(t.Context(), func(ctx context.Context) error {
			ctx = audit.WithOrigin(ctx, audit.Origin{UserAgent: "=cmd|' /C calc'!A0", RequestID: "r-1"})
			for i := range 620 {
				event := audit.Event{Type: audit.LetterFailed, User: x, Fields: []string{fmt.Sprintf("@line-%d", i)}}
				if err := log.Record(ctx, event); err != nil {
					return err
				}
			}
			return log.Record(ctx, audit.Event{Type: audit.LetterFailed, User: tenant.User{Tenant: f.Tenant.ID + "x", ID: x.ID}, Fields: []string{"theirs"}})
		})
		if err != nil {
			t.Fatal(err)
		}
		mara := w.administrator(t, "mara@example.org")
		filter := "?type=fn&user=" + url.QueryEscape(x.ID)
		p := mara.want(mara.get("/admin/audit"+filter+"&before=z"), http.StatusOK, "/admin/audit", "Download (CSV)")
		mara.want(p, http.StatusOK, "/admin/audit", "At most 100\u202f000 lines")
		if !strings.Contains(p.body, `href="/admin/audit.csv?type=fn&amp;user=%3Dportico%7Cx"`) {
			t.Errorf("the file is not of the filter:\n%s", p.body)
		}
		p = mara.get("/admin/audit.csv" + filter)
		if got := p.header.Get("Content-Type"); p.status != http.StatusOK || got != "text/csv; charset=utf-8" {
			t.Fatalf("got %d %s %s", p.status, got, p.body)
		}
		if got := p.header.Get("Content-Disposition"); got != `attachment; filename="audit-`+f.Clock.Now().UTC().Format(time.DateOnly)+`.csv"` {
			t.Errorf("got %s", got)
		}
		rows, err := csv.NewReader(strings.NewReader(p.body)).ReadAll()
		if err != nil || len(rows) != 621 {
			t.Fatalf("got %d rows, %v, want a head and 620", len(rows), err)
		}
		for i, row := range rows[1:] {
			if row[2] != "fn" || row[5] != "'=portico|x" || row[7] != "'=cmd|' /C calc'!A0" || row[8] != "r-1" || row[9] != fmt.Sprintf("'@line-%d", 619-i) {
				t.Fatalf("got row %d %q, want the newest first and no formula", i, row)
			}
		}
		events, err := log.Search(t.Context(), f.Tenant.ID, audit.Filter{Types: []audit.Type{audit.AuditExported}, Limit: 9})
		if err != nil || len(events) != 1 || events[0].Actor.ID != w.user(t, "mara@example.org").ID || strings.Join(events[0].Fields, " ") != "user type" {
			t.Errorf("got %+v, %v, want that it was read, and by what", events, err)
		}
		mara.want(mara.get("/admin/audit?type=audit_exported"), http.StatusOK, "/admin/audit", "Audit log downloaded")
		mara.want(mara.get("/admin/audit.csv?from=2027-02-30"), http.StatusUnprocessableEntity, "/admin/audit.csv", "like 2027-02-28")
		f.Clock.Advance(16 * time.Minute)
		mara.want(mara.get("/admin/audit.csv"+filter), http.StatusOK, "/reauth", "")
		ana := w.visitor(t)
		ana.signUp("ana@example.org")
		if p := ana.get("/admin/audit.csv"); p.status != http.StatusNotFound {
			t.Errorf("got %d, want 404 for who is no administrator", p.status)
		}
		if events, err = log.Search(t.Context(), f.Tenant.ID, audit.Filter{Types: []audit.Type{audit.AuditExported}, Limit: 9}); err != nil || len(events) != 1 {
			t.Errorf("got %d, %v, want no file that was refused in the record", len(events), err)
		}
	})
}
