package terms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	Now(ctx context.Context) (time.Time, error)
	// Library reads everything of a tenant, drafts too.
	Library(ctx context.Context, t tenant.ID) (Library, error)
	AddDocument(ctx context.Context, d Document) error
	// SaveDraft replaces a version that is not published, with its texts; it returns ErrPublished for one that is.
	SaveDraft(ctx context.Context, t tenant.ID, v Version, texts []Text) error
	// PublishVersion fixes a draft; it returns ErrPublished when it is fixed already.
	PublishVersion(ctx context.Context, t tenant.ID, v Version) error
	WithdrawVersion(ctx context.Context, t tenant.ID, v Version) error
	AddPresentation(ctx context.Context, t tenant.ID, sha, content string, now time.Time) error
	// AppendAssent adds to the record; it returns ErrRecorded for a nonce that the person has used.
	AppendAssent(ctx context.Context, e Event) error
	Assents(ctx context.Context, u tenant.User) ([]Event, error)
	// Party reads since when u has an account and every version that u has accepted.
	Party(ctx context.Context, u tenant.User) (Party, error)
	SaveStanding(ctx context.Context, u tenant.User, s Standing) error
	// CountBelow says how many people have not accepted at least this version.
	CountBelow(ctx context.Context, t tenant.ID, document string, number int) (int64, error)
	MirrorAssent(ctx context.Context, u tenant.User, document string, number int, at time.Time) error
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
}

// stale is how old the library in memory may be: it is shown from, never decided by (case 13).
const stale = 5 * time.Second

// Service publishes documents and records who accepts them.
type Service struct {
	store  Store
	outbox *mail.Outbox
	log    *audit.Log
	now    func() time.Time

	mu    sync.Mutex
	known map[tenant.ID]reading
	diffs sync.Map // "hash hash" → []Change
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[t] = reading{library, now.Sub(s.now()), s.now()}
	return library, now, nil
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
}

// AtSignUp lists what a new person must accept, in the language that comes nearest to locale.
func (s *Service) AtSignUp(ctx context.Context, t tenant.ID, locale string) ([]Shown, error) {
	library, now, err := s.Library(ctx, t)
	if err != nil {
		return nil, err
	}
	var all []Shown
	for _, d := range library.Documents {
		version, ok := library.Current(d.Key, now)
		if !ok || !d.Assent.Gates() {
			continue
		}
		text, ok := library.Text(d.Key, version.Number, locale)
		if ok {
			all = append(all, Shown{d, version, text})
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
		if !d.Assent.Gates() {
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

// MayDecide reports whether u can accept something early: announced, or in force but not asked for yet. While nothing of
// the kind is published it asks the database nothing.
func (s *Service) MayDecide(ctx context.Context, u tenant.User) (bool, error) {
	library, now, err := s.Library(ctx, u.Tenant)
	if err != nil {
		return false, err
	}
	early := slices.ContainsFunc(library.Versions, func(v Version) bool { return v.Published() && now.Before(v.EnforceAt) })
	if !early {
		return false, nil
	}
	party, err := s.store.Party(ctx, u)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(library.Documents, func(d Document) bool {
		_, ok := undecided(library, d, party, now)
		return ok && d.Assent.Gates()
	}), nil
}

// undecided is a material version that p may accept before it must be: in force but not enforced, or announced.
func undecided(library Library, d Document, p Party, now time.Time) (Version, bool) {
	before := library.standing(d.Key, p.Accepted)
	if next, ok := library.Upcoming(d.Key, now); ok && next.Materiality == Material && next.Number > before.Number && next.Asks(p) {
		return next, true
	}
	current, ok := library.Current(d.Key, now)
	ok = ok && current.Materiality == Material && current.Number > before.Number && now.Before(current.EnforceAt)
	return current, ok && current.Asks(p)
}

func (s *Service) due(library Library, d Document, v Version, p Party, locale string, must bool) Due {
	text, _ := library.Text(d.Key, v.Number, locale)
	before := library.standing(d.Key, p.Accepted)
	due := Due{Shown: Shown{d, v, text}, Must: must, Before: before, Withdrawn: library.withdrawn(d.Key, p.Accepted)}
	if before.Number == 0 || before.Number >= v.Number {
		return due
	}
	for _, between := range library.Of(d.Key) {
		if between.Number > before.Number && between.Number <= v.Number && between.Published() && between.WithdrawnAt.IsZero() {
			t, _ := library.Text(d.Key, between.Number, locale)
			due.Earlier = append(due.Earlier, Shown{d, between, t})
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
	s.diffs.Store(key, changes)
	return changes
}

// History lists what u decided, newest first.
func (s *Service) History(ctx context.Context, u tenant.User) ([]Event, error) {
	return s.store.Assents(ctx, u)
}

// Fields of the editor's form; the texts' fields carry the language as a suffix.
const (
	FieldKey     = "key"
	FieldTitle   = "title"
	FieldSource  = "source"
	FieldSummary = "summary"
	FieldNote    = "change_note"
	FieldDate    = "effective_at"
	FieldReason  = "reason"
	FieldNumber  = "number"
)

// AddDocument creates a document without any version. It returns valid.Errors for a key that cannot be one.
func (s *Service) AddDocument(ctx context.Context, d Document) error {
	if !ValidKey(d.Key) {
		return valid.Errors{{Field: FieldKey, Key: "err.terms.key"}}
	}
	if err := s.store.AddDocument(ctx, d); err != nil {
		return err
	}
	s.forget(d.Tenant)
	return nil
}

// Draft is a version that is being written, in the languages it has so far.
type Draft struct {
	Version Version
	Texts   []Text
}

// SaveDraft checks and stores a draft; number 0 makes a new one, whose number is returned. It returns valid.Errors,
// whose field names end in the language, and ErrPublished.
func (s *Service) SaveDraft(ctx context.Context, t tenant.ID, d Draft) (int, error) {
	var refused valid.Errors
	for i := range d.Texts {
		refused = append(refused, prepare(&d.Texts[i])...)
	}
	if err := refused.Err(); err != nil {
		return 0, err
	}
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		library, now, err := s.fresh(ctx, t)
		if err != nil {
			return err
		}
		if d.Version.Number == 0 {
			d.Version.Number = 1
			for _, v := range library.Of(d.Version.Document) {
				d.Version.Number = max(d.Version.Number, v.Number+1)
			}
			d.Version.CreatedAt = now
		}
		for i := range d.Texts {
			d.Texts[i].Document, d.Texts[i].Number = d.Version.Document, d.Version.Number
		}
		return s.store.SaveDraft(ctx, t, d.Version, d.Texts)
	})
	s.forget(t)
	return d.Version.Number, err
}

// prepare brings a text into the form in which it is kept.
func prepare(t *Text) valid.Errors {
	var refused valid.Errors
	t.Source, t.Title = Normal(t.Source), strings.TrimSpace(t.Title)
	if t.Title == "" {
		refused.Add(FieldTitle+"."+t.Locale, "err.terms.title")
	}
	html, err := Render(t.Source)
	if bad, ok := errors.AsType[BadText](err); ok {
		refused.Add(FieldSource+"."+t.Locale, "err.text."+string(bad.Reason), "line", bad.Line)
	}
	t.HTML, t.SourceSHA256, t.HTMLSHA256 = html, hashOf(t.Source), hashOf(html)
	t.Revision = 1
	return refused
}

// Schedule says when a draft is announced, takes effect and is enforced. Reason is needed when people are told later than
// usual for a change of this kind.
type Schedule struct {
	AnnounceAt  time.Time
	EffectiveAt time.Time
	EnforceAt   time.Time
	Reason      string
	Typed       string // the version's number, typed by hand
}

// Asked says how many people a version would ask to accept.
func (s *Service) Asked(ctx context.Context, t tenant.ID, document string, number int) (int64, error) {
	return s.store.CountBelow(ctx, t, document, number)
}

// Publish fixes a draft and sets its dates; times in the past mean now. It returns valid.Errors and ErrPublished.
func (s *Service) Publish(ctx context.Context, actor tenant.User, document string, number int, plan Schedule) error {
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		library, now, err := s.fresh(ctx, actor.Tenant)
		if err != nil {
			return err
		}
		v, ok := library.Version(document, number)
		if !ok {
			return ErrNotFound
		}
		if v.Published() {
			return ErrPublished
		}
		if err := s.checkPublish(library, v, plan, now).Err(); err != nil {
			return err
		}
		v.PublishedAt, v.PublishedBy, v.Reason = now, actor.ID, plan.Reason
		v.AnnounceAt = later(plan.AnnounceAt, now)
		v.EffectiveAt = later(plan.EffectiveAt, now)
		v.EnforceAt = later(plan.EnforceAt, v.EffectiveAt)
		d, _ := library.Document(document)
		governing, _ := library.exact(document, number, d.GoverningLocale)
		v.Governing, v.Manifest = governing.SourceSHA256, manifest(library, v)
		if err := s.store.PublishVersion(ctx, actor.Tenant, v); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.TermsPublished, User: tenant.User{Tenant: actor.Tenant}, Actor: audit.Actor{Kind: audit.ByAdmin, ID: actor.ID},
			Detail: map[string]string{"document": document, "number": fmt.Sprint(number)},
		})
	})
	s.forget(actor.Tenant)
	return err
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a.UTC().Truncate(time.Microsecond)
}

// checkPublish are the checks of terms.md 1.3.
func (s *Service) checkPublish(library Library, v Version, plan Schedule, now time.Time) valid.Errors {
	var refused valid.Errors
	d, _ := library.Document(v.Document)
	_, ok := library.exact(v.Document, v.Number, d.GoverningLocale)
	first := len(slices.DeleteFunc(library.Of(v.Document), func(o Version) bool { return !o.Published() })) == 0
	if !ok {
		refused.Add(FieldSource, "err.terms.governing", "locale", d.GoverningLocale)
	}
	for _, locale := range library.Locales(v.Document, v.Number) {
		t, _ := library.exact(v.Document, v.Number, locale)
		if !first && (len(t.Summary) == 0 || t.ChangeNote == "") {
			refused.Add(FieldSummary, "err.terms.summary", "locale", locale)
		}
	}
	if plan.Typed != fmt.Sprint(v.Number) {
		refused.Add(FieldNumber, "err.terms.typed", "number", v.Number)
	}
	effective := later(plan.EffectiveAt, now)
	if current, ok := library.Current(v.Document, now); ok && !effective.After(current.EffectiveAt) {
		refused.Add(FieldDate, "err.terms.order")
	}
	for _, other := range library.Of(v.Document) {
		if other.Published() && other.WithdrawnAt.IsZero() && other.EffectiveAt.Equal(effective) {
			refused.Add(FieldDate, "err.terms.order")
		}
	}
	notice := effective.Sub(later(plan.AnnounceAt, now))
	if !first && notice < v.Materiality.Notice()-time.Minute && strings.TrimSpace(plan.Reason) == "" {
		refused.Add(FieldReason, "err.terms.reason", "count", int(v.Materiality.Notice().Hours()/24))
	}
	return refused
}

// manifest is the hash over every text's hashes, the dates and the materiality: a text that is swapped quietly shows.
func manifest(library Library, v Version) string {
	type entry struct{ Locale, Source, HTML string }
	content := struct {
		Document, Materiality           string
		Number                          int
		Announce, Effective, EnforcedAt time.Time
		Texts                           []entry
	}{v.Document, string(v.Materiality), v.Number, v.AnnounceAt, v.EffectiveAt, v.EnforceAt, nil}
	for _, locale := range library.Locales(v.Document, v.Number) {
		t, _ := library.exact(v.Document, v.Number, locale)
		content.Texts = append(content.Texts, entry{locale, t.SourceSHA256, t.HTMLSHA256})
	}
	encoded, _ := json.Marshal(content) // only texts, numbers and times
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// Withdraw takes a published version back: its predecessor is current again. What was accepted stays recorded.
func (s *Service) Withdraw(ctx context.Context, actor tenant.User, document string, number int, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return valid.Errors{{Field: FieldReason, Key: "err.required"}}
	}
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		library, now, err := s.fresh(ctx, actor.Tenant)
		if err != nil {
			return err
		}
		v, ok := library.Version(document, number)
		if !ok || !v.Published() || !v.WithdrawnAt.IsZero() {
			return ErrNotFound
		}
		v.WithdrawnAt, v.WithdrawReason = now, strings.TrimSpace(reason)
		if err := s.store.WithdrawVersion(ctx, actor.Tenant, v); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.TermsWithdrawn, User: tenant.User{Tenant: actor.Tenant}, Actor: audit.Actor{Kind: audit.ByAdmin, ID: actor.ID},
			Detail: map[string]string{"document": document, "number": fmt.Sprint(number)},
		})
	})
	s.forget(actor.Tenant)
	return err
}
