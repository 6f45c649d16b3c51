package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"portico/internal/tenant"
)

// ErrBroken says that the ledger is not what was signed, and where.
var ErrBroken = errors.New("the ledger is broken")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}

// verifyRows is how many entries are read at once.
const verifyRows = 1000

// Verify recomputes a tenant's tree from its entries and compares it with every hash and every checkpoint that was kept.
// With since, a checkpoint from elsewhere, it begins behind the entries that one was signed over, whose hashes must still
// be those of its tree. It returns how many entries there are, or ErrBroken with the index of the first that is wrong.
// Entries whose payload was erased count by their commitment. It holds a few hashes in memory, however long the ledger is.
func (s *Service) Verify(ctx context.Context, t tenant.ID, since string) (int64, error) {
	keys, err := s.store.LedgerKeys(ctx, t)
	if err != nil {
		return 0, err
	}
	head, err := s.store.Head(ctx, t)
	if err != nil {
		return 0, err
	}
	count, err := s.store.CountPlaced(ctx, t)
	if err != nil {
		return 0, err
	}
	if len(keys) == 0 {
		if count > 0 || head.Size > 0 || since != "" {
			return 0, broken("its key is missing")
		}
		return 0, nil
	}
	if err := checkChain(keys); err != nil {
		return 0, err
	}
	v := &verification{store: s.store, tenant: t, keys: keys, rotations: map[string]bool{}}
	for _, k := range keys[1:] {
		v.rotations[k.Statement] = since == ""
	}
	if err := v.begin(ctx, since, count); err != nil {
		return 0, err
	}
	for more := true; more; {
		if more, err = v.batch(ctx); err != nil {
			return 0, err
		}
	}
	return v.size, v.end(ctx, head, count)
}

// verification is how far a ledger was found right: the entries before size, and the roots of the whole trees among them.
type verification struct {
	store     Store
	tenant    tenant.ID
	keys      []Key
	serial    int // of the key that signed the newest checkpoint so far
	size      int64
	subtrees  []tlog.Hash     // by level, where size has a bit
	rotations map[string]bool // statement → whether its entry is still to be found
}

// begin takes up the tree of a checkpoint.
func (v *verification) begin(ctx context.Context, since string, count int64) error {
	if since == "" {
		return nil
	}
	serial, tree, err := v.open(since)
	v.serial = serial
	if err != nil {
		return err
	}
	if count < tree.N {
		return broken("a checkpoint was signed over %d entries, entry %d is missing", tree.N, count)
	}
	v.subtrees = make([]tlog.Hash, bits.Len64(uint64(tree.N)))
	for level := range v.subtrees {
		if tree.N>>level&1 == 1 {
			kept, err := v.store.TreeHashes(ctx, v.tenant, []int64{tlog.StoredHashIndex(level, tree.N>>level-1)})
			if err != nil {
				return broken("a hash over the entries before %d is missing", tree.N)
			}
			v.subtrees[level] = kept[0]
		}
	}
	v.size = tree.N
	return v.compare(tree)
}

// batch verifies the next entries and the checkpoints that were signed over them; it reports whether there may be more.
func (v *verification) batch(ctx context.Context) (bool, error) {
	entries, err := v.store.PlacedEntries(ctx, v.tenant, v.size, verifyRows)
	if err != nil {
		return false, err
	}
	first := v.size
	checkpoints, err := v.store.Checkpoints(ctx, v.tenant, first, first+int64(len(entries)))
	if err != nil {
		return false, err
	}
	number := tlog.StoredHashIndex(0, first)
	kept, err := v.store.HashesFrom(ctx, v.tenant, number, 2*len(entries)+64)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.Index != v.size {
			return false, broken("entry %d is missing", v.size)
		}
		made, err := v.add(e)
		if err != nil {
			return false, err
		}
		for i, hash := range made {
			if kept[number+int64(i)] != hash {
				return false, broken("entry %d is not the one in the tree", e.Index)
			}
		}
		number += int64(len(made))
		for len(checkpoints) > 0 && checkpoints[0].Size == v.size {
			if err := v.checkpoint(checkpoints[0].Checkpoint); err != nil {
				return false, err
			}
			checkpoints = checkpoints[1:]
		}
	}
	return len(entries) == verifyRows, nil
}

// add checks an entry against its commitment and returns the hashes that it adds to the tree, in the order in which they
// are kept (that of tlog.StoredHashes).
func (v *verification) add(e Entry) ([]tlog.Hash, error) {
	if e.Salt != "" && !e.opens() {
		return nil, broken("entry %d is not what was committed to", e.Index)
	}
	if err := v.rotation(e); err != nil {
		return nil, err
	}
	hash, err := e.leaf()
	if err != nil {
		return nil, broken("%v", err)
	}
	made := []tlog.Hash{hash}
	level := 0
	for ; v.size>>level&1 == 1; level++ {
		hash = tlog.NodeHash(v.subtrees[level], hash)
		made = append(made, hash)
	}
	if level == len(v.subtrees) {
		v.subtrees = append(v.subtrees, hash)
	}
	v.subtrees[level] = hash
	v.size++
	return made, nil
}

// rotation notes that a key's statement stands in the ledger.
func (v *verification) rotation(e Entry) error {
	if !strings.Contains(e.Payload, `"type":"`+Rotated+`"`) {
		return nil
	}
	var m marker
	if err := json.Unmarshal([]byte(e.Payload), &m); err != nil || m.Type != Rotated {
		return nil //nolint:nilerr // some other entry with such words in it
	}
	if _, known := v.rotations[m.Statement]; !known {
		return broken("entry %d speaks of a key that is missing", e.Index)
	}
	v.rotations[m.Statement] = false
	return nil
}

// root is that of the tree of the entries so far (RFC 6962, section 2.1).
func (v *verification) root() tlog.Hash {
	var root tlog.Hash
	for level, first := 0, true; level < len(v.subtrees); level++ {
		switch {
		case v.size>>level&1 == 0:
		case first:
			root, first = v.subtrees[level], false
		default:
			root = tlog.NodeHash(v.subtrees[level], root)
		}
	}
	return root
}

func (v *verification) compare(tree tlog.Tree) error {
	if v.root() != tree.Hash {
		return broken("the checkpoint over %d entries is of another tree", tree.N)
	}
	return nil
}

// open checks who signed a checkpoint and reads it.
func (v *verification) open(checkpoint string) (serial int, tree tlog.Tree, err error) {
	for serial = len(v.keys) - 1; serial >= 0; serial-- {
		known, err := note.NewVerifier(v.keys[serial].Public)
		if err != nil {
			return 0, tlog.Tree{}, broken("key %d cannot be read", serial)
		}
		if _, tree, err = openCheckpoint(checkpoint, known); err == nil {
			return serial, tree, nil
		} else if serial == 0 {
			return 0, tlog.Tree{}, broken("%v", err)
		}
	}
	return 0, tlog.Tree{}, ErrNone
}

// checkpoint checks one that was signed over the entries so far. A key that another followed signs nothing any more.
func (v *verification) checkpoint(text string) error {
	serial, tree, err := v.open(text)
	if err != nil {
		return fmt.Errorf("%w (over the entries before %d)", err, v.size)
	}
	if serial < v.serial {
		return broken("the checkpoint over %d entries is signed by key %d, which key %d had followed", v.size, serial, v.serial)
	}
	v.serial = serial
	if tree.N != v.size {
		return broken("the checkpoint over %d entries says it is over %d", v.size, tree.N)
	}
	return v.compare(tree)
}

// end checks that no entry, no checkpoint and no key lies beyond the end.
func (v *verification) end(ctx context.Context, head Head, count int64) error {
	beyond, err := v.store.Checkpoints(ctx, v.tenant, v.size, head.Size+1<<40)
	if err != nil {
		return err
	}
	switch {
	case head.Size > v.size:
		return broken("entry %d is missing", v.size)
	case len(beyond) > 0:
		return broken("a checkpoint was signed over %d entries, entry %d is missing", beyond[0].Size, v.size)
	case head.Size < v.size || count > v.size:
		return broken("the head says %d entries, there are %d", head.Size, max(v.size, count))
	case v.size == 0:
		return nil
	}
	if err := v.checkpoint(head.Checkpoint); err != nil {
		return err
	}
	for _, wanted := range v.rotations {
		if waiting, err := v.store.WaitingEntries(ctx, v.tenant, 1); err != nil || (wanted && len(waiting) == 0) {
			return errors.Join(err, broken("a key followed another, and no entry before %d says so", v.size))
		}
	}
	return nil
}
