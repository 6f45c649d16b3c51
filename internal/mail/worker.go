package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"portico/internal/keys"
	"portico/internal/tenant"
)

// How the worker works. A try must end well before its claim does, or the letter would be sent twice.
const (
	idle      = time.Second            // until the next look into an empty queue, doubled each time
	idleMost  = 16 * time.Second       // but never longer than this
	settle    = 100 * time.Millisecond // from a Wake until the transaction it hints at has most likely ended
	batch     = 4                      // letters in the air at once
	claimTime = 2 * time.Minute
	tryTime   = time.Minute
	maxTries  = 12
	lastCall  = 5 * time.Second // how long letters in the air may take once the process is told to stop
	markTries = 5               // to store that a letter was sent, because forgetting it would send the letter twice
	markWait  = 200 * time.Millisecond
)

// Store is what the worker needs of persistence. The letters it hands out are the caller's, by its claim, for a time.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	ClaimLetters(ctx context.Context, t tenant.ID, claim string, most int, d time.Duration) ([]Queued, error)
	LetterSent(ctx context.Context, q Queued, claim string) error
	LetterDelayed(ctx context.Context, q Queued, claim string, d time.Duration, reason string) error
	LetterFailed(ctx context.Context, q Queued, claim, reason string) (failed bool, err error)
}

// Config is what a worker is made of. Tenants finds a letter's tenant, Render writes it, Failed (if not nil) records,
// in the same transaction, that a letter was given up. Held (if not nil) says whether optional letters to
// a person are held back. Only, when set, is the one tenant whose letters are sent.
type Config struct {
	Store   Store
	Ring    keys.Ring
	Tenants func(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	Render  func(ctx context.Context, t tenant.Tenant, l Letter) (Message, error)
	Sender  Sender
	Failed  func(ctx context.Context, u tenant.User, kind Kind) error
	Held    func(ctx context.Context, u tenant.User) (bool, error)
	Log     *slog.Logger
	Now     func() time.Time
	Only    tenant.ID
}

// Worker sends what is queued. Any number may run, in any number of processes.
type Worker struct {
	Config
	wake chan struct{}
}

// NewWorker returns a worker; Run makes it work.
func NewWorker(c Config) *Worker {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Worker{c, make(chan struct{}, 1)}
}

// Wake tells the worker that a letter was or is about to be queued. It never waits.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run sends letters until ctx ends, and then waits for those that are in the air, a little while. A letter that takes
// its time holds up none but itself.
func (w *Worker) Run(ctx context.Context) {
	flight, land := context.WithCancel(context.WithoutCancel(ctx))
	defer land()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastCall, land) })()
	var air sync.WaitGroup
	defer air.Wait()
	places := make(chan struct{}, batch)
	pause := idle
	for w.place(ctx, places) {
		claim := uuid.NewString()
		letters, err := w.Store.ClaimLetters(ctx, w.Only, claim, batch-len(places)+1, claimTime)
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "letters cannot be claimed", "error", err)
		}
		<-places
		for _, q := range letters {
			places <- struct{}{}
			air.Go(func() {
				defer func() { <-places }()
				if err := w.deliver(flight, q, claim); err != nil {
					w.Log.ErrorContext(ctx, "a letter's state cannot be stored", "letter", q.ID, "error", err)
				}
			})
		}
		if len(letters) > 0 || w.rest(ctx, pause) {
			pause = idle
		} else {
			pause = min(2*pause, idleMost)
		}
	}
}

// place waits until a letter may take off and reports whether one still may.
func (w *Worker) place(ctx context.Context, places chan<- struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case places <- struct{}{}:
		return true
	}
}

// rest waits for the next look into the queue and reports whether somebody woke it.
func (w *Worker) rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-w.wake:
		timer.Reset(settle)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		return true
	}
	return false
}

// deliver tries to send one letter, as long as flight goes on, and stores what has become of it.
func (w *Worker) deliver(flight context.Context, q Queued, claim string) error {
	err := w.try(flight, q)
	ctx := context.WithoutCancel(flight)
	switch {
	case err == nil:
		return w.mark(ctx, q, claim)
	case q.Attempts >= maxTries || errors.Is(err, ErrRefused):
		w.Log.WarnContext(ctx, "a letter is given up", "letter", q.ID, "kind", q.Kind, "attempts", q.Attempts, "error", err)
		return w.Store.InTx(ctx, func(ctx context.Context) error {
			failed, storing := w.Store.LetterFailed(ctx, q, claim, err.Error())
			if storing != nil || !failed || w.Failed == nil {
				return storing
			}
			return w.Failed(ctx, tenant.User{Tenant: q.Tenant, ID: q.User}, q.Kind)
		})
	default:
		w.Log.WarnContext(ctx, "a letter is tried again later", "letter", q.ID, "kind", q.Kind, "attempts", q.Attempts, "error", err)
		return w.Store.LetterDelayed(ctx, q, claim, backoff(q.Attempts), err.Error())
	}
}

// mark stores that a letter was sent, with some patience.
func (w *Worker) mark(ctx context.Context, q Queued, claim string) error {
	for n := 1; ; n++ {
		err := w.Store.LetterSent(ctx, q, claim)
		if err == nil || n == markTries {
			return err
		}
		time.Sleep(markWait << (n - 1))
	}
}

// try opens, renders and sends a letter. A panic in it is an error like any other: it must not stop the portal.
func (w *Worker) try(ctx context.Context, q Queued) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	plain, err := w.Ring.Open(purpose, q.Sealed)
	if err != nil {
		return err
	}
	l := Letter{Tenant: q.Tenant, User: q.User, To: q.To, Kind: q.Kind, Language: q.Language}
	if err := json.Unmarshal(plain, &l.Facts); err != nil {
		return err
	}
	t, err := w.Tenants(ctx, q.Tenant)
	if err != nil {
		return err
	}
	if l.Kind.Optional() && w.Held != nil {
		held, err := w.Held(ctx, tenant.User{Tenant: q.Tenant, ID: q.User})
		if err != nil {
			return err
		}
		if held {
			return fmt.Errorf("%w: the account is restricted", ErrRefused)
		}
	}
	m, err := w.Render(tenant.With(ctx, t), t, l)
	if err != nil {
		return err
	}
	m.ID, m.Tenant, m.To, m.Kind, m.Language = q.ID, q.Tenant, q.To, q.Kind, q.Language
	m.Files, m.SentAt, m.Unsubscribe = l.Facts.Files, w.Now().UTC(), l.Facts.Unsubscribe
	return w.Sender.Send(ctx, m)
}

// backoff is how long to wait after so many tries: 90 seconds, doubled each time, give or take a fifth. Twelve tries
// are made within about two days.
func backoff(tries int) time.Duration {
	wait := 90 * time.Second << min(max(tries-1, 0), maxTries)
	return wait + time.Duration((rand.Float64()-0.5)*0.4*float64(wait)) //nolint:gosec // jitter, not a secret
}
