package idp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/store/storetest"
)

// onGitHub connects a server that speaks GitHub's dialect.
func onGitHub(t *testing.T) (*desk, *idptest.GitHub) {
	t.Helper()
	d, g := newDesk(t, storetest.SQLite(t)), idptest.NewGitHub(t)
	preset, _ := idp.PresetOf("github")
	u := idp.SetupOf(preset.From(""))
	u.Issuer, u.ClientID, u.Secret = g.Issuer, idptest.ClientID, idptest.Secret
	if _, err := d.Add(d.ctx, d.administrator(), u); err != nil {
		t.Fatal(err)
	}
	return d, g
}

func (d *desk) byGitHub(g *idptest.GitHub, changes ...func(*idp.Answer)) (idp.Arrival, error) {
	d.Helper()
	trip, err := d.Begin(d.ctx, idp.Beginning{Connection: "github", Purpose: idp.SignIn, Browser: laptop})
	if err != nil {
		d.Fatal(err)
	}
	a := answer("github", g.Visit(trip.Address))
	for _, change := range changes {
		change(&a)
	}
	return d.Arrive(d.ctx, a)
}

// Rule N-3: the address is the primary one of the list, verified when the list says so of that very one.
func TestGitHub(t *testing.T) {
	t.Parallel()
	d, g := onGitHub(t)
	user := map[string]any{"id": 583231, "login": "octo", "name": nil, "email": "shown@example.org", "email_verified": true, "avatar_url": "https://avatars.example/u/1"}
	entry := func(email string, primary, verified bool) map[string]any {
		return map[string]any{"email": email, "primary": primary, "verified": verified, "visibility": nil}
	}
	for name, test := range map[string]struct {
		emails   any
		email    string
		verified bool
	}{
		"the primary one":                      {[]any{entry("old@example.org", false, true), entry(kim, true, true)}, kim, true},
		"a primary one that nobody proved":     {[]any{entry("old@example.org", false, true), entry(kim, true, false)}, kim, false},
		"no primary one":                       {[]any{entry("old@example.org", false, true)}, "", false},
		"an empty list":                        {[]any{}, "", false},
		"a list that the person does not show": {nil, "", false},
	} {
		g.User, g.Emails = user, test.emails
		a, err := d.byGitHub(g)
		if i := a.Identity; err != nil || i.Subject != "583231" || i.Name != "octo" || i.Nickname != "octo" || i.Email != test.email || i.EmailVerified != test.verified {
			t.Errorf("%s: got %+v and %v", name, i, err)
		}
	}
	g.User, g.Emails = user, []any{entry(kim, true, true)}
	a, err := d.byGitHub(g)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := d.Enter(d.ctx, a, "device")
	if err != nil || opened.User.ID != "github|583231" {
		t.Errorf("got %q and %v, want an id as Auth0 makes it", opened.User.ID, err)
	}
}

func TestGitHubThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(g *idptest.GitHub)
		want   idp.Reason
	}{
		"does not know us":        {func(g *idptest.GitHub) { g.Wrong = "incorrect_client_credentials" }, idp.Stranger},
		"does not take the code":  {func(g *idptest.GitHub) { g.Wrong = "bad_verification_code" }, idp.Grant},
		"knows another address":   {func(g *idptest.GitHub) { g.Wrong = "redirect_uri_mismatch" }, idp.Callback},
		"says nothing of who":     {func(g *idptest.GitHub) { g.User = map[string]any{"login": "octo"} }, idp.Subject},
		"says null of who":        {func(g *idptest.GitHub) { g.User = "null" }, idp.Rubbish},
		"talks rubbish of who":    {func(g *idptest.GitHub) { g.User = "<html>" }, idp.Rubbish},
		"refuses to say who":      {func(g *idptest.GitHub) { g.User = nil }, idp.Status},
		"lists rubbish":           {func(g *idptest.GitHub) { g.Emails = `{"message":"hello"}` }, idp.Rubbish},
		"never ends the list":     {func(g *idptest.GitHub) { g.Emails = "[" + strings.Repeat(" ", idp.MaxAnswer) + "]" }, idp.Rubbish},
		"answers what is no JSON": {func(g *idptest.GitHub) { g.Emails = "hello" }, idp.Rubbish},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, g := onGitHub(t)
			g.User, g.Emails = map[string]any{"id": 1, "login": "octo"}, []any{}
			test.change(g)
			_, err := d.byGitHub(g)
			if f, ok := errors.AsType[idp.Failure](err); !ok || f.Reason != test.want {
				t.Errorf("got %v, want a failure for %q", err, test.want)
			}
		})
	}
}

// GitHub names itself in its answers, by its OAuth part; an older server does not; nobody else's name is taken (RFC 9207).
func TestGitHubNamesItself(t *testing.T) {
	t.Parallel()
	d, g := onGitHub(t)
	g.User, g.Emails = map[string]any{"id": 1, "login": "octo"}, []any{}
	for issuer, want := range map[string]error{
		g.Issuer + "/login/oauth": nil, g.Issuer: nil, "": nil, "https://evil.example": idp.ErrNotAsked, g.Issuer + "/login": idp.ErrNotAsked,
	} {
		if _, err := d.byGitHub(g, func(a *idp.Answer) { a.Issuer = issuer }); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", issuer, err, want)
		}
	}
}

func TestGitHubIsTested(t *testing.T) {
	t.Parallel()
	d, g := onGitHub(t)
	for wrong, want := range map[string]idp.Reason{"": "", "incorrect_client_credentials": idp.Stranger, "redirect_uri_mismatch": idp.Callback} {
		g.Wrong = wrong
		tried, err := d.Test(d.ctx, "github")
		if err != nil || len(tried) != 1 || tried[0] != (idp.Tried{Step: idp.StepClient, Reason: want}) {
			t.Errorf("%q: got %+v and %v, want %q", wrong, tried, err, want)
		}
	}
}

// Apple's secret is a token for a few minutes, signed with the key of the developer account; a key of another kind opens
// nothing.
func TestAppleSecret(t *testing.T) {
	t.Parallel()
	d, p := newDesk(t, storetest.SQLite(t)), idptest.New(t)
	p.Now = d.Clock.Now
	p.Metadata = map[string]any{"token_endpoint_auth_methods_supported": []string{"client_secret_post"}}
	key, text := applesKey(t, elliptic.P256())
	var got string
	p.Accepts = func(secret string) bool { got = secret; return signedBy(&key.PublicKey, secret) }
	preset, _ := idp.PresetOf("apple")
	u := idp.SetupOf(preset.From(""))
	u.Issuer, u.ClientID, u.TeamID, u.KeyID, u.Secret = p.Issuer, idptest.ClientID, "TEAM123456", "KEY1234567", text
	if _, err := d.Add(d.ctx, d.administrator(), u); err != nil {
		t.Fatal(err)
	}
	if _, err := d.arrive(p, "apple"); err != nil {
		t.Fatal(err)
	}
	header, claims := partsOf(t, got)
	now := float64(d.Clock.Now().Unix())
	if header["alg"] != "ES256" || header["kid"] != "KEY1234567" || claims["iss"] != "TEAM123456" || claims["sub"] != idptest.ClientID ||
		claims["aud"] != p.Issuer || claims["iat"] != now || claims["exp"] != now+300 {
		t.Errorf("got %v %v", header, claims)
	}
	_, other := applesKey(t, elliptic.P384())
	for name, secret := range map[string]string{"no PEM": "words of nobody", "another curve": other, "no key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"} {
		u.Secret = secret
		if err := d.Change(d.ctx, d.administrator(), "apple", u); !refusedAt(err, idp.FieldSecret) {
			t.Errorf("%s: got %v, want it refused where it is entered", name, err)
		}
		c, err := d.Find(d.ctx, "apple") // from a time when it was not checked
		if err != nil {
			t.Fatal(err)
		}
		c.SealSecret(d.ring, secret)
		if err := d.DB.SaveConnection(d.ctx, c); err != nil {
			t.Fatal(err)
		}
		_, err = d.arrive(p, "apple")
		if f, ok := errors.AsType[idp.Failure](err); !ok || f.Reason != idp.Sealed || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, want a failure for %q without the key in it", name, err, idp.Sealed)
		}
	}
	for field, change := range map[string]func(*idp.Setup){
		idp.FieldKey:  func(u *idp.Setup) { u.KeyID = "" },
		idp.FieldTeam: func(u *idp.Setup) { u.TeamID, u.KeyID = "", "" },
	} {
		half := u
		half.Secret = text
		change(&half)
		if err := d.Change(d.ctx, d.administrator(), "apple", half); !refusedAt(err, field) {
			t.Errorf("a key without %s: got %v, want it asked for", field, err)
		}
	}
}

func applesKey(t *testing.T, curve elliptic.Curve) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	content, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: content}))
}

func signedBy(key *ecdsa.PublicKey, token string) bool {
	at := strings.LastIndex(token, ".")
	if at < 0 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil || len(signature) != 64 {
		return false
	}
	sum := sha256.Sum256([]byte(token[:at]))
	return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

func partsOf(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	for i, into := range []*map[string]any{&header, &claims} {
		content, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(content, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}
