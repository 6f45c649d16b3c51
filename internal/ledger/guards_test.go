package ledger_test

import (
	"context"
	"strings"
	"testing"

	"portico/internal/ledger"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// TestTheDatabaseRefusesToChangeTheLedger tries it with plain SQL, as somebody would who has found a way to it.
func TestTheDatabaseRefusesToChangeTheLedger(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		if have, want, err := f.DB.Guarded(t.Context()); err != nil || have != want {
			t.Fatalf("got %d of %d triggers, %v", have, want, err)
		}
		d := newDesk(t, f)
		d.write(2)
		d.place()
		d.write(1)
		pool := f.SQL(t)
		for _, statement := range []string{
			"DELETE FROM assent_events WHERE tenant_id = ?",
			"DELETE FROM ledger_hashes WHERE tenant_id = ?",
			"DELETE FROM ledger_checkpoints WHERE tenant_id = ?",
			"DELETE FROM ledger_heads WHERE tenant_id = ?",
			"DELETE FROM ledger_keys WHERE tenant_id = ?",
			"UPDATE assent_events SET payload = 'x' WHERE tenant_id = ?",
			"UPDATE assent_events SET payload = NULL WHERE tenant_id = ?",
			"UPDATE assent_events SET salt = 'x' WHERE tenant_id = ?",
			"UPDATE assent_events SET commitment = 'x' WHERE tenant_id = ?",
			"UPDATE assent_events SET user_id = 'x' WHERE tenant_id = ?",
			"UPDATE assent_events SET number = 7 WHERE tenant_id = ?",
			"UPDATE assent_events SET type = 'declined' WHERE tenant_id = ?",
			"UPDATE assent_events SET occurred_at = '2020-01-01 00:00:00' WHERE tenant_id = ?",
			"UPDATE assent_events SET leaf_index = 99 WHERE leaf_index = 1 AND tenant_id = ?",
			"UPDATE assent_events SET leaf_index = NULL WHERE leaf_index = 1 AND tenant_id = ?",
			"UPDATE assent_events SET payload = NULL, salt = NULL, commitment = 'x' WHERE tenant_id = ?",
			"UPDATE ledger_hashes SET number = 99 WHERE number = 0 AND tenant_id = ?",
			"UPDATE ledger_checkpoints SET checkpoint = 'x' WHERE tenant_id = ?",
			"UPDATE ledger_heads SET size = 1 WHERE tenant_id = ?",
			"UPDATE ledger_keys SET public = 'x' WHERE tenant_id = ?",
		} {
			_, err := pool.ExecContext(t.Context(), statement, string(f.Tenant.ID))
			if err == nil || !strings.Contains(err.Error(), "the ledger is append-only") {
				t.Errorf("%s: got %v, want it refused", statement, err)
			}
		}
		d.place()
		if n, err := d.Verify(t.Context(), f.Tenant.ID, ""); err != nil || n != 3 {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

// TestErasureLeavesTheLedgerWhole erases somebody's entries, placed and waiting: nothing tells of them any more, the tree
// stays whole, an entry says that it was done, and a receipt that was kept still holds.
func TestErasureLeavesTheLedgerWhole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f)
		u := tenant.User{Tenant: f.Tenant.ID, ID: ana}
		d.write(3)
		d.place()
		kept, err := d.Receipt(t.Context(), u, d.ids[1])
		if err != nil {
			t.Fatal(err)
		}
		d.write(1)
		err = f.DB.InTx(t.Context(), func(ctx context.Context) error {
			count, err := d.Erase(ctx, u)
			if count != 4 {
				t.Errorf("got %d erased, want 4", count)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		d.place()
		if n, err := d.Verify(t.Context(), f.Tenant.ID, ""); err != nil || n != 5 {
			t.Errorf("got %d, %v, want four entries and the one that says so", n, err)
		}
		var left int
		query := `SELECT COUNT(*) FROM assent_events WHERE tenant_id = ? AND (user_id = ? OR payload LIKE ? OR event_id IN (?, ?, ?, ?)
			OR (payload IS NOT NULL AND type <> 'erased'))`
		row := f.SQL(t).QueryRowContext(t.Context(), query, string(f.Tenant.ID), ana, "%"+ana+"%", d.ids[0], d.ids[1], d.ids[2], d.ids[3])
		if err := row.Scan(&left); err != nil || left != 0 {
			t.Errorf("got %d entries that tell of somebody, %v", left, err)
		}
		key, _ := d.Key(t.Context(), f.Tenant.ID)
		if _, err := ledger.VerifyReceipt(kept, key); err != nil {
			t.Errorf("a receipt from before: %v", err)
		}
		if count, err := d.Erase(t.Context(), u); err != nil || count != 0 {
			t.Errorf("once more: got %d, %v, want nothing to do", count, err)
		}
	})
}
