package terms

import (
	"context"
	"errors"
	"strings"
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
	WaveWeek      WaveKind = "week"      // a week is left to decide
	WaveDay       WaveKind = "day"       // a day is left to decide
	WaveReminder  WaveKind = "reminder-" // an administrator reminds; the day follows
	WaveLanguage  WaveKind = "language-" // a version is announced to who speaks a language that it had no text in; the language follows
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

// Told is who a wave reaches: those whom a version asks, without those who accepted one of the numbers Satisfied, and those who
// accepted it, by id, after the one called After and up to the one called UpTo, if any.
type Told struct {
	Asked     bool
	Satisfied []int
	Accepted  bool
	After     string
	UpTo      string
	Language  string // only who chose it, if any
	Most      int
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
	var people []profile.Profile
	if w.Kind == WaveCancelled || w.Kind == WaveWithdrawn || library.tells(v, now) {
		if people, err = s.reached(ctx, library, v, w); err != nil {
			return err
		}
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

// tells reports whether there still is something to tell of v: it was not taken back, and nothing newer has come into force.
func (l Library) tells(v Version, now time.Time) bool {
	stage := l.Stage(v, now)
	return stage == Announced || stage == Effective
}

// reached lists who is next. A version is announced to those who have not accepted it. Of one that was cancelled those are told
// who were told of it, as far as that went, and who accepted it early.
func (s *Service) reached(ctx context.Context, library Library, v Version, w Wave) ([]profile.Profile, error) {
	told := Told{Accepted: true, After: w.After, Most: waveStep}
	switch {
	case w.Kind.announces() || w.Kind.reminds():
		told.Accepted, told.Asked, told.Satisfied, told.Language = false, true, library.satisfying(v), w.Kind.language()
	case w.Kind == WaveCancelled:
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
	letter := mail.Letter{Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: mail.TermsCancelled, Language: language, Facts: mail.Facts{
		Name: p.Nickname, Document: text.Title, Version: v.Number, Until: v.EffectiveAt, Link: t.URL(Path(v.Document, v.Number, text.Locale)),
	}}
	switch {
	case kind.announces() || kind.reminds():
		return s.announce(ctx, library, now, v, text, p, kind, letter)
	case kind == WaveWithdrawn:
		letter.Kind = mail.TermsWithdrawn
		party, err := s.store.Party(ctx, p.User)
		if err != nil {
			return err
		}
		current, _ := library.Current(v.Document, now)
		letter.Facts.Count, letter.Facts.Until = current.Number, time.Time{}
		if !library.Satisfies(v.Document, party, now) {
			letter.Facts.Until = now // they are asked from now on
		}
	}
	return s.outbox.Send(ctx, letter)
}

// announce queues the letter that tells of a version and carries its text, because a link alone is no durable medium (CJEU
// C-49/11), or a reminder of it; the worker fills the text in. That somebody was told is kept, where there is an address.
func (s *Service) announce(
	ctx context.Context, library Library, now time.Time, v Version, text Text, p profile.Profile, kind WaveKind, letter mail.Letter,
) error {
	if kind.language() != "" { // who was told before they chose another language has heard of it
		told, err := s.store.NoticesOf(ctx, p.User.Tenant, v, []string{p.User.ID})
		if err != nil || !told[p.User.ID].MailedAt.IsZero() {
			return err
		}
	}
	letter.Kind, letter.Facts.Source = mail.TermsChanged, v.Document
	for _, line := range text.Summary {
		if line.Title != "" {
			line.Text = line.Title + ": " + line.Text
		}
		letter.Facts.Changes = append(letter.Facts.Changes, line.Text)
	}
	if kind.reminds() {
		letter.Kind, letter.Facts.Until = mail.TermsReminder, v.EnforceAt
		if !now.Before(v.EnforceAt) {
			letter.Facts.Until = time.Time{}
		}
	}
	if err := s.outbox.Send(ctx, letter); err != nil || p.Email == "" {
		return err
	}
	return s.noticed(ctx, library, Notice{User: p.User, Document: v.Document, Number: v.Number, Locale: text.Locale, At: now, MailedAt: now})
}

// Enclose fills in the text of a version that a letter carries, which the queue keeps no copy of.
func (s *Service) Enclose(ctx context.Context, l mail.Letter) (mail.Letter, error) {
	if l.Kind != mail.TermsChanged || l.Facts.Source == "" {
		return l, nil
	}
	library, _, err := s.Library(ctx, l.Tenant)
	if err != nil {
		return l, err
	}
	text, _ := library.Text(l.Facts.Source, l.Facts.Version, l.Language)
	l.Facts.Enclosed = mail.Enclosed{Source: text.Source, Locale: text.Locale}
	l.Facts.Enclosed.HTML = strings.ReplaceAll(text.HTML, `href="/`, `href="`+tenant.From(ctx).URL("/")) // a letter stands nowhere
	return l, nil
}

// waves begins the letters of a version that is being published: the announcement, and a week and a day before people are
// asked a reminder to those who have not decided. A document's first version changes nothing, and nobody is written to about it.
func (s *Service) waves(ctx context.Context, library Library, t tenant.ID, v Version, now time.Time) error {
	d, _ := library.Document(v.Document)
	if v.Materiality != Material || !d.Gates() || !library.follows(v) {
		return nil
	}
	due := map[WaveKind]time.Time{WaveAnnounced: v.AnnounceAt}
	for kind, left := range map[WaveKind]time.Duration{WaveWeek: 7 * 24 * time.Hour, WaveDay: 24 * time.Hour} {
		if at := v.EnforceAt.Add(-left); at.After(now) && at.Sub(v.AnnounceAt) >= left {
			due[kind] = at
		}
	}
	for kind, at := range due {
		if err := s.store.AddWave(ctx, Wave{Tenant: t, Document: v.Document, Number: v.Number, Kind: kind, DueAt: at}); err != nil {
			return err
		}
	}
	return nil
}

// follows reports whether another version of the document was published before v.
func (l Library) follows(v Version) bool {
	for _, o := range l.Of(v.Document) {
		if o.Published() && o.Number != v.Number {
			return true
		}
	}
	return false
}
