package terms

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// FieldExempt is the form field of Schedule.Exempt.
const FieldExempt = "exempt_until_translated"

// Untranslated lists which of a tenant's languages get none of the languages that a version has a text in (case 6).
func Untranslated(enabled, texts []string) []string {
	var all []string
	for _, tag := range enabled {
		if _, ok := i18n.MatchTag(texts, tag); !ok {
			all = append(all, tag)
		}
	}
	slices.Sort(all)
	return all
}

// waits reports whether v is not asked of p yet, because there is no text in the language that p chose for pages, or else for
// letters. Whoever chose none is asked. The store says the same in SQL.
func (v Version) waits(p Party) bool {
	chosen := cmp.Or(p.Facets[profile.FacetPageLang], p.Facets[profile.FacetLang])
	language, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(chosen), "_", "-"), "-")
	return slices.Contains(v.Untranslated, language)
}

// exempting is v as it asks once it is published, in a tenant with these languages.
func (l Library) exempting(v Version, enabled []string) Version {
	v.Untranslated = nil
	if v.Exempt {
		v.Untranslated = Untranslated(enabled, l.Locales(v.Document, v.Number))
	}
	return v
}

// countWaiting counts who is not asked of v until there is a text in their language, or would not be if v were so: those whom
// it asks otherwise.
func (s *Service) countWaiting(ctx context.Context, t tenant.Tenant, library Library, v Version) (int64, error) {
	all, some := v, v
	all.Exempt, some.Exempt = false, true
	all, some = library.exempting(all, t.Locales), library.exempting(some, t.Locales)
	if len(some.Untranslated) == 0 {
		return 0, nil
	}
	satisfied := library.satisfying(v)
	everybody, err := s.store.CountAsked(ctx, t.ID, all, "", satisfied)
	if err != nil {
		return 0, err
	}
	asked, err := s.store.CountAsked(ctx, t.ID, some, "", satisfied)
	return everybody[""] - asked[""], err
}

// translated brings whom v asks up to date after a text in another language was added to it, and tells those who speak it, if
// others were told before.
func (s *Service) translated(ctx context.Context, t tenant.Tenant, library Library, v Version, locale string) error {
	if !v.Exempt {
		return nil
	}
	if err := s.store.Exempt(ctx, t.ID, t.Locales); err != nil {
		return err
	}
	now, err := s.store.Now(ctx)
	d, _ := library.Document(v.Document)
	if err != nil || v.Materiality != Material || !d.Gates() || !library.Changes(v) || now.Before(v.AnnounceAt) || !library.tells(v, now) {
		return err
	}
	return s.store.AddWave(ctx, Wave{Tenant: t.ID, Document: v.Document, Number: v.Number, Kind: WaveLanguage + WaveKind(locale), DueAt: now})
}

// language is the one that the letters of such a wave are for, or "".
func (k WaveKind) language() string {
	locale, _ := strings.CutPrefix(string(k), string(WaveLanguage))
	if locale == string(k) {
		return ""
	}
	return locale
}

// announces reports whether letters of this kind carry a version to those who have not heard of it.
func (k WaveKind) announces() bool { return k == WaveAnnounced || k.language() != "" }
