package idp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
)

// Purpose is what a person goes to a provider for.
type Purpose string

// The purposes: to sign in, to prove again who they are, to link what they have there.
const (
	SignIn Purpose = "signin"
	Reauth Purpose = "reauth"
	Link   Purpose = "link"
)

// freshness is how old a proof may be for the purpose.
func (p Purpose) freshness() time.Duration {
	if p == Link {
		return LinkLifetime
	}
	return session.Fresh
}

// FlowLifetime is how long a person may take at the provider.
const FlowLifetime = 10 * time.Minute

const flowPurpose = "provider flow"

// ErrNotAsked says that an answer is not to a question that this browser has open: unknown, used, expired, of another
// browser, of another provider. All look the same.
var ErrNotAsked = errors.New("nobody asked for this answer")

// Flow is one trip to a provider and back. It is kept until the answer comes, which uses it up, and belongs to one
// browser, one connection and, unless it is to sign in, one person.
type Flow struct {
	User       tenant.User
	State      string // the SHA-256 of what the provider sends back
	Connection string
	Browser    string
	Purpose    Purpose
	ReturnTo   string
	Sealed     []byte
	CreatedAt  time.Time
	ExpiresAt  time.Time
}

// secrets are what only we and the provider know of a flow.
type secrets struct {
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
}

func random() string {
	bits := make([]byte, 32)
	_, _ = rand.Read(bits)
	return base64.RawURLEncoding.EncodeToString(bits)
}

func hashOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:])
}

// Beginning is the wish to go to a provider. User is who is signed in, for all purposes but SignIn.
type Beginning struct {
	Connection string
	Purpose    Purpose
	Browser    string
	User       tenant.User
	ReturnTo   string
}

// Trip is where the browser goes next.
type Trip struct {
	Connection Connection
	Address    string
}

// Begin opens a flow. It returns ErrNotFound when there is no such connection in use, *guard.TooMany, and Failure when the
// provider does not answer; with the latter the trip says which connection it is.
func (s *Service) Begin(ctx context.Context, b Beginning) (Trip, error) {
	t := tenant.From(ctx)
	if err := s.guard.Allow(ctx, t.ID, guard.ProviderTrip, guard.Subject{IP: audit.OriginOf(ctx).IP}); err != nil {
		return Trip{}, err
	}
	connection, err := s.inUse(ctx, b.Connection)
	if err != nil {
		return Trip{}, err
	}
	a := asking{
		state: random(), nonce: random(), verifier: oauth2.GenerateVerifier(), callback: t.URL(connection.CallbackPath()),
		language: i18n.Current(ctx).Tag, fresh: b.Purpose != SignIn,
	}
	address, err := s.client.addressOf(ctx, connection, a)
	if err != nil {
		return Trip{Connection: connection}, err
	}
	content, err := json.Marshal(secrets{a.nonce, a.verifier})
	if err != nil {
		return Trip{}, err
	}
	flow := Flow{
		User: tenant.User{Tenant: t.ID, ID: b.User.ID}, State: hashOf(a.state), Connection: connection.ID, Browser: b.Browser, Purpose: b.Purpose,
		ReturnTo: b.ReturnTo, Sealed: s.ring.Seal(flowPurpose, content), CreatedAt: s.now(), ExpiresAt: s.now().Add(FlowLifetime),
	}
	return Trip{Connection: connection, Address: address}, s.store.AddFlow(ctx, flow)
}

func (s *Service) inUse(ctx context.Context, id string) (Connection, error) {
	connection, err := s.store.FindConnection(ctx, tenant.From(ctx).ID, id)
	if err == nil && !connection.Enabled {
		return Connection{}, ErrNotFound
	}
	return connection, err
}

// take uses up the flow that an answer belongs to.
func (s *Service) take(ctx context.Context, a Answer) (Flow, secrets, error) {
	var secret secrets
	flow, err := s.store.TakeFlow(ctx, tenant.From(ctx).ID, hashOf(a.State))
	if errors.Is(err, ErrNotFound) {
		return Flow{}, secret, ErrNotAsked
	}
	if err != nil {
		return Flow{}, secret, err
	}
	if a.Browser == "" || flow.Browser != a.Browser || flow.Connection != a.Connection || !s.now().Before(flow.ExpiresAt) {
		return Flow{}, secret, ErrNotAsked
	}
	content, err := s.ring.Open(flowPurpose, flow.Sealed)
	if err != nil || json.Unmarshal(content, &secret) != nil {
		return Flow{}, secret, ErrNotAsked
	}
	return flow, secret, nil
}
