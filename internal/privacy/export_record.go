package privacy

import (
	"bytes"
	"encoding/json"
	"time"
)

// RecordKind is a kind of rows that are kept about people.
type RecordKind string

// The kinds.
const (
	Passwords    RecordKind = "passwords"
	EmailChanges RecordKind = "email_changes"
	Sessions     RecordKind = "sessions"
	Devices      RecordKind = "devices"
	Tickets      RecordKind = "tickets"
	Attempts     RecordKind = "attempts"
	Activity     RecordKind = "activity"
	Messages     RecordKind = "messages"
	Decisions    RecordKind = "decisions"
	Requests     RecordKind = "requests"
	Files        RecordKind = "files"
	Notices      RecordKind = "notices"
)

// Record is a row of what is kept about somebody: the names of its columns with their values, in order, without what they do
// not get to see.
type Record []Value

// Value is one column of a row: nil, a bool, int64, string, time.Time or json.RawMessage.
type Value struct {
	Name  string
	Value any
}

// MarshalJSON writes the row as an object in the order of its columns.
func (r Record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(v.Name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		value := v.Value
		var content bytes.Buffer
		if err := plainJSON(&content).Encode(value); err != nil {
			return nil, err
		}
		b.Write(bytes.TrimSpace(content.Bytes()))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// find returns the value of a column, nil when there is none.
func (r Record) find(name string) any {
	for _, v := range r {
		if v.Name == name {
			return v.Value
		}
	}
	return nil
}

func (r Record) text(name string) string {
	switch v := r.find(name).(type) {
	case string:
		return v
	case json.RawMessage:
		return string(v)
	}
	return ""
}

func (r Record) time(name string) time.Time {
	at, _ := r.find(name).(time.Time)
	return at
}

// set replaces the value of a column.
func (r Record) set(name string, value any) {
	for i := range r {
		if r[i].Name == name {
			r[i].Value = value
		}
	}
}
