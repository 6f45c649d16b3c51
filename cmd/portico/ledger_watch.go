package main

import (
	"context"
	"errors"
	"time"

	"portico/internal/mail"
	"portico/internal/tenant"
)

// watchLedgers verifies every ledger at the start and each day, and tells the day's checkpoints to the log and the auditor.
func (p *portal) watchLedgers(ctx context.Context) {
	const hours = 24
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for hour := 0; ; hour++ {
		if err := p.watchOnce(ctx, hour > 0 && hour%hours == 0, hour%hours == 0); err != nil && ctx.Err() == nil {
			p.log.Error("ALARM: the record of assent", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *portal) watchOnce(ctx context.Context, whole, verify bool) error {
	tenants, err := p.tenants.IDs(ctx)
	if err != nil {
		return err
	}
	p.checkClock(ctx)
	if verify {
		if have, want, err := p.db.Guarded(ctx); err == nil && have < want {
			p.log.Warn("the database does not guard the ledger", "triggers", have, "of", want)
		}
	}
	var failed error
	for _, id := range tenants {
		failed = errors.Join(failed, p.watchTenant(ctx, id, whole, verify))
	}
	return failed
}

func (p *portal) watchTenant(ctx context.Context, id tenant.ID, whole, verify bool) error {
	told := p.tellDaily(ctx, id)
	if !verify {
		return told
	}
	return errors.Join(told, p.config.Ledger.Watch(ctx, id, whole))
}

// skewed is how far a node's clock may be from the database's before somebody must look (terms.md 1.5, case 14). Nothing is
// decided wrongly until then: the database's clock decides, and an acceptance at a higher number satisfies early.
const skewed = 2 * time.Second

func (p *portal) checkClock(ctx context.Context) {
	before := p.config.Now()
	there, err := p.db.Now(ctx)
	if err != nil {
		return
	}
	if ahead := there.Sub(before); ahead.Abs() > skewed {
		p.log.Error("ALARM: the clocks of this machine and of the database differ", "by", ahead.String())
	}
}

// tellDaily writes the day's checkpoint where it is out of reach of whoever holds the database.
func (p *portal) tellDaily(ctx context.Context, id tenant.ID) error {
	t, err := p.tenants.ByID(ctx, id)
	if err != nil {
		return err
	}
	return p.config.Ledger.TellDaily(ctx, id, func(ctx context.Context, checkpoint string) error {
		p.log.Info("ledger checkpoint", "tenant", string(id), "checkpoint", checkpoint)
		if p.auditor == "" {
			return nil
		}
		return p.outbox.Send(ctx, mail.Letter{
			Tenant: id, To: p.auditor, Kind: mail.LedgerCheckpoint, Language: t.Locales[0],
			Facts: mail.Facts{Proof: checkpoint, Link: t.URL("/ledger/" + string(id) + "/checkpoint")},
		})
	})
}
