package profile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"portico/internal/i18n"
	"portico/internal/valid"
)

// ReadOnly lists the declared keys that people see and only administrators change, in the order they are declared.
func (s Schema) ReadOnly() []Property {
	return slices.DeleteFunc(slices.Clone(s.Properties), func(p Property) bool { return !p.ReadOnly })
}

// Company is what of m only administrators can have put there.
func (s Schema) Company(m Metadata) Metadata {
	kept := Metadata{}
	for _, p := range s.ReadOnly() {
		if value, there := m[p.Key]; there {
			kept[p.Key] = value
		}
	}
	return kept
}

// Say puts the text of a value, as Show has it, into the reader's words.
func (p Property) Say(ctx context.Context, text string) string {
	switch {
	case p.Type == "boolean" && text == "true":
		return i18n.T(ctx, "value.true")
	case p.Type == "boolean" && text == "false":
		return i18n.T(ctx, "value.false")
	case len(p.Enum) > 0:
		return p.ValueLabel(i18n.Current(ctx).Tag, text)
	}
	return text
}

// choices are the texts that a value of p can have, or nothing when there are too many to tell.
func (p Property) choices() []string {
	if p.Type == "boolean" {
		return []string{"true", "false"}
	}
	return p.Enum
}

// Choices are those values in the reader's words, where there are few.
func (p Property) Choices(ctx context.Context) []string {
	var words []string
	for _, text := range p.choices() {
		words = append(words, p.Say(ctx, text))
	}
	return words
}

// Understand reads a value that somebody wrote in words of their own: as the page says it, or as it is stored. It returns
// the text that Read takes, and false when it is none of the few that p can have.
func (p Property) Understand(ctx context.Context, written string) (string, bool) {
	written = strings.TrimSpace(written)
	few := p.choices()
	for _, text := range few {
		if strings.EqualFold(written, text) || strings.EqualFold(written, p.Say(ctx, text)) {
			return text, true
		}
	}
	return written, len(few) == 0
}

// CorrectedKey returns p with a declared key of user_metadata as text says it, and the changed field, as an administrator
// corrects it. It returns valid.Errors.
func CorrectedKey(schema Schema, p Profile, key, text, lang string) (Profile, []string, error) {
	corrected := p
	corrected.UserMetadata = maps.Clone(p.UserMetadata)
	if corrected.UserMetadata == nil {
		corrected.UserMetadata = Metadata{}
	}
	err := schema.put(&corrected, map[string]string{key: text}, lang).Err()
	return corrected, changes(p, corrected), err
}

// put sets declared keys of user_metadata; keys that are not declared stay as they are.
func (s Schema) put(p *Profile, texts map[string]string, lang string) valid.Errors {
	var refused valid.Errors
	patch := Metadata{}
	for _, property := range s.Properties {
		text, sent := texts[property.Key]
		if !sent {
			continue
		}
		value, ok := property.Read(text)
		if !ok {
			refused.Add(MetadataField(property.Key), "err.metadata.value", "label", property.Label(lang))
			continue
		}
		patch[property.Key] = value
	}
	if len(patch) == 0 {
		return refused
	}
	patched := p.UserMetadata.Patch(patch)
	for _, key := range s.Check(patched) {
		if _, already := refused.On(MetadataField(key)); already {
			continue
		}
		if property, declared := s.Field(key); declared && patch[key] != nil {
			refused.Add(MetadataField(key), "err.metadata.value", "label", property.Label(lang))
		}
	}
	if bad, ok := errors.AsType[BadMetadata](CheckMetadata(patched, false)); ok {
		refused.Add(MetadataField(bad.Path), "err.metadata."+string(bad.Reason), "path", bad.Path)
	}
	p.UserMetadata = patched
	return refused
}
