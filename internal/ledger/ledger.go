// Package ledger makes the record of assent tamper-evident: a Merkle tree over every entry, with signed checkpoints, and
// receipts that anybody can verify without us (terms.md section 5).
//
// An entry is written with the change it tells about, as a plain insert: its payload, a salt of its own, and a commitment to
// both. A sequencer numbers entries afterwards and puts the commitments, and nothing else, into the tree, so that erasing
// payload and salt leaves the tree whole. The tree is that of RFC 6962, section 2.1; checkpoints and proofs have the forms
// of C2SP tlog-checkpoint, signed-note and tlog-proof@v1.
//
// It shows change, removal and back-dating after a checkpoint has left the house. It does not show that a user was a real
// person, nor an entry that was never written.
package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"portico/internal/keys"
	"portico/internal/tenant"
)

// Errors of this package.
var (
	ErrNone    = errors.New("no such entry, key or checkpoint")
	ErrWaiting = errors.New("entry is recorded and waits for its place in the tree")
)

// Entry is one record. Index is its place in the tree, negative while it waits for one. Payload and Salt are empty after
// an erasure.
type Entry struct {
	Tenant     tenant.ID
	ID         string
	User       string
	Payload    string
	Salt       string // 32 bytes in hexadecimal
	Commitment string // HMAC-SHA256 of the payload under the salt, in hexadecimal
	Index      int64
	At         time.Time
}

// Head is the newest state of a tenant's tree.
type Head struct {
	Size       int64
	Checkpoint string // a signed note; empty for an empty tree
	SignedAt   time.Time
}

// Commit makes the salt and the commitment of a new entry.
func Commit(payload string) (salt, commitment string) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	salt = hex.EncodeToString(secret)
	return salt, commitmentOf(secret, payload)
}

func commitmentOf(salt []byte, payload string) string {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(payload))
	return hex.EncodeToString(mac.Sum(nil))
}

// opens reports whether salt and payload are those that were committed to.
func (e Entry) opens() bool {
	salt, err := hex.DecodeString(e.Salt)
	return err == nil && hmac.Equal([]byte(commitmentOf(salt, e.Payload)), []byte(e.Commitment))
}

// leaf is the hash of the entry's leaf: that of the bytes of its commitment.
func (e Entry) leaf() (tlog.Hash, error) {
	commitment, err := hex.DecodeString(e.Commitment)
	if err != nil || len(commitment) != sha256.Size {
		return tlog.Hash{}, fmt.Errorf("entry %d: commitment is no hash", e.Index)
	}
	return tlog.RecordHash(commitment), nil
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// LedgerKeys lists the keys of a tenant's ledger, the first one first. AddLedgerKey keeps the first unless there is one
	// already, and returns the one that is kept; RotateLedgerKey adds one that follows, and erases the private parts of those before it.
	LedgerKeys(ctx context.Context, t tenant.ID) ([]Key, error)
	AddLedgerKey(ctx context.Context, t tenant.ID, k Key) (Key, error)
	RotateLedgerKey(ctx context.Context, t tenant.ID, k Key) error
	// Head returns the newest checkpoint, the zero Head for an empty tree; LockHead keeps others from moving it until the
	// transaction ends.
	Head(ctx context.Context, t tenant.ID) (Head, error)
	LockHead(ctx context.Context, t tenant.ID, now time.Time) (Head, error)
	// Waiting lists tenants with entries that have no place, and WaitingEntries such entries by id.
	Waiting(ctx context.Context) ([]tenant.ID, error)
	WaitingEntries(ctx context.Context, t tenant.ID, limit int) ([]Entry, error)
	// Place gives entries their places, stores the hashes from the number first on, and moves the head.
	Place(ctx context.Context, t tenant.ID, entries []Entry, first int64, hashes []tlog.Hash, head Head) error
	TreeHashes(ctx context.Context, t tenant.ID, numbers []int64) ([]tlog.Hash, error)
	// HashesFrom reads hashes by their numbers from the number first on.
	HashesFrom(ctx context.Context, t tenant.ID, first int64, limit int) (map[int64]tlog.Hash, error)
	// PlacedEntries lists entries by their places from the place from on; CountPlaced says how many there are.
	PlacedEntries(ctx context.Context, t tenant.ID, from int64, limit int) ([]Entry, error)
	CountPlaced(ctx context.Context, t tenant.ID) (int64, error)
	// FindEntry finds an entry by its id, FindCommitment by its commitment, or returns ErrNone.
	FindEntry(ctx context.Context, t tenant.ID, id string) (Entry, error)
	FindCommitment(ctx context.Context, t tenant.ID, commitment string) (Entry, error)
	// IDs lists u's id, and the ids of accounts that became part of theirs, whose entries are u's too.
	IDs(ctx context.Context, u tenant.User) ([]string, error)
	// AppendEntry adds an entry of this kind that is of nobody.
	AppendEntry(ctx context.Context, e Entry, kind string, at time.Time) error
	// EraseEntries empties the entries of u and says how many there were.
	EraseEntries(ctx context.Context, u tenant.User) (int, error)
	// Checkpoints lists what was signed over more than after and at most upto entries, by size, a thousand at most of those
	// beyond the last entry.
	Checkpoints(ctx context.Context, t tenant.ID, after, upto int64) ([]Head, error)
	// TellDay notes that a checkpoint of this size was told to the auditor on a day, and reports whether it was the first of
	// that day. Told returns the newest checkpoint that was told before a moment, or the zero Head.
	TellDay(ctx context.Context, t tenant.ID, day string, size int64, now time.Time) (bool, error)
	Told(ctx context.Context, t tenant.ID, before time.Time) (Head, error)
}

// Service numbers entries, signs checkpoints and writes receipts.
type Service struct {
	store Store
	ring  keys.Ring
	now   func() time.Time

	mu     sync.Mutex
	alarms map[tenant.ID]error // what the last verification found
}

// New returns the service on store. The private keys of ledgers are sealed under ring.
func New(store Store, ring keys.Ring, now func() time.Time) *Service {
	return &Service{store: store, ring: ring, now: now, alarms: map[tenant.ID]error{}}
}

// Origin names a tenant's ledger: the host, and the tenant.
func Origin(t tenant.Tenant) string {
	host := "portico"
	if u, err := url.Parse(t.Origin); err == nil && u.Host != "" {
		host = u.Host
	}
	return host + "/ledger/" + string(t.ID)
}

// Checkpoint returns the newest checkpoint of a tenant's ledger, or ErrNone.
func (s *Service) Checkpoint(ctx context.Context, t tenant.ID) (string, error) {
	head, err := s.store.Head(ctx, t)
	if err == nil && head.Checkpoint == "" {
		err = ErrNone
	}
	return head.Checkpoint, err
}

// batch is how many entries get their places in one transaction.
const batch = 1000

// Sequence gives every entry that waits its place, tenant by tenant. Any number of replicas may do so at once: the head is
// locked, so no place is given twice and none is left out.
func (s *Service) Sequence(ctx context.Context, find func(ctx context.Context, id tenant.ID) (tenant.Tenant, error)) error {
	waiting, err := s.store.Waiting(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range waiting {
		t, err := find(ctx, id)
		if err == nil {
			err = s.SequenceTenant(ctx, t)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("ledger of %s: %w", id, err))
		}
	}
	return failed
}

// SequenceTenant is Sequence for one tenant.
func (s *Service) SequenceTenant(ctx context.Context, t tenant.Tenant) error {
	for {
		placed, err := s.place(ctx, t)
		if err != nil || placed < batch {
			return err
		}
	}
}

func (s *Service) place(ctx context.Context, t tenant.Tenant) (placed int, err error) {
	if _, err := s.signer(ctx, t); err != nil { // the first key is kept whatever becomes of the entries
		return 0, err
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		now := s.now()
		head, err := s.store.LockHead(ctx, t.ID, now)
		if err != nil {
			return err
		}
		entries, err := s.store.WaitingEntries(ctx, t.ID, batch)
		if placed = len(entries); err != nil || placed == 0 {
			return err
		}
		signer, err := s.signer(ctx, t) // none follows it while the head is locked
		if err != nil {
			return err
		}
		first := tlog.StoredHashIndex(0, head.Size)
		grown := &growing{stored: stored{ctx, s.store, t.ID}, first: first}
		for i := range entries {
			entries[i].Index = head.Size + int64(i)
			leaf, err := entries[i].leaf()
			if err != nil {
				return err
			}
			more, err := tlog.StoredHashesForRecordHash(entries[i].Index, leaf, grown)
			if err != nil {
				return err
			}
			grown.added = append(grown.added, more...)
		}
		size := head.Size + int64(placed)
		root, err := tlog.TreeHash(size, grown)
		if err != nil {
			return err
		}
		signed, err := note.Sign(&note.Note{Text: checkpointText(signer.Name(), size, root)}, signer)
		if err != nil {
			return err
		}
		return s.store.Place(ctx, t.ID, entries, first, grown.added, Head{Size: size, Checkpoint: string(signed), SignedAt: now})
	})
	return placed, err
}

// checkpointText is the body of C2SP tlog-checkpoint: origin, size, root.
func checkpointText(origin string, size int64, root tlog.Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, root)
}

// stored reads the hashes of a tenant's tree.
type stored struct {
	ctx   context.Context
	store Store
	id    tenant.ID
}

// ReadHashes implements tlog.HashReader.
func (t stored) ReadHashes(numbers []int64) ([]tlog.Hash, error) {
	return t.store.TreeHashes(t.ctx, t.id, numbers)
}

// growing is a tree with hashes that are not stored yet, which begin at the number first.
type growing struct {
	stored
	first int64
	added []tlog.Hash
}

// ReadHashes implements tlog.HashReader.
func (g *growing) ReadHashes(numbers []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(numbers))
	var old []int64
	var places []int
	for i, n := range numbers {
		if n < g.first {
			old, places = append(old, n), append(places, i)
			continue
		}
		if n-g.first >= int64(len(g.added)) {
			return nil, fmt.Errorf("hash %d is not made yet", n)
		}
		hashes[i] = g.added[n-g.first]
	}
	if len(old) == 0 {
		return hashes, nil
	}
	read, err := g.stored.ReadHashes(old)
	if err != nil {
		return nil, err
	}
	for i, place := range places {
		hashes[place] = read[i]
	}
	return hashes, nil
}
