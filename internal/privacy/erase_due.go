package privacy

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// Finder finds a tenant by its id.
type Finder func(ctx context.Context, id tenant.ID) (tenant.Tenant, error)

// atOnce is how many accounts of a tenant are erased in one round.
const atOnce = 100

// EraseDue erases the accounts whose days of grace are over. Every replica may do so at once: each person is erased in one
// transaction that holds the lock on the account, so that it happens wholly or not at all, whenever a process dies; and
// whoever comes second finds nobody.
func (s *Closings) EraseDue(ctx context.Context, tenants []tenant.ID, find Finder) error {
	var failed []error
	for _, id := range tenants {
		t, err := find(ctx, id)
		if err == nil {
			err = s.eraseTenant(i18n.With(tenant.With(ctx, t), t.Locales[0], nil), t)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("erasures of %s: %w", id, err))
		}
	}
	return errors.Join(failed...)
}

func (s *Closings) eraseTenant(ctx context.Context, t tenant.Tenant) error {
	now, err := s.Store.Now(ctx)
	if err != nil {
		return err
	}
	due, err := s.Store.DueClosings(ctx, t.ID, now, atOnce)
	if err != nil || len(due) == 0 {
		return err
	}
	if err := s.Ledger.SequenceTenant(ctx, t); err != nil { // so that every entry has its proof
		return err
	}
	var failed []error
	for _, u := range due {
		if err := s.eraseDue(ctx, u); err != nil && !errors.Is(err, profile.ErrNotFound) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (s *Closings) eraseDue(ctx context.Context, u tenant.User) error {
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.Store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		c, err := s.Store.LockClosing(ctx, u)
		if err != nil {
			return err
		}
		now, err := s.Store.Now(ctx)
		if err != nil || !c.Pending() || now.Before(c.DueAt) {
			return err
		}
		return s.finish(ctx, p, "")
	})
}

// finish erases p for good and writes to them once more, in the transaction of ctx. Who came back with a backup was told when
// it happened. The record says why, where the person did not ask for it.
func (s *Closings) finish(ctx context.Context, p profile.Profile, why string) error {
	before, again, err := s.Store.FindErased(ctx, p.User.Tenant, marks(s.Ring, p.User))
	if err != nil {
		return err
	}
	if again {
		return s.erase(ctx, p, before.Pseudonym, why)
	}
	last, err := s.last(ctx, p)
	if err != nil {
		return err
	}
	if err := s.erase(ctx, p, "erased|"+uuid.NewString(), why); err != nil {
		return err
	}
	return s.tell(ctx, p, p.Email, mail.AccountClosed, last)
}

// erase erases p in the transaction of ctx and leaves the marks of that: in the ledger, in the record, and for the day on
// which a backup is restored. The record says why, where the person did not ask for it.
func (s *Closings) erase(ctx context.Context, p profile.Profile, pseudonym, why string) error {
	u := p.User
	addresses, err := s.Store.Addresses(ctx, p, p.CreatedAt)
	if err != nil {
		return err
	}
	ids, err := s.Store.IDs(ctx, u)
	if err != nil {
		return err
	}
	if err := s.Store.Erase(ctx, p, pseudonym); err != nil {
		return err
	}
	now, err := s.Store.Now(ctx)
	if err != nil {
		return err
	}
	subjects := make([]Subject, len(ids))
	for i, id := range ids {
		one := tenant.User{Tenant: u.Tenant, ID: id}
		subjects[i] = Subject{u.Tenant, marks(s.Ring, one)[0], pseudonym, now}
		if _, err := s.Ledger.Erase(ctx, one); err != nil {
			return err
		}
	}
	if err := s.Store.AddErased(ctx, subjects); err != nil {
		return err
	}
	line := because(audit.ErasureDone, why)
	line.User, line.Actor = tenant.User{Tenant: u.Tenant, ID: pseudonym}, audit.Actor{Kind: audit.BySystem}
	err = s.Log.Record(ctx, line)
	if err != nil || s.Beside == nil {
		return err
	}
	return s.Beside(ctx, u, addresses) // last, while nobody else can decide otherwise any more
}

// last is what the last letter speaks of. What the ledger holds of the person goes along, for nobody else can open it from
// then on, but only to an address that they have proven to be theirs.
func (s *Closings) last(ctx context.Context, p profile.Profile) (mail.Facts, error) {
	facts := mail.Facts{Link: tenant.From(ctx).URL("/")}
	if p.Email == "" || !p.EmailVerified {
		return facts, nil
	}
	receipts, count, err := s.receipts(ctx, p.User)
	if err == nil && count > 0 {
		facts.Count, facts.Files = count, []mail.File{{Name: "receipts.zip", Type: "application/zip", Content: receipts}}
	}
	return facts, err
}

// receipts packs the receipt of every entry of u, each with its payload, its salt and its proof, and the ledger's key.
func (s *Closings) receipts(ctx context.Context, u tenant.User) (packed []byte, count int, err error) {
	ids, err := s.Store.IDs(ctx, u)
	if err != nil {
		return nil, 0, err
	}
	entries, err := s.Store.EntriesOf(ctx, u.Tenant, ids)
	entries = slices.DeleteFunc(entries, func(e ledger.Entry) bool { return e.Salt == "" })
	if err != nil || len(entries) == 0 {
		return nil, 0, err
	}
	key, err := s.Ledger.Key(ctx, u.Tenant)
	if err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name, content string) error {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		return err
	}
	if err := add("key.txt", key+"\n"); err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		receipt, err := s.Ledger.Receipt(ctx, tenant.User{Tenant: u.Tenant, ID: e.User}, e.ID)
		if err != nil { // one that waits for its place was made just now: the next round has it
			return nil, 0, err
		}
		if err := add(fmt.Sprintf("%06d.tlog-proof", e.Index), receipt); err != nil {
			return nil, 0, err
		}
	}
	err = z.Close()
	return b.Bytes(), len(entries), err
}

// replayed is how many people are looked at together when erasures are replayed.
const replayed = 1000

// Replay erases people again who are there although they were erased: a backup from before was restored. It says how many.
func (s *Closings) Replay(ctx context.Context, tenants []tenant.ID, find Finder) (int, error) {
	again := 0
	for _, id := range tenants {
		t, err := find(ctx, id)
		if err != nil {
			return again, err
		}
		n, err := s.replayTenant(tenant.With(ctx, t), t.ID)
		again += n
		if err != nil {
			return again, err
		}
	}
	return again, nil
}

func (s *Closings) replayTenant(ctx context.Context, t tenant.ID) (again int, err error) {
	erased, err := s.Store.Erased(ctx, t)
	if err != nil || len(erased) == 0 {
		return 0, err
	}
	known := make(map[string]string, len(erased))
	for _, one := range erased {
		known[one.MAC] = one.Pseudonym
	}
	for after := ""; ; {
		ids, err := s.Store.UserIDs(ctx, t, after, replayed)
		if err != nil || len(ids) == 0 {
			return again, err
		}
		after = ids[len(ids)-1]
		for _, id := range ids {
			u := tenant.User{Tenant: t, ID: id}
			for _, mark := range marks(s.Ring, u) {
				pseudonym, ok := known[mark]
				if !ok {
					continue
				}
				if err := s.eraseAgain(ctx, u, pseudonym); err != nil {
					return again, err
				}
				again++
				break
			}
		}
	}
}

func (s *Closings) eraseAgain(ctx context.Context, u tenant.User, pseudonym string) error {
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.Store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		return s.erase(ctx, p, pseudonym, "")
	})
	if errors.Is(err, profile.ErrNotFound) {
		return nil // another replica was faster
	}
	return err
}

// Known lists the erasures of tenants, and Learn takes in what is known of them elsewhere: a list that is kept outside of
// the database outlives the restoring of a backup.
func (s *Closings) Known(ctx context.Context, tenants []tenant.ID) ([]Subject, error) {
	var all []Subject
	for _, t := range tenants {
		erased, err := s.Store.Erased(ctx, t)
		if err != nil {
			return nil, err
		}
		all = append(all, erased...)
	}
	return all, nil
}

// Learn takes in erasures; those that are known already change nothing.
func (s *Closings) Learn(ctx context.Context, subjects []Subject) error {
	return s.Store.AddErased(ctx, subjects)
}
