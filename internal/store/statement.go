package store

import (
	"context"
	"regexp"
	"strings"
)

// statement is SQL whose parameters have names, made ready once. It is for the one that every request makes: gorm reads a
// statement letter by letter each time, which is a good part of what a long one costs.
type statement struct {
	text  string   // with a ? for each parameter
	names []string // of the parameters, in their order
}

var parameter = regexp.MustCompile(`@[a-z]+`)

// statement makes named ready, which may name any parameters and @now, the current time.
func (db *DB) statement(named string) (s statement) {
	if db.clock == nil {
		named = strings.ReplaceAll(named, "@now", utcTimestamp)
	}
	s.text = parameter.ReplaceAllStringFunc(named, func(name string) string {
		s.names = append(s.names, name[1:])
		return "?"
	})
	return s
}

// first runs s, prepared once per connection, with the values of its parameters, and reads the columns of its first row.
// It returns ErrNotFound when there is none.
func (db *DB) first(ctx context.Context, s statement, values map[string]any, columns ...any) error {
	if db.clock != nil {
		values["now"] = db.now()
	}
	args := make([]any, len(s.names))
	for i, name := range s.names {
		args[i] = values[name]
	}
	if db.trace != nil {
		db.trace(ctx, db.gorm.Explain(s.text, args...))
	}
	rows, err := db.often(ctx).Statement.ConnPool.QueryContext(ctx, s.text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		if rows.Err() != nil {
			return rows.Err()
		}
		return ErrNotFound
	}
	return rows.Scan(columns...)
}
