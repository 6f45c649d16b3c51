package idp

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// metadata is what we need of what a provider says of itself beyond what the library reads (OpenID Connect Discovery 1.0,
// section 3; RFC 8414; RFC 9207; RP-Initiated Logout 1.0).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	UserInfo      string   `json:"userinfo_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	NamesIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
}

// described is a provider as it described itself.
type described struct {
	provider *oidc.Provider
	metadata
	at time.Time
}

func (c Connection) key() string { return string(c.Tenant) + "\x00" + c.ID + "\x00" + c.Issuer }

// describe asks a provider what it is, or remembers it. It returns Failure.
func (c *Client) describe(ctx context.Context, connection Connection) (*described, error) {
	if known, ok := c.known.Load(connection.key()); ok {
		if d := known.(*described); c.now().Sub(d.at) < believedFor {
			return d, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, c.http), connection.Issuer)
	if err != nil {
		return nil, describeFailure(err)
	}
	d := &described{provider: provider, at: c.now()}
	if err := provider.Claims(&d.metadata); err != nil {
		return nil, Failure{Rubbish, err}
	}
	for _, address := range []string{d.Authorization, d.Token, d.Keys, d.UserInfo, d.EndSession} {
		optional := address == "" && (address == d.UserInfo || address == d.EndSession)
		if !optional && safeAddress(address, c.loopback) != nil {
			return nil, Failure{Insecure, nil}
		}
	}
	if d.ResponseTypes != nil && !slices.Contains(d.ResponseTypes, "code") {
		return nil, Failure{NoCode, nil}
	}
	c.known.Store(connection.key(), d)
	return d, nil
}

func describeFailure(err error) error {
	if _, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return Failure{Issuer, err}
	}
	return answerFailure(err)
}

// answerFailure tells an error's answer from one that makes no sense: the library does so by its words alone, of which
// those that the provider wrote go no further.
func answerFailure(err error) error {
	before, _, found := strings.Cut(err.Error(), ": ")
	if found && len(before) > 3 && before[0] >= '3' && before[0] <= '5' && before[3] == ' ' {
		return Failure{Status, errors.New(shortened(before))}
	}
	return failure(Rubbish, err)
}

// asking are the words of one request for an identity.
type asking struct {
	state    string
	nonce    string
	verifier string
	callback string
	language string
	fresh    bool
}

func (d *described) oauth(connection Connection, secret, callback string) *oauth2.Config {
	config := &oauth2.Config{
		ClientID: connection.ClientID, ClientSecret: secret, RedirectURL: callback, Scopes: connection.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: d.Authorization, TokenURL: d.Token, AuthStyle: oauth2.AuthStyleInHeader},
	}
	// Basic is what a provider supports that does not say (Discovery 1.0, section 3).
	posts := d.AuthMethods != nil && !slices.Contains(d.AuthMethods, "client_secret_basic")
	if posts || secret == "" {
		config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return config
}

// address is where the browser is sent: code, PKCE, state and nonce (security.md row 41).
func (d *described) address(connection Connection, a asking) string {
	preset := connection.preset()
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.verifier), oidc.Nonce(a.nonce)}
	set := func(name, value string) { options = append(options, oauth2.SetAuthURLParam(name, value)) }
	if preset.FormPost {
		set("response_mode", "form_post")
	}
	if a.language != "" {
		set("ui_locales", a.language)
	}
	if a.fresh {
		prompt := preset.Prompt
		if prompt == "" {
			prompt = "login"
			set("max_age", "0")
		}
		set("prompt", prompt)
	}
	return d.oauth(connection, "", a.callback).AuthCodeURL(a.state, options...)
}

// told is what a provider said: the claims, when the person proved who they are (zero when it does not say), and its own
// id of the session.
type told struct {
	claims Claims
	at     time.Time
	sid    string
}

// ask turns a code into what the provider says of the person, and checks every bit of it. It returns Failure.
func (d *described) ask(ctx context.Context, c *Client, connection Connection, secret, code string, a asking) (told, error) {
	ctx = oidc.ClientContext(ctx, c.http)
	token, err := d.oauth(connection, secret, a.callback).Exchange(ctx, code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		return told{}, tokenFailure(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := d.verify(ctx, c, connection, raw)
	if err != nil {
		return told{}, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.nonce)) != 1 {
		return told{}, Failure{Nonce, nil}
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return told{}, Failure{Token, err}
		}
	}
	var claims Claims
	if err := id.Claims(&claims); err != nil {
		return told{}, Failure{Rubbish, err}
	}
	t := told{claims: claims, at: numericDate(claims["auth_time"])}
	_ = json.Unmarshal(claims["sid"], &t.sid)
	if d.UserInfo == "" {
		return t, nil
	}
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return told{}, answerFailure(err)
	}
	if info.Subject != id.Subject { // Core 1.0, section 5.3.2
		return told{}, Failure{Token, errors.New("userinfo is about somebody else")}
	}
	var more Claims
	if err := info.Claims(&more); err != nil {
		return told{}, Failure{Rubbish, err}
	}
	t.claims = together(claims, more)
	return t, nil
}

// together joins what the token and the user info say. What is said to be verified stays with the very value that it was
// said of.
func together(token, info Claims) Claims {
	all := maps.Clone(token)
	for value, verified := range map[string]string{"email": "email_verified", "phone_number": "phone_number_verified"} {
		if _, ok := info[value]; ok {
			delete(all, verified)
		} else {
			delete(info, verified)
		}
	}
	maps.Copy(all, info)
	return all
}

// verify checks signature, issuer, audience and time of an id token (Core 1.0, section 3.1.3.7).
func (d *described) verify(ctx context.Context, c *Client, connection Connection, raw string) (*oidc.IDToken, error) {
	if raw == "" {
		return nil, Failure{Rubbish, errors.New("no id token")}
	}
	verifier := d.provider.VerifierContext(ctx, &oidc.Config{ClientID: connection.ClientID, Now: func() time.Time { return c.now().Add(-skew) }})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		if _, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
			return nil, Failure{Expired, err}
		}
		return nil, failure(Token, err)
	}
	var more struct {
		Party string `json:"azp"`
	}
	if err := id.Claims(&more); err != nil {
		return nil, Failure{Rubbish, err}
	}
	switch {
	case more.Party != "" && more.Party != connection.ClientID, len(id.Audience) > 1 && more.Party == "":
		return nil, Failure{Token, errors.New("the token was made for somebody else")}
	case id.IssuedAt.After(c.now().Add(skew)):
		return nil, Failure{Expired, errors.New("the token is from the future")}
	}
	return id, nil
}

func numericDate(raw json.RawMessage) time.Time {
	var seconds float64
	if json.Unmarshal(raw, &seconds) != nil || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

func tokenFailure(err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return failure(Rubbish, err)
	}
	status := 0
	if refused.Response != nil {
		status = refused.Response.StatusCode
	}
	// The body of the refusal may hold what we sent, so it goes no further.
	told := errors.New("token endpoint: " + shortened(refused.ErrorCode))
	switch refused.ErrorCode {
	case "invalid_client", "unauthorized_client", "incorrect_client_credentials":
		return Failure{Stranger, told}
	case "invalid_grant", "bad_verification_code":
		return Failure{Grant, told}
	case "redirect_uri_mismatch":
		return Failure{Callback, told}
	}
	if status == 401 {
		return Failure{Stranger, told}
	}
	return Failure{Status, told}
}
