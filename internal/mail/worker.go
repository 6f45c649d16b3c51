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
	idle      = time.Second            // between looks into an empty queue
	settle    = 100 * time.Millisecond // from a Wake until the transaction it hints at has most likely ended
	batch     = 4                      // letters in the air at once
	claimTime = 2 * time.Minute
	tryTime   = time.Minute
	maxTries  = 12
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
// in the same transaction, that a letter was given up. Only, when set, is the one tenant whose letters are sent.
type Config struct {
	Store   Store
	Ring    keys.Ring
	Tenants func(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	Render  func(ctx context.Context, t tenant.Tenant, l Letter) (Message, error)
	Sender  Sender
	Failed  func(ctx context.Context, u tenant.User, kind Kind) error
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

// Run sends letters until ctx ends, and then waits for those that are in the air.
func (w *Worker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := w.round(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.ErrorContext(ctx, "letters cannot be claimed", "error", err)
		}
		if n == 0 {
			w.rest(ctx)
		}
	}
}

func (w *Worker) rest(ctx context.Context) {
	timer := time.NewTimer(idle)
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
	}
}

// round claims what is due and tries to send it, and returns how many letters that were.
func (w *Worker) round(ctx context.Context) (int, error) {
	claim := uuid.NewString()
	letters, err := w.Store.ClaimLetters(ctx, w.Only, claim, batch, claimTime)
	if err != nil {
		return 0, err
	}
	// A letter in the air is brought to its end even when the process is told to stop.
	ctx = context.WithoutCancel(ctx)
	var all sync.WaitGroup
	for _, q := range letters {
		all.Go(func() {
			if err := w.deliver(ctx, q, claim); err != nil {
				w.Log.ErrorContext(ctx, "a letter's state cannot be stored", "letter", q.ID, "error", err)
			}
		})
	}
	all.Wait()
	return len(letters), nil
}

// deliver tries to send one letter and stores what has become of it.
func (w *Worker) deliver(ctx context.Context, q Queued, claim string) error {
	err := w.try(ctx, q)
	switch {
	case err == nil:
		return w.Store.LetterSent(ctx, q, claim)
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
	m, err := w.Render(tenant.With(ctx, t), t, l)
	if err != nil {
		return err
	}
	m.ID, m.Tenant, m.To, m.Kind, m.Language = q.ID, q.Tenant, q.To, q.Kind, q.Language
	m.SentAt = w.Now().UTC()
	return w.Sender.Send(ctx, m)
}

// backoff is how long to wait after so many tries: 90 seconds, doubled each time, give or take a fifth. Twelve tries
// are made within about two days.
func backoff(tries int) time.Duration {
	wait := 90 * time.Second << min(max(tries-1, 0), maxTries)
	return wait + time.Duration((rand.Float64()-0.5)*0.4*float64(wait)) //nolint:gosec // jitter, not a secret
}
