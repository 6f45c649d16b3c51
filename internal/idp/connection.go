package idp

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"portico/internal/keys"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// The fields of the form for a connection.
const (
	FieldID       = "connection"
	FieldName     = "connection_name"
	FieldIssuer   = "issuer"
	FieldClientID = "client_id"
	FieldSecret   = "client_secret"
	FieldScopes   = "scopes"
	FieldSync     = "set_user_root_attributes"
	FieldMapping  = "mapping"
	FieldTeam     = "team_id"
	FieldKey      = "key_id"

	FieldTrust     = "trust_email"
	FieldRoundTrip = "round_trip"
	FieldSignUp    = "sign_up"
	FieldSignOut   = "sign_out"
	FieldEnabled   = "enabled"
)

// Limits of a connection, in characters, and of its secret, in bytes.
const (
	MaxID       = 40
	MaxTitle    = 60
	MaxIssuer   = 500
	MaxClientID = 255
	MaxSecret   = 4 << 10
)

// Errors about connections.
var (
	ErrNotFound = errors.New("no such connection")
	ErrTaken    = errors.New("there is such a connection already")
	ErrInUse    = errors.New("people sign in by this connection")
)

// Connection is one provider that a tenant lets people in by. Its issuer never changes, because a person is known by
// issuer and subject (security.md row 41). Secret is sealed; nothing but a request to the provider opens it.
type Connection struct {
	Tenant    tenant.ID
	ID        string
	Name      string
	Preset    string
	Issuer    string
	ClientID  string
	Secret    []byte
	Enabled   bool
	CreatedAt time.Time
	UpdatedAt time.Time
	Settings
}

// Settings are what can be set of a connection besides what it is. Trust believes the provider's word on verified
// addresses. SignUp lets people in who have no account yet. SignOut ends the session at the provider too. TeamID and KeyID
// go with a secret that is a private key, as Apple's are.
type Settings struct {
	Scopes    []string `json:"scopes,omitempty"`
	Mapping   Mapping  `json:"mapping,omitzero"`
	Sync      Sync     `json:"set_user_root_attributes,omitempty"`
	Trust     bool     `json:"trust_email,omitempty"`
	RoundTrip bool     `json:"round_trip,omitempty"`
	SignUp    bool     `json:"sign_up,omitempty"`
	SignOut   bool     `json:"sign_out,omitempty"`
	TeamID    string   `json:"team_id,omitempty"`
	KeyID     string   `json:"key_id,omitempty"`
}

// From returns a connection with what is known beforehand of a provider.
func (p Preset) From(t tenant.ID) Connection {
	c := Connection{Tenant: t, ID: p.Key, Name: p.Name, Preset: p.Key, Issuer: p.Issuer, Enabled: true, Settings: Settings{
		Scopes: slices.Clone(p.Scopes), Mapping: p.Mapping, Sync: EachLogin, Trust: p.Trust, RoundTrip: p.RoundTrip, SignUp: true,
	}}
	if p.Key == Custom {
		c.ID, c.Name = "", ""
	}
	return c
}

// preset is what the connection was made from; one that is gone counts as the custom one.
func (c Connection) preset() Preset {
	if p, ok := PresetOf(c.Preset); ok {
		return p
	}
	p, _ := PresetOf(Custom)
	return p
}

// Social reports whether anybody can have an account at the provider (identities[].isSocial).
func (c Connection) Social() bool { return c.preset().Social }

// Provider is the strategy in the words of identities[], such as "google-oauth2".
func (c Connection) Provider() string { return c.preset().Prefix }

// issuers are the names under which the provider may answer.
func (c Connection) issuers() []string {
	if c.preset().Dialect == GitHub {
		return gitHubAt(c.Issuer).issuers()
	}
	return []string{c.Issuer}
}

// HasSecret reports whether a secret is kept.
func (c Connection) HasSecret() bool { return len(c.Secret) > 0 }

// CallbackPath is where the provider sends people back to; it differs for each connection, so that one provider's answer
// cannot be taken for another's (OAuth 2.0 Security BCP, RFC 9700, section 4.4.2).
func (c Connection) CallbackPath() string { return "/login/callback/" + c.ID }

func secretPurpose(t tenant.ID, id string) string {
	return "connection secret " + string(t) + "/" + id
}

// SealSecret keeps a secret so that only this connection's own requests can use it.
func (c *Connection) SealSecret(ring keys.Ring, secret string) {
	c.Secret = ring.Seal(secretPurpose(c.Tenant, c.ID), []byte(secret))
}

func (c Connection) secret(ring keys.Ring) (string, error) {
	if !c.HasSecret() {
		return "", nil
	}
	plain, err := ring.Open(secretPurpose(c.Tenant, c.ID), c.Secret)
	return string(plain), err
}

var idPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// Check says what is wrong with a connection. With loopback set, a provider on this very machine may do without TLS.
func (c Connection) Check(loopback bool) valid.Errors {
	var refused valid.Errors
	switch {
	case strings.TrimSpace(c.Name) == "":
		refused.Add(FieldName, "err.connection.name")
	case utf8.RuneCountInString(c.Name) > MaxTitle:
		refused.Add(FieldName, "err.name.long", "max", MaxTitle)
	case hasControl(c.Name):
		refused.Add(FieldName, "err.name.control")
	}
	if !idPattern.MatchString(c.ID) || c.ID == profile.Database {
		refused.Add(FieldID, "err.connection.id")
	}
	if len(c.Issuer) > MaxIssuer || safeAddress(c.Issuer, loopback) != nil || strings.ContainsAny(c.Issuer, "{}?#") {
		refused.Add(FieldIssuer, "err.connection.issuer")
	}
	if c.ClientID == "" {
		refused.Add(FieldClientID, "err.connection.client")
	} else if len(c.ClientID) > MaxClientID || hasControl(c.ClientID) {
		refused.Add(FieldClientID, "err.name.long", "max", MaxClientID)
	}
	if c.TeamID == "" && c.KeyID != "" {
		refused.Add(FieldTeam, "err.connection.pair")
	} else if c.TeamID != "" && c.KeyID == "" {
		refused.Add(FieldKey, "err.connection.pair")
	}
	if c.Sync != EachLogin && c.Sync != FirstLogin {
		refused.Add(FieldSync, "err.connection.sync")
	}
	if slices.ContainsFunc(c.Scopes, func(s string) bool { return !scopePattern.MatchString(s) }) || len(c.Scopes) > 20 {
		refused.Add(FieldScopes, "err.connection.scopes")
	} else if c.preset().Dialect == OpenID && !slices.Contains(c.Scopes, "openid") {
		refused.Add(FieldScopes, "err.connection.openid")
	}
	return refused
}

var scopePattern = regexp.MustCompile(`^[!#-\[\]-~]{1,100}$`) // RFC 6749, section 3.3

var errAddress = errors.New("address is not https, or has a user in it")

// safeAddress allows https alone, and http to this very machine where loopback says so.
func safeAddress(address string, loopback bool) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" {
		return errAddress
	}
	if u.Scheme == "https" || (u.Scheme == "http" && loopback && onThisMachine(u.Hostname())) {
		return nil
	}
	return errAddress
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
