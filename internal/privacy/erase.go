package privacy

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/retention"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
	"portico/internal/valid"
)

// Why an account is not closed, or not kept.
var (
	// ErrLastAdmin says that nobody would be left to administer the tenant (rule B-7).
	ErrLastAdmin = errors.New("the last administrator cannot close their own account")
	// ErrNotClosing says that the account is not about to be closed.
	ErrNotClosing = errors.New("account is not about to be closed")
	// ErrUnderAge says that somebody who is too young, and has nobody's approval, does not keep the account by saying so.
	ErrUnderAge = errors.New("the account of somebody who is too young closes")
)

// The form fields of a closing. What FieldConfirm must hold is what Confirmation says.
const (
	FieldConfirm = "confirm"
	FieldBecause = "because"
)

// maxBecause is the most characters of an administrator's reason.
const maxBecause = 500

// LinkLifetime is how long a link to the closing page works that somebody gets who cannot sign in (rule G-4).
const LinkLifetime = time.Hour

// told is how long the address before a change still hears what happens to the account (security.md row 66).
const told = 7 * 24 * time.Hour

// Closing says that an account is about to be erased, at DueAt. By is who asked for it: the person, or an administrator
// for a Reason that only administrators see.
type Closing struct {
	User    tenant.User
	AskedAt time.Time
	DueAt   time.Time
	By      string
	Reason  string
}

// Pending reports whether there is a closing at all.
func (c Closing) Pending() bool { return !c.DueAt.IsZero() }

// Subject is somebody who was erased: a mark made of their id under a key of its own, from which the id cannot be found,
// and the pseudonym under which the record goes on.
type Subject struct {
	Tenant    tenant.ID `json:"tenant"`
	MAC       string    `json:"subject"`
	Pseudonym string    `json:"pseudonym"`
	At        time.Time `json:"erased_at"`
}

// markPurpose is the purpose of the key under which marks are made.
const markPurpose = "erased subject"

// marks are the marks that u may have, under every key of the ring: the newest first.
func marks(ring keys.Ring, u tenant.User) []string {
	var all []string
	for _, key := range ring.MACKeys(markPurpose) {
		all = append(all, hex.EncodeToString(keys.Sum(key, []byte(string(u.Tenant)+"\x00"+u.ID))))
	}
	return all
}

// Confirmation is what somebody types to confirm: their address, without one their name, without either the word.
func Confirmation(p profile.Profile, word string) string { return cmp.Or(p.Email, p.Name, word) }

func confirms(p profile.Profile, word, typed string) bool {
	plain := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(s)), " ")) }
	return plain(typed) == plain(Confirmation(p, word))
}

// ClosingStore is what closing and erasing accounts needs of persistence.
type ClosingStore interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	Now(ctx context.Context) (time.Time, error)
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	// CountStayingAdmins counts administrators besides u who are neither blocked nor closing, and locks them.
	CountStayingAdmins(ctx context.Context, u tenant.User, now time.Time) (int, error)
	FindClosing(ctx context.Context, u tenant.User) (Closing, error)
	LockClosing(ctx context.Context, u tenant.User) (Closing, error)
	AddClosing(ctx context.Context, c Closing) error
	RemoveClosing(ctx context.Context, u tenant.User) error
	DueClosings(ctx context.Context, t tenant.ID, now time.Time, limit int) ([]tenant.User, error)
	// Addresses lists the profile's address, the pending one, and the one before when it was replaced after since.
	Addresses(ctx context.Context, p profile.Profile, since time.Time) ([]string, error)
	AppendAssent(ctx context.Context, e terms.Event) error
	// IDs lists u's id, and the ids of accounts that became part of theirs.
	IDs(ctx context.Context, u tenant.User) ([]string, error)
	EntriesOf(ctx context.Context, t tenant.ID, ids []string) ([]ledger.Entry, error)
	// Erase removes everything of a person but what the ledger holds of them.
	Erase(ctx context.Context, p profile.Profile, pseudonym string) error
	AddErased(ctx context.Context, subjects []Subject) error
	Erased(ctx context.Context, t tenant.ID) ([]Subject, error)
	FindErased(ctx context.Context, t tenant.ID, marks []string) (Subject, bool, error)
	UserIDs(ctx context.Context, t tenant.ID, after string, limit int) ([]string, error)
	PruneStore
}

// ClosingConfig is what the service is made of. Beside forgets what is kept of a person outside of the database; it may be
// called more than once for the same one.
type ClosingConfig struct {
	Store    ClosingStore
	Ring     keys.Ring
	Ledger   *ledger.Service
	Guard    *guard.Service
	Tickets  *ticket.Service
	Sessions *session.Service
	Outbox   *mail.Outbox
	Log      *audit.Log
	Periods  func(ctx context.Context, t tenant.ID) ([]retention.Row, error)
	Beside   func(ctx context.Context, u tenant.User, addresses []string) error
	Now      func() time.Time
}

// Closings closes accounts, keeps them, and erases them when their time has come.
type Closings struct{ ClosingConfig }

// NewClosings returns the service.
func NewClosings(c ClosingConfig) *Closings { return &Closings{c} }

// Find returns the closing of u; without one it is not pending.
func (s *Closings) Find(ctx context.Context, u tenant.User) (Closing, error) {
	return s.Store.FindClosing(ctx, u)
}

// Person returns the profile of u.
func (s *Closings) Person(ctx context.Context, u tenant.User) (profile.Profile, error) {
	return s.Store.FindProfile(ctx, u)
}

// ClosingRequest is what somebody sends to close their account: what they typed, and the word that was shown to who has neither
// address nor name. Browser is the one that may cancel without a code.
type ClosingRequest struct {
	Typed   string
	Word    string
	Browser string
}

// Close begins to close the account of u: every session ends, open tickets are void, and every address of theirs is told,
// each with a link that cancels it. Until the tenant's days of grace are over everything stays as it is. It returns
// valid.Errors or ErrLastAdmin; an account that is closing already stays so.
func (s *Closings) Close(ctx context.Context, u tenant.User, r ClosingRequest) (Closing, error) {
	b := beginning{method: terms.MethodSettings, tell: func(ctx context.Context, p profile.Profile, c Closing) error {
		return s.tellClosing(ctx, p, c, r.Browser)
	}}
	return s.begin(ctx, Closing{User: u, By: u.ID}, b, func(p profile.Profile) error {
		if !confirms(p, r.Word, r.Typed) {
			key := "err.close.email"
			if p.Email == "" {
				key = "err.close.text"
			}
			return valid.Errors{{Field: FieldConfirm, Key: key, Args: []any{"text", Confirmation(p, r.Word)}}}
		}
		return nil
	})
}

// CloseFor is Close by an administrator, for a reason that is kept, after they typed the person's address. The person has the
// same days of grace and the same letter, which stand in the place of a second administrator's consent (row 75). It returns
// valid.Errors, ErrLastAdmin also for one's own account, or profile.ErrNotFound.
func (s *Closings) CloseFor(ctx context.Context, actor, u tenant.User, reason string, r ClosingRequest) (Closing, error) {
	if actor.Tenant != u.Tenant {
		return Closing{}, profile.ErrNotFound
	}
	if actor == u {
		return Closing{}, ErrLastAdmin
	}
	refused := checkBecause(reason)
	c := Closing{User: u, By: actor.ID, Reason: strings.TrimSpace(reason)}
	b := beginning{method: terms.MethodAdmin, tell: func(ctx context.Context, p profile.Profile, c Closing) error {
		return s.tellClosing(ctx, p, c, "")
	}}
	return s.begin(ctx, c, b, func(p profile.Profile) error {
		if !confirms(p, p.User.ID, r.Typed) {
			refused.Add(FieldConfirm, "err.close.text", "text", Confirmation(p, p.User.ID))
		}
		return refused.Err()
	})
}

func checkBecause(reason string) valid.Errors {
	var refused valid.Errors
	switch {
	case strings.TrimSpace(reason) == "":
		refused.Add(FieldBecause, "err.reason")
	case utf8.RuneCountInString(reason) > maxBecause:
		refused.Add(FieldBecause, "err.name.long", "max", maxBecause)
	}
	return refused
}

// beginning is how a closing begins: by which method, who is told what, which session goes on, by its hash, and after how long
// the account is erased at the earliest.
type beginning struct {
	method string
	tell   func(ctx context.Context, p profile.Profile, c Closing) error
	except string
	least  time.Duration
}

func (s *Closings) begin(ctx context.Context, c Closing, b beginning, check func(profile.Profile) error) (Closing, error) {
	t := tenant.From(ctx)
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.Store.LockProfile(ctx, c.User)
		if err != nil {
			return err
		}
		if err := check(p); err != nil {
			return err
		}
		before, err := s.Store.LockClosing(ctx, c.User)
		if err != nil || before.Pending() {
			c = before
			return err
		}
		if err := s.spare(ctx, p); err != nil {
			return err
		}
		now, err := s.Store.Now(ctx)
		if err != nil {
			return err
		}
		c.AskedAt, c.DueAt = now, now.Add(max(t.Grace(), b.least))
		if err := s.Store.AddClosing(ctx, c); err != nil {
			return err
		}
		if _, err := s.Sessions.EndAll(ctx, c.User, b.except); err != nil {
			return err
		}
		if err := s.Tickets.Void(ctx, c.User); err != nil {
			return err
		}
		if err := b.tell(ctx, p, c); err != nil {
			return err
		}
		return s.note(ctx, p.User, audit.ErasureScheduled, terms.Closing, b.method, c)
	})
	return c, err
}

// spare refuses to close the last administrator's account.
func (s *Closings) spare(ctx context.Context, p profile.Profile) error {
	if p.Role != profile.RoleAdmin {
		return nil
	}
	left, err := s.Store.CountStayingAdmins(ctx, p.User, s.Now())
	if err == nil && left == 0 {
		err = ErrLastAdmin
	}
	return err
}
