package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// fileLock lets one program at a time bring a file of SQLite up to date: a row that holds for a minute, so that one that was
// killed does not keep the others out for ever. It is goose's lock.Locker, which has none for SQLite.
type fileLock struct{}

const (
	fileLockTable = "CREATE TABLE IF NOT EXISTS goose_file_lock (one INTEGER NOT NULL PRIMARY KEY, until INTEGER NOT NULL)"
	fileLockTake  = "INSERT INTO goose_file_lock (one, until) VALUES (1, unixepoch() + 60) " +
		"ON CONFLICT (one) DO UPDATE SET until = excluded.until WHERE goose_file_lock.until < unixepoch()"
	fileLockFree = "DELETE FROM goose_file_lock"
	fileLockWait = 20 * time.Millisecond
)

// Lock waits until this program has the lock, or ctx ends.
func (fileLock) Lock(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, fileLockTable); err != nil {
		return err
	}
	for {
		result, err := db.ExecContext(ctx, fileLockTake)
		if err != nil {
			return err
		}
		if taken, err := result.RowsAffected(); err != nil || taken == 1 {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("another program is bringing the database up to date"), ctx.Err())
		case <-time.After(fileLockWait):
		}
	}
}

// Unlock gives the lock back.
func (fileLock) Unlock(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, fileLockFree)
	return err
}
