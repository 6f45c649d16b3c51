package mail

import (
	"context"
	"errors"
	"time"

	"portico/internal/tenant"
)

// Message is a letter as it leaves: rendered in its language. ID is the letter's, Tenant whose it is. FromName is
// the name it is sent under; the address it is sent from is the sender's.
type Message struct {
	ID       string
	Tenant   tenant.ID
	FromName string
	To       string
	Subject  string
	Text     string
	HTML     string
	Files    []File
	Language string
	Kind     Kind
	SentAt   time.Time
	// Unsubscribe is the address that ends an optional letter with one click, for its headers (RFC 8058).
	Unsubscribe string
}

// Sender sends messages.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// ErrRefused says that no later try will help: the mail server knows no such address.
var ErrRefused = errors.New("letter is refused for good")

// State is what has become of a letter.
type State string

// The states of a letter.
const (
	Waiting State = "queued"
	Sending State = "sending"
	Sent    State = "sent"
	Failed  State = "failed"
)

// Entry is a letter as administrators see it in the list of letters: without what it speaks of.
type Entry struct {
	ID       string
	User     tenant.User
	To       string
	Kind     Kind
	Language string
	State    State
	Attempts int
	QueuedAt time.Time
	NextAt   time.Time
	SentAt   time.Time
	Error    string
}
