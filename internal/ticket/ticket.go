// Package ticket makes and honours single-use, expiring secrets: what stands in a mailed link, and the six digits
// beside it.
//
// The database keeps only the SHA-256 of a secret. Opening a link never uses it up; Redeem does, once. In the browser
// that asked for the letter the secret is enough. Any other browser is asked for the code of the same letter too, so
// that a mail scanner that opens links and presses buttons confirms nothing.
package ticket

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/text/width"

	"portico/internal/keys"
	"portico/internal/tenant"
)

// Kind says what a ticket is for.
type Kind string

// The kinds of ticket.
const (
	Verify       Kind = "verify"
	Reset        Kind = "reset"
	EmailConfirm Kind = "email_confirm"
	EmailApprove Kind = "email_approve"
	EmailUndo    Kind = "email_undo"
	Unblock      Kind = "unblock"
	Consent      Kind = "consent"
	Keep         Kind = "keep"
	Close        Kind = "close"
	Guardian     Kind = "guardian"
)

// Why a ticket is not honoured.
var (
	ErrUnknown    = errors.New("ticket unknown")
	ErrUsed       = errors.New("ticket used")
	ErrExpired    = errors.New("ticket expired")
	ErrReplaced   = errors.New("ticket replaced by a newer one")
	ErrCodeNeeded = errors.New("this browser must also give the code")
	ErrCodeSpent  = errors.New("code void after too many tries")
	ErrCodeOld    = errors.New("code expired")
)

// WrongCode says that a code was not right; Left tries remain.
type WrongCode struct{ Left int }

// Error describes the refusal for logs.
func (e WrongCode) Error() string { return fmt.Sprintf("wrong code, %d tries left", e.Left) }

// Limits of codes (ASVS 6.6.2, rules V-5).
const (
	CodeDigits   = 6
	CodeLifetime = 15 * time.Minute
	CodeTries    = 5
)

// Ticket is an issued ticket as the database knows it: the secret itself is in the letter alone.
// Address is the exact address it was issued for, Note what its kind needs besides (the network address an Unblock
// ticket is about). Browser is the hash of the browser that asked. A ticket without a User is a decoy: it behaves like
// any other and opens nothing.
type Ticket struct {
	User          tenant.User
	Hash          string
	Kind          Kind
	Address       string
	Note          string
	Browser       string
	CodeMAC       string
	CodeTries     int
	CodeExpiresAt time.Time
	CreatedAt     time.Time
	ExpiresAt     time.Time
	UsedAt        time.Time
	VoidedAt      time.Time
}

// usable says whether t can still be redeemed at now, and if not, why.
func (t Ticket) usable(now time.Time) error {
	switch {
	case !t.UsedAt.IsZero():
		return ErrUsed
	case !t.VoidedAt.IsZero():
		return ErrReplaced
	case !now.Before(t.ExpiresAt):
		return ErrExpired
	}
	return nil
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	AddTicket(ctx context.Context, t Ticket) error
	FindTicket(ctx context.Context, tenant tenant.ID, hash string) (Ticket, error)
	// NewestTicket finds the newest ticket of a kind that a browser asked for, or that a user was sent.
	NewestTicket(ctx context.Context, u tenant.User, browser string, kind Kind) (Ticket, error)
	// CountTry adds one to the tries of an open ticket and returns how many there were with this one.
	// It reports false when the ticket had no try left.
	CountTry(ctx context.Context, t Ticket, most int) (int, bool, error)
	// UseTicket marks an open ticket as used and reports whether this call was the one that did.
	UseTicket(ctx context.Context, t Ticket, now time.Time) (bool, error)
	VoidTickets(ctx context.Context, u tenant.User, now time.Time, kinds ...Kind) error
	VoidBrowserTickets(ctx context.Context, tenant tenant.ID, browser string, now time.Time, kind Kind) error
}

// Service issues and redeems tickets.
type Service struct {
	store Store
	ring  keys.Ring
	now   func() time.Time
}

// New returns the service on store. Codes are kept as MACs under ring, because six digits could be guessed from a hash.
func New(store Store, ring keys.Ring, now func() time.Time) *Service {
	return &Service{store, ring, now}
}

// Order says what ticket to issue. Kind and Lifetime must be set. Code is the code of another ticket of the same letter,
// if there is one. Beside leaves the older tickets of the kind open.
type Order struct {
	User     tenant.User
	Kind     Kind
	Address  string
	Note     string
	Browser  string
	Lifetime time.Duration
	Code     string
	Beside   bool
}

// Issued is a new ticket with what only its letter may know.
type Issued struct {
	Ticket
	Secret string
	Code   string
}

// Issue makes a ticket, and voids the older ones of its kind for the same user (or, for a decoy, the same browser).
// It belongs in the transaction that queues the letter.
func (s *Service) Issue(ctx context.Context, o Order) (Issued, error) {
	now := s.now()
	secret := make([]byte, 32) // 256 bits (security.md row 13)
	_, _ = rand.Read(secret)
	issued := Issued{Secret: base64.RawURLEncoding.EncodeToString(secret), Code: o.Code}
	if issued.Code == "" {
		n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
		if err != nil {
			return Issued{}, err
		}
		issued.Code = fmt.Sprintf("%06d", n)
	}
	issued.Ticket = Ticket{
		User: o.User, Hash: HashOf(issued.Secret), Kind: o.Kind, Address: o.Address, Note: o.Note, Browser: o.Browser,
		CreatedAt: now, ExpiresAt: now.Add(o.Lifetime), CodeExpiresAt: now.Add(CodeLifetime),
	}
	issued.CodeMAC = s.codeMAC(issued.Ticket, issued.Code)
	if err := s.voidOlder(ctx, o, now); err != nil {
		return Issued{}, err
	}
	return issued, s.store.AddTicket(ctx, issued.Ticket)
}

func (s *Service) voidOlder(ctx context.Context, o Order, now time.Time) error {
	switch {
	case o.Beside:
		return nil
	case o.User.IsZero():
		return s.store.VoidBrowserTickets(ctx, o.User.Tenant, o.Browser, now, o.Kind)
	default:
		return s.store.VoidTickets(ctx, o.User, now, o.Kind)
	}
}

// HashOf is the key under which the database knows a secret.
func HashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func (s *Service) codeMAC(t Ticket, code string) string {
	return hex.EncodeToString(s.ring.MAC("code", []byte(t.Hash+code)))
}

func (s *Service) codeRight(t Ticket, code string) bool {
	mac, err := hex.DecodeString(t.CodeMAC)
	return err == nil && s.ring.Verify("code", []byte(t.Hash+code), mac)
}

// Look finds the ticket of a secret without using it up. The ticket is returned with ErrUsed, ErrReplaced and
// ErrExpired too, so that a page can say more; ErrUnknown comes with none.
func (s *Service) Look(ctx context.Context, t tenant.ID, kind Kind, secret string) (Ticket, error) {
	found, err := s.store.FindTicket(ctx, t, HashOf(secret))
	if err != nil {
		return Ticket{}, err
	}
	if found.Kind != kind {
		return Ticket{}, ErrUnknown
	}
	return found, found.usable(s.now())
}

// Newest finds the newest ticket of a kind sent to u, or for a User without ID the newest that this browser asked for.
func (s *Service) Newest(ctx context.Context, u tenant.User, browser string, kind Kind) (Ticket, error) {
	found, err := s.store.NewestTicket(ctx, u, browser, kind)
	if err != nil {
		return Ticket{}, err
	}
	return found, found.usable(s.now())
}

// Claim is what somebody presents to redeem a ticket: the Secret of a link, or no secret and the Code alone. A code
// alone finds the newest ticket sent to User, or for a User without ID the newest this Browser asked for.
type Claim struct {
	User    tenant.User
	Kind    Kind
	Secret  string
	Browser string
	Code    string
}

// Redeem uses a ticket up and applies its effect in one transaction: of any number of parallel claims one has the
// effect. It returns an error of this package when the ticket or the code is not good, and apply's own error with the
// ticket left unused.
func (s *Service) Redeem(ctx context.Context, c Claim, apply func(ctx context.Context, t Ticket) error) error {
	found, err := s.claimed(ctx, c)
	if err != nil {
		return err
	}
	if err := s.prove(ctx, found, c); err != nil {
		return err
	}
	if found.User.IsZero() {
		return WrongCode{} // a decoy: even its right code opens nothing
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		won, err := s.store.UseTicket(ctx, found, s.now())
		if err != nil {
			return err
		}
		if !won {
			return ErrUsed
		}
		return apply(ctx, found)
	})
}

func (s *Service) claimed(ctx context.Context, c Claim) (Ticket, error) {
	if c.Secret != "" {
		return s.Look(ctx, c.User.Tenant, c.Kind, c.Secret)
	}
	found, err := s.Newest(ctx, c.User, c.Browser, c.Kind)
	if err == nil && !s.now().Before(found.CodeExpiresAt) {
		return Ticket{}, ErrCodeOld
	}
	return found, err
}

// prove decides whether the claim may use the ticket: by the browser that asked for it, or by its code.
func (s *Service) prove(ctx context.Context, t Ticket, c Claim) error {
	if c.Secret != "" && t.Browser != "" && t.Browser == c.Browser {
		return nil
	}
	code := Digits(c.Code)
	if code == "" {
		return ErrCodeNeeded
	}
	tries, counted, err := s.store.CountTry(ctx, t, CodeTries)
	if err != nil {
		return err
	}
	if !counted {
		return ErrCodeSpent
	}
	if s.codeRight(t, code) {
		return nil
	}
	if tries >= CodeTries {
		return ErrCodeSpent
	}
	return WrongCode{Left: CodeTries - tries}
}

// Digits reads a code as people type it: with spaces or hyphens, in full-width digits.
func Digits(code string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, width.Narrow.String(code))
}

// Void makes the open tickets of u unusable: those of the given kinds, or all.
func (s *Service) Void(ctx context.Context, u tenant.User, kinds ...Kind) error {
	return s.store.VoidTickets(ctx, u, s.now(), kinds...)
}
