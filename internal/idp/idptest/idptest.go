// Package idptest is a provider for tests that does as it is told: honest unless a test makes it lie, hang or talk rubbish.
package idptest

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the provider knows us by.
const (
	ClientID = "portico-test"
	Secret   = "a secret of the tests & more"
)

// Provider is a running provider. Its fields are set before somebody is sent to it, and change what it does from then on.
type Provider struct {
	*testing.T
	Issuer string
	// Claims are what it says of whoever comes; "sub" is needed.
	Claims map[string]any
	// InToken are further claims of the id token, or others than it would hold; nil removes one.
	InToken map[string]any
	// InInfo, when set, is what the user info says instead of Claims.
	InInfo map[string]any
	// Metadata changes what it says of itself; nil removes a line.
	Metadata map[string]any
	// Instead answers a path in its own way.
	Instead map[string]http.HandlerFunc
	// Accepts says whether a client secret is right, where Secret is not.
	Accepts func(secret string) bool
	// Refuse is the error that it sends people back with.
	Refuse string
	// Unsigned makes tokens without a signature, Foreign signs them with a key that it does not publish.
	Unsigned, Foreign bool
	// Type is what its tokens say they are, JWT when empty.
	Type string
	// NoAuthTime keeps quiet about when the person proved who they are; AuthAge is how long ago that was.
	NoAuthTime bool
	AuthAge    time.Duration
	Now        func() time.Time

	mu     sync.Mutex
	key    *rsa.PrivateKey
	kid    string
	codes  map[string]asked
	tokens int
}

type asked struct {
	redirect, nonce, challenge string
}

// New starts an honest provider that ends with the test.
func New(t *testing.T) *Provider {
	t.Helper()
	p := &Provider{T: t, codes: map[string]asked{}, Now: time.Now, Claims: map[string]any{"sub": "1"}, Instead: map[string]http.HandlerFunc{}}
	p.Rotate()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.Issuer = server.URL
	return p
}

// Rotate makes the provider sign with a new key, and publish no other.
func (p *Provider) Rotate() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.kid = key, fmt.Sprintf("key-%d", p.Now().UnixNano())
}

// ServeHTTP answers as a provider.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if instead, ok := p.Instead[r.URL.Path]; ok {
		instead(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		write(w, p.metadata())
	case "/authorize":
		http.Redirect(w, r, p.authorize(r.URL.Query()), http.StatusFound)
	case "/token":
		p.token(w, r)
	case "/me":
		claims := p.Claims
		if p.InInfo != nil {
			claims = p.InInfo
		}
		write(w, claims)
	case "/keys":
		p.mu.Lock()
		defer p.mu.Unlock()
		write(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": p.kid, "n": encode(p.key.N.Bytes()), "e": encode(big.NewInt(int64(p.key.E)).Bytes()),
		}}})
	default:
		http.NotFound(w, r)
	}
}

func write(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *Provider) metadata() map[string]any {
	m := map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token", "jwks_uri": p.Issuer + "/keys",
		"userinfo_endpoint": p.Issuer + "/me", "end_session_endpoint": p.Issuer + "/logout", "response_types_supported": []string{"code"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	}
	return changed(m, p.Metadata)
}

func changed(m, changes map[string]any) map[string]any {
	maps.Copy(m, changes)
	maps.DeleteFunc(m, func(_ string, value any) bool { return value == nil })
	return m
}

// authorize lets whoever comes in at once, and returns where the browser goes.
func (p *Provider) authorize(q url.Values) string {
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		p.Errorf("got a request %v, want one for a code, with PKCE", q)
		return p.Issuer
	}
	answer := url.Values{"state": {q.Get("state")}, "iss": {p.Issuer}}
	if p.Refuse != "" {
		answer.Set("error", p.Refuse)
	} else {
		answer.Set("code", p.Code(q))
	}
	back.RawQuery = answer.Encode()
	return back.String()
}

// Code makes a code for what the query of an authorization request asks.
func (p *Provider) Code(q url.Values) string {
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	code := encode(random)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = asked{q.Get("redirect_uri"), q.Get("nonce"), q.Get("code_challenge")}
	return code
}

// Visit does what a browser does with the address of an authorization request, and returns where it is sent back to.
func (p *Provider) Visit(address string) *url.URL {
	p.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, p.Issuer+"/authorize?") {
		p.Fatalf("got address %q, want one of the provider", address)
	}
	back, err := url.Parse(p.authorize(u.Query()))
	if err != nil {
		p.Fatal(err)
	}
	return back
}

// Tokens counts how often a code was exchanged.
func (p *Provider) Tokens() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	accepted := secret == Secret
	if p.Accepts != nil {
		accepted = p.Accepts(secret)
	}
	p.mu.Lock()
	code := r.PostFormValue("code")
	a, known := p.codes[code]
	delete(p.codes, code)
	p.tokens++
	p.mu.Unlock()
	refuse := func(status int, reason string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": reason})
	}
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != ClientID || !accepted:
		refuse(http.StatusUnauthorized, "invalid_client")
	case !known || a.redirect != r.PostFormValue("redirect_uri") || encode(sum[:]) != a.challenge:
		refuse(http.StatusBadRequest, "invalid_grant")
	default:
		write(w, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": p.IDToken(a.nonce)})
	}
}

// IDToken makes an id token as the provider would.
func (p *Provider) IDToken(nonce string) string {
	now := p.Now()
	claims := map[string]any{
		"iss": p.Issuer, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "nonce": nonce, "sid": "session-1",
	}
	if !p.NoAuthTime {
		claims["auth_time"] = now.Add(-p.AuthAge).Unix()
	}
	maps.Copy(claims, p.Claims)
	return p.Sign(changed(claims, p.InToken))
}

// Sign signs claims.
func (p *Provider) Sign(claims map[string]any) string {
	p.mu.Lock()
	key, kid := p.key, p.kid
	p.mu.Unlock()
	algorithm := "RS256"
	if p.Unsigned {
		algorithm = "none"
	}
	header, _ := json.Marshal(map[string]string{"alg": algorithm, "kid": kid, "typ": cmp.Or(p.Type, "JWT")})
	body, err := json.Marshal(claims)
	if err != nil {
		p.Fatal(err)
	}
	text := encode(header) + "." + encode(body)
	if p.Unsigned {
		return text + "."
	}
	if p.Foreign {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			p.Fatal(err)
		}
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		p.Fatal(err)
	}
	return text + "." + encode(signature)
}
