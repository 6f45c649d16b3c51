package store_test

import (
	"slices"
	"strings"
	"testing"

	"portico/internal/store"
	"portico/internal/store/storetest"
)

// TestErasureKnowsEveryTable holds the list of what an erasure does to the schema: a new table makes this fail until somebody
// has decided what becomes of it, and one whose rows belong to a person goes with them.
func TestErasureKnowsEveryTable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		gone, cut, untouched := store.Holdings()
		columns := sqliteColumns
		if f.DB.Dialect() == "mysql" {
			columns = mysqlColumns
		}
		for table, facts := range schemaOf(t, f.SQL(t), columns) {
			known := 0
			for _, list := range [][]string{gone, cut, untouched} {
				if slices.Contains(list, table) {
					known++
				}
			}
			if known != 1 {
				t.Errorf("table %s: an erasure has %d answers to what becomes of it; say so in internal/store/erase.go", table, known)
			}
			personal := slices.ContainsFunc(facts, func(fact string) bool {
				name := strings.Fields(fact)[1]
				return name == "user_id" || strings.HasSuffix(name, "_by") || strings.Contains(name, "address") || strings.Contains(name, "email")
			})
			if personal && slices.Contains(untouched, table) {
				t.Errorf("table %s names people, and an erasure leaves it alone: %v", table, facts)
			}
		}
	})
}
