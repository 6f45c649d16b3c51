package storetest

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// Unguarded is Each on databases of their own whose triggers were removed: for tests that change what must not change, as
// somebody would who has the whole server in hand.
func Unguarded(t *testing.T, test func(t *testing.T, f Fixture)) {
	t.Helper()
	run := func(t *testing.T, address string) {
		t.Helper()
		f := open(t, address, nil)
		f.dropTriggers(t)
		test(t, f)
	}
	t.Run("sqlite", func(t *testing.T) { run(t, "sqlite:"+filepath.Join(t.TempDir(), "portico.db")) })
	if address := os.Getenv("PORTICO_TEST_MYSQL_DSN"); address != "" && !testing.Short() {
		t.Run("mysql", func(t *testing.T) { run(t, beside(t, address)) })
	}
}

// beside makes a second database on the server of address, once.
func beside(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	second := u.Path + "_unguarded"
	if _, err := (Fixture{address: address}).SQL(t).ExecContext(t.Context(), "CREATE DATABASE IF NOT EXISTS "+second[1:]); err != nil {
		t.Fatal(err)
	}
	u.Path = second
	return u.String()
}

func (f Fixture) dropTriggers(t *testing.T) {
	t.Helper()
	query := "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
	if f.DB.Dialect() == "mysql" {
		query = "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
	}
	pool := f.SQL(t)
	rows, err := pool.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := pool.ExecContext(t.Context(), "DROP TRIGGER IF EXISTS "+name); err != nil {
			t.Fatal(err)
		}
	}
}
