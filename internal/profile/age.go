package profile

import (
	"encoding/json"
	"time"
)

// The root keys of app_metadata that hold what is known of somebody's age (rule G-6): whether they are old enough, since when
// that is known, by which rule, and of who is not, what became of that.
const (
	KeyAgeOK       = "age_ok"
	KeyAgeChecked  = "age_checked_at"
	KeyAgeRule     = "age_rule"
	KeyAgeGuardian = "age_guardian"
)

// What KeyAgeGuardian says: a guardian is asked, said yes, said no, or did not answer in time.
const (
	GuardianPending  = "pending"
	GuardianApproved = "approved"
	GuardianRefused  = "refused"
	GuardianSilent   = "no_answer"
)

// AgeState is how far the question of somebody's age is.
type AgeState string

// The states of the question: not asked; old enough, or with a guardian's approval; waiting for a guardian; too young.
const (
	AgeUnknown AgeState = ""
	AgeOK      AgeState = "ok"
	AgePending AgeState = "pending"
	AgeUnder   AgeState = "under"
)

// Age is how far the question of p's age is, as app_metadata says: what an administrator changes there counts.
func (p Profile) Age() AgeState {
	enough, known := p.AppMetadata.Value(KeyAgeOK).(bool)
	guardian := p.AppMetadata.Text(KeyAgeGuardian)
	switch {
	case !known:
		return AgeUnknown
	case enough || guardian == GuardianApproved:
		return AgeOK
	case guardian == GuardianPending:
		return AgePending
	default:
		return AgeUnder
	}
}

// AgeResult is what app_metadata keeps of an answer. Nothing in it is a date of birth; guardian may be empty.
func AgeResult(enough bool, rule, guardian string, at time.Time) Metadata {
	ok, _ := json.Marshal(enough)
	when, _ := json.Marshal(at.UTC().Format(time.RFC3339))
	by, _ := json.Marshal(rule)
	state := json.RawMessage("null") // removes what is there
	if guardian != "" {
		state, _ = json.Marshal(guardian)
	}
	return Metadata{KeyAgeOK: ok, KeyAgeChecked: when, KeyAgeRule: by, KeyAgeGuardian: state}
}

// WithoutAge is m without anything of somebody's age, so that they are asked again.
func (m Metadata) WithoutAge() Metadata {
	none := json.RawMessage("null")
	return m.Patch(Metadata{KeyAgeOK: none, KeyAgeChecked: none, KeyAgeRule: none, KeyAgeGuardian: none})
}
