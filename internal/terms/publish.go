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
	"unicode/utf8"

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
	FieldEnforce = "enforce_at"
)

// Limits of what is written about a version, in characters.
const (
	MaxTitle  = 200
	MaxReason = 1000
	MaxNote   = 1000
)

// Schedule says when a draft is announced, takes effect and is enforced. Reason is needed when people are told later than
// usual for a change of this kind.
type Schedule struct {
	AnnounceAt  time.Time
	EffectiveAt time.Time
	EnforceAt   time.Time
	Reason      string
	Typed       string // the version's number, typed by hand
	Exempt      bool   // nobody is asked whose language has no text, until there is one (case 6)
}

// Publish fixes a draft and sets its dates; times in the past mean now. It returns valid.Errors, ErrPublished, ErrReview for
// one that was submitted, and ErrApproval where the tenant wants a second person.
func (s *Service) Publish(ctx context.Context, actor tenant.User, document string, number int, plan Schedule) error {
	return s.change(ctx, actor.Tenant, document, func(ctx context.Context, library Library, now time.Time) error {
		v, err := library.draft(document, number)
		if err != nil {
			return err
		}
		if needed, err := s.needsApproval(ctx, actor.Tenant, v); err != nil || needed {
			return errors.Join(err, ErrApproval)
		}
		return s.publish(ctx, library, now, actor, v, plan)
	})
}

// publish checks a version and fixes it, in the transaction of ctx.
func (s *Service) publish(ctx context.Context, library Library, now time.Time, actor tenant.User, v Version, plan Schedule) error {
	if err := s.checkPublish(library, v, plan, now).Err(); err != nil {
		return err
	}
	d, _ := library.Document(v.Document)
	governing, _ := library.exact(v.Document, v.Number, d.GoverningLocale)
	v.PublishedAt, v.PublishedBy, v.Reason = now, actor.ID, strings.TrimSpace(plan.Reason)
	v.AnnounceAt = later(plan.AnnounceAt, now)
	v.EffectiveAt = later(plan.EffectiveAt, now)
	v.EnforceAt = later(plan.EnforceAt, v.EffectiveAt)
	v.LatestAt, v.Exempt = d.latest(v), plan.Exempt
	v.Governing, v.Manifest = governing.SourceSHA256, manifest(library, v)
	if err := s.store.PublishVersion(ctx, actor.Tenant, v); err != nil {
		return err
	}
	if err := s.keep(ctx, Published, actor, v, now); err != nil {
		return err
	}
	if v.Exempt {
		if err := s.store.Exempt(ctx, actor.Tenant, tenant.From(ctx).Locales); err != nil {
			return err
		}
	}
	if err := s.waves(ctx, library, actor.Tenant, v, now); err != nil {
		return err
	}
	detail := map[string]string{"effective": v.EffectiveAt.Format(time.DateOnly)}
	if v.Reason != "" {
		detail["reason"] = v.Reason
	}
	if v.Exempt {
		detail["exempt"] = "untranslated"
	}
	if v.ApprovedBy != "" {
		detail["submitted_by"] = v.SubmittedBy
	}
	return s.note(ctx, audit.TermsPublished, actor, v, detail)
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
	refused := library.Unready(v)
	d, _ := library.Document(v.Document)
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
	if !library.first(v.Document) && notice < d.Notice(v.Materiality)-time.Minute && strings.TrimSpace(plan.Reason) == "" {
		refused.Add(FieldReason, "err.terms.reason", "count", int(d.Notice(v.Materiality).Hours()/24))
	}
	if utf8.RuneCountInString(plan.Reason) > MaxReason {
		refused.Add(FieldReason, "err.terms.long", "max", MaxReason)
	}
	return refused
}

// first reports whether nothing of a document was ever published.
func (l Library) first(document string) bool {
	return !slices.ContainsFunc(l.Of(document), Version.Published)
}

// Unready is what has to be written before a draft can be published: the governing text; in every language, what changes in
// short and why, the clauses and placeholders of the governing text, every clause that was published, and links that lead
// somewhere. The fields end in the language.
func (l Library) Unready(v Version) valid.Errors {
	var refused valid.Errors
	d, _ := l.Document(v.Document)
	governing, ok := l.exact(v.Document, v.Number, d.GoverningLocale)
	if !ok {
		refused.Add(FieldSource+"."+d.GoverningLocale, "err.terms.governing", "locale", d.GoverningLocale)
		return refused
	}
	first := l.first(v.Document)
	wanted, _ := anchors(governing.Source)
	for _, gone := range l.missing(v, wanted) {
		refused.Add(FieldSource+"."+d.GoverningLocale, "err.terms.anchor.gone", "anchor", "{#"+gone+"}")
	}
	for _, locale := range l.Locales(v.Document, v.Number) {
		t, _ := l.exact(v.Document, v.Number, locale)
		if !first && (len(t.Summary) == 0 || strings.TrimSpace(t.ChangeNote) == "") {
			refused.Add(FieldSummary+"."+locale, "err.terms.summary", "locale", locale)
		}
		for _, bad := range Lint(t.Source, l.leads) {
			refused.Add(FieldSource+"."+locale, "err.text."+string(bad.Reason), "line", bad.Line)
		}
		if locale != d.GoverningLocale {
			refused = append(refused, unlike(t, governing, wanted)...)
		}
	}
	return refused
}

// missing lists the clauses of the newest published version that a text no longer has: marketing and law link to them.
func (l Library) missing(v Version, now []string) []string {
	d, _ := l.Document(v.Document)
	var gone []string
	for _, other := range l.Of(v.Document) {
		if !other.Published() || !other.WithdrawnAt.IsZero() || other.Number >= v.Number {
			continue
		}
		text, _ := l.exact(v.Document, other.Number, d.GoverningLocale)
		gone, _ = anchors(text.Source)
	}
	return slices.DeleteFunc(gone, func(name string) bool { return slices.Contains(now, name) })
}

// unlike says where a translation has other clauses or placeholders than the governing text.
func unlike(t, governing Text, wanted []string) valid.Errors {
	var refused valid.Errors
	have, lines := anchors(t.Source)
	field := FieldSource + "." + t.Locale
	for _, name := range wanted {
		if !slices.Contains(have, name) {
			refused.Add(field, "err.terms.anchor.missing", "locale", t.Locale, "anchor", "{#"+name+"}")
		}
	}
	for _, name := range have {
		if !slices.Contains(wanted, name) {
			refused.Add(field, "err.terms.anchor.extra", "locale", t.Locale, "anchor", "{#"+name+"}", "line", lines[name])
		}
	}
	if got, want := placeholders(t.Source), placeholders(governing.Source); !slices.Equal(got, want) {
		refused.Add(field, "err.terms.placeholders", "locale", t.Locale, "have", listed(got), "want", listed(want))
	}
	return refused
}

func listed(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, " ")
}

// manifest is the hash over every text's hashes, the dates and the materiality: a text that is swapped quietly shows.
func manifest(library Library, v Version) string {
	type entry struct{ Locale, Source, HTML string }
	content := struct {
		Document, Materiality           string
		Number                          int
		Announce, Effective, EnforcedAt time.Time
		Exempt                          bool `json:",omitempty"`
		Texts                           []entry
	}{v.Document, string(v.Materiality), v.Number, v.AnnounceAt, v.EffectiveAt, v.EnforceAt, v.Exempt, nil}
	for _, locale := range library.Locales(v.Document, v.Number) {
		t, _ := library.exact(v.Document, v.Number, locale)
		content.Texts = append(content.Texts, entry{locale, t.SourceSHA256, t.HTMLSHA256})
	}
	encoded, _ := json.Marshal(content) // only texts, numbers and times
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}
