package terms

import "time"

// Stage is where a version stands in its life (terms.md 1.3). It follows from what was done and from the time alone, so that
// nothing has to run for a version to take effect. The words are those of the public documents.
type Stage string

// The stages.
const (
	Drafted    Stage = "draft"
	InReview   Stage = "review"
	Approved   Stage = "scheduled" // fixed, and not announced yet
	Announced  Stage = "announced"
	Effective  Stage = "current"
	Superseded Stage = "replaced"
	Cancelled  Stage = "cancelled" // taken back before it took effect
	Recalled   Stage = "withdrawn" // taken back after
	Retired    Stage = "retired"   // the whole document no longer applies
)

// Stage is where v stands at now.
func (l Library) Stage(v Version, now time.Time) Stage {
	d, _ := l.Document(v.Document)
	switch {
	case !v.Published() && v.SubmittedAt.IsZero():
		return Drafted
	case !v.Published():
		return InReview
	case !v.WithdrawnAt.IsZero() && v.WithdrawnAt.Before(v.EffectiveAt):
		return Cancelled
	case !v.WithdrawnAt.IsZero():
		return Recalled
	case now.Before(v.AnnounceAt) && now.Before(v.EffectiveAt):
		return Approved
	case now.Before(v.EffectiveAt):
		return Announced
	}
	if current, ok := l.Current(v.Document, now); ok && current.Number == v.Number {
		if d.Retired() {
			return Retired
		}
		return Effective
	}
	return Superseded
}
