package admin

import (
	"context"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// Blocks is one page of who is kept out, by administrators and automatically: the lists are of different things and each
// goes on by a cursor of its own. Names are those of everybody they speak of, by id.
type Blocks struct {
	People        []profile.Profile
	Next          string
	Automatic     []guard.Block
	NextAutomatic string
	Names         map[string]string
}

// Blocks lists who is blocked now. after and afterAutomatic are the cursors of the pages before.
func (s *Service) Blocks(ctx context.Context, t tenant.ID, after, afterAutomatic string, limit int) (Blocks, error) {
	found, err := s.Search(ctx, t, Query{State: Blocked, Restricted: true, After: after, Limit: limit})
	if err != nil {
		return Blocks{}, err
	}
	blocks := Blocks{People: found.People, Next: found.Next}
	blocks.Automatic, err = s.guard.Search(ctx, t, guard.Filter{After: afterAutomatic, Limit: limit + 1})
	if err != nil {
		return Blocks{}, err
	}
	if len(blocks.Automatic) > limit {
		blocks.Automatic = blocks.Automatic[:limit]
		blocks.NextAutomatic = blocks.Automatic[limit-1].Cursor()
	}
	var ids []string
	for _, p := range blocks.People {
		ids = append(ids, p.Block.By)
	}
	for _, b := range blocks.Automatic {
		ids = append(ids, b.User.ID)
	}
	blocks.Names, err = s.store.FindNames(ctx, t, ids)
	return blocks, err
}

// Lift ends the automatic block with this key; an administrator's block of the same person stays (rule B-4). There may be
// none any more. It returns valid.Errors when no reason is given.
func (s *Service) Lift(ctx context.Context, actor tenant.User, key, reason string) error {
	if err := checkReason(reason).Err(); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		block, found, err := s.guard.Find(ctx, actor.Tenant, key)
		if err != nil || !found {
			return err
		}
		if err := s.guard.Lift(ctx, actor.Tenant, key); err != nil {
			return err
		}
		event := because(audit.AutomaticUnblock, reason)
		event.Detail["place"] = block.Place
		return s.record(ctx, actor, tenant.User{Tenant: actor.Tenant, ID: block.User.ID}, event)
	})
}
