package web

import (
	"context"
	"time"

	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/views/components"
	"portico/views/pages"
)

// outcomeTones are how the end of a request looks.
var outcomeTones = map[privacy.Outcome]string{privacy.Granted: components.OK, privacy.Refused: components.Warn, privacy.Answered: components.OK}

// outcomeOf is what an answer decided; what was answered before answers decided anything is answered.
func outcomeOf(r privacy.Request) string {
	return firstNonEmpty(string(r.Outcome), string(privacy.Answered))
}

// caseValues are what a request is about: the attribute with its values, the purpose, the contract.
func caseValues(ctx context.Context, r privacy.Request) []pages.Row {
	var rows []pages.Row
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, pages.Row{Label: i18n.T(ctx, key), Value: value})
		}
	}
	subject := r.Subject
	if r.Kind == privacy.Rectification {
		subject = subjectName(ctx, r.Subject)
	}
	add("cases.subject", subject)
	add("cases.old", r.Old)
	add("cases.new", r.New)
	add("cases.contract", r.Reference)
	add("profile.name", r.Name)
	return rows
}

// subjectName is what an attribute is called.
func subjectName(ctx context.Context, name string) string {
	if key, ok := profileLabels[name]; ok {
		return i18n.T(ctx, key)
	}
	if name == privacy.Other {
		return i18n.T(ctx, "correct.other")
	}
	return name
}

// caseStory is what was said about a request, in its order; say puts it as its readers see it.
func caseStory(r privacy.Request, say func(key, text string, at time.Time) pages.Said) []pages.Said {
	var story []pages.Said
	add := func(key, text string, at time.Time) {
		if text != "" {
			story = append(story, say(key, text, at))
		}
	}
	add("asked", r.Note, r.At)
	add("extended", r.Extension, r.ExtendedAt)
	add("answered", r.Answer, r.AnsweredAt)
	return story
}

// profileSubject is one thing that a person may ask to have corrected, with what it says now.
func profileSubject(ctx context.Context, p profile.Profile, name string) pages.Row {
	return pages.Row{Label: subjectName(ctx, name), Value: firstNonEmpty(p.Value(name), "–")}
}
