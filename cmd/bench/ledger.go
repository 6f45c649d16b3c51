package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/store"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// ledgerGoal is how many entries of the ledger there should be a second, per plain insert (terms.md 5).
const ledgerGoal = 0.8

// ledgerWriters write at once, as requests do.
const ledgerWriters = 8

// ledgerReport measures entries of the ledger, with their commitments and a sequencer that numbers and signs them meanwhile,
// against plain inserts of rows as long (lines of the audit record), in turns.
func ledgerReport(ctx context.Context, o options, name, address string) (string, error) {
	db, err := store.Open(address)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	ring, err := keys.New(keys.Generate())
	if err != nil {
		return "", err
	}
	now := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	// A tenant of its own: the portal that is measured signs with other keys.
	t := tenant.Tenant{ID: "bench-ledger", Settings: tenant.Settings{Product: "Bench"}.WithDefaults()}
	if err := db.AddTenant(ctx, t, nil); err != nil {
		return "", err
	}
	u := tenant.User{Tenant: t.ID, ID: "portico|bench"}
	service := ledger.New(db, ring, now)
	filler := strings.Repeat("x", 900)
	plain := func(ctx context.Context, id string) error {
		return db.AppendEvent(ctx, audit.Event{ID: id, At: now(), Type: audit.TermsAccepted, User: u, Detail: map[string]string{"filler": filler}})
	}
	entry := func(ctx context.Context, id string) error {
		return db.AppendAssent(ctx, terms.Event{ID: id, User: u, Type: terms.Accepted, Document: "terms", Number: 1, Nonce: id, OccurredAt: now(), UserAgent: filler[:400]})
	}
	var ratios []float64
	for range o.rounds {
		inserts, err := writes(ctx, o.length, plain)
		if err != nil {
			return "", err
		}
		sequencing, stop := context.WithCancel(ctx)
		var sequencer sync.WaitGroup
		sequencer.Go(func() {
			for sequencing.Err() == nil {
				_ = service.SequenceTenant(sequencing, t)
				time.Sleep(time.Second)
			}
		})
		entries, err := writes(ctx, o.length, entry)
		stop()
		sequencer.Wait()
		if err != nil {
			return "", err
		}
		ratios = append(ratios, entries/inserts)
	}
	if err := service.SequenceTenant(ctx, t); err != nil {
		return "", err
	}
	size, err := service.Verify(ctx, t.ID, "")
	slices.Sort(ratios)
	return fmt.Sprintf("%s: acceptances recorded in the ledger per plain insert: %.2f (%.2f–%.2f), goal %.2f; %d entries verified\n",
		name, ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1], ledgerGoal, size), err
}

// writes says how many times a second write can be done by many at once.
func writes(ctx context.Context, length time.Duration, write func(ctx context.Context, id string) error) (float64, error) {
	var count atomic.Int64
	var failed atomic.Pointer[error]
	started := time.Now()
	var all sync.WaitGroup
	for range ledgerWriters {
		all.Go(func() {
			for time.Since(started) < length && ctx.Err() == nil {
				if err := write(ctx, uuid.Must(uuid.NewV7()).String()); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(count.Load()) / time.Since(started).Seconds(), ctx.Err()
}
