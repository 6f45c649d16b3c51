package store_test

import (
	"database/sql"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portico/internal/store/storetest"
)

// schema is what a database says of its tables: table → what there is of it, in words that every dialect shares.
type schema map[string][]string

// schemaOf asks a database for columns and keys: queries that answer with a table and a fact.
func schemaOf(t *testing.T, pool *sql.DB, queries ...string) schema {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), strings.Join(queries, " UNION ALL "))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := schema{}
	for rows.Next() {
		var table, fact string
		if err := rows.Scan(&table, &fact); err != nil {
			t.Fatal(err)
		}
		all[table] = append(all[table], fact)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for table := range all {
		slices.Sort(all[table])
	}
	return all
}

// The kinds of column are those of the domain: a JSON is a text that SQLite checks, a BLOB may hold any bytes.
const (
	sqliteColumns = `
SELECT m.name, 'column ' || c.name || ' ' || CASE
    WHEN c.type LIKE '%INT%' THEN 'number' WHEN c.type = 'BOOLEAN' THEN 'bool' WHEN c.type LIKE 'DATETIME%' THEN 'time'
    WHEN c.type LIKE '%BLOB%' THEN 'bytes' WHEN c.type = 'TEXT' THEN 'text' ELSE c.type END
  || CASE WHEN c."notnull" OR c.pk THEN ' required' ELSE ' optional' END
FROM sqlite_schema m, pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'goose%'`
	sqliteKeys = `
SELECT name, kind || ' ' || label || ' (' || group_concat(field, ', ') || ')' FROM (
  SELECT m.name, CASE WHEN i.origin = 'pk' THEN 'primary' WHEN i."unique" THEN 'unique' ELSE 'index' END AS kind,
    CASE WHEN i.origin = 'pk' THEN 'key' ELSE i.name END AS label, f.name AS field
  FROM sqlite_schema m, pragma_index_list(m.name) i, pragma_index_info(i.name) f
  WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'goose%' ORDER BY m.name, i.name, f.seqno
) GROUP BY name, kind, label`
	mysqlColumns = `
SELECT table_name, CONCAT('column ', column_name, ' ', CASE
    WHEN column_type LIKE 'tinyint(1)%' THEN 'bool' WHEN data_type LIKE '%int' THEN 'number' WHEN column_type = 'datetime(6)' THEN 'time'
    WHEN data_type LIKE '%blob' OR data_type = 'binary' THEN 'bytes' WHEN data_type IN ('varchar', 'char', 'json') OR data_type LIKE '%text' THEN 'text' ELSE column_type END,
  IF(is_nullable = 'NO', ' required', ' optional'))
FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name NOT LIKE 'goose%'`
	mysqlKeys = `
SELECT table_name, CONCAT(CASE WHEN index_name = 'PRIMARY' THEN 'primary key' WHEN non_unique = 0 THEN CONCAT('unique ', index_name)
    ELSE CONCAT('index ', index_name) END, ' (', GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', '), ')')
FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name NOT LIKE 'goose%'
GROUP BY table_name, index_name, non_unique`
)

// TestBothDialectsHaveOneSchema compares tables, columns, what may be missing, and every key, after all migrations.
func TestBothDialectsHaveOneSchema(t *testing.T) {
	t.Parallel()
	var sqlite schema
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		if f.DB.Dialect() == "sqlite" {
			sqlite = schemaOf(t, f.SQL(t), sqliteColumns, sqliteKeys)
			if len(sqlite) < 20 {
				t.Fatalf("got %d tables, want all of them", len(sqlite))
			}
			return
		}
		if diff := cmp.Diff(sqlite, schemaOf(t, f.SQL(t), mysqlColumns, mysqlKeys)); diff != "" {
			t.Errorf("the schemas differ (- SQLite, + MySQL):\n%s", diff)
		}
	})
}

// Rule X-1: what belongs to a tenant is found by naming it, so the tenant stands first in every key of every table.
func TestEveryKeyBeginsWithTheTenant(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t)
	// Which tenant a host means is what the table of hosts is for; the others are read by the worker, for every tenant in turn.
	apart := map[string]bool{"tenant_hosts": true}
	for table, facts := range schemaOf(t, f.SQL(t), sqliteKeys) {
		for _, fact := range facts {
			kind, _, _ := strings.Cut(fact, " ")
			if kind != "index" && !apart[table] && !strings.Contains(fact, "(tenant_id") {
				t.Errorf("%s: got %s, want the tenant first", table, fact)
			}
		}
	}
}

var (
	mysqlLimit  = regexp.MustCompile(`(?m)^\s*(?:(?:ALTER TABLE \w+ )?(?:ADD|MODIFY) COLUMN )?(\w+)\s+(?:VARCHAR|CHAR)\((\d+)\)`)
	sqliteLimit = regexp.MustCompile(`length\((\w+)\) <= (\d+)`)
)

// limits are how long each text may be that a migration mentions; a name may stand in several tables.
func limits(t *testing.T, file string, pattern *regexp.Regexp) map[string][]string {
	t.Helper()
	content, err := os.ReadFile("migrations/" + file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, found := range pattern.FindAllStringSubmatch(string(content), -1) {
		all[found[1]] = append(all[found[1]], found[2])
	}
	return all
}

// TestBothDialectsHaveTheSameMigrations holds the two folders to each other, also where no MySQL is to be had:
// the same files, and a limit that one of them sets on a text is not another in its twin.
func TestBothDialectsHaveTheSameMigrations(t *testing.T) {
	t.Parallel()
	names := func(dialect string) []string {
		files, err := os.ReadDir("migrations/" + dialect)
		if err != nil || len(files) == 0 {
			t.Fatalf("got %d files, %v, want migrations", len(files), err)
		}
		all := make([]string, len(files))
		for i, file := range files {
			all[i] = file.Name()
		}
		return all
	}
	if diff := cmp.Diff(names("sqlite"), names("mysql")); diff != "" {
		t.Errorf("the folders differ (- SQLite, + MySQL):\n%s", diff)
	}
	for _, name := range names("mysql") {
		mysql := limits(t, "mysql/"+name, mysqlLimit)
		for column, all := range limits(t, "sqlite/"+name, sqliteLimit) {
			for _, limit := range all {
				if !slices.Contains(mysql[column], limit) {
					t.Errorf("%s: %s may have %s signs in SQLite, want one of MySQL's %v", name, column, limit, mysql[column])
				}
			}
		}
	}
}
