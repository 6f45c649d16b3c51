package audit

import (
	"context"

	"portico/internal/tenant"
)

// MaxExported is the most events that Each reads out.
const MaxExported = 100_000

// exportStep is how many events Each has in memory at a time.
const exportStep = 500

// names lists what a filter narrows by, without the values.
func (f Filter) names() []string {
	var names []string
	for _, one := range []struct {
		name string
		set  bool
	}{
		{"user", f.User != ""}, {"actor", f.Actor != ""}, {"type", len(f.Types) > 0}, {"from", !f.Since.IsZero()}, {"to", !f.Until.IsZero()},
	} {
		if one.set {
			names = append(names, one.name)
		}
	}
	return names
}

// Each calls begin, and then do for every event that f finds, newest first, at most MaxExported, a few hundred in memory at a
// time. That actor had them read out is recorded before, with what the filter narrows by. It reports whether there are more.
func (l *Log) Each(ctx context.Context, actor tenant.User, f Filter, begin func(), do func(Event) error) (more bool, err error) {
	err = l.Record(ctx, Event{
		Type: AuditExported, User: tenant.User{Tenant: actor.Tenant}, Actor: Actor{Kind: ByAdmin, ID: actor.ID}, Fields: f.names(),
	})
	if err != nil {
		return false, err
	}
	begin()
	f.Before, f.After = "", ""
	for read := 0; ; {
		f.Limit = min(exportStep, MaxExported-read+1)
		events, err := l.Search(ctx, actor.Tenant, f)
		if err != nil {
			return false, err
		}
		for _, e := range events {
			if read == MaxExported {
				return true, nil
			}
			if err := do(e); err != nil {
				return false, err
			}
			read, f.Before = read+1, e.ID
		}
		if len(events) < f.Limit {
			return false, nil
		}
	}
}
