package web

import (
	"context"
	"strings"
	"time"

	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/tenant"
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
func (s *Server) caseValues(ctx context.Context, r privacy.Request) []pages.Row {
	var rows []pages.Row
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, pages.Row{Label: i18n.T(ctx, key), Value: value})
		}
	}
	subject := r.Subject
	if property, ok := s.declared(ctx, r.Subject); ok {
		r.Old, r.New = property.Say(ctx, r.Old), property.Say(ctx, r.New)
	}
	if r.Kind == privacy.Rectification {
		subject = s.subjectName(ctx, r.Subject)
	}
	add("cases.subject", subject)
	add("cases.old", r.Old)
	add("cases.new", r.New)
	add("cases.contract", r.Reference)
	add("profile.name", r.Name)
	return rows
}

// declared finds the key of user_metadata that a subject names, if the tenant declares it.
func (s *Server) declared(ctx context.Context, subject string) (profile.Property, bool) {
	key, ok := strings.CutPrefix(subject, profile.MetadataField(""))
	if !ok {
		return profile.Property{}, false
	}
	return s.Profiles.Schema(tenant.From(ctx)).Field(key)
}

// subjectName is what an attribute is called.
func (s *Server) subjectName(ctx context.Context, name string) string {
	if property, ok := s.declared(ctx, name); ok {
		return property.Label(i18n.Current(ctx).Tag)
	}
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
func (s *Server) profileSubject(ctx context.Context, p profile.Profile, name string) pages.Row {
	value := p.Value(name)
	if property, ok := s.declared(ctx, name); ok {
		value = property.Say(ctx, property.Show(p.UserMetadata.Value(property.Key)))
	}
	return pages.Row{Label: s.subjectName(ctx, name), Value: firstNonEmpty(value, "–")}
}
