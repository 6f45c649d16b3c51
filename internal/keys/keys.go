// Package keys holds the process's secret keys and what is done with them: proving that a value is ours (MAC) and
// keeping a value unreadable at rest (Seal).
//
// Keys rotate: the newest makes, every one of them opens. Each purpose gets keys of its own, so that a value made
// for one purpose is worth nothing for another.
package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// MinLength is the least number of bytes of a key.
const MinLength = 32

// ErrSealed says that a sealed value was not made by any of our keys, or was changed since.
var ErrSealed = errors.New("sealed value does not open")

// Ring is a set of keys, newest first.
type Ring struct {
	secrets [][]byte
	derived *sync.Map // purpose → []pair, so that no request derives keys
}

type pair struct {
	mac  []byte
	aead cipher.AEAD
}

// New returns the ring of secrets, newest first, each of at least MinLength bytes.
func New(secrets ...[]byte) (Ring, error) {
	if len(secrets) == 0 {
		return Ring{}, errors.New("at least one key is needed")
	}
	for i, s := range secrets {
		if len(s) < MinLength {
			return Ring{}, fmt.Errorf("key %d has %d bytes, %d are needed", i+1, len(s), MinLength)
		}
	}
	return Ring{secrets: secrets, derived: &sync.Map{}}, nil
}

// Parse reads keys in base64, separated by commas, newest first.
func Parse(s string) (Ring, error) {
	var secrets [][]byte
	for part := range strings.SplitSeq(s, ",") {
		secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil {
			return Ring{}, fmt.Errorf("key %d is not base64", len(secrets)+1)
		}
		secrets = append(secrets, secret)
	}
	return New(secrets...)
}

// Generate returns a new random key.
func Generate() []byte {
	secret := make([]byte, MinLength)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	return secret
}

func (r Ring) of(purpose string) []pair {
	if found, ok := r.derived.Load(purpose); ok {
		return found.([]pair)
	}
	pairs := make([]pair, len(r.secrets))
	for i, secret := range r.secrets {
		material, err := hkdf.Key(sha256.New, secret, nil, "portico "+purpose, 64)
		if err != nil {
			panic("keys: " + err.Error()) // only for lengths that the constant above rules out
		}
		block, err := aes.NewCipher(material[32:])
		if err != nil {
			panic("keys: " + err.Error())
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			panic("keys: " + err.Error())
		}
		pairs[i] = pair{mac: material[:32], aead: aead}
	}
	r.derived.Store(purpose, pairs)
	return pairs
}

// Sum returns the HMAC-SHA256 of data under one of MACKeys.
func Sum(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

// MAC returns the HMAC-SHA256 of data under the newest key for purpose.
func (r Ring) MAC(purpose string, data []byte) []byte { return Sum(r.of(purpose)[0].mac, data) }

// Verify reports whether mac was made over data for purpose by any of the keys.
func (r Ring) Verify(purpose string, data, mac []byte) bool {
	ok := false
	for _, p := range r.of(purpose) {
		ok = hmac.Equal(mac, Sum(p.mac, data)) || ok
	}
	return ok
}

// Seal makes plain unreadable without the keys, with AES-256-GCM under the newest key for purpose.
func (r Ring) Seal(purpose string, plain []byte) []byte {
	aead := r.of(purpose)[0].aead
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, plain, nil)
}

// Open returns what was sealed for purpose by any of the keys, or ErrSealed.
func (r Ring) Open(purpose string, sealed []byte) ([]byte, error) {
	for _, p := range r.of(purpose) {
		size := p.aead.NonceSize()
		if len(sealed) < size {
			break
		}
		if plain, err := p.aead.Open(nil, sealed[:size], sealed[size:], nil); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSealed
}

// Renew returns what was sealed for purpose, sealed by the newest key, and whether that differs; or ErrSealed. Values that
// are kept for long are renewed, so that an older key can be given up.
func (r Ring) Renew(purpose string, sealed []byte) ([]byte, bool, error) {
	newest := r.of(purpose)[0].aead
	if size := newest.NonceSize(); len(sealed) >= size {
		if _, err := newest.Open(nil, sealed[:size], sealed[size:], nil); err == nil {
			return sealed, false, nil
		}
	}
	plain, err := r.Open(purpose, sealed)
	if err != nil {
		return sealed, false, err
	}
	return r.Seal(purpose, plain), true, nil
}

// MACKeys returns the keys that MAC uses for purpose, newest first, for a library that signs by itself.
func (r Ring) MACKeys(purpose string) [][]byte {
	pairs := r.of(purpose)
	keys := make([][]byte, len(pairs))
	for i, p := range pairs {
		keys[i] = p.mac
	}
	return keys
}
