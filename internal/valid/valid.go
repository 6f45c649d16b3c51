// Package valid says what is wrong with something a person entered, field by field.
package valid

import "strings"

// Problem is one thing wrong with one field. Key is a message key of package i18n and Args its
// name-value pairs; Field is the name of the form field, or empty when the whole form is meant.
type Problem struct {
	Field string
	Key   string
	Args  []any
}

// Errors lists what is wrong, in the order the fields stand on the page. It is an error so that a
// domain method can refuse its input with it; errors.AsType[valid.Errors] finds it again.
type Errors []Problem

// Add notes a problem with field.
func (e *Errors) Add(field, key string, args ...any) {
	*e = append(*e, Problem{Field: field, Key: key, Args: args})
}

// On returns the first problem of field.
func (e Errors) On(field string) (Problem, bool) {
	for _, p := range e {
		if p.Field == field {
			return p, true
		}
	}
	return Problem{}, false
}

// Err returns e as an error, or nil when nothing is wrong.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// Error lists fields and keys for logs and tests; people read the translated messages instead.
func (e Errors) Error() string {
	parts := make([]string, len(e))
	for i, p := range e {
		parts[i] = p.Field + ": " + p.Key
	}
	return "refused: " + strings.Join(parts, ", ")
}
