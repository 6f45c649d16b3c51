package store_test

import (
	"context"
	"errors"
	"testing"

	"portico/internal/audit"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

func TestMigrateAgainDoesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		if err := f.DB.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		log := audit.New(f.DB, f.Clock.Now)
		record := func(ctx context.Context) error {
			return log.Record(ctx, audit.Event{
				Type: audit.SignedUp, User: tenant.User{Tenant: f.Tenant.ID, ID: "portico|1"},
				Fields: []string{"name", "email"}, Detail: map[string]string{"a": "b"},
			})
		}
		broken := errors.New("broken")
		err := f.DB.InTx(t.Context(), func(ctx context.Context) error {
			if err := f.DB.InTx(ctx, record); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatalf("got %v, want the error of the transaction", err)
		}
		if events, err := log.Search(t.Context(), f.Tenant.ID, audit.Filter{Limit: 10}); err != nil || len(events) != 0 {
			t.Fatalf("after a failed transaction: got %d events, %v, want none", len(events), err)
		}
		if err := f.DB.InTx(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		events, err := log.Search(t.Context(), f.Tenant.ID, audit.Filter{Limit: 10, User: "portico|1", Types: []audit.Type{audit.SignedUp}})
		if err != nil || len(events) != 1 {
			t.Fatalf("got %d events, %v, want one", len(events), err)
		}
		if got := events[0]; got.Fields[1] != "email" || got.Detail["a"] != "b" || got.Actor.Kind != audit.BySystem {
			t.Errorf("got %+v, want what was recorded", got)
		}
		if events, _ := log.Search(t.Context(), tenant.Default, audit.Filter{Limit: 10, User: "portico|1"}); len(events) != 0 {
			t.Errorf("another tenant: got %d events, want none", len(events))
		}
	})
}

func TestAddTenant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		if err := f.DB.AddTenant(t.Context(), f.Tenant, nil); !errors.Is(err, tenant.ErrTaken) {
			t.Errorf("a taken id: got %v, want ErrTaken", err)
		}
		directory := tenant.NewDirectory(f.DB, "https://portico.example", f.Clock.Now)
		found, err := directory.ByHost(t.Context(), f.Host+":8080")
		if err != nil || found.ID != f.Tenant.ID || found.Origin != "https://"+f.Host {
			t.Errorf("got %v, %v, want the tenant of the host", found, err)
		}
		if found, err := directory.ByHost(t.Context(), "portico.example"); err != nil || found.ID != tenant.Default {
			t.Errorf("own host: got %v, %v, want the default tenant", found.ID, err)
		}
		if _, err := directory.ByHost(t.Context(), "evil.example"); !errors.Is(err, tenant.ErrUnknown) {
			t.Errorf("foreign host: got %v, want ErrUnknown", err)
		}
	})
}
