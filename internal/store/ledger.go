package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"gorm.io/gorm/clause"

	"portico/internal/ledger"
	"portico/internal/tenant"
)

type headRow struct {
	TenantID   string
	Size       int64
	Checkpoint string
	SignedAt   time.Time
}

func (headRow) TableName() string { return "ledger_heads" }

func (r headRow) head() ledger.Head {
	return ledger.Head{Size: r.Size, Checkpoint: r.Checkpoint, SignedAt: r.SignedAt.UTC()}
}

// Head returns the newest checkpoint of a tenant, the zero Head for an empty tree.
func (db *DB) Head(ctx context.Context, t tenant.ID) (ledger.Head, error) {
	var row headRow
	err := found(db.db(ctx).Where("tenant_id = ?", string(t)).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return ledger.Head{}, nil
	}
	return row.head(), err
}

// LockHead is Head, and keeps others from moving the head until the transaction ends.
func (db *DB) LockHead(ctx context.Context, t tenant.ID, now time.Time) (ledger.Head, error) {
	row := headRow{TenantID: string(t), SignedAt: now}
	if err := db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return ledger.Head{}, err
	}
	err := db.forUpdate(db.db(ctx)).Where("tenant_id = ?", string(t)).Take(&row).Error
	return row.head(), err
}

// Waiting lists tenants with entries that have no place in the tree yet.
func (db *DB) Waiting(ctx context.Context) ([]tenant.ID, error) {
	var ids []tenant.ID
	err := db.db(ctx).Raw("SELECT DISTINCT tenant_id FROM assent_events WHERE leaf_index IS NULL AND commitment <> '' LIMIT 100").Scan(&ids).Error
	return ids, err
}

func (r assentEventRow) entry() ledger.Entry {
	e := ledger.Entry{
		Tenant: tenant.ID(r.TenantID), ID: r.EventID, User: r.UserID, Payload: r.Payload, Salt: r.Salt, Commitment: r.Commitment, Index: -1,
		At: r.OccurredAt.UTC(),
	}
	if r.LeafIndex != nil {
		e.Index = *r.LeafIndex
	}
	return e
}

func entriesOf(rows []assentEventRow) []ledger.Entry {
	entries := make([]ledger.Entry, len(rows))
	for i, row := range rows {
		entries[i] = row.entry()
	}
	return entries
}

// WaitingEntries lists entries that have no place yet, by id.
func (db *DB) WaitingEntries(ctx context.Context, t tenant.ID, limit int) ([]ledger.Entry, error) {
	var rows []assentEventRow
	err := db.db(ctx).Where("tenant_id = ? AND leaf_index IS NULL AND commitment <> ''", string(t)).Order("event_id").Limit(limit).Find(&rows).Error
	return entriesOf(rows), err
}

// PlacedEntries lists entries by their places, from the place from on.
func (db *DB) PlacedEntries(ctx context.Context, t tenant.ID, from int64, limit int) ([]ledger.Entry, error) {
	var rows []assentEventRow
	err := db.db(ctx).Where("tenant_id = ? AND leaf_index >= ?", string(t), from).Order("leaf_index").Limit(limit).Find(&rows).Error
	return entriesOf(rows), err
}

// CountPlaced says how many entries have a place.
func (db *DB) CountPlaced(ctx context.Context, t tenant.ID) (int64, error) {
	var count int64
	err := db.db(ctx).Model(&assentEventRow{}).Where("tenant_id = ? AND leaf_index >= 0", string(t)).Count(&count).Error
	return count, err
}

// FindEntry finds an entry by its id, or returns ledger.ErrNone.
func (db *DB) FindEntry(ctx context.Context, t tenant.ID, id string) (ledger.Entry, error) {
	var row assentEventRow
	err := found(db.db(ctx).Where("tenant_id = ? AND event_id = ?", string(t), id).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return ledger.Entry{}, ledger.ErrNone
	}
	return row.entry(), err
}

type hashRow struct {
	TenantID string
	Number   int64
	Hash     []byte
}

func (hashRow) TableName() string { return "ledger_hashes" }

// hashRows is how many hashes are written with one statement, below the number of parameters that SQLite takes.
const hashRows = 500

// Place gives entries their places, stores the hashes of the tree from the number first on, and moves the head.
func (db *DB) Place(ctx context.Context, t tenant.ID, entries []ledger.Entry, first int64, hashes []tlog.Hash, head ledger.Head) error {
	rows := make([]hashRow, len(hashes))
	for i := range hashes {
		rows[i] = hashRow{string(t), first + int64(i), hashes[i][:]}
	}
	if err := db.db(ctx).CreateInBatches(rows, hashRows).Error; err != nil {
		return err
	}
	for start := 0; start < len(entries); start += hashRows {
		if err := db.placeEntries(ctx, t, entries[start:min(start+hashRows, len(entries))]); err != nil {
			return err
		}
	}
	moved := headRow{string(t), head.Size, head.Checkpoint, head.SignedAt}
	err := db.db(ctx).Model(&moved).Where("tenant_id = ?", string(t)).Select("size", "checkpoint", "signed_at").UpdateColumns(&moved).Error
	if err != nil {
		return err
	}
	return db.db(ctx).Table("ledger_checkpoints").Create(&moved).Error
}

// placeEntries writes the places of entries with one statement.
func (db *DB) placeEntries(ctx context.Context, t tenant.ID, entries []ledger.Entry) error {
	var cases strings.Builder
	ids := make([]string, len(entries))
	args := make([]any, 0, 2*len(entries)+2)
	for i, e := range entries {
		cases.WriteString(" WHEN ? THEN ?")
		ids[i], args = e.ID, append(args, e.ID, e.Index)
	}
	args = append(args, string(t), ids)
	done := db.db(ctx).Exec(fmt.Sprintf(`UPDATE assent_events SET leaf_index = CASE event_id%s END
		WHERE tenant_id = ? AND event_id IN ? AND leaf_index IS NULL`, cases.String()), args...)
	if done.Error == nil && done.RowsAffected != int64(len(entries)) {
		return fmt.Errorf("placed %d of %d entries", done.RowsAffected, len(entries))
	}
	return done.Error
}

// TreeHashes reads hashes of a tenant's tree by their numbers, in their order.
func (db *DB) TreeHashes(ctx context.Context, t tenant.ID, numbers []int64) ([]tlog.Hash, error) {
	var rows []hashRow
	if err := db.db(ctx).Where("tenant_id = ? AND number IN ?", string(t), numbers).Find(&rows).Error; err != nil {
		return nil, err
	}
	byNumber := make(map[int64]tlog.Hash, len(rows))
	for _, row := range rows {
		byNumber[row.Number] = tlog.Hash(row.Hash)
	}
	hashes := make([]tlog.Hash, len(numbers))
	for i, number := range numbers {
		hash, ok := byNumber[number]
		if !ok {
			return nil, fmt.Errorf("hash %d of the ledger is missing", number)
		}
		hashes[i] = hash
	}
	return hashes, nil
}

// HashesFrom reads hashes of a tenant's tree by their numbers from the number first on.
func (db *DB) HashesFrom(ctx context.Context, t tenant.ID, first int64, limit int) (map[int64]tlog.Hash, error) {
	var rows []hashRow
	err := db.db(ctx).Where("tenant_id = ? AND number >= ?", string(t), first).Order("number").Limit(limit).Find(&rows).Error
	hashes := make(map[int64]tlog.Hash, len(rows))
	for _, row := range rows {
		if len(row.Hash) == tlog.HashSize {
			hashes[row.Number] = tlog.Hash(row.Hash)
		}
	}
	return hashes, err
}

// Checkpoints lists what was signed over more than after and at most upto entries, by size.
func (db *DB) Checkpoints(ctx context.Context, t tenant.ID, after, upto int64) ([]ledger.Head, error) {
	var rows []headRow
	err := db.db(ctx).Table("ledger_checkpoints").Where("tenant_id = ? AND size > ? AND size <= ?", string(t), after, upto).
		Order("size").Limit(1000).Find(&rows).Error
	heads := make([]ledger.Head, len(rows))
	for i, row := range rows {
		heads[i] = row.head()
	}
	return heads, err
}

// FindCommitment finds an entry by its commitment, or returns ledger.ErrNone. No index helps: it is for the rare case that
// somebody shows a promise.
func (db *DB) FindCommitment(ctx context.Context, t tenant.ID, commitment string) (ledger.Entry, error) {
	var row assentEventRow
	err := found(db.db(ctx).Where("tenant_id = ? AND commitment = ?", string(t), commitment).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return ledger.Entry{}, ledger.ErrNone
	}
	return row.entry(), err
}
