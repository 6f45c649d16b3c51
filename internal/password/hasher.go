package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"runtime"

	"golang.org/x/crypto/argon2"
)

// ErrBusy says that too many passwords wait to be hashed; the browser gets 503 and may try again in a moment.
var ErrBusy = errors.New("too many passwords wait to be hashed")

// queue is how many callers may wait for each processor: about a second and a half of work.
const queue = 64

// Hasher hashes and verifies passwords with Argon2id. It works on as many at a time as there are processors,
// because every hash takes 19 MiB: a burst of sign-ins must not become an attack on the memory (security.md row 10).
type Hasher struct {
	running chan struct{} // as many places as processors
	present chan struct{} // those and the places to wait
}

// NewHasher returns a Hasher for the processors of this machine.
func NewHasher() *Hasher {
	n := runtime.GOMAXPROCS(0)
	return &Hasher{running: make(chan struct{}, n), present: make(chan struct{}, n+n*queue)}
}

// Hash returns the PHC string of a password. It fails with ErrBusy, or with the error of ctx when that ends while waiting.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	e := encoded{parameters: native, salt: make([]byte, saltLength)}
	_, _ = rand.Read(e.salt) // never fails
	var err error
	if e.key, err = h.derive(ctx, e.parameters, e.salt, keyLength, password); err != nil {
		return "", err
	}
	return e.String(), nil
}

// Verify reports whether password is the one that phc was made from, and whether it should be hashed anew with
// today's parameters. An empty phc, that of an account without a password, verifies nothing but takes as long.
// It fails with ErrFormat when phc cannot be read, with ErrBusy, or with the error of ctx.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (ok, needsRehash bool, err error) {
	if phc == "" {
		return false, false, h.VerifyNothing(ctx, password)
	}
	e, err := parse(phc)
	if err != nil {
		return false, false, errors.Join(err, h.VerifyNothing(ctx, password))
	}
	key, err := h.derive(ctx, e.parameters, e.salt, len(e.key), password)
	if err != nil || subtle.ConstantTimeCompare(key, e.key) != 1 {
		return false, false, err
	}
	return true, e.parameters != native || len(e.salt) < saltLength || len(e.key) < keyLength, nil
}

// VerifyNothing does the work of Verify for an account that does not exist, so that the time of the answer does not
// tell whether it does (ASVS 6.3.8). It fails with ErrBusy or the error of ctx.
func (h *Hasher) VerifyNothing(ctx context.Context, password string) error {
	_, err := h.derive(ctx, native, make([]byte, saltLength), keyLength, password)
	return err
}

// derive waits for its turn and computes the key.
func (h *Hasher) derive(ctx context.Context, p parameters, salt []byte, length int, password string) ([]byte, error) {
	select {
	case h.present <- struct{}{}:
		defer func() { <-h.present }()
	default:
		return nil, ErrBusy
	}
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(normal(password)), salt, p.passes, p.memory, p.lanes, uint32(length)), nil
}
