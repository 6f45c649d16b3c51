// Package i18n gives every word of the product in the reader's language.
//
// Messages live in messages/<language>/<subject>.json: a key ("signin.title") with a text, or with one text for
// each CLDR plural form. A text may hold {parameters}. A key or parameter that is missing or superfluous in any
// shipped language fails the tests.
package i18n

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Language is one the product is shipped in. Name is its own name and Dir its direction, "ltr" or "rtl".
type Language struct {
	Tag  string
	Name string
	Dir  string
}

var shipped = []Language{
	{"en", "English", "ltr"},
	{"de", "Deutsch", "ltr"},
	{"es", "Español", "ltr"},
	{"fr", "Français", "ltr"},
	{"pt", "Português", "ltr"},
	{"pl", "Polski", "ltr"},
	{"ar", "العربية", "rtl"},
	{"ja", "日本語", "ltr"},
}

// Shipped lists the languages the product speaks, English first.
func Shipped() []Language { return shipped }

// Find returns the shipped language with exactly this tag.
func Find(tag string) (Language, bool) {
	for _, l := range shipped {
		if l.Tag == tag {
			return l, true
		}
	}
	return Language{}, false
}

type reader struct {
	language Language
	zone     *time.Location
}

type contextKey struct{}

// With returns a context whose words are in the language with this tag and whose times are in zone.
// A tag that is not shipped means English, a nil zone UTC.
func With(ctx context.Context, tag string, zone *time.Location) context.Context {
	l, ok := Find(tag)
	if !ok {
		l = shipped[0]
	}
	if zone == nil {
		zone = time.UTC
	}
	return context.WithValue(ctx, contextKey{}, reader{l, zone})
}

func from(ctx context.Context) reader {
	if r, ok := ctx.Value(contextKey{}).(reader); ok {
		return r
	}
	return reader{shipped[0], time.UTC}
}

// Current returns the language of ctx.
func Current(ctx context.Context) Language { return from(ctx).language }

// Zone returns the time zone of ctx.
func Zone(ctx context.Context) *time.Location { return from(ctx).zone }

// T returns the message called key in the language of ctx. args are pairs of a parameter's name and its value;
// the value of "count" also chooses the plural form. A key that is missing in the language is taken from English;
// a key that is missing altogether is a defect the tests find, and yields an empty text rather than a key.
func T(ctx context.Context, key string, args ...any) string {
	text := find(from(ctx).language.Tag, key, args)
	if !strings.Contains(text, "{") {
		return text
	}
	return fill(text, args)
}

// Parts is T for a message with links in it: the parameters that args name are filled in, and the others come
// back as parts with a Name, for the view to put a link there. Sentences are never glued from pieces.
func Parts(ctx context.Context, key string, args ...any) []Part {
	text := find(from(ctx).language.Tag, key, args)
	if !strings.Contains(text, "{") {
		return []Part{{Text: text}}
	}
	parts := split(text)
	for i, p := range parts {
		if p.Name == "" {
			continue
		}
		if v := value(args, p.Name); v != nil {
			parts[i] = Part{Text: fmt.Sprint(v)}
		}
	}
	return parts
}

// Has reports whether the language with this tag has the message called key.
func Has(tag, key string) bool {
	read, ok := catalogues[tag]
	if !ok {
		return false
	}
	_, ok = read().find(key, nil)
	return ok
}

func find(tag, key string, args []any) string {
	if text, ok := catalogues[tag]().find(key, args); ok {
		return text
	}
	text, _ := catalogues[shipped[0].Tag]().find(key, args)
	return text
}

func value(args []any, name string) any {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			return args[i+1]
		}
	}
	return nil
}
