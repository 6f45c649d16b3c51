package password

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrFormat says that a stored hash is not a PHC string this package can verify.
var ErrFormat = errors.New("not an argon2id hash within the limits")

// parameters of Argon2id: memory in KiB, passes over it, and lanes.
type parameters struct {
	memory uint32
	passes uint32
	lanes  uint8
}

// native is what new hashes are made with (OWASP Password Storage: 19 MiB, 2 passes, 1 lane).
var native = parameters{memory: 19456, passes: 2, lanes: 1}

// The sizes of new hashes, and what is accepted of a hash from elsewhere: its cost is ours to pay at every sign-in.
const (
	saltLength = 16
	keyLength  = 32

	minSalt, maxSalt = 8, 64
	minKey, maxKey   = 16, 64
	maxMemory        = 64 << 10 // KiB
	maxPasses        = 10
	maxLanes         = 8
	maxWork          = 4 * maxMemory // memory times passes
)

// encoded is a hash with everything needed to verify it.
type encoded struct {
	parameters
	salt, key []byte
}

// String returns the PHC string, such as $argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>.
func (e encoded) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s",
		e.memory, e.passes, e.lanes, b64.EncodeToString(e.salt), b64.EncodeToString(e.key))
}

// parse reads a PHC string: exactly what String writes, with other numbers within the limits.
func parse(phc string) (encoded, error) {
	fields := strings.Split(phc, "$")
	if len(fields) != 6 {
		return encoded{}, ErrFormat
	}
	var e encoded
	_, numbers := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &e.memory, &e.passes, &e.lanes)
	var salt, key error
	e.salt, salt = base64.RawStdEncoding.DecodeString(fields[4])
	e.key, key = base64.RawStdEncoding.DecodeString(fields[5])
	if errors.Join(numbers, salt, key) != nil || !e.acceptable() || e.String() != phc {
		return encoded{}, ErrFormat
	}
	return e, nil
}

func (e encoded) acceptable() bool {
	return within(len(e.salt), minSalt, maxSalt) && within(len(e.key), minKey, maxKey) &&
		within(e.lanes, 1, maxLanes) && within(e.passes, 1, maxPasses) &&
		within(e.memory, 8*uint32(e.lanes), maxMemory) && e.memory*e.passes <= maxWork
}

func within[N int | uint8 | uint32](n, least, most N) bool { return least <= n && n <= most }
