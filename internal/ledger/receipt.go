package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"portico/internal/tenant"
)

// proofHeader begins a receipt: C2SP tlog-proof, version 1.
const proofHeader = "c2sp.org/tlog-proof@v1"

// ErrReceipt says why a receipt proves nothing.
var ErrReceipt = errors.New("receipt does not hold")

// Receipt proves that an entry of u is in the ledger, to anybody who has the ledger's public key: the entry's salt and
// payload, its place, the hashes from there to the root, and the checkpoint that signs the root. It returns ErrWaiting for
// an entry without a place yet, and ErrNone for one that is somebody else's.
func (s *Service) Receipt(ctx context.Context, u tenant.User, id string) (string, error) {
	e, err := s.entryOf(ctx, u, id)
	if err != nil {
		return "", err
	}
	head, err := s.store.Head(ctx, u.Tenant)
	if err != nil {
		return "", err
	}
	if e.Index < 0 || e.Index >= head.Size {
		return "", ErrWaiting
	}
	proof, err := tlog.ProveRecord(head.Size, e.Index, stored{ctx, s.store, u.Tenant})
	if err != nil {
		return "", err
	}
	extra, err := e.extra()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nextra %s\nindex %d\n", proofHeader, extra, e.Index)
	for _, hash := range proof {
		b.WriteString(hash.String() + "\n")
	}
	b.WriteString("\n" + head.Checkpoint)
	return b.String(), nil
}

// entryOf is an entry of u, or of an account that became part of theirs; ErrNone for any other, and for one that was erased.
func (s *Service) entryOf(ctx context.Context, u tenant.User, id string) (Entry, error) {
	e, err := s.store.FindEntry(ctx, u.Tenant, id)
	if err != nil {
		return Entry{}, err
	}
	if e.Salt == "" {
		return Entry{}, ErrNone
	}
	if e.User == u.ID {
		return e, nil
	}
	ids, err := s.store.IDs(ctx, u)
	if err == nil && !slices.Contains(ids, e.User) {
		err = ErrNone
	}
	return e, err
}

// Proven is what a receipt says once it was found to hold.
type Proven struct {
	Payload string
	Index   int64
	Size    int64
	Origin  string
}

// VerifyReceipt checks a receipt against the public keys of the ledger, one a line, with nothing else. The error is
// ErrReceipt with the reason.
func VerifyReceipt(receipt, keys string) (Proven, error) {
	head, checkpoint, ok := strings.Cut(receipt, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 || lines[0] != proofHeader {
		return Proven{}, fmt.Errorf("%w: it does not begin with %q", ErrReceipt, proofHeader)
	}
	encoded, hasExtra := strings.CutPrefix(lines[1], "extra ")
	extra, err := base64.StdEncoding.DecodeString(encoded)
	if !hasExtra || err != nil || len(extra) < sha256.Size {
		return Proven{}, fmt.Errorf("%w: salt and payload cannot be read", ErrReceipt)
	}
	number, hasIndex := strings.CutPrefix(lines[2], "index ")
	index, err := strconv.ParseInt(number, 10, 64)
	if !hasIndex || err != nil {
		return Proven{}, fmt.Errorf("%w: the index cannot be read", ErrReceipt)
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return Proven{}, fmt.Errorf("%w: a hash cannot be read", ErrReceipt)
		}
		proof = append(proof, hash)
	}
	known, err := verifiers(keys)
	if err != nil {
		return Proven{}, err
	}
	origin, tree, err := openCheckpoint(checkpoint, known...)
	if err != nil {
		return Proven{}, err
	}
	payload := string(extra[sha256.Size:])
	commitment, err := hex.DecodeString(commitmentOf(extra[:sha256.Size], payload))
	if err != nil {
		return Proven{}, err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(commitment)); err != nil {
		return Proven{}, fmt.Errorf("%w: the entry is not in the tree that was signed", ErrReceipt)
	}
	return Proven{payload, index, tree.N, origin}, nil
}

// openCheckpoint checks the signature of a checkpoint and reads it.
func openCheckpoint(checkpoint string, known ...note.Verifier) (string, tlog.Tree, error) {
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(known...))
	if err != nil {
		return "", tlog.Tree{}, fmt.Errorf("%w: the checkpoint is not signed by this key", ErrReceipt)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != opened.Sigs[0].Name {
		return "", tlog.Tree{}, fmt.Errorf("%w: the checkpoint is of another ledger", ErrReceipt)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return "", tlog.Tree{}, fmt.Errorf("%w: the size cannot be read", ErrReceipt)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return "", tlog.Tree{}, fmt.Errorf("%w: the root cannot be read", ErrReceipt)
	}
	return lines[0], tlog.Tree{N: size, Hash: root}, nil
}

// Inclusion proves that the entry with this index is in the tree of this size (RFC 6962, section 2.1.1): the hash of its
// leaf and then those from there to the root, without what it says. A size beyond the newest checkpoint is ErrNone.
func (s *Service) Inclusion(ctx context.Context, t tenant.ID, index, size int64) ([]string, error) {
	head, err := s.store.Head(ctx, t)
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= size || size > head.Size {
		return nil, ErrNone
	}
	tree := stored{ctx, s.store, t}
	leaf, err := tree.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return nil, err
	}
	proof, err := tlog.ProveRecord(size, index, tree)
	return texts(append(leaf, proof...)), err
}

func texts(hashes []tlog.Hash) []string {
	lines := make([]string, len(hashes))
	for i, hash := range hashes {
		lines[i] = hash.String()
	}
	return lines
}

// Consistency proves that the tree of size from is the beginning of the tree of size to (RFC 6962, section 2.1.2). Nothing
// or a size beyond the newest checkpoint is ErrNone.
func (s *Service) Consistency(ctx context.Context, t tenant.ID, from, to int64) ([]string, error) {
	head, err := s.store.Head(ctx, t)
	if err != nil {
		return nil, err
	}
	if from < 1 || from > to || to > head.Size {
		return nil, ErrNone
	}
	proof, err := tlog.ProveTree(to, from, stored{ctx, s.store, t})
	return texts(proof), err
}

// Attest signs a statement about something that is not in the tree with the key of the tenant's ledger: a signed note whose
// first line says what it is about, and whose second line is the SHA-256 of that in hexadecimal. The first line of a checkpoint
// is the ledger's name, so neither passes for the other.
func (s *Service) Attest(ctx context.Context, t tenant.Tenant, what string, sum [sha256.Size]byte) (string, error) {
	signer, err := s.signer(ctx, t)
	if err != nil {
		return "", err
	}
	signed, err := note.Sign(&note.Note{Text: what + "\n" + hex.EncodeToString(sum[:]) + "\n"}, signer)
	return string(signed), err
}
