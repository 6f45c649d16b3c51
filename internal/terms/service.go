package terms

import (
	"context"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"portico/internal/audit"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	Now(ctx context.Context) (time.Time, error)
	// Library reads everything of a tenant, drafts too.
	Library(ctx context.Context, t tenant.ID) (Library, error)
	AddDocument(ctx context.Context, d Document) error
	// LockDocument keeps others from changing a document until the transaction ends, and says which number was given out last.
	LockDocument(ctx context.Context, t tenant.ID, document string) (last int, err error)
	RetireDocument(ctx context.Context, t tenant.ID, document string, now time.Time) error
	SaveNotice(ctx context.Context, t tenant.ID, document string, days int, personal bool) error
	AddVersion(ctx context.Context, t tenant.ID, v Version, texts []Text) error
	// WriteDraft replaces the text of a draft in one language.
	WriteDraft(ctx context.Context, t tenant.ID, v Version, text Text) error
	// UpdateDraft saves what is known of a draft besides its texts.
	UpdateDraft(ctx context.Context, t tenant.ID, v Version) error
	EraseDraft(ctx context.Context, t tenant.ID, v Version, now time.Time) error
	// PublishVersion fixes a draft; it returns ErrPublished when it is fixed already.
	PublishVersion(ctx context.Context, t tenant.ID, v Version) error
	WithdrawVersion(ctx context.Context, t tenant.ID, v Version) error
	// TermsApproval reads who must approve, and how many administrators are not blocked.
	TermsApproval(ctx context.Context, t tenant.ID) (setting Approval, admins int, err error)
	SaveTermsApproval(ctx context.Context, t tenant.ID, setting Approval) error
	WaveStore
	NoticeStore
	AddText(ctx context.Context, t tenant.ID, text Text) error
	// Exempt brings up to date which of a tenant's languages versions lack that ask only whom they have a text for.
	Exempt(ctx context.Context, t tenant.ID, enabled []string) error
	AddPresentation(ctx context.Context, t tenant.ID, sha, content string, now time.Time) error
	// AppendAssent adds to the record; it returns ErrRecorded for a nonce that the person has used.
	AppendAssent(ctx context.Context, e Event) error
	Assents(ctx context.Context, u tenant.User) ([]Event, error)
	// Party reads since when u has an account and every version that u has accepted.
	Party(ctx context.Context, u tenant.User) (Party, error)
	SaveStanding(ctx context.Context, u tenant.User, s Standing) error
	// CountAsked counts the people of a version's audience by the value of a facet that they have; without a facet they are all
	// under "". Those who accepted one of these numbers are left out.
	CountAsked(ctx context.Context, t tenant.ID, v Version, facet string, satisfied []int) (map[string]int64, error)
	// MirrorAssent patches app_metadata with what patch makes of it.
	MirrorAssent(ctx context.Context, u tenant.User, patch func(before profile.Metadata) profile.Metadata) error
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
}

// WaveStore is what letters to many people need of persistence.
type WaveStore interface {
	AddWave(ctx context.Context, w Wave) error
	DueWaves(ctx context.Context, only tenant.ID) ([]Wave, error)
	// LockWave finds a wave and keeps others from moving it until the transaction ends; it returns ErrNotFound.
	LockWave(ctx context.Context, w Wave) (Wave, error)
	SaveWave(ctx context.Context, w Wave) error
	// Waves lists the waves of a version by when they are due.
	Waves(ctx context.Context, t tenant.ID, document string, number int) ([]Wave, error)
	People(ctx context.Context, t tenant.ID, v Version, told Told) ([]profile.Profile, error)
}

// stale is how old the library in memory may be: it is shown from, never decided by (case 13).
const stale = 5 * time.Second

// Service publishes documents and records who accepts them.
type Service struct {
	store  Store
	outbox *mail.Outbox
	log    *audit.Log
	now    func() time.Time
	proofs *ledger.Service

	mu       sync.Mutex
	known    map[tenant.ID]reading
	readings uint64
	diffs    sync.Map // "hash hash" → []Change
	compared atomic.Int64
}

// reading is a library as it was read, with how far the database's clock was ahead of ours then.
type reading struct {
	library Library
	ahead   time.Duration
	at      time.Time
}

// New returns the service on store.
func New(store Store, outbox *mail.Outbox, log *audit.Log, now func() time.Time) *Service {
	return &Service{store: store, outbox: outbox, log: log, now: now, known: map[tenant.ID]reading{}}
}

// Path is the permanent address of a version in a language.
func Path(document string, number int, locale string) string {
	return fmt.Sprintf("/terms/%s/%d?lang=%s", document, number, url.QueryEscape(locale))
}

// Library returns what is published and drafted, and what time it is by the database's clock. It may be five seconds old;
// while the database does not answer it is what was read last.
func (s *Service) Library(ctx context.Context, t tenant.ID) (Library, time.Time, error) {
	s.mu.Lock()
	known, ok := s.known[t]
	s.mu.Unlock()
	if ok && s.now().Sub(known.at) < stale {
		return known.library, s.now().Add(known.ahead), nil
	}
	library, now, err := s.fresh(ctx, t)
	if err != nil && ok {
		return known.library, s.now().Add(known.ahead), nil //nolint:nilerr // public documents outlive the database (terms.md 2)
	}
	if err != nil {
		return Library{}, time.Time{}, err
	}
	return s.remember(t, library, now), now, nil
}

// Read is Library as it is now, for whoever is about to change it.
func (s *Service) Read(ctx context.Context, t tenant.ID) (Library, time.Time, error) {
	return s.fresh(ctx, t)
}

// remember keeps a library in memory. It takes the reading of the one before when nothing has changed since.
func (s *Service) remember(t tenant.ID, library Library, now time.Time) Library {
	s.mu.Lock()
	defer s.mu.Unlock()
	library.Reading = s.known[t].library.Reading
	if library.Reading == 0 || !reflect.DeepEqual(library, s.known[t].library) {
		s.readings++
		library.Reading = s.readings
	}
	s.known[t] = reading{library, now.Sub(s.now()), s.now()}
	return library
}

func (s *Service) fresh(ctx context.Context, t tenant.ID) (Library, time.Time, error) {
	now, err := s.store.Now(ctx)
	if err != nil {
		return Library{}, time.Time{}, err
	}
	library, err := s.store.Library(ctx, t)
	return library, now, err
}

func (s *Service) forget(t tenant.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, t)
}

// Shown is a version that a page shows to somebody.
type Shown struct {
	Document Document
	Version  Version
	Text     Text
	Upcoming bool // announced, not in force yet
}

// AtSignUp lists what a new person must accept, in the language that comes nearest to locale: what is in force and,
// beside it, what is announced and would be asked for days later (case 9).
func (s *Service) AtSignUp(ctx context.Context, t tenant.ID, locale string) ([]Shown, error) {
	library, now, err := s.Library(ctx, t)
	if err != nil {
		return nil, err
	}
	var all []Shown
	for _, d := range library.Documents {
		version, ok := library.Current(d.Key, now)
		if !ok || !d.Gates() {
			continue
		}
		if text, ok := library.Text(d.Key, version.Number, locale); ok {
			all = append(all, Shown{d, version, text, false})
		}
		next, ok := library.Upcoming(d.Key, now)
		if text, found := library.Text(d.Key, next.Number, locale); ok && found && next.Materiality == Material && next.Asks(Party{JoinedAt: now}) {
			all = append(all, Shown{d, next, text, true})
		}
	}
	return all, nil
}

// Due is a document that a person has to decide about, or may decide about early.
type Due struct {
	Shown
	Must      bool     // nothing else goes on before
	Before    Standing // what the person accepted last
	Withdrawn int      // what they accepted after that and was withdrawn
	Earlier   []Shown  // versions since then, for their change notes
	Changes   []Change // word for word since then
	Seen      bool     // it was shown to them before
}

// Again reports whether the very version was accepted before and the acceptance has expired.
func (d Due) Again() bool { return d.Before.Number >= d.Version.Number }

// From is the number of the version that the changes are counted from, or 0.
func (d Due) From() int {
	if d.Again() {
		return 0
	}
	return d.Before.Number
}

// Owed lists what u must decide about now and then what u may decide about early, in the language nearest to locale.
func (s *Service) Owed(ctx context.Context, u tenant.User, locale string) ([]Due, error) {
	library, now, err := s.fresh(ctx, u.Tenant)
	if err != nil {
		return nil, err
	}
	party, err := s.store.Party(ctx, u)
	if err != nil {
		return nil, err
	}
	var must, may []Due
	for _, d := range library.Documents {
		if !d.Gates() {
			continue
		}
		if current, ok := library.Current(d.Key, now); ok && !library.Satisfies(d.Key, party, now) {
			must = append(must, s.due(library, d, current, party, locale, true))
		} else if next, ok := undecided(library, d, party, now); ok {
			may = append(may, s.due(library, d, next, party, locale, false))
		}
	}
	return append(must, may...), nil
}

// undecided is a material version that p may accept before it must be: in force but not enforced, or announced.
func undecided(library Library, d Document, p Party, now time.Time) (Version, bool) {
	before := library.standing(d.Key, p.Accepted)
	if next, ok := library.Upcoming(d.Key, now); ok && next.Materiality == Material && next.Number > before.Number && next.Asks(p) {
		return next, true
	}
	current, ok := library.Current(d.Key, now)
	ok = ok && current.Materiality == Material && current.Number > before.Number && !current.Enforced(p, now)
	return current, ok && current.Asks(p)
}

func (s *Service) due(library Library, d Document, v Version, p Party, locale string, must bool) Due {
	text, _ := library.Text(d.Key, v.Number, locale)
	before := library.standing(d.Key, p.Accepted)
	due := Due{Shown: Shown{Document: d, Version: v, Text: text}, Must: must, Before: before, Withdrawn: library.withdrawn(d.Key, p.Accepted)}
	due.Seen = slices.ContainsFunc(p.Notices, func(n Notice) bool { return n.Document == d.Key && n.Number == v.Number && !n.SeenAt.IsZero() })
	if before.Number == 0 || before.Number >= v.Number {
		return due
	}
	for _, between := range library.Of(d.Key) {
		if between.Number > before.Number && between.Number <= v.Number && between.Published() && between.WithdrawnAt.IsZero() {
			t, _ := library.Text(d.Key, between.Number, locale)
			due.Earlier = append(due.Earlier, Shown{Document: d, Version: between, Text: t})
		}
	}
	if old, ok := library.Text(d.Key, before.Number, text.Locale); ok {
		due.Changes = s.Compare(old, text)
	}
	return due
}

// Compare is Diff of two texts, kept in memory: the same pair is asked for by everybody.
func (s *Service) Compare(old, fresh Text) []Change {
	key := old.SourceSHA256 + " " + fresh.SourceSHA256
	if known, ok := s.diffs.Load(key); ok {
		return known.([]Change)
	}
	changes := Diff(old.Source, fresh.Source)
	if s.compared.Add(1)%maxDiffs == 0 {
		s.diffs.Clear() // drafts are compared too, and change
	}
	s.diffs.Store(key, changes)
	return changes
}

// maxDiffs is how many comparisons are kept in memory.
const maxDiffs = 1000

// History lists what u decided, newest first.
func (s *Service) History(ctx context.Context, u tenant.User) ([]Event, error) {
	return s.store.Assents(ctx, u)
}
