package idp

import (
	"context"
	"slices"
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
	FindConnection(ctx context.Context, t tenant.ID, id string) (Connection, error) // ErrNotFound
	// RemoveConnection removes a connection that nobody's identity belongs to, or returns ErrInUse.
	RemoveConnection(ctx context.Context, t tenant.ID, id string) error
	Connections(ctx context.Context, t tenant.ID) ([]Connection, error) // by name

	AddFlow(ctx context.Context, f Flow) error
	// TakeFlow finds a flow and removes it: of two that ask, one gets it, the other ErrNotFound.
	TakeFlow(ctx context.Context, t tenant.ID, state string) (Flow, error)
	FindFlow(ctx context.Context, t tenant.ID, state string) (Flow, error) // ErrNotFound
	PurgeFlows(ctx context.Context, now time.Time) error

	// LockIdentity finds an identity, and keeps others from changing it until the transaction ends; or ErrNotFound.
	LockIdentity(ctx context.Context, t tenant.ID, connection, subject string) (Linked, error)
	AddIdentity(ctx context.Context, l Linked) error // ErrTaken
	SaveIdentity(ctx context.Context, l Linked) error
	// Identities lists those of u, the main one first.
	Identities(ctx context.Context, u tenant.User) ([]Linked, error)
	// Twins lists the connections of other accounts whose verified address is p's.
	Twins(ctx context.Context, p profile.Profile) ([]string, error)
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
}

// New returns the service on store.
func New(store Store, ring keys.Ring, client *Client, g *guard.Service, entrance *signin.Service, sessions *session.Service, tickets *ticket.Service,
	outbox *mail.Outbox, log *audit.Log, now func() time.Time,
) *Service {
	return &Service{store, ring, client, g, entrance, sessions, tickets, outbox, log, now}
}

// Offered lists the connections that people may come by, by name.
func (s *Service) Offered(ctx context.Context) ([]Connection, error) {
	all, err := s.store.Connections(ctx, tenant.From(ctx).ID)
	var offered []Connection
	for _, c := range all {
		if c.Enabled {
			offered = append(offered, c)
		}
	}
	return offered, err
}

// Ways are how somebody can prove who they are.
type Ways struct {
	Password    bool
	Connections []Connection
}

// WaysOf lists how u can prove who they are: with a password, and by the connections of their identities that are in use.
func (s *Service) WaysOf(ctx context.Context, u tenant.User) (Ways, error) {
	password, err := s.store.HasPassword(ctx, u)
	if err != nil {
		return Ways{}, err
	}
	identities, err := s.store.Identities(ctx, u)
	if err != nil || len(identities) == 0 {
		return Ways{Password: password}, err
	}
	offered, err := s.Offered(ctx)
	ways := Ways{Password: password}
	for _, c := range offered {
		if slices.ContainsFunc(identities, func(l Linked) bool { return l.Connection == c.ID }) {
			ways.Connections = append(ways.Connections, c)
		}
	}
	return ways, err
}
