package store_test

import (
	"context"
	"database/sql"
	"errors"
	"path"
	"strings"
	"sync"
	"testing"

	"portico/internal/store"
	"portico/internal/store/storetest"
)

// TestReplicasMigrateTogether starts several programs at once on an empty database: each ends with the whole schema, which was
// made once.
func TestReplicasMigrateTogether(t *testing.T) {
	t.Parallel()
	storetest.Empty(t, func(t *testing.T, address string) {
		const replicas = 6
		failures := make([]error, replicas)
		var all sync.WaitGroup
		begin := make(chan struct{})
		for i := range replicas {
			db, err := store.Open(address)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			all.Go(func() {
				<-begin
				failures[i] = db.Migrate(context.Background())
				if _, _, err := db.Tenants(context.Background()); err != nil {
					failures[i] = errors.Join(failures[i], err)
				}
			})
		}
		close(begin)
		all.Wait()
		for i, err := range failures {
			if err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
		}
		db, err := store.Open(address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.Migrate(t.Context()); err != nil {
			t.Errorf("a later start: %v", err)
		}
		if file, ok := strings.CutPrefix(address, "sqlite:"); ok {
			pool, err := sql.Open("sqlite", file)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = pool.Close() }()
			var most int
			if err := pool.QueryRow("SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM goose_db_version GROUP BY version_id)").Scan(&most); err != nil || most != 1 {
				t.Errorf("%s: got a migration that is noted %d times, %v, want each once", path.Base(file), most, err)
			}
		}
	})
}
