package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"portico/internal/ledger"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// TestKeysFollowEachOther rotates the key: what was signed before still holds, the ledger says who follows whom, and a key
// that was put in behind its back is found.
func TestKeysFollowEachOther(t *testing.T) {
	t.Parallel()
	storetest.Unguarded(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f)
		u := tenant.User{Tenant: f.Tenant.ID, ID: ana}
		d.write(3)
		d.place()
		old, _ := d.Key(t.Context(), f.Tenant.ID)
		before, err := d.Receipt(t.Context(), u, d.ids[0])
		if err != nil {
			t.Fatal(err)
		}
		checkpoint, _ := d.Checkpoint(t.Context(), f.Tenant.ID)
		next, err := d.Rotate(t.Context(), f.Tenant)
		if err != nil || next == old {
			t.Fatalf("got %q, %v, want another key", next, err)
		}
		d.write(2)
		d.place()
		after, err := d.Receipt(t.Context(), u, d.ids[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.VerifyReceipt(after, old); !errors.Is(err, ledger.ErrReceipt) {
			t.Errorf("got %v, want the old key to sign nothing any more", err)
		}
		public, statements, err := d.Keys(t.Context(), f.Tenant.ID)
		if err != nil || len(public) != 2 || public[0] != next || public[1] != old || len(statements) != 1 {
			t.Fatalf("got %v, %v, %v", public, statements, err)
		}
		if strings.Count(statements[0], "\n— ") != 2 {
			t.Errorf("got %s, want two signatures", statements[0])
		}
		for _, receipt := range []string{before, after} {
			if _, err := ledger.VerifyReceipt(receipt, strings.Join(public, "\n")); err != nil {
				t.Error(err)
			}
		}
		for _, since := range []string{"", checkpoint} {
			if n, err := d.Verify(t.Context(), f.Tenant.ID, since); err != nil || n != 6 {
				t.Errorf("got %d, %v, want a whole ledger of 6", n, err)
			}
		}
		if _, err := d.Rotate(t.Context(), f.Tenant); err != nil {
			t.Fatal(err)
		}
		if n, err := d.Verify(t.Context(), f.Tenant.ID, ""); err != nil || n != 7 {
			t.Errorf("got %d, %v after another rotation", n, err)
		}
		d.exec("UPDATE ledger_rotations SET statement = REPLACE(statement, 'key rotation', 'key rotatioN') WHERE tenant_id = ? AND serial = 1", string(f.Tenant.ID))
		d.wantBroken("", "key 1 does not follow key 0 by a statement that both signed")
	})
}

// TestVerifyFromACheckpoint looks at what came after a checkpoint alone, and still finds a tree that does not continue it.
func TestVerifyFromACheckpoint(t *testing.T) {
	t.Parallel()
	storetest.Unguarded(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f)
		d.write(11)
		d.place()
		since, _ := d.Checkpoint(t.Context(), f.Tenant.ID)
		d.write(6)
		d.place()
		if n, err := d.Verify(t.Context(), f.Tenant.ID, since); err != nil || n != 17 {
			t.Errorf("got %d, %v, want 17", n, err)
		}
		d.exec("UPDATE assent_events SET payload = 'x' WHERE tenant_id = ? AND leaf_index = 2", string(f.Tenant.ID))
		if _, err := d.Verify(t.Context(), f.Tenant.ID, since); err != nil {
			t.Errorf("got %v: what came before is not looked at again", err)
		}
		d.wantBroken("", "entry 2 is not what was committed to")
		d.exec("UPDATE assent_events SET payload = 'x' WHERE tenant_id = ? AND leaf_index = 14", string(f.Tenant.ID))
		d.wantBroken(since, "entry 14 is not what was committed to")
		d.exec("UPDATE ledger_hashes SET hash = ? WHERE tenant_id = ? AND number = 14", make([]byte, 32), string(f.Tenant.ID))
		d.wantBroken(since, "the checkpoint over 11 entries is of another tree")
	})
}

// TestALongLedgerIsVerifiedInParts is longer than what is read at once.
func TestALongLedgerIsVerifiedInParts(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t)
	d := newDesk(t, f)
	err := f.DB.InTx(t.Context(), func(ctx context.Context) error {
		for range 2100 {
			d.add(ctx)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d.place()
	if n, err := d.Verify(t.Context(), f.Tenant.ID, ""); err != nil || n != 2100 {
		t.Errorf("got %d, %v", n, err)
	}
	lines, err := d.Inclusion(t.Context(), f.Tenant.ID, 2000, 2100)
	if err != nil || len(lines) < 10 {
		t.Errorf("got %v, %v, want a leaf and the way to the root", lines, err)
	}
	if _, err := d.Inclusion(t.Context(), f.Tenant.ID, 2100, 2100); !errors.Is(err, ledger.ErrNone) {
		t.Errorf("got %v beyond the end", err)
	}
}

// TestTheWatchRaisesAnAlarm finds a broken ledger, says so until it is whole, and tells the day's checkpoint once.
func TestTheWatchRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	storetest.Unguarded(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f)
		told := 0
		tell := func() {
			t.Helper()
			if err := d.TellDaily(t.Context(), f.Tenant.ID, func(context.Context, string) error { told++; return nil }); err != nil {
				t.Error(err)
			}
		}
		if tell(); told != 0 {
			t.Error("got a checkpoint of nothing")
		}
		d.write(4)
		d.place()
		tell()
		if tell(); told != 1 {
			t.Errorf("got %d checkpoints on one day", told)
		}
		f.Clock.Advance(25 * time.Hour)
		if tell(); told != 2 {
			t.Errorf("got %d checkpoints on two days", told)
		}
		d.write(1)
		d.place()
		if err := d.Watch(t.Context(), f.Tenant.ID, false); err != nil || d.Alarm() != nil {
			t.Errorf("got %v, %v", err, d.Alarm())
		}
		d.exec("UPDATE assent_events SET payload = CONCAT(payload, ' ') WHERE tenant_id = ? AND leaf_index = 1", string(f.Tenant.ID))
		if err := d.Watch(t.Context(), f.Tenant.ID, false); err != nil {
			t.Errorf("got %v: yesterday's checkpoint is over that entry", err)
		}
		if err := d.Watch(t.Context(), f.Tenant.ID, true); !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("got %v", err)
		}
		if err := d.Alarm(); err == nil || !strings.Contains(err.Error(), "entry 1") {
			t.Errorf("got %v, want an alarm about entry 1", err)
		}
		d.exec("UPDATE assent_events SET payload = RTRIM(payload) WHERE tenant_id = ? AND leaf_index = 1", string(f.Tenant.ID))
		if err := d.Watch(t.Context(), f.Tenant.ID, true); err != nil || d.Alarm() != nil {
			t.Errorf("got %v, %v once it is whole", err, d.Alarm())
		}
	})
}
