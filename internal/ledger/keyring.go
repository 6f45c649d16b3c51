package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"portico/internal/tenant"
)

// Key is one of the keys that sign a tenant's ledger, one after the other. Statement says that it follows the one before
// it, signed by both; the first has none. Sealed is its private part, gone once another followed.
type Key struct {
	Serial    int
	Public    string // a verifier key of signed notes
	Sealed    []byte
	Statement string
	At        time.Time
}

const sealPurpose = "ledger"

// signer opens the key that signs now. It makes the first one when there is none.
func (s *Service) signer(ctx context.Context, t tenant.Tenant) (note.Signer, error) {
	keys, err := s.store.LedgerKeys(ctx, t.ID)
	if err == nil && len(keys) == 0 {
		var made Key
		if made, _, err = s.makeKey(Origin(t)); err != nil {
			return nil, err
		}
		if made, err = s.store.AddLedgerKey(ctx, t.ID, made); err != nil { // another replica may have been first
			return nil, err
		}
		return s.open(made)
	}
	if err != nil {
		return nil, err
	}
	return s.open(keys[len(keys)-1])
}

// makeKey makes a key and seals its private part. A ledger keeps its name when the host changes, so name is that of the
// key before, if there is one.
func (s *Service) makeKey(name string) (Key, note.Signer, error) {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return Key{}, nil, err
	}
	signer, err := note.NewSigner(private)
	return Key{Public: public, Sealed: s.ring.Seal(sealPurpose, []byte(private)), At: s.now()}, signer, err
}

func (s *Service) open(k Key) (note.Signer, error) {
	private, err := s.ring.Open(sealPurpose, k.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open the ledger's key: %w", err)
	}
	return note.NewSigner(string(private))
}

// Key returns the public key that signs a tenant's ledger now as a verifier key of signed notes, or ErrNone.
func (s *Service) Key(ctx context.Context, t tenant.ID) (string, error) {
	keys, err := s.store.LedgerKeys(ctx, t)
	if err == nil && len(keys) == 0 {
		err = ErrNone
	}
	if err != nil {
		return "", err
	}
	return keys[len(keys)-1].Public, nil
}

// Keys returns every public key of a tenant's ledger, the newest first, one a line, with the statements by which each
// followed the one before, or ErrNone.
func (s *Service) Keys(ctx context.Context, t tenant.ID) (public []string, statements []string, err error) {
	keys, err := s.store.LedgerKeys(ctx, t)
	if err == nil && len(keys) == 0 {
		err = ErrNone
	}
	for _, k := range slices.Backward(keys) {
		public = append(public, k.Public)
		if k.Statement != "" {
			statements = append(statements, k.Statement)
		}
	}
	return public, statements, err
}

// Rotate makes another key sign a tenant's ledger from now on. That it follows the one before is said in a note which both
// sign and which becomes an entry; the private part of the old one is erased. It returns the new public key.
func (s *Service) Rotate(ctx context.Context, t tenant.Tenant) (string, error) {
	if _, err := s.signer(ctx, t); err != nil {
		return "", err
	}
	var public string
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.store.LockHead(ctx, t.ID, s.now()); err != nil {
			return err
		}
		keys, err := s.store.LedgerKeys(ctx, t.ID)
		if err != nil {
			return err
		}
		old := keys[len(keys)-1]
		signer, err := s.open(old)
		if err != nil {
			return err
		}
		made, next, err := s.makeKey(signer.Name())
		if err != nil {
			return err
		}
		made.Serial = old.Serial + 1
		statement, err := note.Sign(&note.Note{Text: rotationText(signer.Name(), old.Public, made)}, signer, next)
		if err != nil {
			return err
		}
		made.Statement, public = string(statement), made.Public
		if err := s.store.RotateLedgerKey(ctx, t.ID, made); err != nil {
			return err
		}
		return s.mark(ctx, t.ID, marker{Type: Rotated, Statement: made.Statement, OccurredAt: made.At})
	})
	if err != nil {
		return "", err
	}
	return public, s.SequenceTenant(ctx, t)
}

// rotationText is what both keys sign: no checkpoint and no promise has such a second line.
func rotationText(origin, old string, next Key) string {
	return fmt.Sprintf("%s\nkey rotation\n%s\n%s\n%s\n", origin, old, next.Public, next.At.UTC().Format(time.RFC3339Nano))
}

// checkChain reports whether each key followed the one before by a statement that both signed.
func checkChain(keys []Key) error {
	for i := 1; i < len(keys); i++ {
		old, oldErr := note.NewVerifier(keys[i-1].Public)
		next, nextErr := note.NewVerifier(keys[i].Public)
		if err := errors.Join(oldErr, nextErr); err != nil {
			return broken("key %d cannot be read", i)
		}
		opened, err := note.Open([]byte(keys[i].Statement), note.VerifierList(old, next))
		if err != nil || len(opened.Sigs) != 2 || opened.Text != rotationText(next.Name(), keys[i-1].Public, keys[i]) {
			return broken("key %d does not follow key %d by a statement that both signed", i, i-1)
		}
	}
	return nil
}

// verifiers reads public keys, one a line, as they are published.
func verifiers(lines string) ([]note.Verifier, error) {
	var all []note.Verifier
	for line := range strings.FieldsSeq(lines) {
		v, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("%w: the key cannot be read", ErrReceipt)
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: the key cannot be read", ErrReceipt)
	}
	return all, nil
}
