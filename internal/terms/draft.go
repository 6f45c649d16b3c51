package terms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"portico/internal/audit"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// AddDocument creates a document without any version. It returns valid.Errors for a key that cannot be one.
func (s *Service) AddDocument(ctx context.Context, d Document) error {
	if !ValidKey(d.Key) {
		return valid.Errors{{Field: FieldKey, Key: "err.terms.key"}}
	}
	if d.ConsentMonths < 0 || d.ConsentMonths > MaxMonths {
		return valid.Errors{{Field: FieldMonths, Key: "err.terms.months", Args: []any{"max", MaxMonths}}}
	}
	if err := s.store.AddDocument(ctx, d); err != nil {
		return err
	}
	s.forget(d.Tenant)
	return nil
}

// change is what every change of a document goes through: one at a time, on what is true now, in one transaction.
func (s *Service) change(ctx context.Context, t tenant.ID, document string, do func(ctx context.Context, library Library, now time.Time) error) error {
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.store.LockDocument(ctx, t, document); err != nil {
			return err
		}
		library, now, err := s.fresh(ctx, t)
		if err != nil {
			return err
		}
		return do(ctx, library, now)
	})
	s.forget(t)
	return err
}

// note records what an administrator did to a version.
func (s *Service) note(ctx context.Context, what audit.Type, actor tenant.User, v Version, detail map[string]string) error {
	if detail == nil {
		detail = map[string]string{}
	}
	detail["document"], detail["number"] = v.Document, fmt.Sprint(v.Number)
	return s.log.Record(ctx, audit.Event{
		Type: what, User: tenant.User{Tenant: actor.Tenant}, Actor: audit.Actor{Kind: audit.ByAdmin, ID: actor.ID}, Detail: detail,
	})
}

// draft finds a version that may still be changed. It returns ErrNotFound, ErrPublished also where the whole document is
// retired, or ErrReview for one that waits for approval.
func (l Library) draft(document string, number int) (Version, error) {
	v, ok := l.Version(document, number)
	d, _ := l.Document(document)
	switch {
	case !ok:
		return v, ErrNotFound
	case v.Published(), d.Retired():
		return v, ErrPublished
	case !v.SubmittedAt.IsZero():
		return v, ErrReview
	}
	return v, nil
}

// Draft is a version that is being written, in the languages it has so far.
type Draft struct {
	Version Version
	Texts   []Text
}

// SaveDraft checks and stores a new version with its texts, and returns its number: one that no version, deleted ones
// included, ever had. It returns valid.Errors, whose field names end in the language, and ErrNotFound.
func (s *Service) SaveDraft(ctx context.Context, t tenant.ID, d Draft) (int, error) {
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		last, err := s.store.LockDocument(ctx, t, d.Version.Document)
		if err != nil {
			return err
		}
		library, now, err := s.fresh(ctx, t)
		if err != nil {
			return err
		}
		var refused valid.Errors
		for i := range d.Texts {
			refused = append(refused, prepare(&d.Texts[i], library.leads)...)
		}
		if err := refused.Err(); err != nil {
			return err
		}
		d.Version.Number, d.Version.CreatedAt = last+1, now
		d.Version.EditedAt, d.Version.EditedBy = now, d.Version.CreatedBy
		for i := range d.Texts {
			d.Texts[i].Document, d.Texts[i].Number = d.Version.Document, d.Version.Number
		}
		return s.store.AddVersion(ctx, t, d.Version, d.Texts)
	})
	s.forget(t)
	return d.Version.Number, err
}

// Begin makes a draft of the texts of the newest version, so that only what changes has to be written, and returns its
// number. It returns ErrNotFound for an unknown document and a retired one.
func (s *Service) Begin(ctx context.Context, actor tenant.User, document string, m Materiality) (int, error) {
	library, _, err := s.fresh(ctx, actor.Tenant)
	if err != nil {
		return 0, err
	}
	if d, ok := library.Document(document); !ok || d.Retired() {
		return 0, ErrNotFound
	}
	draft := Draft{Version: Version{Document: document, Materiality: m, CreatedBy: actor.ID}}
	if versions := library.Of(document); len(versions) > 0 {
		newest := versions[len(versions)-1]
		draft.Version.ReacceptMonths = newest.ReacceptMonths
		for _, locale := range library.Locales(document, newest.Number) {
			text, _ := library.exact(document, newest.Number, locale)
			text.Summary, text.ChangeNote, text.AddedAt = nil, "", time.Time{}
			draft.Texts = append(draft.Texts, text)
		}
	}
	return s.SaveDraft(ctx, actor.Tenant, draft)
}

// Stale says that a text was saved by somebody else since the form was made. Saved is what they wrote.
type Stale struct {
	Saved Text
	By    string
	At    time.Time
}

// Error is for logs.
func (e *Stale) Error() string { return "the text was changed meanwhile by " + e.By }

// Fingerprint tells what an editor wrote from what another one did; it is empty when nothing is written yet.
func (t Text) Fingerprint() string {
	if t.Locale == "" || t.SourceSHA256 == "" {
		return ""
	}
	return hashOf(strings.Join([]string{t.Title, t.SourceSHA256, FormatSummary(t.Summary), t.ChangeNote}, "\x00"))
}

// Write saves the text of a draft in one language; the others stay. base is the fingerprint of what the form was made from.
// It returns valid.Errors, *Stale when somebody else saved another text since, ErrPublished, ErrReview and ErrNotFound.
func (s *Service) Write(ctx context.Context, actor tenant.User, document string, number int, t Text, base string) error {
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		v, err := library.draft(document, number)
		if err != nil {
			return err
		}
		saved, _ := library.exact(document, number, t.Locale)
		refused := prepare(&t, library.leads)
		if t.Fingerprint() == saved.Fingerprint() {
			return nil
		}
		if base != saved.Fingerprint() {
			return &Stale{saved, v.EditedBy, v.EditedAt}
		}
		if err := refused.Err(); err != nil {
			return err
		}
		t.Document, t.Number = document, number
		v.EditedAt, v.EditedBy = now, actor.ID
		return s.store.WriteDraft(ctx, actor.Tenant, v, t)
	})
}

// Erase removes a draft with its texts. Its number is never used again. It returns ErrPublished, ErrReview and ErrNotFound.
func (s *Service) Erase(ctx context.Context, actor tenant.User, document string, number int) error {
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		v, err := library.draft(document, number)
		if err != nil {
			return err
		}
		if err := s.store.EraseDraft(ctx, actor.Tenant, v, now); err != nil {
			return err
		}
		return s.note(ctx, audit.TermsErased, actor, v, nil)
	})
}

// Limit says how much a draft changes, whom it asks, and for how many months an acceptance counts, 0 for ever. It returns
// valid.Errors, ErrPublished, ErrReview and ErrNotFound.
func (s *Service) Limit(ctx context.Context, actor tenant.User, document string, number int, m Materiality, a Audience, months int) error {
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		v, err := library.draft(document, number)
		if err != nil {
			return err
		}
		if err := library.checkLimit(document, a, months).Err(); err != nil {
			return err
		}
		v.Materiality, v.Audience, v.ReacceptMonths, v.EditedAt, v.EditedBy = m, a, months, now, actor.ID
		return s.store.UpdateDraft(ctx, actor.Tenant, v)
	})
}

// SetNotice says how many days before its effect the law wants a change of a document announced, one of Notices, and whether
// nobody is asked before they were told for as long as that (case 19); both hold for versions that are published from now on. It
// returns valid.Errors and ErrNotFound.
func (s *Service) SetNotice(ctx context.Context, actor tenant.User, document string, days int, personal bool) error {
	if !slices.Contains(Notices, days) {
		return valid.Errors{{Field: FieldNoticeDays, Key: "err.required"}}
	}
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, _ Library, _ time.Time) error {
		if err := s.store.SaveNotice(ctx, actor.Tenant, document, days, personal); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.TermsNoticeSet, User: tenant.User{Tenant: actor.Tenant}, Actor: audit.Actor{Kind: audit.ByAdmin, ID: actor.ID},
			Detail: map[string]string{"document": document, "days": fmt.Sprint(days), "personal": fmt.Sprint(personal)},
		})
	})
}

// FieldNoticeDays is the field of SetNotice.
const FieldNoticeDays = "min_notice_days"

// FieldPersonalNotice is the box of SetNotice.
const FieldPersonalNotice = "personal_notice"

// prepare brings a text into the form in which it is kept, and says what is wrong with it.
func prepare(t *Text, known func(path string) bool) valid.Errors {
	var refused valid.Errors
	t.Source, t.Title, t.ChangeNote = Normal(t.Source), strings.TrimSpace(t.Title), strings.TrimSpace(t.ChangeNote)
	switch {
	case t.Title == "":
		refused.Add(FieldTitle+"."+t.Locale, "err.terms.title")
	case utf8.RuneCountInString(t.Title) > MaxTitle:
		refused.Add(FieldTitle+"."+t.Locale, "err.terms.long", "max", MaxTitle)
	}
	if utf8.RuneCountInString(t.ChangeNote) > MaxNote {
		refused.Add(FieldNote+"."+t.Locale, "err.terms.long", "max", MaxNote)
	}
	if len(FormatSummary(t.Summary)) > MaxSummary {
		refused.Add(FieldSummary+"."+t.Locale, "err.terms.long", "max", MaxSummary)
	}
	for _, bad := range Lint(t.Source, known) {
		refused.Add(FieldSource+"."+t.Locale, "err.text."+string(bad.Reason), "line", bad.Line)
	}
	if len(refused) == 0 {
		html, err := Render(t.Source)
		if bad, ok := errors.AsType[BadText](err); ok {
			refused.Add(FieldSource+"."+t.Locale, "err.text."+string(bad.Reason), "line", bad.Line)
		}
		t.HTML = html
	}
	t.SourceSHA256, t.HTMLSHA256 = hashOf(t.Source), hashOf(t.HTML)
	t.Revision = 1
	return refused
}

// MaxSummary is the most bytes of what changes in short, of one language.
const MaxSummary = 16 << 10
