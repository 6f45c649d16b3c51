package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/libtnb/sqlite"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema up to date. It is safe when several replicas start together: one of them does it, the
// others wait. When nothing is to do it costs one query.
func (db *DB) Migrate(ctx context.Context) error {
	pool, err := db.gorm.DB()
	if err != nil {
		return err
	}
	files, err := fs.Sub(migrations, path.Join("migrations", db.dialect))
	if err != nil {
		return err
	}
	if db.schemaHas(ctx, files) {
		return nil
	}
	if db.file != "" {
		if pool, err = swift(db.file); err != nil {
			return err
		}
		defer func() { _ = pool.Close() }()
	}
	provider, err := db.provider(pool, files)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	_ = db.Guard(ctx) // a server without triggers goes without; Guarded tells
	return nil
}

// swift opens a file of SQLite without waiting for the disk after every step: should the power fail, then steps are missing
// and are done again at the next start, but none is torn (PRAGMA synchronous=NORMAL in WAL mode).
func swift(file string) (*sql.DB, error) {
	return sql.Open(sqlite.DriverName, file+"&_pragma=synchronous(NORMAL)&_time_format=sqlite")
}

func (db *DB) provider(pool *sql.DB, files fs.FS) (*goose.Provider, error) {
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true), // families of tables have numbers of their own
		goose.WithGoMigrations(db.filling()),
	}
	if db.dialect == "mysql" {
		locker, err := lock.NewMySQLTableLocker(lock.WithTableLockTimeout(time.Second, 300))
		if err != nil {
			return nil, err
		}
		dialect, options = goose.DialectMySQL, append(options, goose.WithLocker(locker))
	} else {
		options = append(options, goose.WithLocker(fileLock{}))
	}
	return goose.NewProvider(dialect, pool, files, options...)
}

// schemaHas reports whether every one of these migrations was applied; no, when the database cannot be asked. Migrations
// of a newer program may have been applied too.
func (db *DB) schemaHas(ctx context.Context, files fs.FS) bool {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return false
	}
	var applied int
	err = db.db(ctx).Raw("SELECT COUNT(DISTINCT version_id) FROM goose_db_version WHERE version_id > 0 AND is_applied = TRUE").Scan(&applied).Error
	return err == nil && applied >= len(names)+1 // the filling is none of the files
}
