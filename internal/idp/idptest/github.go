package idptest

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
)

// GitHub is a running server that speaks GitHub's dialect, as a server of one's own does: without OpenID Connect, refusals
// with status 200, and addresses in a list of their own.
type GitHub struct {
	*testing.T
	Issuer string
	// User is what it says of whoever comes, and Emails the list of their addresses; nil refuses the list.
	User   any
	Emails any
	// Wrong, when set, is the refusal of every code.
	Wrong string

	mu         sync.Mutex
	challenges map[string]string // code → challenge
}

// NewGitHub starts a server that ends with the test.
func NewGitHub(t *testing.T) *GitHub {
	t.Helper()
	g := &GitHub{T: t, challenges: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login/oauth/access_token", g.token)
	mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, r *http.Request) { g.tell(w, r, g.User) })
	mux.HandleFunc("GET /api/v3/user/emails", func(w http.ResponseWriter, r *http.Request) { g.tell(w, r, g.Emails) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	g.Issuer = server.URL
	return g
}

// Visit does what a browser does with the address of a request, and returns where it is sent back to.
func (g *GitHub) Visit(address string) *url.URL {
	g.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Path != "/login/oauth/authorize" || u.Query().Get("client_id") != ClientID || u.Query().Get("code_challenge_method") != "S256" {
		g.Fatalf("got address %q, want one of the server, with PKCE", address)
	}
	back, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil {
		g.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	code := encode([]byte(u.Query().Get("state")[:12]))
	g.challenges[code] = u.Query().Get("code_challenge")
	back.RawQuery = url.Values{"code": {code}, "state": {u.Query().Get("state")}, "iss": {g.Issuer + "/login/oauth"}}.Encode()
	return back
}

func (g *GitHub) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	code := r.PostFormValue("code")
	challenge, known := g.challenges[code]
	delete(g.challenges, code)
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case g.Wrong != "":
		write(w, map[string]string{"error": g.Wrong})
	case r.PostFormValue("client_id") != ClientID || r.PostFormValue("client_secret") != Secret:
		write(w, map[string]string{"error": "incorrect_client_credentials"})
	case !known || challenge != encode(sum[:]):
		write(w, map[string]string{"error": "bad_verification_code"})
	default:
		write(w, map[string]string{"access_token": "gho_1", "token_type": "bearer", "scope": "read:user,user:email"})
	}
}

func (g *GitHub) tell(w http.ResponseWriter, r *http.Request, value any) {
	switch text, is := value.(string); {
	case r.Header.Get("Authorization") != "Bearer gho_1":
		w.WriteHeader(http.StatusUnauthorized)
	case value == nil:
		w.WriteHeader(http.StatusForbidden)
	case is:
		_, _ = w.Write([]byte(text))
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value)
	}
}
