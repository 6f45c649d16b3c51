package keys

import (
	"bytes"
	"errors"
	"testing"
)

func ring(t *testing.T, secrets ...[]byte) Ring {
	t.Helper()
	r, err := New(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRing(t *testing.T) {
	oldKey, newKey := Generate(), Generate()
	before, after, other := ring(t, oldKey), ring(t, newKey, oldKey), ring(t, newKey)
	sealed, mac := before.Seal("letter", []byte("hello")), before.MAC("cookie", []byte("id"))

	t.Run("what is kept for long is sealed anew, and then needs the newest key alone", func(t *testing.T) {
		renewed, differs, err := after.Renew("letter", sealed)
		if err != nil || !differs {
			t.Fatalf("got differs %t, %v, want it sealed anew", differs, err)
		}
		if got, err := other.Open("letter", renewed); err != nil || string(got) != "hello" {
			t.Errorf("with the newest key: got %q, %v, want hello", got, err)
		}
		if again, differs, err := after.Renew("letter", renewed); err != nil || differs || !bytes.Equal(again, renewed) {
			t.Errorf("once more: got differs %t, %v, want it as it is", differs, err)
		}
		if _, _, err := other.Renew("letter", sealed); !errors.Is(err, ErrSealed) {
			t.Errorf("by a stranger: got %v, want %v", err, ErrSealed)
		}
	})

	t.Run("a rotated ring opens what an older key made", func(t *testing.T) {
		if got, err := after.Open("letter", sealed); err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v, want hello", got, err)
		}
		if !after.Verify("cookie", []byte("id"), mac) {
			t.Error("got an unproven value, want it proven")
		}
	})
	t.Run("a ring without the key opens nothing", func(t *testing.T) {
		if _, err := other.Open("letter", sealed); !errors.Is(err, ErrSealed) {
			t.Errorf("got %v, want ErrSealed", err)
		}
		if other.Verify("cookie", []byte("id"), mac) {
			t.Error("got a proven value, want it refused")
		}
	})
	t.Run("a value is worth nothing for another purpose", func(t *testing.T) {
		if _, err := before.Open("cookie", sealed); err == nil {
			t.Error("got an opened value, want ErrSealed")
		}
		if before.Verify("letter", []byte("id"), mac) {
			t.Error("got a proven value, want it refused")
		}
	})
	t.Run("a changed byte opens nothing", func(t *testing.T) {
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if _, err := before.Open("letter", changed); err == nil {
				t.Fatalf("byte %d changed: got an opened value, want ErrSealed", i)
			}
		}
	})
}

func TestParse(t *testing.T) {
	for name, s := range map[string]string{"empty": "", "not base64": "???", "too short": "AAAA"} {
		if _, err := Parse(s); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
}
