package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/tenant"
	"portico/views/components"
	"portico/views/layouts"
	"portico/views/pages"
)

// What the demonstration's provider knows us by. Its secret is none: it serves nobody else, and on this machine only.
const (
	demoClient  = "harbour-books"
	demoSecret  = "known to everybody who reads this"
	demoIDName  = "Demo ID"
	demoIDPath  = "/demo-id"
	demoCodeFor = time.Minute
)

// demoID is a small OpenID Connect provider, so that a newcomer can see a profile filled, synced and linked without an
// account anywhere. It lets whoever comes in as whom they choose, and exists in the demonstration alone.
type demoID struct {
	base string
	now  func() time.Time
	key  *rsa.PrivateKey

	mu     sync.Mutex
	people []demoIdentity
	codes  map[string]demoGrant
	tokens map[string]demoGrant
}

type demoIdentity struct {
	id     string
	name   string
	email  string
	claims map[string]any
}

// demoGrant is what a code, and later an access token, stands for.
type demoGrant struct {
	person                     string
	redirect, nonce, challenge string
	at                         time.Time
}

func newDemoID(base string, now func() time.Time) (*demoID, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return &demoID{base: base, now: now, key: key, codes: map[string]demoGrant{}, tokens: map[string]demoGrant{}, people: []demoIdentity{
		{"kim", "Kim Berg", "kim@id.example", map[string]any{"nickname": "Kim", "locale": "en", "reader": map[string]any{"since": 2019, "branch": "Pier 4"}}},
		{"ana", "Ana Ferreira", "ana@example.org", map[string]any{"nickname": "Ana", "locale": "pt"}},
		{"noa", "Noa Levi", "", map[string]any{"nickname": "Noa"}},
	}}, err
}

func (d *demoID) issuer() string { return d.base + demoIDPath }

// around answers what is for the provider, and hands everything else on.
func (d *demoID) around(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc("GET "+demoIDPath+"/.well-known/openid-configuration", d.describe)
	mux.HandleFunc("GET "+demoIDPath+"/authorize", d.ask)
	mux.HandleFunc("POST "+demoIDPath+"/authorize", d.choose)
	mux.HandleFunc("POST "+demoIDPath+"/token", d.token)
	mux.HandleFunc("GET "+demoIDPath+"/me", d.me)
	mux.HandleFunc("GET "+demoIDPath+"/keys", d.keys)
	mux.HandleFunc("GET "+demoIDPath+"/logout", d.logout)
	return mux
}

func (d *demoID) describe(w http.ResponseWriter, _ *http.Request) {
	at := d.issuer()
	answer(w, http.StatusOK, map[string]any{
		"issuer": at, "authorization_endpoint": at + "/authorize", "token_endpoint": at + "/token", "userinfo_endpoint": at + "/me",
		"jwks_uri": at + "/keys", "end_session_endpoint": at + "/logout", "response_types_supported": []string{"code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		"code_challenge_methods_supported": []string{"S256"}, "authorization_response_iss_parameter_supported": true,
	})
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

var errDemoRequest = errors.New("this request is not from the demonstration")

// request checks that a request for an identity is the demonstration's own.
func (d *demoID) request(query string) (url.Values, error) {
	q, err := url.ParseQuery(query)
	own := strings.HasPrefix(q.Get("redirect_uri"), d.base+"/login/callback/demo")
	if err != nil || !own || q.Get("client_id") != demoClient || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		return nil, errDemoRequest
	}
	return q, nil
}

// ask shows who one can be.
func (d *demoID) ask(w http.ResponseWriter, r *http.Request) {
	q, err := d.request(r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	tag, ok := i18n.MatchTag([]string{"en", "de", "es", "fr", "pt", "pl", "ar", "ja"}, q.Get("ui_locales"))
	if !ok {
		tag = "en"
	}
	ctx := i18n.With(r.Context(), tag, nil)
	view := pages.DemoIDPage{
		Page: layouts.Page{Title: i18n.T(ctx, "demoid.title"), Product: demoProduct, Language: i18n.Current(ctx)},
		Self: demoIDPath + "/authorize", Query: r.URL.RawQuery, Cancel: back(q, url.Values{"error": {"access_denied"}}, d.issuer()),
	}
	d.mu.Lock()
	for _, p := range d.people {
		view.People = append(view.People, pages.DemoPerson{
			ID: p.id, Email: p.email, As: i18n.T(ctx, "demoid.as", "name", p.name), Name: components.FieldModel{
				Name: "name", ID: "name-" + p.id, Label: i18n.T(ctx, "profile.name"), Hint: i18n.T(ctx, "demoid.change"), Value: p.name, Autocomplete: "off",
			},
		})
	}
	d.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	_ = pages.DemoID(view).Render(ctx, w)
}

// back is where the browser goes with an answer.
func back(q, answer url.Values, issuer string) string {
	answer.Set("state", q.Get("state"))
	answer.Set("iss", issuer)
	return q.Get("redirect_uri") + "?" + answer.Encode()
}

// choose lets somebody in, under the name they wrote.
func (d *demoID) choose(w http.ResponseWriter, r *http.Request) {
	q, err := d.request(r.PostFormValue("query"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	code := demoRandom()
	d.mu.Lock()
	for i := range d.people {
		if name := strings.TrimSpace(r.PostFormValue("name")); d.people[i].id == r.PostFormValue("person") && name != "" {
			d.people[i].name = name
		}
	}
	d.codes[code] = demoGrant{r.PostFormValue("person"), q.Get("redirect_uri"), q.Get("nonce"), q.Get("code_challenge"), d.now()}
	d.mu.Unlock()
	http.Redirect(w, r, back(q, url.Values{"code": {code}}, d.issuer()), http.StatusSeeOther) //nolint:gosec // request allows our own callback alone
}

func demoRandom() string {
	bits := make([]byte, 32)
	_, _ = rand.Read(bits)
	return base64.RawURLEncoding.EncodeToString(bits)
}

// taken returns what a code stands for, once and for a minute.
func (d *demoID) taken(code string) (demoGrant, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, ok := d.codes[code]
	delete(d.codes, code)
	return g, ok && d.now().Sub(g.at) < demoCodeFor
}

func (d *demoID) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if secret, _ = url.QueryUnescape(secret); id != demoClient || secret != demoSecret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	g, ok := d.taken(r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || g.redirect != r.PostFormValue("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	access := demoRandom()
	d.mu.Lock()
	if len(d.tokens) > 100 {
		clear(d.tokens) // each is used at once
	}
	d.tokens[access] = g
	d.mu.Unlock()
	at := d.now()
	signed, err := d.sign(map[string]any{
		"iss": d.issuer(), "aud": demoClient, "sub": g.person, "nonce": g.nonce, "iat": at.Unix(), "exp": at.Add(demoCodeFor).Unix(),
		"auth_time": g.at.Unix(), "sid": "demo-" + g.person,
	})
	if err != nil {
		http.Error(w, "not signed", http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": signed})
}

// me says what is known of a person.
func (d *demoID) me(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, ok := d.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	claims := map[string]any{"sub": g.person}
	for _, p := range d.people {
		if p.id == g.person {
			maps.Copy(claims, p.claims)
			claims["name"] = p.name
			if p.email != "" {
				claims["email"], claims["email_verified"] = p.email, true
			}
		}
	}
	answer(w, http.StatusOK, claims)
}

const demoKeyID = "demo"

func (d *demoID) keys(w http.ResponseWriter, _ *http.Request) {
	encode := base64.RawURLEncoding.EncodeToString
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": demoKeyID, "n": encode(d.key.N.Bytes()), "e": encode(big.NewInt(int64(d.key.E)).Bytes()),
	}}})
}

func (d *demoID) sign(claims map[string]any) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "RS256", "kid": demoKeyID, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, d.key, crypto.SHA256, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// logout has nobody to sign out: who comes chooses anew each time. It leads back to the demonstration.
func (d *demoID) logout(w http.ResponseWriter, r *http.Request) {
	to, err := url.Parse(r.URL.Query().Get("post_logout_redirect_uri"))
	if err != nil || !strings.HasPrefix(to.String(), d.base+"/") {
		http.Redirect(w, r, d.base+"/", http.StatusSeeOther)
		return
	}
	if state := r.URL.Query().Get("state"); state != "" {
		to.RawQuery = url.Values{"state": {state}}.Encode()
	}
	http.Redirect(w, r, to.String(), http.StatusSeeOther) //nolint:gosec // an address of the demonstration, see above
}

// connect makes the portal offer the provider. The issuer never changes, so that one at another address is another
// connection, and the one of an earlier start is switched off.
func (d *demoID) connect(ctx context.Context, providers *idp.Service) error {
	all, err := providers.All(ctx)
	if err != nil {
		return err
	}
	id, here := "demo", false
	for _, c := range all {
		if !strings.HasPrefix(c.ID, "demo") {
			continue
		}
		u := idp.SetupOf(c)
		u.Enabled = c.Issuer == d.issuer()
		here = here || u.Enabled
		if u.Enabled != c.Enabled {
			err = errors.Join(err, providers.Change(ctx, tenant.User{}, c.ID, u))
		}
		id = "demo-" + strconv.FormatInt(d.now().Unix(), 36)
	}
	if err != nil || here {
		return err
	}
	preset, _ := idp.PresetOf(idp.Custom)
	u := idp.SetupOf(preset.From(tenant.Default))
	u.ID, u.Name, u.Issuer, u.ClientID, u.Secret, u.Trust = id, demoIDName, d.issuer(), demoClient, demoSecret, true
	u.SignOut = true
	_, err = providers.Add(ctx, tenant.User{}, u)
	return err
}

// withDemoID puts the provider beside the portal.
func (p *portal) withDemoID(ctx context.Context, base string) error {
	d, err := newDemoID(base, now)
	if err != nil {
		return err
	}
	t, err := p.tenants.ByID(ctx, tenant.Default)
	if err != nil {
		return err
	}
	p.around = d.around
	return d.connect(tenant.With(ctx, t), p.config.Providers)
}
