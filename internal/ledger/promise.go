package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"portico/internal/tenant"
)

// promiseHeader begins a promise.
const promiseHeader = "portico-promise@v1"

// Promise is what a person holds before their entry has its place: a note, signed by the ledger's key, over the commitment
// and the time, with the salt and payload that open it. An entry that is dropped afterwards is missing from a tree that was
// promised to hold it, and whoever has the promise can show that. It returns ErrNone for an entry that is not u's.
func (s *Service) Promise(ctx context.Context, t tenant.Tenant, u tenant.User, id string) (string, error) {
	e, err := s.entryOf(ctx, u, id)
	if err != nil {
		return "", err
	}
	signer, err := s.signer(ctx, t)
	if err != nil {
		return "", err
	}
	commitment, err := hex.DecodeString(e.Commitment)
	if err != nil {
		return "", err
	}
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\npromise\n%s\n%s\n", signer.Name(),
		base64.StdEncoding.EncodeToString(commitment), e.At.UTC().Format(time.RFC3339Nano))}, signer)
	if err != nil {
		return "", err
	}
	extra, err := e.extra()
	return promiseHeader + "\nextra " + extra + "\n\n" + string(signed), err
}

// extra is the salt and the payload, which open the commitment.
func (e Entry) extra() (string, error) {
	salt, err := hex.DecodeString(e.Salt)
	return base64.StdEncoding.EncodeToString(append(salt, e.Payload...)), err
}

// Promised is what a promise says once it was found to hold.
type Promised struct {
	Payload    string
	Commitment string // in hexadecimal, as entries have it
	At         time.Time
	Origin     string
}

// VerifyPromise checks a promise against the public keys of the ledger, one a line. The error is ErrReceipt with the reason.
func VerifyPromise(promise, keys string) (Promised, error) {
	head, signed, ok := strings.Cut(promise, "\n\n")
	first, encoded, hasExtra := strings.Cut(head, "\nextra ")
	extra, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || !hasExtra || first != promiseHeader || err != nil || len(extra) < sha256.Size {
		return Promised{}, fmt.Errorf("%w: it does not begin with %s, salt and payload", ErrReceipt, promiseHeader)
	}
	known, err := verifiers(keys)
	if err != nil {
		return Promised{}, err
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(known...))
	if err != nil {
		return Promised{}, fmt.Errorf("%w: the promise is not signed by this key", ErrReceipt)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 5 || lines[0] != opened.Sigs[0].Name || lines[1] != "promise" {
		return Promised{}, fmt.Errorf("%w: what was signed is no promise", ErrReceipt)
	}
	commitment, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return Promised{}, fmt.Errorf("%w: the commitment cannot be read", ErrReceipt)
	}
	at, err := time.Parse(time.RFC3339Nano, lines[3])
	if err != nil {
		return Promised{}, fmt.Errorf("%w: the time cannot be read", ErrReceipt)
	}
	p := Promised{Payload: string(extra[sha256.Size:]), Commitment: hex.EncodeToString(commitment), At: at, Origin: lines[0]}
	if commitmentOf(extra[:sha256.Size], p.Payload) != p.Commitment {
		return Promised{}, fmt.Errorf("%w: salt and payload are not those that were promised", ErrReceipt)
	}
	return p, nil
}

// Kept reports whether the ledger holds what was promised: the place of the entry, -1 while it waits for one. ErrBroken
// says that it was dropped.
func (s *Service) Kept(ctx context.Context, t tenant.ID, p Promised) (int64, error) {
	e, err := s.store.FindCommitment(ctx, t, p.Commitment)
	if err == ErrNone { //nolint:errorlint // the store returns it bare
		return 0, broken("an entry was promised at %s and is not there", p.At.Format(time.RFC3339))
	}
	return e.Index, err
}
