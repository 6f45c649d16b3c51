package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/store"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// desk is a tenant's ledger and what is needed to look behind it.
type desk struct {
	storetest.Fixture
	*ledger.Service
	t   *testing.T
	ids []string
}

func newDesk(t *testing.T, f storetest.Fixture) *desk {
	t.Helper()
	ring, err := keys.New(keys.Generate())
	if err != nil {
		t.Fatal(err)
	}
	return &desk{Fixture: f, Service: ledger.New(only{f.DB, f.Tenant.ID}, ring, f.Clock.Now), t: t}
}

var ana = "portico|ana"

// write adds n entries.
func (d *desk) write(n int) {
	d.t.Helper()
	for range n {
		d.add(context.Background())
	}
}

func (d *desk) add(ctx context.Context) {
	d.t.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	e := terms.Event{
		ID: id, User: tenant.User{Tenant: d.Tenant.ID, ID: ana}, Type: terms.Accepted, Document: "terms", Number: 1, Nonce: id, OccurredAt: d.Clock.Now(),
	}
	if err := d.DB.AppendAssent(ctx, e); err != nil {
		d.t.Error(err)
	}
	d.ids = append(d.ids, id)
}

func (d *desk) place() {
	d.t.Helper()
	find := func(context.Context, tenant.ID) (tenant.Tenant, error) { return d.Tenant, nil }
	if err := d.Sequence(d.t.Context(), find); err != nil {
		d.t.Error(err)
	}
}

// only sees one tenant's entries: tests share a database.
type only struct {
	*store.DB
	tenant tenant.ID
}

func (o only) Waiting(context.Context) ([]tenant.ID, error) { return []tenant.ID{o.tenant}, nil }

// exec changes the database behind the ledger's back.
func (d *desk) exec(statement string, args ...any) {
	d.t.Helper()
	result, err := d.SQL(d.t).ExecContext(d.t.Context(), statement, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	if n, _ := result.RowsAffected(); n == 0 {
		d.t.Fatalf("%s changed nothing", statement)
	}
}

// wantBroken fails the test unless the ledger is found broken in these words.
func (d *desk) wantBroken(since, words string) {
	d.t.Helper()
	_, err := d.Verify(d.t.Context(), d.Tenant.ID, since)
	if !errors.Is(err, ledger.ErrBroken) || !strings.Contains(err.Error(), words) {
		d.t.Errorf("got %v, want it broken: %s", err, words)
	}
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f)
		u := tenant.User{Tenant: f.Tenant.ID, ID: ana}
		d.write(5)
		if _, err := d.Receipt(t.Context(), u, d.ids[0]); !errors.Is(err, ledger.ErrWaiting) {
			t.Errorf("got %v, want an entry that waits for its place", err)
		}
		d.place()
		d.write(6)
		d.place()
		key, err := d.Key(t.Context(), f.Tenant.ID)
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range d.ids {
			receipt, err := d.Receipt(t.Context(), u, id)
			if err != nil {
				t.Fatal(err)
			}
			proven, err := ledger.VerifyReceipt(receipt, key)
			if err != nil || proven.Index != int64(i) || proven.Size != 11 || !strings.Contains(proven.Payload, id) {
				t.Errorf("entry %d: got %+v, %v", i, proven, err)
			}
			lines := strings.Split(receipt, "\n")
			for name, bad := range map[string]string{
				"another index":   strings.Replace(receipt, fmt.Sprintf("index %d\n", i), fmt.Sprintf("index %d\n", (i+1)%11), 1),
				"another payload": strings.Replace(receipt, lines[1][:80], lines[1][:78]+"AA", 1),
				"another size":    strings.Replace(receipt, "\n11\n", "\n12\n", 1),
				"no checkpoint":   strings.Split(receipt, "\n\n")[0] + "\n\n",
				"nothing":         "",
			} {
				if _, err := ledger.VerifyReceipt(bad, key); !errors.Is(err, ledger.ErrReceipt) {
					t.Errorf("%s: got %v, want a receipt that does not hold", name, err)
				}
			}
		}
		if _, err := d.Receipt(t.Context(), tenant.User{Tenant: f.Tenant.ID, ID: "portico|ben"}, d.ids[0]); !errors.Is(err, ledger.ErrNone) {
			t.Errorf("got %v, want nothing of somebody else's", err)
		}
		other := newDesk(t, storetest.SQLite(t))
		other.write(1)
		other.place()
		stranger, _ := other.Key(t.Context(), other.Tenant.ID)
		receipt, _ := d.Receipt(t.Context(), u, d.ids[0])
		if _, err := ledger.VerifyReceipt(receipt, stranger); !errors.Is(err, ledger.ErrReceipt) {
			t.Errorf("got %v with another ledger's key", err)
		}
	})
}

// TestManyWritersAndSequencers races both: no place is given twice, none is left out, and every checkpoint holds.
func TestManyWritersAndSequencers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { (&desk{Fixture: f, Service: d.Service, t: t}).write(25) })
		}
		for range 3 {
			all.Go(func() {
				for range 5 {
					d.place()
				}
			})
		}
		all.Wait()
		d.place()
		if n, err := d.Verify(t.Context(), f.Tenant.ID, ""); err != nil || n != 100 {
			t.Errorf("got %d entries, %v, want 100", n, err)
		}
		for from := int64(1); from <= 100; from += 33 {
			if _, err := d.Consistency(t.Context(), f.Tenant.ID, from, 100); err != nil {
				t.Error(err)
			}
		}
		if _, err := d.Consistency(t.Context(), f.Tenant.ID, 1, 101); !errors.Is(err, ledger.ErrNone) {
			t.Errorf("got %v beyond the end", err)
		}
	})
}

// TestTampering changes one thing after the other behind the ledger's back: each is found, and named (terms.md 5).
func TestTampering(t *testing.T) {
	t.Parallel()
	ways := map[string]func(d *desk){
		"a byte of a payload": func(d *desk) {
			d.exec("UPDATE assent_events SET payload = REPLACE(payload, 'accepted', 'accepteD') WHERE tenant_id = ? AND leaf_index = 3", string(d.Tenant.ID))
			d.wantBroken("", "entry 3 is not what was committed to")
		},
		"a commitment": func(d *desk) {
			d.exec("UPDATE assent_events SET salt = '', commitment = ? WHERE tenant_id = ? AND leaf_index = 4", strings.Repeat("a", 64), string(d.Tenant.ID))
			d.wantBroken("", "entry 4 is not the one in the tree")
		},
		"two rows": func(d *desk) {
			d.exec("UPDATE assent_events SET leaf_index = 99 WHERE tenant_id = ? AND leaf_index = 2", string(d.Tenant.ID))
			d.exec("UPDATE assent_events SET leaf_index = 2 WHERE tenant_id = ? AND leaf_index = 5", string(d.Tenant.ID))
			d.exec("UPDATE assent_events SET leaf_index = 5 WHERE tenant_id = ? AND leaf_index = 99", string(d.Tenant.ID))
			d.wantBroken("", "entry 2 is not the one in the tree")
		},
		"the last row": func(d *desk) {
			d.exec("DELETE FROM assent_events WHERE tenant_id = ? AND leaf_index = 6", string(d.Tenant.ID))
			d.wantBroken("", "entry 6 is missing")
		},
		"the last row and the head": func(d *desk) {
			d.exec("DELETE FROM assent_events WHERE tenant_id = ? AND leaf_index = 6", string(d.Tenant.ID))
			d.exec("UPDATE ledger_heads SET size = 6, checkpoint = '' WHERE tenant_id = ?", string(d.Tenant.ID))
			d.wantBroken("", "entry 6 is missing")
		},
		"the head": func(d *desk) {
			d.exec("UPDATE ledger_heads SET size = 3 WHERE tenant_id = ?", string(d.Tenant.ID))
			d.wantBroken("", "the head says 3 entries")
		},
		"the key": func(d *desk) {
			other := newDesk(d.t, storetest.SQLite(d.t))
			other.write(1)
			other.place()
			key, _ := other.Key(d.t.Context(), other.Tenant.ID)
			d.exec("UPDATE ledger_keys SET public = ? WHERE tenant_id = ?", key, string(d.Tenant.ID))
			d.wantBroken("", "not signed by this key")
		},
		"a hash inside the tree": func(d *desk) {
			d.exec("UPDATE ledger_hashes SET hash = ? WHERE tenant_id = ? AND number = 6", make([]byte, 32), string(d.Tenant.ID))
			d.wantBroken("", "entry 3 is not the one in the tree")
		},
		"a checkpoint, signed with another key": func(d *desk) {
			other := newDesk(d.t, storetest.SQLite(d.t))
			other.write(4)
			other.place()
			forged, _ := other.Checkpoint(d.t.Context(), other.Tenant.ID)
			d.exec("UPDATE ledger_checkpoints SET checkpoint = ? WHERE tenant_id = ? AND size = 4", forged, string(d.Tenant.ID))
			d.wantBroken("", "not signed by this key (over the entries before 4)")
		},
		"a checkpoint put in another's place": func(d *desk) {
			d.exec(`UPDATE ledger_checkpoints SET checkpoint = (SELECT h.checkpoint FROM ledger_heads h
				WHERE h.tenant_id = ledger_checkpoints.tenant_id) WHERE tenant_id = ? AND size = 4`, string(d.Tenant.ID))
			d.wantBroken("", "the checkpoint over 4 entries says it is over 7")
		},
		"an entry that was promised": func(d *desk) {
			d.write(1)
			promise, err := d.Promise(d.t.Context(), d.Tenant, tenant.User{Tenant: d.Tenant.ID, ID: ana}, d.ids[len(d.ids)-1])
			if err != nil {
				d.t.Fatal(err)
			}
			key, _ := d.Key(d.t.Context(), d.Tenant.ID)
			promised, err := ledger.VerifyPromise(promise, key)
			if err != nil || !strings.Contains(promised.Payload, d.ids[len(d.ids)-1]) {
				d.t.Fatalf("got %+v, %v", promised, err)
			}
			if index, err := d.Kept(d.t.Context(), d.Tenant.ID, promised); err != nil || index != -1 {
				d.t.Errorf("got %d, %v, want it waiting", index, err)
			}
			d.exec("DELETE FROM assent_events WHERE tenant_id = ? AND leaf_index IS NULL", string(d.Tenant.ID))
			if _, err := d.Kept(d.t.Context(), d.Tenant.ID, promised); !errors.Is(err, ledger.ErrBroken) {
				d.t.Errorf("got %v, want it missed", err)
			}
		},
		"everything, back to yesterday": func(d *desk) {
			today, err := d.Checkpoint(d.t.Context(), d.Tenant.ID)
			if err != nil {
				d.t.Fatal(err)
			}
			d.exec("DELETE FROM assent_events WHERE tenant_id = ? AND leaf_index >= 4", string(d.Tenant.ID))
			d.exec("DELETE FROM ledger_checkpoints WHERE tenant_id = ? AND size > 4", string(d.Tenant.ID))
			d.exec("DELETE FROM ledger_hashes WHERE tenant_id = ? AND number >= 7", string(d.Tenant.ID))
			d.exec(`UPDATE ledger_heads SET size = 4, checkpoint = (SELECT c.checkpoint FROM ledger_checkpoints c
				WHERE c.tenant_id = ledger_heads.tenant_id AND c.size = 4) WHERE tenant_id = ?`, string(d.Tenant.ID))
			if n, err := d.Verify(d.t.Context(), d.Tenant.ID, ""); err != nil || n != 4 {
				d.t.Errorf("got %d, %v: yesterday's own state is whole", n, err)
			}
			d.wantBroken(today, "a checkpoint was signed over 7 entries, entry 4 is missing")
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Unguarded(t, func(t *testing.T, f storetest.Fixture) {
				d := newDesk(t, f)
				d.write(4)
				d.place()
				d.write(3)
				d.place()
				if n, err := d.Verify(t.Context(), f.Tenant.ID, ""); err != nil || n != 7 {
					t.Fatalf("got %d, %v, want a whole ledger of 7", n, err)
				}
				way(d)
			})
		})
	}
}
