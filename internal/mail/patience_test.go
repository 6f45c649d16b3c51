package mail_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/tenant"
)

// queue is a queue in memory, for tests about time. Its letters are handed out once.
type queue struct {
	mu      sync.Mutex
	waiting []mail.Queued
	looks   []time.Time
	states  map[string]string
	broken  int // how many times yet storing that a letter was sent fails
}

func (q *queue) InTx(ctx context.Context, fn func(ctx context.Context) error) error { return fn(ctx) }

func (q *queue) QueueLetter(_ context.Context, l mail.Queued) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, l)
	return nil
}

func (q *queue) PreviousAddresses(context.Context, tenant.User, time.Time) ([]string, error) {
	return nil, nil
}

func (q *queue) ClaimLetters(_ context.Context, _ tenant.ID, _ string, most int, _ time.Duration) ([]mail.Queued, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.looks = append(q.looks, time.Now())
	n := min(most, len(q.waiting))
	taken := q.waiting[:n]
	q.waiting = q.waiting[n:]
	return taken, nil
}

func (q *queue) note(l mail.Queued, state string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.states[l.To] = state
}

func (q *queue) LetterSent(_ context.Context, l mail.Queued, _ string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken > 0 {
		q.broken--
		return errors.New("the database is away")
	}
	q.states[l.To] = "sent"
	return nil
}

func (q *queue) LetterDelayed(_ context.Context, l mail.Queued, _ string, _ time.Duration, _ string) error {
	q.note(l, "delayed")
	return nil
}

func (q *queue) LetterFailed(_ context.Context, l mail.Queued, _, _ string) (bool, error) {
	q.note(l, "failed")
	return true, nil
}

// patient runs a worker on a queue in a time of its own: letters p0, p1, … are queued at the beginning.
func patient(t *testing.T, letters int, send senderFunc, test func(t *testing.T, q *queue, w *mail.Worker, outbox *mail.Outbox, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ring, err := keys.New(keys.Generate())
		if err != nil {
			t.Fatal(err)
		}
		q := &queue{states: map[string]string{}}
		w := mail.NewWorker(mail.Config{
			Store: q, Ring: ring, Sender: send, Now: time.Now,
			Tenants: func(context.Context, tenant.ID) (tenant.Tenant, error) { return tenant.Tenant{}, nil },
			Render: func(context.Context, tenant.Tenant, mail.Letter) (mail.Message, error) {
				return mail.Message{}, nil
			},
		})
		outbox := mail.NewOutbox(q, ring, time.Now, w.Wake)
		for n := range letters {
			if err := outbox.Send(t.Context(), mail.Letter{To: "p" + strconv.Itoa(n) + "@example.org"}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { w.Run(ctx) })
		test(t, q, w, outbox, func() { stop(); running.Wait() })
		stop()
		running.Wait()
	})
}

// pass lets time pass, and everything come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestIdleWorkerLooksLessAndLessOften(t *testing.T) {
	t.Parallel()
	taken := senderFunc(func(context.Context, mail.Message) error { return nil })
	patient(t, 0, taken, func(t *testing.T, q *queue, _ *mail.Worker, outbox *mail.Outbox, _ func()) {
		pass(10 * time.Minute)
		if n := len(q.looks); n < 30 || n > 50 {
			t.Errorf("got %d looks in ten minutes, want one every 16 seconds", n)
		}
		asked := time.Now()
		if err := outbox.Send(t.Context(), mail.Letter{To: "late@example.org"}); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if q.states["late@example.org"] != "sent" || q.looks[len(q.looks)-1].Sub(asked) > time.Second {
			t.Errorf("got %v, want a letter that was announced sent within a second", q.states)
		}
	})
}

// A letter that was sent is not sent again because the database was away for a moment.
func TestSentLetterIsMarkedWithPatience(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	times := 0
	count := senderFunc(func(context.Context, mail.Message) error {
		mu.Lock()
		defer mu.Unlock()
		times++
		return nil
	})
	patient(t, 1, count, func(t *testing.T, q *queue, _ *mail.Worker, _ *mail.Outbox, stop func()) {
		q.mu.Lock()
		q.broken = 4
		q.mu.Unlock()
		pass(10 * time.Second)
		if q.states["p0@example.org"] != "sent" || times != 1 {
			t.Errorf("got %v after %d sendings, want it sent once and marked", q.states, times)
		}
		stop()
	})
}

func TestSlowLetterHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	slow := senderFunc(func(ctx context.Context, m mail.Message) error {
		if m.To == "p0@example.org" {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	patient(t, 40, slow, func(t *testing.T, q *queue, _ *mail.Worker, _ *mail.Outbox, _ func()) {
		pass(3 * time.Second)
		if len(q.states) != 39 {
			t.Errorf("got %d letters sent in three seconds, want all but the slow one", len(q.states))
		}
		pass(time.Minute)
		if q.states["p0@example.org"] != "delayed" {
			t.Errorf("got %q, want the slow letter given back after a minute", q.states["p0@example.org"])
		}
	})
}

func TestStoppedWorkerGivesLettersBack(t *testing.T) {
	t.Parallel()
	hanging := senderFunc(func(ctx context.Context, _ mail.Message) error { <-ctx.Done(); return ctx.Err() })
	patient(t, 6, hanging, func(t *testing.T, q *queue, _ *mail.Worker, _ *mail.Outbox, stop func()) {
		pass(time.Second)
		told := time.Now()
		stop()
		if took := time.Since(told); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("got %v until it ended, want the letters in the air five seconds", took)
		}
		if len(q.states) != 4 || len(q.waiting) != 2 || q.states["p0@example.org"] != "delayed" {
			t.Errorf("got %v, want four given back and two untouched", q.states)
		}
	})
}
