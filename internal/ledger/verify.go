package ledger

import (
	"context"
	"errors"
	"fmt"

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

// Verify recomputes a tenant's whole tree from its entries and compares it with every hash and every checkpoint that was
// kept, and with since, a checkpoint from elsewhere, unless that is empty. It returns how many entries there are, or
// ErrBroken with the index of the first that is wrong. Entries whose payload was erased count by their commitment.
func (s *Service) Verify(ctx context.Context, t tenant.ID, since string) (int64, error) {
	key, err := s.Key(ctx, t)
	if errors.Is(err, ErrNone) {
		return 0, s.wantEmpty(ctx, t, since)
	}
	if err != nil {
		return 0, err
	}
	roots, err := s.signedRoots(ctx, t, key, since)
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
	tree := &growing{}
	for size := int64(0); ; {
		entries, err := s.store.PlacedEntries(ctx, t, size, verifyRows)
		if err != nil {
			return 0, err
		}
		for _, e := range entries {
			if e.Index != size {
				return 0, broken("entry %d is missing", size)
			}
			if err := s.verifyEntry(ctx, t, tree, e); err != nil {
				return 0, err
			}
			size++
			if err := verifyRoot(tree, size, roots); err != nil {
				return 0, err
			}
		}
		if len(entries) < verifyRows {
			return size, s.verifyEnd(size, count, head, roots)
		}
	}
}

// verifyEnd checks that no entry, and no checkpoint, lies beyond the end.
func (s *Service) verifyEnd(size, count int64, head Head, roots map[int64]tlog.Hash) error {
	if head.Size > size {
		return broken("entry %d is missing", size)
	}
	if head.Size < size || count != size {
		return broken("the head says %d entries, there are %d", head.Size, max(size, count))
	}
	for signed := range roots {
		if signed > size {
			return broken("a checkpoint was signed over %d entries, entry %d is missing", signed, size)
		}
	}
	return nil
}

// verifyEntry checks one entry against its commitment, and its leaf against the tree that is kept.
func (s *Service) verifyEntry(ctx context.Context, t tenant.ID, tree *growing, e Entry) error {
	if e.Salt != "" && !e.opens() {
		return broken("entry %d is not what was committed to", e.Index)
	}
	leaf, err := e.leaf()
	if err != nil {
		return broken("%v", err)
	}
	kept, err := s.store.TreeHashes(ctx, t, []int64{tlog.StoredHashIndex(0, e.Index)})
	if err != nil || kept[0] != leaf {
		return broken("entry %d is not the one in the tree", e.Index)
	}
	more, err := tlog.StoredHashesForRecordHash(e.Index, leaf, tree)
	if err != nil {
		return err
	}
	tree.added = append(tree.added, more...)
	return nil
}

func verifyRoot(tree *growing, size int64, roots map[int64]tlog.Hash) error {
	signed, ok := roots[size]
	if !ok {
		return nil
	}
	root, err := tlog.TreeHash(size, tree)
	if err != nil {
		return err
	}
	if root != signed {
		return broken("the checkpoint over %d entries is of another tree", size)
	}
	return nil
}

// signedRoots reads every checkpoint there is: who signed it, over how many entries, and which root.
func (s *Service) signedRoots(ctx context.Context, t tenant.ID, key, since string) (map[int64]tlog.Hash, error) {
	checkpoints, err := s.store.Checkpoints(ctx, t)
	if err != nil {
		return nil, err
	}
	head, err := s.store.Head(ctx, t)
	if err != nil {
		return nil, err
	}
	texts := []string{since, head.Checkpoint}
	for _, c := range checkpoints {
		texts = append(texts, c.Checkpoint)
	}
	roots := map[int64]tlog.Hash{}
	for _, text := range texts {
		if text == "" {
			continue
		}
		_, tree, err := openCheckpoint(text, key)
		if err != nil {
			return nil, broken("%v", err)
		}
		if before, ok := roots[tree.N]; ok && before != tree.Hash {
			return nil, broken("two checkpoints over %d entries are of different trees", tree.N)
		}
		roots[tree.N] = tree.Hash
	}
	return roots, nil
}

// wantEmpty is Verify for a ledger that never signed anything.
func (s *Service) wantEmpty(ctx context.Context, t tenant.ID, since string) error {
	count, err := s.store.CountPlaced(ctx, t)
	if err != nil {
		return err
	}
	if count > 0 || since != "" {
		return broken("its key is missing")
	}
	return nil
}
