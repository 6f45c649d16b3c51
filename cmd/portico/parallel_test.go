package main

import (
	"context"
	"errors"
	"net/http"
	"path"
	"sync"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// outcomes does something many times at once and counts the results: how often each error came, nil for success.
func outcomes(times int, do func() error) map[error]int {
	var mu sync.Mutex
	all := map[error]int{}
	start, done := make(chan struct{}), sync.WaitGroup{}
	for range times {
		done.Go(func() {
			<-start
			err := do()
			for _, known := range []error{ticket.ErrUsed, ticket.ErrReplaced} {
				if errors.Is(err, known) {
					err = known
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all[err]++
		})
	}
	close(start)
	done.Wait()
	return all
}

// recorded counts the events of a type about a person.
func (w *world) recorded(t *testing.T, u tenant.User, kind audit.Type) int {
	t.Helper()
	events, err := w.portal.config.Audit.Search(context.WithoutCancel(t.Context()), u.Tenant, audit.Filter{User: u.ID, Types: []audit.Type{kind}, Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	return len(events)
}

// lettersTo counts the letters of a kind to an address, once all are sent.
func (w *world) lettersTo(t *testing.T, to string, kind mail.Kind) int {
	t.Helper()
	w.letter(t, to, kind)
	time.Sleep(100 * time.Millisecond) // in which a second one would come
	n := 0
	for _, m := range w.mailbox.Messages() {
		if m.To == to && m.Kind == kind {
			n++
		}
	}
	return n
}

// Row 79: a thousand confirmations of one change of address at once have exactly one effect.
func TestAThousandConfirmationsAreOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		u := f.NewUser(t, "ana@example.org")
		ctx := tenant.With(t.Context(), f.Tenant)
		if err := w.portal.changes.Request(ctx, u, "new@example.org", "browser"); err != nil {
			t.Fatal(err)
		}
		claim := func(to string, kind mail.Kind, prefix string) ticket.Claim {
			secret := path.Base(link(t, w.letter(t, to, kind), prefix))
			return ticket.Claim{User: tenant.User{Tenant: f.Tenant.ID}, Secret: secret, Browser: "browser"}
		}
		if _, err := w.portal.changes.ApproveOld(ctx, claim("ana@example.org", mail.EmailChangeNotice, "/email/approve/")); err != nil {
			t.Fatal(err)
		}
		confirm := claim("new@example.org", mail.EmailChangeConfirm, "/email/confirm/")
		got := outcomes(1000, func() error {
			_, err := w.portal.changes.ConfirmNew(ctx, confirm)
			return err
		})
		if got[nil] != 1 || got[ticket.ErrUsed] != 999 {
			t.Errorf("got %v, want one success and 999 times used", got)
		}
		p, err := f.DB.FindProfile(ctx, u)
		if err != nil || p.Email != "new@example.org" || p.Version != 2 {
			t.Errorf("got %s in version %d, %v, want the new address in version 2", p.Email, p.Version, err)
		}
		if n := w.recorded(t, u, audit.EmailChanged); n != 1 {
			t.Errorf("got %d lines in the record, want 1", n)
		}
		if n := w.lettersTo(t, "ana@example.org", mail.EmailChanged); n != 1 {
			t.Errorf("got %d letters, want 1", n)
		}
	})
}

// Row 79: of two hundred uses of one reset link at once, each with another password, one sets it.
func TestTwoHundredResetsAreOne(t *testing.T) {
	if testing.Short() {
		t.Skip("hashes hundreds of passwords")
	}
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.visitor(t)
		ana.signUp("ana@example.org")
		u := w.user(t, "ana@example.org")
		ctx := tenant.With(t.Context(), f.Tenant)
		if err := w.portal.resets.RequestReset(ctx, "ana@example.org", "browser"); err != nil {
			t.Fatal(err)
		}
		if err := w.portal.resets.Answer(ctx, f.Tenant.ID); err != nil {
			t.Fatal(err)
		}
		secret := path.Base(link(t, w.letter(t, "ana@example.org", mail.ResetEmail), "/password/reset/"))
		claim := ticket.Claim{User: tenant.User{Tenant: f.Tenant.ID}, Kind: ticket.Reset, Secret: secret, Browser: "browser"}
		chosen := make(chan string, 200)
		for n := range 200 {
			chosen <- "a quiet harbour number " + string(rune('a'+n%26)) + string(rune('a'+n/26))
		}
		var won string
		got := outcomes(200, func() error {
			mine := <-chosen
			err := w.portal.resets.Reset(ctx, claim, mine)
			if err == nil {
				won = mine // one alone gets here, or the test fails below
			}
			return err
		})
		if got[nil] != 1 {
			t.Fatalf("got %v, want one success", got)
		}
		for err, n := range got {
			if err != nil && !errors.Is(err, ticket.ErrUsed) && !errors.Is(err, password.ErrBusy) {
				t.Errorf("got %d times %v, want used, or too busy to look", n, err)
			}
		}
		if n := w.recorded(t, u, audit.PasswordChanged); n != 1 {
			t.Errorf("got %d lines in the record, want 1", n)
		}
		if n := w.lettersTo(t, "ana@example.org", mail.PasswordChanged); n != 1 {
			t.Errorf("got %d letters, want 1", n)
		}
		ana.want(ana.signIn("ana@example.org", won), http.StatusOK, "/account", "Hello")
	})
}
