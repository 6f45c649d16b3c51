package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

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
	if db.schemaIs(ctx, newest(files)) {
		return nil
	}
	provider, err := db.provider(pool, files)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func (db *DB) provider(pool *sql.DB, files fs.FS) (*goose.Provider, error) {
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if db.dialect == "mysql" {
		locker, err := lock.NewMySQLTableLocker(lock.WithTableLockTimeout(time.Second, 300))
		if err != nil {
			return nil, err
		}
		dialect, options = goose.DialectMySQL, append(options, goose.WithLocker(locker))
	}
	return goose.NewProvider(dialect, pool, files, options...)
}

// schemaIs reports whether version is the newest that the database has; no, when it cannot be asked.
func (db *DB) schemaIs(ctx context.Context, version int64) bool {
	var newest int64
	err := db.db(ctx).Raw("SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version").Scan(&newest).Error
	return err == nil && newest >= version
}

// newest is the highest number that a migration's file name begins with.
func newest(files fs.FS) int64 {
	names, _ := fs.Glob(files, "*.sql")
	var highest int64
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			highest = max(highest, n)
		}
	}
	return highest
}
