package terms

import (
	"context"
	"errors"
	"time"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// WaveKind says what the letters of a wave tell.
type WaveKind string

// The kinds of wave.
const (
	WaveAnnounced WaveKind = "announced" // a version is announced
	WaveCancelled WaveKind = "cancelled" // an announced version will not take effect
	WaveWithdrawn WaveKind = "withdrawn" // a version that was in effect was taken back
)

// Wave is letters about one version to many people, queued a few at a time, by the person's id. Of ten million people it is
// one row. After is the id of who was told last.
type Wave struct {
	Tenant    tenant.ID
	Document  string
	Number    int
	Kind      WaveKind
	Done      bool
	DueAt     time.Time
	StartedAt time.Time
	DoneAt    time.Time
	After     string
	Sent      int
}

// Told is who a wave reaches: those whom a version asks, and those who accepted it, by id, after the one called After and up
// to the one called UpTo, if any.
type Told struct {
	Asked    bool
	Accepted bool
	After    string
	UpTo     string
	Most     int
}

// waveStep is how many letters are queued in one transaction.
const waveStep = 50

// Tell queues the next letters of every wave that is due, of every tenant or only one. The rate is the tenant's, however many
// processes do it: a wave that moved on is not due again before its letters' time is over.
func (s *Service) Tell(ctx context.Context, tenants func(ctx context.Context, id tenant.ID) (tenant.Tenant, error), only tenant.ID) error {
	waves, err := s.store.DueWaves(ctx, only)
	for _, w := range waves {
		t, missing := tenants(ctx, w.Tenant)
		if missing == nil {
			missing = s.store.InTx(ctx, func(ctx context.Context) error { return s.step(tenant.With(ctx, t), t, w) })
		}
		err = errors.Join(err, missing)
	}
	return err
}

// step moves a wave on, unless somebody else did meanwhile.
func (s *Service) step(ctx context.Context, t tenant.Tenant, w Wave) error {
	w, err := s.store.LockWave(ctx, w)
	if err != nil || w.Done {
		return err
	}
	library, now, err := s.fresh(ctx, t.ID)
	if err != nil || now.Before(w.DueAt) {
		return err
	}
	v, ok := library.Version(w.Document, w.Number)
	if !ok {
		return ErrNotFound
	}
	people, err := s.reached(ctx, v, w)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := s.tell(ctx, library, now, t, v, w.Kind, p); err != nil && !errors.Is(err, mail.ErrAddress) {
			return err
		}
		w.After = p.User.ID
	}
	if w.StartedAt.IsZero() {
		w.StartedAt = now
	}
	w.Sent, w.DueAt = w.Sent+len(people), now.Add(t.LetterTime(len(people)))
	if len(people) < waveStep {
		w.Done, w.DoneAt = true, now
	}
	return s.store.SaveWave(ctx, w)
}

// reached lists who is next. Of a version that was cancelled those are told who were told of it, as far as that went, and who
// accepted it early.
func (s *Service) reached(ctx context.Context, v Version, w Wave) ([]profile.Profile, error) {
	told := Told{Accepted: true, After: w.After, Most: waveStep}
	if w.Kind == WaveCancelled {
		announced, err := s.store.LockWave(ctx, Wave{Tenant: w.Tenant, Document: w.Document, Number: w.Number, Kind: WaveAnnounced})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err == nil && announced.Sent > 0 {
			told.Asked, told.UpTo = true, announced.After
		}
	}
	return s.store.People(ctx, w.Tenant, v, told)
}

// tell queues the letter of a wave to one person.
func (s *Service) tell(ctx context.Context, library Library, now time.Time, t tenant.Tenant, v Version, kind WaveKind, p profile.Profile) error {
	language, _ := profile.LetterLanguage(t, p, "")
	text, _ := library.Text(v.Document, v.Number, language)
	facts := mail.Facts{
		Name: p.Nickname, Document: text.Title, Version: v.Number, Until: v.EffectiveAt, Link: t.URL(Path(v.Document, v.Number, text.Locale)),
	}
	letter := mail.Letter{Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: mail.TermsCancelled, Language: language}
	if kind == WaveWithdrawn {
		letter.Kind = mail.TermsWithdrawn
		party, err := s.store.Party(ctx, p.User)
		if err != nil {
			return err
		}
		current, _ := library.Current(v.Document, now)
		facts.Count, facts.Until = current.Number, time.Time{}
		if !library.Satisfies(v.Document, party, now) {
			facts.Until = now // they are asked from now on
		}
	}
	letter.Facts = facts
	return s.outbox.Send(ctx, letter)
}
