package storetest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Empty runs test on a database of its own of every kind, in which there is nothing yet, by its address.
func Empty(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "portico.db")) })
	address := os.Getenv("PORTICO_TEST_MYSQL_DSN")
	if address == "" || testing.Short() {
		return
	}
	t.Run("mysql", func(t *testing.T) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		pool := Fixture{address: address}.SQL(t)
		name := fmt.Sprintf("portico_empty_%d_%d", time.Now().UnixNano(), serial.Add(1))
		if _, err := pool.Exec("CREATE DATABASE " + name); err != nil {
			t.Skipf("the server does not let this user create a database: %v", err)
		}
		t.Cleanup(func() { _, _ = pool.Exec("DROP DATABASE " + name) })
		u.Path = "/" + name
		test(t, u.String())
	})
}
