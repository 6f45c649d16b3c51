package idp

import (
	"context"
	"slices"
	"sync"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// Linked is an identity as it belongs to a person. Main says that the person's profile came from it.
type Linked struct {
	User       tenant.User
	Connection string
	Main       bool
	Identity
	CreatedAt time.Time
	SeenAt    time.Time
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	AddConnection(ctx context.Context, c Connection) error // ErrTaken
	SaveConnection(ctx context.Context, c Connection) error
	// SaveSecret replaces the secret of a connection, unless it is no longer the one that was read.
	SaveSecret(ctx context.Context, read Connection, secret []byte) error
	FindConnection(ctx context.Context, t tenant.ID, id string) (Connection, error) // ErrNotFound
	// RemoveConnection removes a connection that nobody's identity belongs to, or returns ErrInUse.
	RemoveConnection(ctx context.Context, t tenant.ID, id string) error
	Connections(ctx context.Context, t tenant.ID) ([]Connection, error) // by name

	AddFlow(ctx context.Context, f Flow) error // ErrTaken
	// TakeFlow finds a flow and removes it: of two that ask, one gets it, the other ErrNotFound.
	TakeFlow(ctx context.Context, t tenant.ID, state string) (Flow, error)
	FindFlow(ctx context.Context, t tenant.ID, state string) (Flow, error) // ErrNotFound

	// LockIdentity finds an identity, and keeps others from changing it until the transaction ends; or ErrNotFound.
	LockIdentity(ctx context.Context, t tenant.ID, connection, subject string) (Linked, error)
	AddIdentity(ctx context.Context, l Linked) error // ErrTaken
	SaveIdentity(ctx context.Context, l Linked) error
	// Identities lists those of u, the main one first.
	Identities(ctx context.Context, u tenant.User) ([]Linked, error)
	// Twins lists the connections of accounts other than u whose verified address is email.
	Twins(ctx context.Context, u tenant.User, email string) ([]string, error)
	// AbsorbProfile removes the account gone, whose identities are into's by now; what it asked for waits with into.
	AbsorbProfile(ctx context.Context, into, gone tenant.User) error
	// Closing reports whether u asked for their account to be closed and waits for it.
	Closing(ctx context.Context, u tenant.User) (bool, error)
	RemoveIdentity(ctx context.Context, l Linked) error

	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	// FindByConnection finds the profile with an address among those that came by a connection.
	FindByConnection(ctx context.Context, t tenant.ID, connection, email string) (profile.Profile, error)
	AddProfile(ctx context.Context, p profile.Profile) error
	// SaveSynced writes what a provider may change: names and picture, and nothing else.
	SaveSynced(ctx context.Context, p profile.Profile) error
	SaveEmail(ctx context.Context, p profile.Profile) error
	SaveMetadata(ctx context.Context, p profile.Profile) error
	HasPassword(ctx context.Context, u tenant.User) (bool, error)
}

// Service keeps connections, sends people to providers and lets them in when they come back.
type Service struct {
	store    Store
	ring     keys.Ring
	client   *Client
	guard    *guard.Service
	entrance *signin.Service
	sessions *session.Service
	tickets  *ticket.Service
	outbox   *mail.Outbox
	log      *audit.Log
	now      func() time.Time
	offers   sync.Map // tenant.ID → offer
}

// New returns the service on store.
func New(store Store, ring keys.Ring, client *Client, g *guard.Service, entrance *signin.Service, sessions *session.Service, tickets *ticket.Service,
	outbox *mail.Outbox, log *audit.Log, now func() time.Time,
) *Service {
	return &Service{
		store: store, ring: ring, client: client, guard: g, entrance: entrance, sessions: sessions, tickets: tickets, outbox: outbox, log: log, now: now,
	}
}

// offersFor is how old the buttons may be that people see; whether a connection may be used is looked up each time.
const offersFor = 5 * time.Second

// offer is what a tenant offered lately.
type offer struct {
	connections []Connection
	at          time.Time
}

// Offered lists the connections that people may come by, by name. What others changed shows within seconds.
func (s *Service) Offered(ctx context.Context) ([]Connection, error) {
	t, now := tenant.From(ctx).ID, s.now()
	if known, ok := s.offers.Load(t); ok && now.Sub(known.(offer).at) < offersFor {
		return known.(offer).connections, nil
	}
	all, err := s.store.Connections(ctx, t)
	if err != nil {
		return nil, err
	}
	offered := slices.DeleteFunc(all, func(c Connection) bool { return !c.Enabled })
	s.offers.Store(t, offer{slices.Clip(offered), now})
	return offered, nil
}

// Ways are how somebody can prove who they are.
type Ways struct {
	Password    bool
	Connections []Connection
}

// WaysOf lists how who is signed in can prove who they are: with a password, and by the connections of their identities
// that are in use.
func (s *Service) WaysOf(ctx context.Context, live session.Live) (Ways, error) {
	ways := Ways{Password: live.Person.HasPassword}
	offered, err := s.Offered(ctx)
	if err != nil || len(offered) == 0 {
		return ways, err
	}
	identities, err := s.store.Identities(ctx, live.User)
	for _, c := range offered {
		if slices.ContainsFunc(identities, func(l Linked) bool { return l.Connection == c.ID }) {
			ways.Connections = append(ways.Connections, c)
		}
	}
	return ways, err
}
