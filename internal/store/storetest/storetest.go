// Package storetest opens databases for tests: every test gets a tenant of its own on each database that can be had.
//
// SQLite always. A MySQL-protocol server when PORTICO_TEST_MYSQL_DSN names one, as mysql://user:password@host:port/name
// (the command withmariadb starts one and sets it); not with -short.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/internal/store"
	"portico/internal/tenant"
)

// Fixture is a database with a fresh tenant on it. Clock is the time the database goes by; Advance moves it. Trace sees
// every statement.
type Fixture struct {
	DB     *store.DB
	Tenant tenant.Tenant
	Host   string
	Clock  *Clock
	Trace  *Trace

	address string
}

// SQL opens the database beside the store, for tests that look at what is really kept.
func (f Fixture) SQL(t *testing.T) *sql.DB {
	t.Helper()
	driver, name, _ := strings.Cut(f.address, ":")
	if driver == "sqlite" {
		name = "file:" + name + "?_pragma=busy_timeout(5000)&_time_format=sqlite"
	}
	if u, err := url.Parse(f.address); err == nil && driver == "mysql" {
		secret, _ := u.User.Password()
		place := "tcp(" + u.Host + ")"
		if socket := u.Query().Get("socket"); socket != "" {
			place = "unix(" + socket + ")"
		}
		name = u.User.Username() + ":" + secret + "@" + place + u.Path
	}
	pool, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

// Trace hands every statement to who watches.
type Trace struct {
	watcher atomic.Pointer[func(ctx context.Context, statement string)]
}

// Watch calls watcher after every statement from now on; nil ends that.
func (t *Trace) Watch(watcher func(ctx context.Context, statement string)) {
	if watcher == nil {
		t.watcher.Store(nil)
		return
	}
	t.watcher.Store(&watcher)
}

func (t *Trace) saw(ctx context.Context, statement string) {
	if watcher := t.watcher.Load(); watcher != nil {
		(*watcher)(ctx, statement)
	}
}

// Clock is a time that tests can move.
type Clock struct {
	ahead atomic.Int64
}

// Now is the moved time.
func (c *Clock) Now() time.Time {
	return time.Now().UTC().Add(time.Duration(c.ahead.Load())).Truncate(time.Microsecond)
}

// Advance moves the clock on by d.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// Each runs test on every database, each time with a fresh tenant and a clock of its own. Options change the
// tenant's settings.
func Each(t *testing.T, test func(t *testing.T, f Fixture), options ...func(*tenant.Settings)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "portico.db"), options)) })
	if address := os.Getenv("PORTICO_TEST_MYSQL_DSN"); address != "" && !testing.Short() {
		t.Run("mysql", func(t *testing.T) { test(t, open(t, address, options)) })
	}
}

// SQLite opens a fresh tenant on SQLite alone, for tests that are not about the database.
func SQLite(t *testing.T, options ...func(*tenant.Settings)) Fixture {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "portico.db"), options)
}

// SQLiteAt is SQLite in a file that the test names.
func SQLiteAt(t *testing.T, path string) Fixture {
	t.Helper()
	return open(t, "sqlite:"+path, nil)
}

// Reopened is the same tenant in another file: a backup of this one's.
func (f Fixture) Reopened(t *testing.T, path string) Fixture {
	t.Helper()
	db, err := store.Open("sqlite:"+path, store.WithClock(f.Clock.Now), store.WithTrace(f.Trace.saw))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f.DB, f.address = db, "sqlite:"+path
	return f
}

var (
	serial   atomic.Int64
	migrated sync.Map // address → *sync.Once, so that a server is migrated once per test binary
)

// schema is an SQLite file with the whole schema and nothing in it, made once per test binary: a copy is there at once.
var schema = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "portico-schema-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	file := filepath.Join(folder, "portico.db")
	db, err := store.Open("sqlite:" + file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(context.Background()), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(file) //nolint:gosec // a file of this test
})

// prepare makes an SQLite file that has the schema already.
func prepare(t *testing.T, address string) {
	t.Helper()
	file, ok := strings.CutPrefix(address, "sqlite:")
	if !ok {
		return
	}
	content, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, address string, options []func(*tenant.Settings)) Fixture {
	t.Helper()
	prepare(t, address)
	clock, trace := &Clock{}, &Trace{}
	db, err := store.Open(address, store.WithClock(clock.Now), store.WithTrace(trace.saw))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	once, _ := migrated.LoadOrStore(address, &sync.Once{})
	once.(*sync.Once).Do(func() { err = db.Migrate(context.Background()) })
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("t%d-%d", time.Now().UnixNano(), serial.Add(1))
	f := Fixture{DB: db, Host: name + ".example.org", Clock: clock, Trace: trace, address: address}
	f.Tenant = tenant.Tenant{ID: tenant.ID(name), Origin: "http://" + f.Host, Settings: tenant.Settings{
		Product: "Harbour Books", Locales: []string{"en", "de", "es", "fr", "pt", "pl", "ar", "ja"},
	}.WithDefaults()}
	for _, option := range options {
		option(&f.Tenant.Settings)
	}
	if err := db.AddTenant(t.Context(), f.Tenant, []string{f.Host}); err != nil {
		t.Fatal(err)
	}
	return f
}
