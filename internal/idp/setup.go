package idp

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/keys"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Setup is what an administrator writes down of a connection. Directory takes the place of "{directory}" in the issuer
// of a preset. An empty secret keeps the one there is.
type Setup struct {
	Preset    string
	ID        string
	Name      string
	Issuer    string
	Directory string
	ClientID  string
	Secret    string
	Scopes    string
	Mapping   string
	Sync      Sync
	Trust     bool
	RoundTrip bool
	SignUp    bool
	SignOut   bool
	Enabled   bool
	TeamID    string
	KeyID     string
}

// SetupOf is what stands written down of a connection, without its secret.
func SetupOf(c Connection) Setup {
	return Setup{
		Preset: c.Preset, ID: c.ID, Name: c.Name, Issuer: c.Issuer, ClientID: c.ClientID, Scopes: strings.Join(c.Scopes, " "), Mapping: c.Mapping.String(),
		Sync: c.Sync, Trust: c.Trust, RoundTrip: c.RoundTrip, SignUp: c.SignUp, SignOut: c.SignOut, Enabled: c.Enabled, TeamID: c.TeamID, KeyID: c.KeyID,
	}
}

// FieldDirectory is the form field of Setup.Directory.
const FieldDirectory = "directory"

// A directory of Microsoft is named by its id alone: under any other name, such as its domain, it describes itself with an
// issuer that has the id in it, and issuers must be equal (learn.microsoft.com, "OpenID Connect on the Microsoft identity
// platform"). The directory of everybody's personal accounts has a word of its own.
var directoryPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

const (
	personalAccounts   = "consumers"
	personalAccountsID = "9188040d-6c67-4c5b-b112-36a304b66dad"
)

// directory returns the id of the directory that was written down, or nothing when it is none.
func (u Setup) directory() string {
	directory := strings.ToLower(strings.TrimSpace(u.Directory))
	if directory == personalAccounts {
		return personalAccountsID
	}
	return directoryPattern.FindString(directory)
}

// onto writes a setup down in a connection and says what is wrong with it.
func (u Setup) onto(c *Connection, ring keys.Ring, loopback bool) valid.Errors {
	c.Name, c.ClientID, c.Enabled = strings.TrimSpace(u.Name), strings.TrimSpace(u.ClientID), u.Enabled
	c.Scopes, c.Sync, c.Trust, c.RoundTrip = strings.Fields(u.Scopes), u.Sync, u.Trust, u.RoundTrip
	c.SignUp, c.SignOut, c.TeamID, c.KeyID = u.SignUp, u.SignOut, strings.TrimSpace(u.TeamID), strings.TrimSpace(u.KeyID)
	mapping, err := ParseMapping([]byte(u.Mapping))
	c.Mapping = mapping
	refused := c.Check(loopback)
	if bad, ok := errors.AsType[BadMapping](err); ok {
		refused.Add(FieldMapping, "err.mapping."+bad.Reason, "where", bad.Where)
	}
	switch {
	case len(u.Secret) > MaxSecret:
		refused.Add(FieldSecret, "err.name.long", "max", MaxSecret)
	case u.Secret != "":
		secret := strings.TrimSpace(u.Secret)
		refused = append(refused, c.checkKey(secret)...)
		c.SealSecret(ring, secret)
	}
	return refused
}

// checkKey says what is wrong with a secret that is to be a private key, before Apple does in words that help nobody.
func (c Connection) checkKey(secret string) valid.Errors {
	var refused valid.Errors
	named := c.TeamID != "" && c.KeyID != ""
	if _, err := appleSecret(c, secret, time.Time{}); named && err != nil {
		refused.Add(FieldSecret, "err.connection.key")
	}
	if c.TeamID == "" && c.KeyID == "" && strings.HasPrefix(secret, "-----BEGIN") {
		refused.Add(FieldTeam, "err.connection.pair")
	}
	return refused
}

// Add sets up a new connection. It returns valid.Errors. By is the administrator, nobody when a command does it.
func (s *Service) Add(ctx context.Context, by tenant.User, u Setup) (Connection, error) {
	preset, ok := PresetOf(u.Preset)
	if !ok {
		return Connection{}, ErrNotFound
	}
	c := preset.From(tenant.From(ctx).ID)
	c.ID, c.CreatedAt, c.UpdatedAt = strings.TrimSpace(u.ID), s.now(), s.now()
	if u.Issuer != "" {
		c.Issuer = strings.TrimSpace(u.Issuer)
	}
	if directory := u.directory(); directory != "" {
		c.Issuer = strings.ReplaceAll(c.Issuer, "{directory}", directory)
	}
	refused := u.onto(&c, s.ring, s.client.loopback)
	if i := slices.IndexFunc(refused, func(p valid.Problem) bool { return p.Field == FieldIssuer }); i >= 0 && strings.Contains(c.Issuer, "{directory}") {
		refused[i] = valid.Problem{Field: FieldDirectory, Key: "err.connection.directory", Args: []any{"example", "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"}}
	}
	if err := refused.Err(); err != nil {
		return c, err
	}
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.AddConnection(ctx, c); err != nil {
			return err
		}
		return s.recordSetup(ctx, by, audit.ConnectionAdded, c, nil)
	})
	if errors.Is(err, ErrTaken) {
		return c, valid.Errors{{Field: FieldID, Key: "err.connection.taken"}}
	}
	return c, err
}

// Change writes down what has changed of a connection; its id and issuer stay. It returns valid.Errors or ErrNotFound.
func (s *Service) Change(ctx context.Context, by tenant.User, id string, u Setup) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		c, err := s.store.FindConnection(ctx, tenant.From(ctx).ID, id)
		if err != nil {
			return err
		}
		before := SetupOf(c)
		if err := u.onto(&c, s.ring, s.client.loopback).Err(); err != nil {
			return err
		}
		c.UpdatedAt = s.now()
		if err := s.store.SaveConnection(ctx, c); err != nil {
			return err
		}
		return s.recordSetup(ctx, by, audit.ConnectionChanged, c, before.changes(SetupOf(c), u.Secret != ""))
	})
}

// Remove takes a connection away that nobody has come by. It returns ErrNotFound, and ErrInUse when somebody's identity
// belongs to it: a later connection of the same name would let strangers in as them, so that one is switched off instead.
func (s *Service) Remove(ctx context.Context, by tenant.User, id string) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		c, err := s.store.FindConnection(ctx, tenant.From(ctx).ID, id)
		if err != nil {
			return err
		}
		if err := s.store.RemoveConnection(ctx, c.Tenant, c.ID); err != nil {
			return err
		}
		return s.recordSetup(ctx, by, audit.ConnectionRemoved, c, nil)
	})
}

// Reseal seals the secrets of a tenant with the newest key, so that an older one can be given up. What none of the keys
// opens stays as it is, and the test of its connection says so.
func (s *Service) Reseal(ctx context.Context, t tenant.ID) error {
	all, err := s.store.Connections(ctx, t)
	if err != nil {
		return err
	}
	for _, c := range all {
		renewed, differs, unreadable := s.ring.Renew(secretPurpose(c.Tenant, c.ID), c.Secret)
		if unreadable != nil || !differs {
			continue
		}
		if err := s.store.SaveSecret(ctx, c, renewed); err != nil {
			return err
		}
	}
	return nil
}

// changes names the fields that differ; of a secret nothing but that it is new.
func (u Setup) changes(after Setup, secret bool) []string {
	var names []string
	for name, differs := range map[string]bool{
		FieldName: u.Name != after.Name, FieldClientID: u.ClientID != after.ClientID, FieldSecret: secret, FieldScopes: u.Scopes != after.Scopes,
		FieldMapping: u.Mapping != after.Mapping, FieldSync: u.Sync != after.Sync, FieldTrust: u.Trust != after.Trust,
		FieldRoundTrip: u.RoundTrip != after.RoundTrip, FieldSignUp: u.SignUp != after.SignUp, FieldSignOut: u.SignOut != after.SignOut,
		FieldEnabled: u.Enabled != after.Enabled, FieldTeam: u.TeamID != after.TeamID, FieldKey: u.KeyID != after.KeyID,
	} {
		if differs {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (s *Service) recordSetup(ctx context.Context, by tenant.User, event audit.Type, c Connection, fields []string) error {
	s.offers.Delete(c.Tenant)
	actor := audit.Actor{Kind: audit.BySystem}
	if !by.IsZero() {
		actor = audit.Actor{Kind: audit.ByAdmin, ID: by.ID}
	}
	return s.log.Record(ctx, audit.Event{
		Type: event, User: tenant.User{Tenant: c.Tenant}, Actor: actor, Fields: fields, Detail: map[string]string{"connection": c.ID},
	})
}

// All lists every connection of the tenant, by name.
func (s *Service) All(ctx context.Context) ([]Connection, error) {
	return s.store.Connections(ctx, tenant.From(ctx).ID)
}

// Find returns a connection of the tenant, or ErrNotFound.
func (s *Service) Find(ctx context.Context, id string) (Connection, error) {
	return s.store.FindConnection(ctx, tenant.From(ctx).ID, id)
}

// Preview says what a mapping makes of a sample of claims. It returns BadMapping, ErrNoSubject or ErrSample.
func (s *Service) Preview(mapping, sample string, trust bool) (Identity, error) {
	m, err := ParseMapping([]byte(mapping))
	if err != nil {
		return Identity{}, err
	}
	claims, err := ParseClaims([]byte(sample))
	if err != nil {
		return Identity{}, ErrSample
	}
	return Connection{Settings: Settings{Mapping: m, Trust: trust}}.Read(claims)
}

// ErrSample says that a sample is no JSON object.
var ErrSample = errors.New("the sample is not a JSON object")

// Step is one thing that is tried when a connection is tested. It is the last part of a message key, "connections.step.…".
type Step string

// The steps, in their order.
const (
	StepDescription Step = "description"
	StepPKCE        Step = "pkce"
	StepKeys        Step = "keys"
	StepClient      Step = "client"
)

// Tried is how a step went: well, when there is no reason.
type Tried struct {
	Step   Step
	Reason Reason
}

// Test tries everything about a connection that needs no person: whether the provider describes itself, signs with keys
// that it publishes, and knows us. It stops at the first step on which the others stand.
func (s *Service) Test(ctx context.Context, id string) ([]Tried, error) {
	c, err := s.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	var tried []Tried
	if c.preset().Dialect == OpenID {
		if tried = s.testDescription(ctx, c); tried[0].Reason != "" {
			return tried, nil
		}
	}
	return append(tried, Tried{StepClient, s.knowsUs(ctx, c)}), nil
}

// testDescription reads afresh what a provider says of itself, and its keys.
func (s *Service) testDescription(ctx context.Context, c Connection) []Tried {
	s.client.known.Delete(c.key())
	d, err := s.client.describe(ctx, c)
	if err != nil {
		return []Tried{{StepDescription, reasonOf(err)}}
	}
	pkce := Tried{Step: StepPKCE}
	if d.Challenges != nil && !slices.Contains(d.Challenges, "S256") {
		pkce.Reason = NoPKCE
	}
	return []Tried{{Step: StepDescription}, pkce, {StepKeys, reasonOf(s.client.readKeys(ctx, d.Keys))}}
}

// knowsUs offers a made-up code: a provider that knows us refuses the code, one that does not refuses us.
func (s *Service) knowsUs(ctx context.Context, c Connection) Reason {
	callback := tenant.From(ctx).URL(c.CallbackPath())
	answer := Answer{Connection: c.ID, Code: "portico-test-" + random(), Issuer: c.Issuer}
	_, err := s.client.ask(ctx, s.ring, c, answer, asking{verifier: random(), callback: callback})
	reason := reasonOf(err)
	if reason == Grant {
		return ""
	}
	return reason
}

func reasonOf(err error) Reason {
	if f, ok := errors.AsType[Failure](err); ok {
		return f.Reason
	}
	if err != nil {
		return Rubbish
	}
	return ""
}

// readKeys reports whether keys are to be had at an address.
func (c *Client) readKeys(ctx context.Context, address string) error {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	err := c.readJSON(ctx, address, &set)
	if err == nil && len(set.Keys) == 0 {
		err = Failure{Rubbish, errors.New("no keys")}
	}
	return err
}
