package admin

import (
	"context"
	"errors"
	"time"

	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Deed is what can be done to many people at once.
type Deed string

// The deeds.
const (
	DeedBlock   Deed = "block"
	DeedUnblock Deed = "unblock"
	DeedEnd     Deed = "end"
	DeedVerify  Deed = "verify"
	DeedReset   Deed = "reset"
)

// Deeds lists them all, in the order in which they are offered.
func Deeds() []Deed { return []Deed{DeedBlock, DeedUnblock, DeedEnd, DeedVerify, DeedReset} }

// Reasoned reports whether a reason must be given for the deed, as for one person.
func (d Deed) Reasoned() bool { return d == DeedBlock || d == DeedUnblock }

// MaxMany is the most people that one request may be about.
const MaxMany = 50

// Exception is why somebody is left out of what is done to many; empty for whom it is done to.
type Exception string

// The exceptions.
const (
	ItIsYou      Exception = "self"
	BlockedNow   Exception = "blocked"
	BlockedNot   Exception = "unblocked"
	VerifiedNow  Exception = "verified"
	NoAddress    Exception = "address"
	LastOne      Exception = "last"
	Gone         Exception = "gone"
	WentWrong    Exception = "failed"
	ChangedSince Exception = "changed"
)

// Chosen is one of many people, and why they are left out. Err is what went wrong, for the log alone.
type Chosen struct {
	Person profile.Profile
	Out    Exception
	Err    error
}

// Choose tells which of these people a deed would be done to, and who is left out and why, in the order of ids. Unknown ids, and
// those of another tenant, are missing. Restricted people, and those whose accounts are closing, are like all others: so they are
// for one at a time.
func (s *Service) Choose(ctx context.Context, actor tenant.User, d Deed, ids []string) ([]Chosen, error) {
	people, err := s.store.FindPeople(ctx, actor.Tenant, ids[:min(len(ids), MaxMany)])
	if err != nil {
		return nil, err
	}
	known := make(map[string]profile.Profile, len(people))
	for _, p := range people {
		known[p.User.ID] = p
	}
	var chosen []Chosen
	for _, id := range ids[:min(len(ids), MaxMany)] {
		if p, ok := known[id]; ok {
			chosen = append(chosen, Chosen{Person: p, Out: d.except(actor, p, s.now())})
			delete(known, id)
		}
	}
	return chosen, nil
}

// except is why a deed is not done to somebody, or nothing. Nobody locks themselves out, nor ends the session they are in
// before they see what became of the others (rule B-7).
func (d Deed) except(actor tenant.User, p profile.Profile, now time.Time) Exception {
	blocked := p.Block.InForce(now)
	switch {
	case p.User == actor && (d == DeedBlock || d == DeedEnd):
		return ItIsYou
	case d == DeedBlock && blocked:
		return BlockedNow
	case d == DeedUnblock && !blocked:
		return BlockedNot
	case d == DeedVerify && p.EmailVerified:
		return VerifiedNow
	case (d == DeedVerify || d == DeedReset) && p.Email == "":
		return NoAddress
	}
	return ""
}

func (d Deed) check(b Blocking, now time.Time) valid.Errors {
	switch d {
	case DeedBlock:
		return b.check(now)
	case DeedUnblock:
		return checkReason(b.Reason)
	case DeedEnd, DeedVerify, DeedReset:
	}
	return nil
}

// Many does a deed to each of these people as it is done to one: each in a transaction of their own with its line in the record
// and its letter, so that one failure takes nothing from the others. It returns valid.Errors before anything is done.
func (s *Service) Many(ctx context.Context, actor tenant.User, d Deed, ids []string, b Blocking) ([]Chosen, error) {
	if err := d.check(b, s.now()).Err(); err != nil {
		return nil, err
	}
	chosen, err := s.Choose(ctx, actor, d, ids)
	if err != nil {
		return nil, err
	}
	for i := range chosen {
		if chosen[i].Out == "" {
			chosen[i].Out, chosen[i].Err = s.oneOfMany(ctx, actor, chosen[i].Person.User, d, b)
		}
	}
	return chosen, nil
}

// oneOfMany looks again whether somebody is left out, now that nobody else can change them.
func (s *Service) oneOfMany(ctx context.Context, actor, u tenant.User, d Deed, b Blocking) (Exception, error) {
	var out Exception
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		if out = d.except(actor, p, s.now()); out != "" {
			return nil
		}
		return s.perform(ctx, actor, u, d, b)
	})
	switch {
	case errors.Is(err, ErrLast):
		return LastOne, nil
	case errors.Is(err, profile.ErrNotFound):
		return Gone, nil
	case err != nil:
		return WentWrong, err
	}
	return out, nil
}

func (s *Service) perform(ctx context.Context, actor, u tenant.User, d Deed, b Blocking) error {
	switch d {
	case DeedBlock:
		return s.Block(ctx, actor, u, b)
	case DeedUnblock:
		return s.Unblock(ctx, actor, u, b.Reason)
	case DeedEnd:
		return s.EndSessions(ctx, actor, u)
	case DeedVerify:
		return s.SendVerification(ctx, actor, u)
	case DeedReset:
		return s.SendReset(ctx, actor, u)
	}
	return errors.ErrUnsupported
}
