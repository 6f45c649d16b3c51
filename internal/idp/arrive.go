package idp

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"portico/internal/audit"
	"portico/internal/tenant"
)

// ErrCancelled says that the person, or the provider, decided not to go on.
var ErrCancelled = errors.New("cancelled at the provider")

// Answer is what a browser brings back from a provider. Beside is what Apple sends beside the token, as text.
type Answer struct {
	Connection string
	State      string
	Code       string
	Issuer     string
	Refusal    string
	Beside     string
	Browser    string
}

// Arrival is somebody whom a provider vouches for. ProvenAt is when they proved to it who they are, zero when it does
// not say. SID is the provider's own id of its session.
type Arrival struct {
	Connection Connection
	Identity   Identity
	Purpose    Purpose
	User       tenant.User // who began, unless it was to sign in
	ReturnTo   string
	ProvenAt   time.Time
	SID        string
}

// Arrive takes an answer, once, and has the provider explain it. It returns ErrNotAsked, ErrCancelled or Failure; with
// the latter two the arrival says where the person was going.
func (s *Service) Arrive(ctx context.Context, a Answer) (Arrival, error) {
	flow, secret, err := s.take(ctx, a)
	if err != nil {
		return Arrival{}, s.noted(ctx, a.Connection, err)
	}
	arrival := Arrival{Purpose: flow.Purpose, User: flow.User, ReturnTo: flow.ReturnTo}
	arrival.Connection, err = s.inUse(ctx, flow.Connection)
	if errors.Is(err, ErrNotFound) {
		err = ErrNotAsked // switched off meanwhile
	}
	if err == nil {
		err = s.explain(ctx, a, flow, secret, &arrival)
	}
	return arrival, s.noted(ctx, a.Connection, err)
}

// noted records why somebody did not get in.
func (s *Service) noted(ctx context.Context, connection string, err error) error {
	reason := "not_asked"
	if f, ok := errors.AsType[Failure](err); ok {
		reason = string(f.Reason)
	} else if !errors.Is(err, ErrNotAsked) {
		return err // all is well, or the person changed their mind, or it is our own fault
	}
	return errors.Join(err, s.log.Record(ctx, audit.Event{
		Type: audit.SignInRefused, User: tenant.User{Tenant: tenant.From(ctx).ID},
		Detail: map[string]string{"connection": shortened(connection), "reason": reason},
	}))
}

// explain asks the provider what a code stands for and reads it.
func (s *Service) explain(ctx context.Context, a Answer, flow Flow, secret secrets, arrival *Arrival) error {
	connection := arrival.Connection
	if a.Issuer != "" && !slices.Contains(connection.issuers(), a.Issuer) {
		return ErrNotAsked // another provider's answer (RFC 9207)
	}
	switch a.Refusal {
	case "":
	case "access_denied", "user_cancelled_authorize", "user_cancelled_login", "login_required", "interaction_required", "consent_required":
		return ErrCancelled
	default:
		return Failure{Status, errors.New("refused: " + shortened(a.Refusal))}
	}
	if a.Code == "" {
		return ErrNotAsked
	}
	t, err := s.client.ask(ctx, s.ring, connection, a, asking{
		nonce: secret.Nonce, verifier: secret.Verifier, callback: tenant.From(ctx).URL(connection.CallbackPath()),
	})
	if err != nil {
		return err
	}
	if connection.preset().FormPost && json.Valid([]byte(a.Beside)) && len(a.Beside) <= MaxMapping {
		t.claims["user"] = json.RawMessage(a.Beside) // unsigned: the mapping takes nothing but names from it
	}
	arrival.Identity, err = connection.Read(t.claims)
	if err != nil {
		return Failure{Subject, err}
	}
	arrival.SID = t.sid
	arrival.ProvenAt, err = s.proven(connection, flow, t.at)
	return err
}

// Read normalizes what a provider says, and takes its word on what is verified for what it is worth.
func (c Connection) Read(claims Claims) (Identity, error) {
	i, err := c.Mapping.Normalize(claims)
	i.EmailVerified = i.EmailVerified && c.Trust
	i.PhoneVerified = i.PhoneVerified && c.Trust
	return i, err
}

// proven says when the person proved who they are. Where that must be just now, silence does only for providers that
// never say it, and an old proof for none (security.md row 40, ASVS 6.8.4).
func (s *Service) proven(connection Connection, flow Flow, at time.Time) (time.Time, error) {
	now := s.now()
	if at.After(now) {
		at = now
	}
	if flow.Purpose == SignIn {
		return at, nil
	}
	if at.IsZero() && connection.RoundTrip {
		return now, nil
	}
	if at.IsZero() || now.Sub(at) >= flow.Purpose.freshness() {
		return at, Failure{NotFresh, nil}
	}
	return at, nil
}
