package privacy

import (
	"context"
	"errors"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// becauseUnproven is what the record says of why somebody was erased who did not ask for it.
const becauseUnproven = "address never proven"

// PruneNotice is how long before an account is erased because nobody has ever proven its address its owner is told (rule V-7).
const PruneNotice = 7 * 24 * time.Hour

// Unproven says which accounts without a proven address are looked for: those made by Created who have not been told, or,
// with Warned, who were told by then. User narrows it to one person.
type Unproven struct {
	Created time.Time
	Warned  time.Time
	User    string
}

// PruneStore is what erasing accounts that nobody has proven needs of persistence.
type PruneStore interface {
	Unproven(ctx context.Context, t tenant.ID, f Unproven, limit int) ([]tenant.User, error)
	HasPassword(ctx context.Context, u tenant.User) (bool, error)
	SaveWarned(ctx context.Context, u tenant.User, at time.Time) error
}

// pruneWarned and pruneErased bound how many people one round writes to, and erases; a round is due every pruneMinutes.
const (
	pruneWarned  = 500
	pruneErased  = 200
	pruneMinutes = 10
)

// Prune erases the accounts of the tenant of ctx whose address nobody has proven for so many days, and says how many. Each is
// told a week before; who proves the address until then stays. Accounts without an address, of administrators, and of who is
// blocked or restricted stay too. Any number of replicas may do so at once.
func (s *Closings) Prune(ctx context.Context, days int) (int, error) {
	now, err := s.Store.Now(ctx)
	if err != nil {
		return 0, err
	}
	end := now.AddDate(0, 0, -days)
	erased, err := s.pruneDue(ctx, Unproven{Created: end, Warned: now.Add(-PruneNotice)})
	return erased, errors.Join(err, s.warnUnproven(ctx, Unproven{Created: end.Add(PruneNotice)}, now))
}

// warnUnproven writes to people, at the rate of letters to many.
func (s *Closings) warnUnproven(ctx context.Context, f Unproven, now time.Time) error {
	t := tenant.From(ctx)
	people, err := s.Store.Unproven(ctx, t.ID, f, min(pruneWarned, pruneMinutes*t.LetterRate()))
	for _, u := range people {
		if err != nil {
			break
		}
		_, err = s.ifUnproven(ctx, u, f, func(ctx context.Context, p profile.Profile) error {
			facts := mail.Facts{Until: now.Add(PruneNotice), Link: t.URL("/login?return_to=/verify")}
			has, err := s.Store.HasPassword(ctx, u)
			if err != nil {
				return err
			}
			if p.Connection == profile.Database && !has { // was invited and never came: choosing a password proves the address
				facts.Link, facts.SecondLink = "", t.URL("/password/forgot")
			}
			if err := s.tell(ctx, p, p.Email, mail.AccountUnproven, facts); err != nil {
				return err
			}
			return s.Store.SaveWarned(ctx, u, now)
		})
	}
	return err
}

// pruneDue erases whose time is over, as those are who closed their account.
func (s *Closings) pruneDue(ctx context.Context, f Unproven) (int, error) {
	t := tenant.From(ctx)
	due, err := s.Store.Unproven(ctx, t.ID, f, pruneErased)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	if err := s.Ledger.SequenceTenant(ctx, t); err != nil { // so that every entry has its proof
		return 0, err
	}
	erased := 0
	var failed []error
	for _, u := range due {
		gone, err := s.ifUnproven(ctx, u, f, func(ctx context.Context, p profile.Profile) error {
			return s.finish(ctx, p, becauseUnproven)
		})
		if gone {
			erased++
		}
		failed = append(failed, err)
	}
	return erased, errors.Join(failed...)
}

// ifUnproven does something about u in one transaction, unless u has proven the address meanwhile, or another replica was
// faster. It reports whether it did.
func (s *Closings) ifUnproven(ctx context.Context, u tenant.User, f Unproven, do func(context.Context, profile.Profile) error) (bool, error) {
	ctx, done := audit.WithActor(ctx, audit.Actor{Kind: audit.BySystem}), false
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		done = false
		p, err := s.Store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		f.User = u.ID
		still, err := s.Store.Unproven(ctx, u.Tenant, f, 1)
		if err != nil || len(still) == 0 {
			return err
		}
		done = true
		return do(ctx, p)
	})
	if errors.Is(err, profile.ErrNotFound) {
		return false, nil
	}
	return done && err == nil, err
}
