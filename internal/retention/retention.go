// Package retention ends what a tenant keeps when its time is over: one table says what is kept, what for and for how long,
// and one job in every replica removes what is older, a bounded number of rows at a time (GDPR article 5(1)(e), ASVS 14.2.7).
package retention

import (
	"context"
	"errors"
	"strconv"
	"time"

	"portico/internal/audit"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Entity is a kind of row that is kept for a time.
type Entity string

// The entities.
const (
	Audit    Entity = "audit"
	AuditIP  Entity = "audit_ip"
	Letters  Entity = "letters"
	Sessions Entity = "sessions"
	Flows    Entity = "flows"
	Tickets  Entity = "tickets"
	Counters Entity = "counters"
	Requests Entity = "requests"
	LastIP   Entity = "last_ip"
	// Guardians are addresses of parents and guardians whose answer nobody waits for any more.
	Guardians Entity = "guardians"
	Unproven  Entity = "unproven"
	Exports   Entity = "exports"
	Files     Entity = "files"
	Backups   Entity = "backups"
)

// Rule is how long rows of an entity are kept, in days since they were over: Days unless an administrator chooses another
// number from Least to Most. Every is how often the job looks. Cut says that rows stay and only lose what names a place, Never
// that 0 days are none: they stay for good. Stated says that the company itself sees to it, outside of this program, which
// tells people the period.
type Rule struct {
	Entity Entity
	Days   int
	Least  int
	Most   int
	Every  time.Duration
	Cut    bool
	Never  bool
	Stated bool
}

// allows reports whether an administrator may choose so many days.
func (r Rule) allows(days int) bool {
	return days >= r.Least && days <= r.Most || r.Never && days == 0
}

// Fixed reports whether the period is the same for every tenant.
func (r Rule) Fixed() bool { return r.Least == r.Most }

// Forever reports whether rows stay for good.
func (r Rule) Forever() bool { return r.Never && r.Days == 0 }

// Period is how long rows are kept.
func (r Rule) Period() time.Duration { return time.Duration(r.Days) * 24 * time.Hour }

// Period is how long rows of an entity are kept, by the table of a tenant.
func Period(rows []Row, e Entity) time.Duration {
	for _, row := range rows {
		if row.Entity == e {
			return row.Period()
		}
	}
	return 0
}

// Rules lists the entities with their periods (terms.md section 3, rule G-7).
func Rules() []Rule {
	const day = 24 * time.Hour
	return []Rule{
		{Entity: Audit, Days: 365, Least: 90, Most: 3650, Every: time.Hour},
		{Entity: AuditIP, Days: 90, Least: 7, Most: 365, Every: day, Cut: true},
		{Entity: Letters, Days: 30, Least: 1, Most: 365, Every: time.Hour},
		{Entity: Sessions, Days: 0, Least: 0, Most: 90, Every: 10 * time.Minute},
		{Entity: Flows, Days: 0, Least: 0, Most: 7, Every: 10 * time.Minute},
		{Entity: Tickets, Days: 30, Least: 8, Most: 365, Every: time.Hour},
		{Entity: Counters, Days: 0, Least: 0, Most: 30, Every: 10 * time.Minute},
		{Entity: Requests, Days: 1095, Least: 365, Most: 3650, Every: time.Hour},
		{Entity: Guardians, Days: 0, Least: 0, Most: 7, Every: 10 * time.Minute},
		{Entity: LastIP, Days: 90, Least: 7, Most: 365, Every: day, Cut: true},
		{Entity: Unproven, Days: 0, Least: 14, Most: 3650, Every: 10 * time.Minute, Never: true},
		{Entity: Files, Every: 10 * time.Minute},
		{Entity: Exports, Days: 30, Least: 1, Most: 365, Every: time.Hour},
		{Entity: Backups, Days: 35, Least: 1, Most: 365, Stated: true},
	}
}

// Row is a rule as it stands for a tenant: its period, when the job looked last, and how many rows it has removed or cut so far.
type Row struct {
	Rule
	RanAt   time.Time
	Removed int64
}

// Stored is what the database knows of an entity. Days is negative while no administrator has chosen a period.
type Stored struct {
	Days    int
	RanAt   time.Time
	Removed int64
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	Retention(ctx context.Context, t tenant.ID) (map[Entity]Stored, error)
	SavePeriod(ctx context.Context, t tenant.ID, e Entity, days int) error
	// ClaimRetention notes that the job looks at an entity now, and reports whether this call was the one that did: nobody has
	// since the time before.
	ClaimRetention(ctx context.Context, t tenant.ID, e Entity, before, now time.Time) (bool, error)
	// Purge removes or cuts at most limit rows that were over before then, and says how many.
	Purge(ctx context.Context, t tenant.ID, e Entity, then time.Time, limit int) (int, error)
	// CountPurged adds to what the job has done.
	CountPurged(ctx context.Context, t tenant.ID, e Entity, n int) error
	// ForgetWarned makes as if nobody had been told that their account goes because nobody has proven its address.
	ForgetWarned(ctx context.Context, t tenant.ID) error
}

// Prune erases the accounts of a tenant whose address nobody has proven for so many days, each after a letter (rule V-7), and
// says how many it has erased.
type Prune func(ctx context.Context, t tenant.ID, days int) (int, error)

// Service keeps the table and does the work.
type Service struct {
	store Store
	prune Prune
	log   *audit.Log
	now   func() time.Time
}

// New returns the service on store. Accounts go by prune, as they need more than rows removed.
func New(store Store, prune Prune, log *audit.Log, now func() time.Time) *Service {
	return &Service{store, prune, log, now}
}

// List returns the table of a tenant.
func (s *Service) List(ctx context.Context, t tenant.ID) ([]Row, error) {
	known, err := s.store.Retention(ctx, t)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, rule := range Rules() {
		row := Row{Rule: rule}
		if stored, ok := known[rule.Entity]; ok {
			row.RanAt, row.Removed = stored.RanAt, stored.Removed
			if stored.Days >= 0 {
				row.Days = stored.Days
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Field is the form field of an entity's period.
func Field(e Entity) string { return "days." + string(e) }

// Save changes the periods that typed names, as numbers of days. It returns valid.Errors and then changes nothing.
func (s *Service) Save(ctx context.Context, actor tenant.User, typed map[Entity]string) error {
	rows, err := s.List(ctx, actor.Tenant)
	if err != nil {
		return err
	}
	var refused valid.Errors
	wanted := map[Entity]int{}
	var fields []string
	for _, row := range rows {
		text, sent := typed[row.Entity]
		days, err := strconv.Atoi(text)
		switch {
		case !sent:
		case err != nil || !row.allows(days):
			refused.Add(Field(row.Entity), "err.number", "min", row.Least, "max", row.Most)
		case days != row.Days:
			wanted[row.Entity] = days
			fields = append(fields, "retention."+string(row.Entity))
		}
	}
	if err := refused.Err(); err != nil || len(wanted) == 0 {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		for entity, days := range wanted {
			if err := s.store.SavePeriod(ctx, actor.Tenant, entity, days); err != nil {
				return err
			}
		}
		if _, other := wanted[Unproven]; other { // who was told of another day is told of the new one first
			if err := s.store.ForgetWarned(ctx, actor.Tenant); err != nil {
				return err
			}
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.SettingsChanged, User: tenant.User{Tenant: actor.Tenant}, Actor: audit.Actor{Kind: audit.ByAdmin, ID: actor.ID}, Fields: fields,
		})
	})
}

// How much one run does for one entity: the rest waits for the next.
const (
	batch   = 500
	batches = 20
)

// Run does what is due for a tenant. Any number of replicas may call it at once: each entity is looked at by one of them.
func (s *Service) Run(ctx context.Context, t tenant.ID) error {
	rows, err := s.List(ctx, t)
	for _, row := range rows {
		now := s.now()
		if row.Stated || now.Sub(row.RanAt) < row.Every || row.Forever() {
			continue
		}
		mine, claiming := s.store.ClaimRetention(ctx, t, row.Entity, now.Add(-row.Every), now)
		err = errors.Join(err, claiming)
		if mine && row.Entity == Unproven {
			err = errors.Join(err, s.pruneFor(ctx, t, row.Days))
		} else if mine {
			err = errors.Join(err, s.purge(ctx, t, row, now.AddDate(0, 0, -row.Days)))
		}
	}
	return err
}

func (s *Service) pruneFor(ctx context.Context, t tenant.ID, days int) error {
	n, err := s.prune(ctx, t, days)
	if n == 0 {
		return err
	}
	return errors.Join(err, s.store.CountPurged(ctx, t, Unproven, n))
}

func (s *Service) purge(ctx context.Context, t tenant.ID, row Row, then time.Time) error {
	total := 0
	for range batches {
		n, err := s.store.Purge(ctx, t, row.Entity, then, batch)
		if err != nil {
			return err
		}
		total += n
		if n < batch {
			break
		}
	}
	if total == 0 {
		return nil
	}
	return s.store.CountPurged(ctx, t, row.Entity, total)
}
