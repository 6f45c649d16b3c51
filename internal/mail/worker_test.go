package mail_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

func newRing(t *testing.T) keys.Ring {
	t.Helper()
	ring, err := keys.New(keys.Generate())
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

type senderFunc func(ctx context.Context, m mail.Message) error

func (f senderFunc) Send(ctx context.Context, m mail.Message) error { return f(ctx, m) }

func configOf(f storetest.Fixture, ring keys.Ring, sender mail.Sender) mail.Config {
	return mail.Config{
		Store: f.DB, Ring: ring, Sender: sender, Now: f.Clock.Now, Only: f.Tenant.ID,
		Tenants: func(context.Context, tenant.ID) (tenant.Tenant, error) { return f.Tenant, nil },
		Render: func(_ context.Context, _ tenant.Tenant, l mail.Letter) (mail.Message, error) {
			return mail.Message{Subject: string(l.Kind), Text: l.Facts.Link}, nil
		},
	}
}

func send(t *testing.T, f storetest.Fixture, outbox *mail.Outbox, to string) {
	t.Helper()
	err := f.DB.InTx(t.Context(), func(ctx context.Context) error {
		return outbox.Send(ctx, mail.Letter{
			Tenant: f.Tenant.ID, User: "portico|1", To: to, Kind: mail.VerifyEmail, Language: "de",
			Facts: mail.Facts{Link: "https://example.org/verify?ticket=secret-of-the-letter"},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// runUntil lets the worker work until done says so; it fails the test when that takes too long.
func runUntil(t *testing.T, w *mail.Worker, done func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	defer running.Wait()
	defer stop()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		w.Wake()
		if time.Now().After(deadline) {
			t.Error("got no end of the work in 20 seconds")
			return
		}
	}
}

func only(t *testing.T, f storetest.Fixture) mail.Entry {
	t.Helper()
	entries, err := f.DB.SearchLetters(t.Context(), f.Tenant.ID, "", "", 10)
	if err != nil || len(entries) != 1 {
		t.Fatalf("got %d letters, %v, want 1", len(entries), err)
	}
	return entries[0]
}

func TestLetterIsSentAndForgotten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		ring, box := newRing(t), &mail.Mailbox{}
		send(t, f, mail.NewOutbox(f.DB, ring, f.Clock.Now, nil), "ana@example.org")
		runUntil(t, mail.NewWorker(configOf(f, ring, box)), func() bool { return only(t, f).State == mail.Sent })

		got := box.Messages()
		if len(got) != 1 {
			t.Fatalf("got %d messages, want 1", len(got))
		}
		m := got[0]
		if m.To != "ana@example.org" || m.Text != "https://example.org/verify?ticket=secret-of-the-letter" || m.Language != "de" || m.ID == "" {
			t.Errorf("got %+v", m)
		}
		entry := only(t, f)
		if entry.SentAt.IsZero() || entry.Attempts != 1 || entry.Error != "" {
			t.Errorf("got %+v, want it sent at the first attempt", entry)
		}
		claimed, err := f.DB.ClaimLetters(t.Context(), f.Tenant.ID, "again", 4, time.Minute)
		if err != nil || len(claimed) != 0 {
			t.Errorf("got %d due letters, %v, want none", len(claimed), err)
		}
	})
}

func TestParallelWorkersSendEachLetterOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		const letters = 200
		ring := newRing(t)
		outbox := mail.NewOutbox(f.DB, ring, f.Clock.Now, nil)
		err := f.DB.InTx(t.Context(), func(ctx context.Context) error {
			for i := range letters {
				if err := outbox.Send(ctx, mail.Letter{Tenant: f.Tenant.ID, To: fmt.Sprintf("p%d@example.org", i), Kind: mail.VerifyEmail}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		times := map[string]int{}
		sender := senderFunc(func(_ context.Context, m mail.Message) error {
			mu.Lock()
			defer mu.Unlock()
			times[m.To]++
			return nil
		})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for range 4 {
			running.Go(func() { mail.NewWorker(configOf(f, ring, sender)).Run(ctx) })
		}
		for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			sent, err := f.DB.SearchLetters(t.Context(), f.Tenant.ID, mail.Sent, "", letters+1)
			if err != nil {
				t.Error(err)
			}
			if len(sent) == letters {
				break
			}
		}
		stop()
		running.Wait()
		if len(times) != letters {
			t.Errorf("got %d letters sent, want %d", len(times), letters)
		}
		for to, n := range times {
			if n != 1 {
				t.Errorf("got %d messages to %s, want 1", n, to)
			}
		}
	})
}

func TestLetterOfACrashedWorkerIsSentLater(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		ring, box := newRing(t), &mail.Mailbox{}
		send(t, f, mail.NewOutbox(f.DB, ring, f.Clock.Now, nil), "ana@example.org")
		crashed, err := f.DB.ClaimLetters(t.Context(), f.Tenant.ID, "crashed", 4, 2*time.Minute)
		if err != nil || len(crashed) != 1 {
			t.Fatalf("got %d letters, %v, want 1", len(crashed), err)
		}
		if again, _ := f.DB.ClaimLetters(t.Context(), f.Tenant.ID, "other", 4, 2*time.Minute); len(again) != 0 {
			t.Fatal("got a letter that another worker holds")
		}
		f.Clock.Advance(3 * time.Minute)
		runUntil(t, mail.NewWorker(configOf(f, ring, box)), func() bool { return only(t, f).State == mail.Sent })
		if got := len(box.Messages()); got != 1 {
			t.Errorf("got %d messages, want 1", got)
		}
		if err := f.DB.LetterDelayed(t.Context(), crashed[0], "crashed", time.Minute, "late"); err != nil || only(t, f).State != mail.Sent {
			t.Errorf("got %v, state %q: the late worker must not touch what it no longer holds", err, only(t, f).State)
		}
	})
}

func TestLetterThatCannotBeSent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		ring := newRing(t)
		send(t, f, mail.NewOutbox(f.DB, ring, f.Clock.Now, nil), "ana@example.org")
		var mu sync.Mutex
		var gap time.Duration
		var last time.Time
		config := configOf(f, ring, senderFunc(func(context.Context, mail.Message) error { return errors.New("down") }))
		recorded := 0
		config.Failed = func(_ context.Context, u tenant.User, kind mail.Kind) error {
			mu.Lock()
			defer mu.Unlock()
			if u != (tenant.User{Tenant: f.Tenant.ID, ID: "portico|1"}) || kind != mail.VerifyEmail {
				t.Errorf("got %v, %v", u, kind)
			}
			recorded++
			return nil
		}
		start := f.Clock.Now()
		tries := 0
		runUntil(t, mail.NewWorker(config), func() bool {
			entry := only(t, f)
			if entry.State == mail.Waiting && entry.Attempts > tries {
				tries, last = entry.Attempts, f.Clock.Now()
				if next := entry.NextAt.Sub(last); next < gap {
					t.Errorf("try %d: got a wait of %v, want more than %v", tries, next, gap)
				} else {
					gap = next
				}
				f.Clock.Advance(gap + time.Second)
			}
			return entry.State == mail.Failed
		})
		entry := only(t, f)
		if entry.Attempts != 12 || entry.Error != "down" || recorded != 1 {
			t.Errorf("got %d attempts, error %q, %d records, want 12, down, 1", entry.Attempts, entry.Error, recorded)
		}
		if took := f.Clock.Now().Sub(start); took < 36*time.Hour || took > 66*time.Hour {
			t.Errorf("got %v of tries, want about two days", took)
		}

		if ok, err := f.DB.RetryLetter(t.Context(), "another-tenant", entry.ID); ok || err != nil {
			t.Errorf("got %v, %v: another tenant tries the letter again", ok, err)
		}
		if ok, err := f.DB.RetryLetter(t.Context(), f.Tenant.ID, entry.ID); !ok || err != nil {
			t.Errorf("got %v, %v, want it tried again", ok, err)
		}
		box := &mail.Mailbox{}
		runUntil(t, mail.NewWorker(configOf(f, ring, box)), func() bool { return only(t, f).State == mail.Sent })
		if ok, _ := f.DB.RetryLetter(t.Context(), f.Tenant.ID, entry.ID); ok {
			t.Error("got a sent letter tried again")
		}
	})
}

func TestRefusedOrBrokenLetterDoesNotStopTheWorker(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t)
	ring, box := newRing(t), &mail.Mailbox{}
	outbox := mail.NewOutbox(f.DB, ring, f.Clock.Now, nil)
	for _, to := range []string{"panic@example.org", "gone@example.org", "fine@example.org"} {
		send(t, f, outbox, to)
	}
	config := configOf(f, ring, senderFunc(func(ctx context.Context, m mail.Message) error {
		switch m.To {
		case "panic@example.org":
			panic("oops")
		case "gone@example.org":
			return fmt.Errorf("550 no such user: %w", mail.ErrRefused)
		}
		return box.Send(ctx, m)
	}))
	states := func() map[string]mail.State {
		entries, err := f.DB.SearchLetters(t.Context(), f.Tenant.ID, "", "", 10)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]mail.State{}
		for _, e := range entries {
			if e.Attempts > 0 {
				got[e.To] = e.State
			}
		}
		return got
	}
	runUntil(t, mail.NewWorker(config), func() bool {
		got := states()
		return got["panic@example.org"] == mail.Waiting && got["gone@example.org"] == mail.Failed && got["fine@example.org"] == mail.Sent
	})
}
