package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/store"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// TestFileSurvivesWhoMakesIt lets a replica end in the middle: another one makes the file, and the first cannot spoil it.
func TestFileSurvivesWhoMakesIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		ana.ask(privacy.MyData)
		dead, err := f.DB.ClaimExport(t.Context(), f.Tenant.ID, "a replica that ended", 2*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.DB.AddChunk(t.Context(), dead, 0, []byte("half a file"), f.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		w.work(t)
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "You can leave")
		w.Clock.Advance(3 * time.Minute)
		var all sync.WaitGroup
		var made atomic.Int32
		for range 4 {
			all.Go(func() {
				worked, err := w.portal.config.Exports.Work(t.Context())
				if err != nil {
					t.Error(err)
				}
				if worked {
					made.Add(1)
				}
			})
		}
		all.Wait()
		if made.Load() != 1 {
			t.Errorf("got %d files, want one by one of four", made.Load())
		}
		if err := f.DB.KeepExport(t.Context(), dead, time.Minute); !errors.Is(err, privacy.ErrExportLost) {
			t.Errorf("got %v, want the claim lost", err)
		}
		if err := f.DB.EndExport(t.Context(), dead, 0); !errors.Is(err, privacy.ErrExportLost) {
			t.Errorf("got %v, want the claim lost", err)
		}
		ana.offered(privacy.MyData)
		if w.happened(t, audit.ExportReady) != 1 {
			t.Error("the file was made more than once")
		}
	})
}

// broken is a database that does not tell of letters.
type broken struct{ *store.DB }

func (b broken) Records(ctx context.Context, u tenant.User, kind privacy.RecordKind, after string, limit int) ([]privacy.Record, string, error) {
	if kind == privacy.Messages {
		return nil, "", errors.New("no letters today")
	}
	return b.DB.Records(ctx, u, kind, after, limit)
}

func TestFileThatCannotBeMadeIsGivenUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		files := w.portal.config.Exports
		files.Store = broken{f.DB}
		ana.ask(privacy.TechnicalRecords)
		for try := 1; try <= 5; try++ {
			if worked, err := files.Work(t.Context()); !worked || err == nil || strings.Contains(err.Error(), "panic") {
				t.Fatalf("try %d: got %v, %v, want it to fail", try, worked, err)
			}
			if worked, _ := files.Work(t.Context()); worked {
				t.Fatal("tried again at once")
			}
			w.Clock.Advance(time.Minute)
		}
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "We could not make the file")
		w.letter(t, anaAddress, mail.ExportFailed)
		dump(t, f, func(place, text string) {
			if place == "export_chunks.sealed" {
				t.Error("half a file is left")
			}
		})
		files.Store = f.DB
		for range 3 { // what failed does not count
			ana.file(privacy.TechnicalRecords)
		}
	})
}

// TestLargeAccountTakesLittleMemory has a file made of 50,000 events: at no time does it hold more than 8 MiB beyond what the
// process holds anyway.
func TestLargeAccountTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 50,000 events")
	}
	const events, most = 50_000, 8 << 20
	w := newWorld(t, storetest.SQLite(t))
	u := w.NewUser(t, anaAddress, func(p *profile.Profile) { p.Name = "Ana" })
	pool := w.SQL(t)
	_, err := pool.ExecContext(t.Context(), `INSERT INTO audit_events SELECT ?, printf('00000000-0000-7000-8000-%012d', value), '2026-11-26 10:00:00+00:00', 's', 'user', ?, ?,
		'2001:db8::1', hex(randomblob(100)), hex(randomblob(16)), '', 'name,nickname', '{"provider":"demo"}'
		FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?) SELECT value FROM n)`, string(w.Tenant.ID), u.ID, u.ID, events)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.portal.config.Exports.Ask(tenant.With(t.Context(), w.Tenant), u, privacy.TechnicalRecords); err != nil {
		t.Fatal(err)
	}
	before, peak, statements := live(), uint64(0), 0
	w.Trace.Watch(func(context.Context, string) {
		if statements++; statements%10 == 0 {
			peak = max(peak, live())
		}
	})
	w.work(t)
	w.Trace.Watch(nil)
	var file bytes.Buffer
	all, err := w.DB.Exports(t.Context(), u)
	if err != nil || all[0].Chunks < 10 {
		t.Fatalf("got %+v, %v, want a file of many chunks", all, err)
	}
	if err := w.portal.config.Exports.Download(t.Context(), all[0], &file, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(contents(t, file.String())["activity.jsonl"], "\n"); got < events {
		t.Errorf("got %d events, want %d", got, events)
	}
	if peak > before+most {
		t.Errorf("got %d KiB at most, want %d", (peak-before)>>10, most>>10)
	}
	t.Logf("%d KiB for %d events", (int64(peak)-int64(before))>>10, events)
}

// live is how much of the heap is in use, in bytes.
func live() uint64 {
	runtime.GC()
	runtime.GC() // what the first one has only marked
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
