package terms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/tenant"
	"portico/internal/valid"
)

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
	FieldNotice  = "announce_at"
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

// Asked says how many people a version would ask to accept: those of its audience who have not accepted it or a later one.
func (s *Service) Asked(ctx context.Context, t tenant.ID, v Version) (int64, error) {
	return s.store.CountAsked(ctx, t, v)
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
		if err := s.keep(ctx, Published, actor, v, now); err != nil {
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

// keep records what became of a version, for the ledger.
func (s *Service) keep(ctx context.Context, what string, actor tenant.User, v Version, now time.Time) error {
	e, err := about(ctx, what, actor, v, now)
	if err != nil {
		return err
	}
	return s.store.AppendAssent(ctx, e)
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
	if plan.AnnounceAt.After(effective) {
		refused.Add(FieldNotice, "err.terms.announce")
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
		if err := s.keep(ctx, TakenBack, actor, v, now); err != nil {
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
