package password

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const good = "seven umbrellas in the lift"

func TestHashVerifies(t *testing.T) {
	h, ctx := NewHasher(), t.Context()
	phc, err := h.Hash(ctx, good)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("got %s, want the parameters of row 10", phc)
	}
	if again, _ := h.Hash(ctx, good); again == phc {
		t.Error("two hashes of one password are the same, want different salts")
	}
	for password, want := range map[string]bool{
		good: true, good + " ": false, strings.ToUpper(good): false, good[:len(good)-1]: false, "": false,
	} {
		ok, rehash, err := h.Verify(ctx, phc, password)
		if ok != want || rehash || err != nil {
			t.Errorf("%q: got %v, %v, %v, want %v without rehash", password, ok, rehash, err, want)
		}
	}
}

func TestNothingIsCutFromALongPassword(t *testing.T) {
	h, ctx := NewHasher(), t.Context()
	phc, _ := h.Hash(ctx, emoji(128))
	if ok, _, _ := h.Verify(ctx, phc, emoji(128)); !ok {
		t.Error("128 emoji do not verify")
	}
	if ok, _, _ := h.Verify(ctx, phc, emoji(127)+"x"); ok {
		t.Error("another last code point verifies")
	}
}

func TestComposedAndDecomposedAreOnePassword(t *testing.T) {
	h, ctx := NewHasher(), t.Context()
	phc, _ := h.Hash(ctx, "caf\u00e9 with seven chairs")
	if ok, _, _ := h.Verify(ctx, phc, "cafe\u0301 with seven chairs"); !ok {
		t.Error("set with é composed, signing in with it decomposed is refused")
	}
}

func TestForeignParametersAskForARehash(t *testing.T) {
	h, ctx := NewHasher(), t.Context()
	p := parameters{memory: 8192, passes: 1, lanes: 2}
	key, err := h.derive(ctx, p, []byte("12345678"), 16, good)
	if err != nil {
		t.Fatal(err)
	}
	ok, rehash, err := h.Verify(ctx, encoded{p, []byte("12345678"), key}.String(), good)
	if !ok || !rehash || err != nil {
		t.Errorf("got %v, %v, %v, want a match that asks for a rehash", ok, rehash, err)
	}
}

func TestParseIsStrict(t *testing.T) {
	salt, key := strings.Repeat("A", 22), strings.Repeat("A", 43)
	if _, err := parse("$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + key); err != nil {
		t.Errorf("a hash of ours: %v", err)
	}
	for _, phc := range []string{
		"", "x", "$", "$$$$$", "plain text",
		"$2b$10$abcdefghijklmnopqrstuv",
		"$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$m=19456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2$" + salt + "$" + key,
		"$argon2id$v=19$m=+19456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1,x=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt[1:] + "B$" + key, // stray bits
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "==$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1$AAAA$" + key,       // a short salt
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$AAAA", // a short key
		"$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=10,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + key + "$",
	} {
		if e, err := parse(phc); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: got %+v, %v, want ErrFormat", phc, e, err)
		}
	}
}

func TestUnreadableHashRefuses(t *testing.T) {
	if ok, _, err := NewHasher().Verify(t.Context(), "$2b$10$x", good); ok || !errors.Is(err, ErrFormat) {
		t.Errorf("got %v, %v, want refused with ErrFormat", ok, err)
	}
}

// ASVS 6.3.8: an account that does not exist, or has no password, takes the same time.
func TestNothingTakesAsLongAsSomething(t *testing.T) {
	h, ctx := NewHasher(), t.Context()
	phc, _ := h.Hash(ctx, good)
	cheapest := func(work func()) time.Duration { // by the time of the processor, whatever else runs on this machine
		least := time.Hour
		for range 8 {
			start := used(t)
			work()
			least = min(least, used(t)-start)
		}
		return least
	}
	known := cheapest(func() { _, _, _ = h.Verify(ctx, phc, "wrong "+good) })
	for name, got := range map[string]time.Duration{
		"an unknown account":         cheapest(func() { _ = h.VerifyNothing(ctx, good) }),
		"an account with none":       cheapest(func() { _, _, _ = h.Verify(ctx, "", good) }),
		"an account from elsewhere":  cheapest(func() { _, _, _ = h.Verify(ctx, "$2b$10$x", good) }),
		"an account with a good one": cheapest(func() { _, _, _ = h.Verify(ctx, phc, good) }),
	} {
		if got < known*2/3 || got > known*3/2 {
			t.Errorf("%s takes %v, a wrong password %v", name, got, known)
		}
	}
}

// used is the time of the processor that this process has taken so far.
func used(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Row 10: memory stays bounded however many sign in at once; those beyond the queue are told at once.
func TestBurstStaysWithinMemoryAndQueue(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds")
	}
	h, ctx := NewHasher(), t.Context()
	places := cap(h.present)
	var inUse atomic.Uint64
	done := make(chan struct{})
	go func() {
		var m runtime.MemStats
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				runtime.ReadMemStats(&m)
				inUse.Store(max(inUse.Load(), m.HeapInuse))
			}
		}
	}()
	var wg sync.WaitGroup
	var busy, other atomic.Int32
	for range places + 100 {
		wg.Go(func() {
			switch err := h.VerifyNothing(ctx, good); {
			case errors.Is(err, ErrBusy):
				busy.Add(1)
			case err != nil:
				other.Add(1)
			}
		})
	}
	wg.Wait()
	close(done)
	if busy.Load() == 0 || other.Load() != 0 {
		t.Errorf("%d sign-ins at once: got %d busy, %d failed, want some busy and none failed", places+100, busy.Load(), other.Load())
	}
	bound := uint64(40+60*runtime.GOMAXPROCS(0)) << 20
	if got := inUse.Load(); got > bound {
		t.Errorf("memory rose to %d MiB, want at most %d", got>>20, bound>>20)
	}
}

func TestWaitingEndsWithTheRequest(t *testing.T) {
	h := &Hasher{running: make(chan struct{}, 1), present: make(chan struct{}, 2)}
	h.running <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if len(h.present) != 0 {
		t.Error("the place in the queue is not free again")
	}
}
