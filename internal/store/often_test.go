package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"portico/internal/profile"
	"portico/internal/store"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// TestTransactionsDoNotWaitForPreparing has transactions hold every connection of a program that just started, while somebody
// outside of them prepares the statement that they all need next, and waits for a connection.
func TestTransactionsDoNotWaitForPreparing(t *testing.T) {
	t.Parallel()
	storetest.Empty(t, func(t *testing.T, address string) {
		db, err := store.Open(address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		at := 24 // all connections there are
		if db.Dialect() == "sqlite" {
			at = 1 // one writes at a time
		}
		ctx, end := context.WithTimeout(t.Context(), 20*time.Second)
		defer end()
		nobody := tenant.User{Tenant: tenant.Default, ID: "nobody"}
		look := func(ctx context.Context) {
			if _, err := db.FindProfile(ctx, nobody); !errors.Is(err, profile.ErrNotFound) {
				t.Errorf("got %v, want nobody found", err)
			}
		}
		var all, inside sync.WaitGroup
		inside.Add(at)
		begin := make(chan struct{})
		for range at {
			all.Go(func() {
				err := db.InTx(ctx, func(ctx context.Context) error {
					_, err := db.FindByEmail(ctx, tenant.Default, "nobody@example.org") // takes the connection
					inside.Done()
					<-begin
					look(ctx)
					if errors.Is(err, profile.ErrNotFound) {
						return nil
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		inside.Wait()
		all.Go(func() { look(ctx) })
		time.Sleep(100 * time.Millisecond) // it has begun to prepare
		close(begin)
		all.Wait()
	})
}
