package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portico/internal/tenant"
)

// Watch verifies a tenant's ledger and remembers what it found, for Alarm. Unless the whole is asked for it begins behind
// the checkpoint that was told to the auditor a day ago or earlier, so that it takes no time at the start of a process.
func (s *Service) Watch(ctx context.Context, t tenant.ID, whole bool) error {
	var since Head
	if !whole {
		var err error
		if since, err = s.store.Told(ctx, t, s.now().Add(-day)); err != nil {
			return err
		}
	}
	_, err := s.Verify(ctx, t, since.Checkpoint)
	if err != nil && !errors.Is(err, ErrBroken) {
		return err // nothing was found out
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.alarms, t)
		return nil
	}
	s.alarms[t] = err
	return err
}

const day = 24 * time.Hour

// Alarm is what the last verifications of this process found broken, or nil.
func (s *Service) Alarm() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all error
	for t, err := range s.alarms {
		all = errors.Join(all, fmt.Errorf("ledger of %s: %w", t, err))
	}
	return all
}

// TellDaily hands the newest checkpoint to tell, once a day by UTC however many replicas ask, in one transaction with what
// tell does. An empty ledger has nothing to tell.
func (s *Service) TellDaily(ctx context.Context, t tenant.ID, tell func(ctx context.Context, checkpoint string) error) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		head, err := s.store.Head(ctx, t)
		if err != nil || head.Checkpoint == "" {
			return err
		}
		now := s.now()
		first, err := s.store.TellDay(ctx, t, now.UTC().Format(time.DateOnly), head.Size, now)
		if err != nil || !first {
			return err
		}
		return tell(ctx, head.Checkpoint)
	})
}
