// Package session keeps who is signed in, on which device and since when, in the database behind gorilla/sessions.
//
// The browser holds a signed random id; the row is keyed by its SHA-256. A session ends on the server: at sign-out, when
// somebody ends it, when it is idle or old, and at once when the person is blocked (security.md rows 31–39).
package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"portico/internal/tenant"
)

// ErrNone says that there is no such session, or no longer.
var ErrNone = errors.New("no session")

// Lifetimes (security.md rows 33 and 34), and how many sessions one person may have (row 39).
const (
	Idle          = 30 * time.Minute
	Absolute      = 12 * time.Hour
	KeepIdle      = 7 * 24 * time.Hour
	KeepAbsolute  = 30 * 24 * time.Hour
	AdminIdle     = 15 * time.Minute
	AdminAbsolute = 8 * time.Hour
	Most          = 20

	// Fresh is how long after proving who they are a person may do sensitive things (row 42).
	Fresh = 15 * time.Minute
	// anonymous is how long something is remembered for a visitor who is not signed in.
	anonymous = time.Hour
	// touch is how often a busy session is written: never on each page view.
	touch = time.Minute
)

// Session is one signed-in browser, or one anonymous visitor for whom something must be remembered (User without ID).
// ID is known only in the request that made or brought it; the database knows Hash. Content is what is remembered:
// a form that waits for a re-authentication, for example, never a secret.
type Session struct {
	ID              string
	Hash            string
	User            tenant.User
	CreatedAt       time.Time
	SeenAt          time.Time
	AuthenticatedAt time.Time
	IdleAt          time.Time
	ExpiresAt       time.Time
	Keep            bool
	IP              netip.Addr
	UserAgent       string
	Content         map[string]string
}

// Person is what every page needs to know of who is signed in, read in the same statement as the session.
type Person struct {
	Email         string
	EmailVerified bool
	Name          string
	GivenName     string
	FamilyName    string
	Nickname      string
	Username      string
	PhoneNumber   string
	PendingEmail  string // a new address that waits for its confirmation
	Role          string
	Blocked       bool
	BlockedUntil  time.Time
	BlockMessage  string
	Restricted    bool
	CreatedAt     time.Time
	UserMetadata  string
	HasPassword   bool
	MustChange    bool
	ClosesAt      time.Time // when the account is erased, or zero
	Age           string    // how far the question of the person's age is: profile.AgeState
	WarnedAt      time.Time // when a letter said that it is erased unless the address is proven, or zero
	TermsOwed     bool
	TermsWaiting  string // "told document number" of a version one may decide about before one must, "new …" before a page said so
}

// Undecided is a version of a document that the person may decide about before they must. New says that no page has told them.
type Undecided struct {
	Document string
	Number   int
	New      bool
}

// Undecided is the version that waits for the person, if one does.
func (p Person) Undecided() (Undecided, bool) {
	var u Undecided
	told := ""
	if n, err := fmt.Sscanf(p.TermsWaiting, "%s %s %d", &told, &u.Document, &u.Number); n != 3 || err != nil {
		return Undecided{}, false
	}
	u.New = told == "new"
	return u, true
}

// IsBlocked reports whether an administrator's block is in force at now.
func (p Person) IsBlocked(now time.Time) bool {
	return p.Blocked && (p.BlockedUntil.IsZero() || now.Before(p.BlockedUntil))
}

// Live is a session with its person. Past is whose session it was when it is over: a form that they sent too late is
// theirs still.
type Live struct {
	Session
	Person Person
	Past   tenant.User
}

// SignedIn reports whether l belongs to somebody.
func (l Live) SignedIn() bool { return !l.User.IsZero() }

// Fresh reports whether the person proved who they are recently enough for a sensitive action at now.
func (l Live) Fresh(now time.Time) bool {
	return l.SignedIn() && now.Sub(l.AuthenticatedAt) < Fresh
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	AddSession(ctx context.Context, s Session) error
	// FindSession reads a session with its person in one statement.
	FindSession(ctx context.Context, t tenant.ID, hash string) (Live, error)
	TouchSession(ctx context.Context, s Session) error
	SaveContent(ctx context.Context, s Session) error
	// Sessions lists the sessions of u, newest first.
	Sessions(ctx context.Context, u tenant.User) ([]Session, error)
	// ProviderSessions lists the sessions that were opened by a connection in the provider's own session sid.
	ProviderSessions(ctx context.Context, t tenant.ID, connection, sid string) ([]Session, error)
	EndSession(ctx context.Context, u tenant.User, hash string) (bool, error)
	// EndSessions ends all sessions of u except the one with the hash, which may be empty, and says how many.
	EndSessions(ctx context.Context, u tenant.User, except string) (int, error)
	// KnowDevice notes that u uses a device and reports whether u had used it before.
	KnowDevice(ctx context.Context, u tenant.User, device string, now time.Time) (bool, error)
}

// Service starts, finds and ends sessions.
type Service struct {
	store Store
	now   func() time.Time
}

// New returns the service on store.
func New(store Store, now func() time.Time) *Service { return &Service{store, now} }

// newID returns 256 random bits (security.md row 31).
func newID() string {
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return base64.RawURLEncoding.EncodeToString(id)
}

// HashOf is the key under which the database knows the session, or device, with this id.
func HashOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// Opening says for whom and how a session starts. Admin sessions are shorter and are never kept. ProvenAt is when the
// person proved who they are, just now when it is zero.
type Opening struct {
	User      tenant.User
	Keep      bool
	Admin     bool
	IP        netip.Addr
	UserAgent string
	ProvenAt  time.Time
	Content   map[string]string
}

func (o Opening) lifetimes() (idle, absolute time.Duration) {
	switch {
	case o.Admin:
		return AdminIdle, AdminAbsolute
	case o.Keep:
		return KeepIdle, KeepAbsolute
	default:
		return Idle, Absolute
	}
}

// Start opens a session under a new id. When the person has more than Most, those that were not used for longest end;
// displaced says how many did.
func (s *Service) Start(ctx context.Context, o Opening) (opened Session, displaced int, err error) {
	now := s.now()
	idle, absolute := o.lifetimes()
	opened = Session{
		ID: newID(), User: o.User, CreatedAt: now, SeenAt: now, AuthenticatedAt: now,
		IdleAt: now.Add(idle), ExpiresAt: now.Add(absolute), Keep: o.Keep && !o.Admin, IP: o.IP, UserAgent: o.UserAgent,
		Content: o.Content,
	}
	if !o.ProvenAt.IsZero() {
		opened.AuthenticatedAt = o.ProvenAt
	}
	opened.Hash = HashOf(opened.ID)
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		all, err := s.List(ctx, o.User)
		if err != nil {
			return err
		}
		slices.SortStableFunc(all, func(a, b Session) int { return b.SeenAt.Compare(a.SeenAt) })
		over := all[min(Most-1, len(all)):]
		for _, old := range over {
			if _, err := s.store.EndSession(ctx, o.User, old.Hash); err != nil {
				return err
			}
		}
		displaced = len(over)
		return s.store.AddSession(ctx, opened)
	})
	return opened, displaced, err
}

// over reports whether a session has ended by itself at now.
func (s Session) over(now time.Time) bool { return !now.Before(s.ExpiresAt) || !now.Before(s.IdleAt) }

// Find returns the session with this id and its person, or ErrNone; of a session that is over, whose it was comes with that.
// It notes now and then that the session is in use.
func (s *Service) Find(ctx context.Context, t tenant.ID, id string) (Live, error) {
	live, err := s.store.FindSession(ctx, t, HashOf(id))
	if err != nil {
		return Live{}, err
	}
	now := s.now()
	if live.over(now) {
		return Live{Past: live.User}, ErrNone
	}
	live.ID = id
	if live.SignedIn() && now.Sub(live.SeenAt) >= touch {
		idle := live.IdleAt.Sub(live.SeenAt)
		live.SeenAt, live.IdleAt = now, now.Add(idle)
		if err := s.store.TouchSession(ctx, live.Session); err != nil {
			return Live{}, err
		}
	}
	return live, nil
}

// Renew gives the session a new id and ends the old one, as after a re-authentication or a change of privilege
// (security.md row 35). The person counts as having proven who they are just now. It returns ErrNone when the session
// has ended meanwhile.
func (s *Service) Renew(ctx context.Context, old Session) (Session, error) {
	return s.RenewAt(ctx, old, s.now())
}

// RenewAt is Renew for somebody who proved who they are to another, and when that was.
func (s *Service) RenewAt(ctx context.Context, old Session, proven time.Time) (Session, error) {
	renewed := old
	renewed.ID = newID()
	renewed.Hash, renewed.AuthenticatedAt = HashOf(renewed.ID), proven
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.End(ctx, old.User, old.Hash); err != nil {
			return err
		}
		return s.store.AddSession(ctx, renewed)
	})
	return renewed, err
}

// Remember keeps the content of a session. For a visitor without a session, or whose session is over, it makes an anonymous
// one under the same id.
func (s *Service) Remember(ctx context.Context, t tenant.ID, id string, content map[string]string) error {
	now, hash := s.now(), HashOf(id)
	return s.store.InTx(ctx, func(ctx context.Context) error {
		live, err := s.store.FindSession(ctx, t, hash)
		if err == nil && !live.over(now) {
			live.Content = content
			return s.store.SaveContent(ctx, live.Session)
		}
		if err == nil {
			_, err = s.store.EndSession(ctx, live.User, hash)
		}
		if err != nil && !errors.Is(err, ErrNone) {
			return err
		}
		return s.store.AddSession(ctx, Session{
			User: tenant.User{Tenant: t}, Hash: hash, CreatedAt: now, SeenAt: now, AuthenticatedAt: now,
			IdleAt: now.Add(anonymous), ExpiresAt: now.Add(anonymous), Content: content,
		})
	})
}

// Forget has every session of u forget what it remembers under a key.
func (s *Service) Forget(ctx context.Context, u tenant.User, key string) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		all, err := s.store.Sessions(ctx, u)
		for _, one := range all {
			if _, there := one.Content[key]; there && err == nil {
				delete(one.Content, key)
				err = s.store.SaveContent(ctx, one)
			}
		}
		return err
	})
}

// List returns the sessions of u, the newest first.
func (s *Service) List(ctx context.Context, u tenant.User) ([]Session, error) {
	all, err := s.store.Sessions(ctx, u)
	return s.open(all), err
}

// OfProvider returns the sessions, whosever they are, that were opened by a connection in the provider's own session sid.
func (s *Service) OfProvider(ctx context.Context, t tenant.ID, connection, sid string) ([]Session, error) {
	all, err := s.store.ProviderSessions(ctx, t, connection, sid)
	return s.open(all), err
}

// open leaves out what is over.
func (s *Service) open(all []Session) []Session {
	now := s.now()
	return slices.DeleteFunc(all, func(one Session) bool { return one.over(now) })
}

// End ends one session of u. It returns ErrNone when u has no such session.
func (s *Service) End(ctx context.Context, u tenant.User, hash string) error {
	ended, err := s.store.EndSession(ctx, u, hash)
	if err == nil && !ended {
		return ErrNone
	}
	return err
}

// EndAll ends every session of u except the one with the hash, which may be empty. It says how many ended.
func (s *Service) EndAll(ctx context.Context, u tenant.User, except string) (int, error) {
	return s.store.EndSessions(ctx, u, except)
}

// KnowDevice notes that u uses the device with this id and reports whether u had used it before.
func (s *Service) KnowDevice(ctx context.Context, u tenant.User, device string) (bool, error) {
	return s.store.KnowDevice(ctx, u, HashOf(device), s.now())
}

type contextKey struct{}

// With returns a context in which l is the current session.
func With(ctx context.Context, l Live) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// From returns the current session; without one it belongs to nobody.
func From(ctx context.Context) Live {
	l, _ := ctx.Value(contextKey{}).(Live)
	return l
}

// User returns who is signed in.
func User(ctx context.Context) tenant.User { return From(ctx).User }
