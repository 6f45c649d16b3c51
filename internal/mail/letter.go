// Package mail queues letters in the transaction of the change they tell about, and a worker sends them.
//
// What a letter speaks of may be secret (a link, a code), so it is sealed in the queue and erased when it was sent.
package mail

import (
	"context"
	"encoding/json"
	"errors"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/google/uuid"

	"portico/internal/keys"
	"portico/internal/tenant"
)

// Kind says what a letter is about. Where Auth0 has a template for it, it is that one's id (rule L-4).
type Kind string

// The kinds of letter.
const (
	VerifyEmail           Kind = "verify_email"
	AlreadyRegistered     Kind = "already_registered"
	ResetEmail            Kind = "reset_email"
	ResetProvider         Kind = "reset_provider"
	PasswordChanged       Kind = "change_password"
	BlockedAccount        Kind = "blocked_account"
	EmailChangeConfirm    Kind = "email_change_confirm"
	EmailChangeNotice     Kind = "email_change_notice"
	EmailChanged          Kind = "email_changed"
	EmailChangedByAdmin   Kind = "email_changed_by_admin"
	EmailFollowed         Kind = "email_followed"
	EmailKept             Kind = "email_kept"
	EmailTaken            Kind = "email_taken"
	AccountLinked         Kind = "account_linked"
	AccountUnlinked       Kind = "account_unlinked"
	PhoneChanged          Kind = "phone_changed"
	NewSignIn             Kind = "new_sign_in"
	SessionLimit          Kind = "session_limit"
	TermsChanged          Kind = "terms_changed"
	TermsAccepted         Kind = "terms_accepted"
	TermsRecorded         Kind = "terms_recorded"
	LedgerCheckpoint      Kind = "ledger_checkpoint"
	TermsWithdrawn        Kind = "terms_withdrawn"
	TermsCancelled        Kind = "terms_cancelled"
	TermsReminder         Kind = "terms_reminder"
	ConsentConfirm        Kind = "consent_confirm"
	Invited               Kind = "user_invitation"
	ConsentGiven          Kind = "consent_given"
	AccountBlocked        Kind = "account_blocked"
	AccountUnblocked      Kind = "account_unblocked"
	ProfileChangedByAdmin Kind = "profile_changed_by_admin"
	AdministratorAdded    Kind = "administrator_added"
	AdministratorGone     Kind = "administrator_gone"
	PasswordChangeAsked   Kind = "password_change_asked"
	RequestReceived       Kind = "request_received"
	RequestAnswered       Kind = "request_answered"
	ExportReady           Kind = "export_ready"
	ExportMade            Kind = "export_made"
	ExportFailed          Kind = "export_failed"
	AccountClosing        Kind = "account_closing"
	AccountKept           Kind = "account_kept"
	AccountClosed         Kind = "account_closed"
	CloseLink             Kind = "close_link"
	AccountUnproven       Kind = "account_unproven"
	RequestExtended       Kind = "request_extended"
	AccountRestricted     Kind = "account_restricted"
	RestrictionLifted     Kind = "restriction_lifted"
	WithdrawalReceived    Kind = "withdrawal_received"
	WithdrawalAnswered    Kind = "withdrawal_answered"
	GuardianRequest       Kind = "guardian_request"
	GuardianDecided       Kind = "guardian_decided"
	GuardianApproved      Kind = "guardian_approved"
	AgeClosing            Kind = "age_closing"

	// Example is a letter of another kind, Facts.Of, with made-up facts: an administrator sees how it arrives. It warns of nothing,
	// ends nothing and counts for nothing, whatever letters of that kind do.
	Example Kind = "example"
)

// Optional reports whether letters of this kind rest on consent: they name the address that ends it with one click, and
// nobody whose account is restricted gets them. All others are about the account, its safety or the law.
func (k Kind) Optional() bool { return k == ConsentGiven }

// Last reports whether a letter of this kind is the last that somebody gets, because nothing is kept of them any more:
// once it has left, or was given up, nobody can tell to whom it went.
func (k Kind) Last() bool { return k == AccountClosed }

// Forgets reports whether it is forgotten to whom a letter of this kind went once it has left, or was given up: a last one,
// and those to somebody else about a person, whose address is kept only while their answer is waited for.
func (k Kind) Forgets() bool { return k.Last() || k == GuardianRequest || k == GuardianDecided }

// Facts are what letters speak of; each kind uses some of them. Times are UTC. Address is masked, but for a guardian, who must
// know whom it is about. Reference names a contract. Of is the kind that an Example shows. Unsubscribe is the address that ends an optional letter with one click
// (RFC 8058).
type Facts struct {
	Name       string        `json:"name,omitempty"`
	Code       string        `json:"code,omitempty"`
	Link       string        `json:"link,omitempty"`
	SecondLink string        `json:"second_link,omitempty"`
	Address    string        `json:"address,omitempty"`
	Time       time.Time     `json:"time,omitzero"`
	IP         string        `json:"ip,omitempty"`
	Browser    string        `json:"browser,omitempty"`
	TTL        time.Duration `json:"ttl,omitempty"`
	Until      time.Time     `json:"until,omitzero"`
	Document   string        `json:"document,omitempty"`
	Version    int           `json:"version,omitempty"`
	Changes    []string      `json:"changes,omitempty"`
	Text       string        `json:"text,omitempty"`
	Count      int           `json:"count,omitempty"`
	Provider   string        `json:"provider,omitempty"`
	Message    string        `json:"message,omitempty"`
	Proof      string        `json:"proof,omitempty"`
	Outcome    string        `json:"outcome,omitempty"`
	Reference  string        `json:"reference,omitempty"`
	Of         Kind          `json:"of,omitempty"`

	Unsubscribe string `json:"unsubscribe,omitempty"`

	// Source is where a text that the letter carries comes from. The text itself, Enclosed, is public and filled in when the
	// letter is written, so that the queue keeps no copies of it.
	Source   string   `json:"source,omitempty"`
	Enclosed Enclosed `json:"-"`
	Files    []File   `json:"files,omitempty"`
}

// File goes along with a letter as an attachment. Name has no folder, Type is its media type (RFC 2046).
type File struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Content []byte `json:"content"`
}

// Enclosed is a whole document in a letter, in its own language: Markdown for the text part, and its safe rendering.
type Enclosed struct {
	Source string
	HTML   string
	Locale string
}

// Letter is a letter to be sent. User is the id of whom it concerns, empty for a stranger.
type Letter struct {
	Tenant   tenant.ID
	User     string
	To       string
	Kind     Kind
	Language string
	Facts    Facts
}

// ErrUnsubscribe says that an optional letter does not name the address that ends it.
var ErrUnsubscribe = errors.New("an optional letter must say how to end it")

// ErrAddress says that a letter has no usable address.
var ErrAddress = errors.New("letter has no usable address")

// Queued is a letter in the queue: its facts are sealed.
type Queued struct {
	ID       string
	Tenant   tenant.ID
	User     string
	To       string
	Kind     Kind
	Language string
	Sealed   []byte
	QueuedAt time.Time
	Attempts int
}

// Queue is what the outbox needs of persistence.
type Queue interface {
	QueueLetter(ctx context.Context, q Queued) error
	// PreviousAddresses lists the proven addresses that u had within a week before now, or can still bring back.
	PreviousAddresses(ctx context.Context, u tenant.User, now time.Time) ([]string, error)
}

// Outbox takes letters in.
type Outbox struct {
	queue Queue
	ring  keys.Ring
	now   func() time.Time
	wake  func()
}

// NewOutbox returns the outbox on queue. wake, if not nil, is called when a letter was queued: the transaction may not
// have ended yet, so it is a hint and no more.
func NewOutbox(queue Queue, ring keys.Ring, now func() time.Time, wake func()) *Outbox {
	return &Outbox{queue, ring, now, wake}
}

// purpose is what facts are sealed for.
const purpose = "letter"

// Send queues a letter in the transaction of ctx, and copies of it where it warns. It returns ErrAddress for an address that no letter can go to; a person
// who has none at all gets no letters (rule N-9).
func (o *Outbox) Send(ctx context.Context, l Letter) error {
	if l.To == "" && l.User != "" {
		return nil
	}
	copies, err := o.copies(ctx, l)
	if err != nil {
		return err
	}
	for _, one := range append(copies, l) {
		if err := o.queueOne(ctx, one); err != nil {
			return err
		}
	}
	if o.wake != nil {
		o.wake()
	}
	return nil
}

func (o *Outbox) queueOne(ctx context.Context, l Letter) error {
	if strings.ContainsAny(l.To, "\r\n\x00") {
		return ErrAddress
	}
	if _, err := netmail.ParseAddress(l.To); err != nil {
		return ErrAddress
	}
	if l.Kind.Optional() && l.Facts.Unsubscribe == "" {
		return ErrUnsubscribe
	}
	facts, err := json.Marshal(l.Facts)
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	return o.queue.QueueLetter(ctx, Queued{
		ID: id.String(), Tenant: l.Tenant, User: l.User, To: l.To, Kind: l.Kind, Language: l.Language,
		Sealed: o.ring.Seal(purpose, facts), QueuedAt: o.now(),
	})
}
