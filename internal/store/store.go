// Package store is all of gorm and SQL. It keeps what the domain packages ask of their Store interfaces, in
// SQLite or in any server that speaks MySQL's protocol (MySQL 8, MariaDB ≥ 10.6, TiDB).
//
// Every query names the tenant. Rows are unexported; one file holds one family of tables.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/libtnb/sqlite"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

// ErrNotFound says that no row of this tenant answers to the key.
var ErrNotFound = errors.New("not found")

// DB is an open database.
type DB struct {
	gorm     *gorm.DB
	dialect  string // "mysql" or "sqlite"
	clock    func() time.Time
	trace    func(ctx context.Context, statement string)
	session  statement     // findSession
	gate     statement     // findGate
	contents contents      // of texts
	file     string        // how a file of SQLite is opened; empty for a server
	writer   chan struct{} // whoever has put something in may write to a file of SQLite; nil for a server
}

// Option changes how a database is opened.
type Option func(*DB)

// WithClock makes clock decide what the database takes for the current time; tests move it.
// Without it the server's own clock decides (SQLite has only the process's).
func WithClock(clock func() time.Time) Option { return func(db *DB) { db.clock = clock } }

// WithTrace calls trace after every statement, with the context it ran in; tests count by it.
func WithTrace(trace func(ctx context.Context, statement string)) Option {
	return func(db *DB) { db.trace = trace }
}

// tracer tells a trace what gorm would log.
type tracer struct {
	logger.Interface
	trace func(ctx context.Context, statement string)
}

func (t tracer) LogMode(logger.LogLevel) logger.Interface { return t }

func (t tracer) Trace(ctx context.Context, _ time.Time, said func() (string, int64), _ error) {
	statement, _ := said()
	t.trace(ctx, statement)
}

// Open opens the database at address: "mysql://user:password@host:3306/name", with options of
// go-sql-driver/mysql as query, or "sqlite:path".
func Open(address string, options ...Option) (*DB, error) {
	var dialector gorm.Dialector
	db, connections := &DB{}, maxConnections
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "mysql":
		config, err := mysqlConfig(address)
		if err != nil {
			return nil, err
		}
		db.dialect = scheme
		// The version is named so that opening costs no query; it is the oldest that is supported.
		dialector = mysql.New(mysql.Config{DSNConfig: config, SkipInitializeWithVersion: true})
	case "sqlite":
		db.dialect, db.writer, connections = scheme, make(chan struct{}, 1), fileConnections
		db.file = sqliteDSN(rest)
		dialector = sqlite.Open(db.file + "&_pragma=synchronous(FULL)")
		db.clock = utcNow
	default:
		return nil, errors.New("a database address begins with mysql:// or sqlite:")
	}
	for _, option := range options {
		option(db)
	}
	db.session, db.gate = db.statement(findSession), db.statement(findGate)
	quiet := logger.Discard
	if db.trace != nil {
		quiet = tracer{quiet, db.trace}
	}
	opened, err := gorm.Open(dialector, &gorm.Config{
		TranslateError:         true,
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		NowFunc:                utcNow,
		Logger:                 quiet,
	})
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	pool, err := opened.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	db.gorm = opened
	return db, nil
}

// maxConnections is both the most open and the most idle connections, so that none is made anew under load. A file takes
// fewer: nothing waits for a network, and each has a cache of its own.
const (
	maxConnections  = 24
	fileConnections = 8
)

func utcNow() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func mysqlConfig(address string) (*driver.Config, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return nil, errors.New("a MySQL address looks like mysql://user:password@host:3306/name")
	}
	host := u.Host
	if u.Port() == "" {
		host += ":3306"
	}
	query := u.Query()
	network := "tcp"
	if socket := query.Get("socket"); socket != "" {
		network, host = "unix", socket
		query.Del("socket")
	}
	config, err := driver.ParseDSN("/?" + query.Encode())
	if err != nil {
		return nil, fmt.Errorf("options of the MySQL address: %w", err)
	}
	config.User, config.Net, config.Addr, config.DBName = u.User.Username(), network, host, strings.Trim(u.Path, "/")
	config.Passwd, _ = u.User.Password()
	config.ParseTime, config.Loc, config.InterpolateParams, config.ClientFoundRows = true, time.UTC, true, true
	config.RejectReadOnly = true
	config.Timeout, config.ReadTimeout, config.WriteTimeout = 3*time.Second, 10*time.Second, 10*time.Second
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	config.Params["time_zone"] = "'+00:00'"
	if config.Collation == "" {
		config.Collation = "utf8mb4_bin"
	}
	return config, nil
}

// sqliteDSN leaves texts that look like a date the texts they are (_texttotime).
func sqliteDSN(path string) string {
	return "file:" + path + "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)" +
		"&_pragma=foreign_keys(1)&_texttotime=0&_inttotime=0"
}

// Dialect is "mysql" or "sqlite".
func (db *DB) Dialect() string { return db.dialect }

// Close ends every connection.
func (db *DB) Close() error {
	pool, err := db.gorm.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	pool, err := db.gorm.DB()
	if err != nil {
		return err
	}
	return pool.PingContext(ctx)
}

// now is the current time for a statement: the database's own clock, unless a test has set one.
func (db *DB) now() any {
	if db.clock != nil {
		return db.clock().UTC().Truncate(time.Microsecond)
	}
	return clause.Expr{SQL: utcTimestamp}
}

// utcTimestamp is the time that a MySQL server has.
const utcTimestamp = "UTC_TIMESTAMP(6)"

// Now asks the database what time it is: the clock that alone decides about terms (terms.md, principle 3).
func (db *DB) Now(ctx context.Context) (time.Time, error) {
	if db.clock != nil {
		return db.clock().UTC().Truncate(time.Microsecond), nil
	}
	var now time.Time
	err := db.db(ctx).Raw("SELECT " + utcTimestamp).Scan(&now).Error
	return now, err
}

type txKey struct{}

// db is the only door to the database: the transaction of ctx, else a connection of its own.
func (db *DB) db(ctx context.Context) *gorm.DB {
	if tx, ok := ctx.Value(txKey{}).(*gorm.DB); ok {
		return tx.WithContext(ctx)
	}
	return db.gorm.WithContext(ctx)
}

// often is db for the few statements that most requests make: each is prepared once per connection. The others are not, so
// that many replicas stay below what a server keeps (MySQL's max_prepared_stmt_count). In a transaction it is db: there a
// statement would wait for whoever prepares it, who may wait for a connection, of which transactions hold the last.
func (db *DB) often(ctx context.Context) *gorm.DB {
	if _, inside := ctx.Value(txKey{}).(*gorm.DB); inside {
		return db.db(ctx)
	}
	return db.db(ctx).Session(&gorm.Session{PrepareStmt: true})
}

// maxAttempts bounds how often a transaction that lost a race is run again.
const maxAttempts = 5

// InTx runs fn in one transaction: all of it happens, or nothing. Inside another InTx it joins that one.
// A transaction that lost a race (deadlock, lock timeout, changed snapshot, busy file, lost connection) is run
// again as a whole, so fn must have no effect but through the database.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if _, inside := ctx.Value(txKey{}).(*gorm.DB); inside {
		return fn(ctx)
	}
	for attempt := 1; ; attempt++ {
		err := db.transaction(ctx, fn)
		if err == nil || attempt == maxAttempts || !transient(err) {
			return err
		}
		wait := time.Duration(rand.IntN(10<<attempt)) * time.Millisecond //nolint:gosec // jitter, not a secret
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// transaction runs fn in one transaction, once. Those who write to a file of SQLite stand in line here: SQLite itself has them
// try again and again, so that some would wait for long.
func (db *DB) transaction(ctx context.Context, fn func(ctx context.Context) error) error {
	if db.writer != nil {
		select {
		case db.writer <- struct{}{}:
			defer func() { <-db.writer }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return fn(context.WithValue(ctx, txKey{}, tx))
	})
}

// transient reports whether the same transaction may well succeed when it is run again.
func transient(err error) bool {
	if refused, ok := errors.AsType[*driver.MySQLError](err); ok {
		switch refused.Number {
		case 1213, // deadlock
			1205,       // lock wait timeout
			1020,       // record has changed since last read (MariaDB ≥ 11.6.2)
			1047,       // Galera: node not ready
			9007, 8022: // TiDB: write conflict, commit failed and may be retried
			return true
		}
		return false
	}
	return errors.Is(err, driver.ErrInvalidConn) || strings.Contains(err.Error(), "SQLITE_BUSY") ||
		strings.Contains(err.Error(), "database is locked")
}

// forUpdate locks what a query reads until the transaction ends. SQLite locks the whole file anyway.
func (db *DB) forUpdate(tx *gorm.DB) *gorm.DB {
	if db.dialect == "mysql" {
		return tx.Clauses(clause.Locking{Strength: "UPDATE"})
	}
	return tx
}

// found turns gorm's answer for a missing row into ErrNotFound.
func found(err error) error {
	if errors.Is(err, gorm.ErrRecordNotFound) || errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// duplicate reports whether err says that a unique key is taken.
func duplicate(err error) bool { return errors.Is(err, gorm.ErrDuplicatedKey) }

// orNull and orZero carry optional times: the zero time of the domain is NULL in a row.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Microsecond)
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// optional carries optional texts that must be unique: empty is NULL in a row.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
