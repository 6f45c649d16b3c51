package web

import (
	"context"
	"time"
)

// answerTime is how long the work takes at least whose length would tell whether somebody has an address (security.md row
// 16, ASVS 6.3.8). It is well above what such work takes, so that the answer comes at the same time whatever there was to do.
const answerTime = 250 * time.Millisecond

// steadily does work and returns no sooner than after answerTime, unless nobody waits any more.
func steadily(ctx context.Context, work func() error) error {
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	err := work()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return err
}
