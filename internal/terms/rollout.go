package terms

import (
	"context"
	"errors"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// Outcome is what became of a version with somebody.
type Outcome string

// The outcomes that are counted.
const (
	OutcomeAccepted Outcome = "accepted"
	OutcomeDeclined Outcome = "declined" // and has not accepted since
	OutcomeSeen     Outcome = "seen"     // was shown it, and has not decided
)

// Tally is how many people came to an outcome on a day, by UTC, in the language they read.
type Tally struct {
	Outcome Outcome
	Day     string // 2027-02-01
	Locale  string
	People  int64
}

// Rollout is how far a version has come. Waiting have not accepted it, whether they declined, saw it or neither (Unseen).
type Rollout struct {
	Asked    int64
	Accepted int64
	Declined int64
	Seen     int64
	Unseen   int64
	Waiting  int64
	Exempt   int64 // are not asked until there is a text in their language (case 6)
	Tallies  []Tally
	Waves    []Wave
	Letters  time.Duration // how long a letter to all who wait takes
}

// Rollout counts what became of a published version: grouped counts, and no row of anybody. It returns ErrNotFound.
func (s *Service) Rollout(ctx context.Context, t tenant.Tenant, document string, number int) (Rollout, error) {
	library, _, err := s.fresh(ctx, t.ID)
	if err != nil {
		return Rollout{}, err
	}
	v, ok := library.asking(document, number)
	if !ok {
		return Rollout{}, ErrNotFound
	}
	asked, err := s.store.CountAsked(ctx, t.ID, v, "", library.satisfying(v))
	if err != nil {
		return Rollout{}, err
	}
	r := Rollout{Waiting: asked[""], Letters: t.LetterTime(int(asked[""]))}
	if r.Tallies, err = s.store.Decided(ctx, t.ID, v); err != nil {
		return Rollout{}, err
	}
	for _, tally := range r.Tallies {
		switch tally.Outcome {
		case OutcomeAccepted:
			r.Accepted += tally.People
		case OutcomeDeclined:
			r.Declined += tally.People
		case OutcomeSeen:
			r.Seen += tally.People
		}
	}
	if v.Exempt {
		if r.Exempt, err = s.countWaiting(ctx, t, library, v); err != nil {
			return Rollout{}, err
		}
	}
	r.Asked = r.Waiting + r.Accepted
	r.Unseen = max(0, r.Waiting-r.Declined-r.Seen)
	r.Waves, err = s.store.Waves(ctx, t.ID, document, number)
	return r, err
}

// asking finds a published version about which people are asked.
func (l Library) asking(document string, number int) (Version, bool) {
	d, _ := l.Document(document)
	v, ok := l.Version(document, number)
	return v, ok && v.Published() && v.Materiality == Material && d.Assent.Gates()
}

// Undecided is somebody who has not accepted a version, with what they were told of it.
type Undecided struct {
	profile.Profile
	Notice Notice
}

// Undecided lists who has not accepted a version, by id, after the one called after. It returns ErrNotFound.
func (s *Service) Undecided(ctx context.Context, t tenant.ID, document string, number int, after string, most int) ([]Undecided, error) {
	library, _, err := s.Library(ctx, t)
	if err != nil {
		return nil, err
	}
	v, ok := library.asking(document, number)
	if !ok {
		return nil, ErrNotFound
	}
	people, err := s.store.People(ctx, t, v, Told{Asked: true, Satisfied: library.satisfying(v), After: after, Most: most})
	if err != nil || len(people) == 0 {
		return nil, err
	}
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.User.ID
	}
	notices, err := s.store.NoticesOf(ctx, t, v, ids)
	all := make([]Undecided, len(people))
	for i, p := range people {
		all[i] = Undecided{p, notices[p.User.ID]}
	}
	return all, err
}

// readingStep is how many people are read at a time for a list of everybody.
const readingStep = 500

// EachUndecided calls begin, and then do for everybody who has not accepted a version, a few hundred in memory at a time. That the
// list was taken is recorded before. It returns ErrNotFound before begin.
func (s *Service) EachUndecided(
	ctx context.Context, actor tenant.User, document string, number int, begin func(), do func(Undecided) error,
) error {
	library, _, err := s.Library(ctx, actor.Tenant)
	if err != nil {
		return err
	}
	v, ok := library.asking(document, number)
	if !ok {
		return ErrNotFound
	}
	if err := s.note(ctx, audit.TermsListed, actor, v, nil); err != nil {
		return err
	}
	begin()
	for after := ""; err == nil; {
		var people []Undecided
		people, err = s.Undecided(ctx, actor.Tenant, document, number, after, readingStep)
		for i := 0; err == nil && i < len(people); i++ {
			err, after = do(people[i]), people[i].User.ID
		}
		if len(people) < readingStep {
			break
		}
	}
	return err
}

// Remind begins a wave of reminders to those who have not accepted a version: at most one a day. It returns ErrReminded
// where one was begun today, and ErrNotFound for a version that asks nobody any more.
func (s *Service) Remind(ctx context.Context, actor tenant.User, document string, number int) error {
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		v, ok := library.asking(document, number)
		if !ok || !library.tells(v, now) || !v.Visible(now) {
			return ErrNotFound
		}
		w := Wave{Tenant: actor.Tenant, Document: document, Number: number, Kind: WaveReminder + WaveKind(now.UTC().Format(time.DateOnly)), DueAt: now}
		known, err := s.store.Waves(ctx, actor.Tenant, document, number)
		if err != nil {
			return err
		}
		for _, k := range known {
			if k.Kind == w.Kind {
				return ErrReminded
			}
		}
		if err := s.store.AddWave(ctx, w); err != nil {
			return err
		}
		return s.note(ctx, audit.TermsReminded, actor, v, nil)
	})
}

// ErrReminded says that people were reminded of a version today.
var ErrReminded = errors.New("people were reminded today")

// reminds reports whether letters of this kind are for those alone who have not decided, after the announcement.
func (k WaveKind) reminds() bool {
	return k == WaveWeek || k == WaveDay || strings.HasPrefix(string(k), string(WaveReminder))
}
