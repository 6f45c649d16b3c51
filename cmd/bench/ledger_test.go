package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/internal/store"
)

func TestTheLedgerIsMeasuredAgainstPlainInserts(t *testing.T) {
	t.Parallel()
	address := "sqlite:" + filepath.Join(t.TempDir(), "bench.db")
	db, err := store.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	said, err := ledgerReport(t.Context(), options{rounds: 3, length: 300 * time.Millisecond}, "sqlite", address)
	if err != nil || !strings.Contains(said, "per plain insert") {
		t.Errorf("got %q, %v", said, err)
	}
	t.Log(said)
}
