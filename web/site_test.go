package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/internal/admin"
	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/idp"
	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/internal/signup"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
	"portico/internal/verification"
	"portico/web"
)

// site is the whole product for one tenant, with its letters caught.
type site struct {
	*testing.T
	storetest.Fixture
	handler   http.Handler
	passwords *password.Service
	terms     *terms.Service
	hasher    *password.Hasher
	ring      keys.Ring
	log       bytes.Buffer

	mu      sync.Mutex
	letters []sent
}

// sent is a letter that was queued, opened.
type sent struct {
	mail.Queued
	mail.Facts
}

// QueueLetter makes the site the queue of its own outbox.
func (s *site) QueueLetter(_ context.Context, q mail.Queued) error {
	plain, err := s.ring.Open("letter", q.Sealed)
	if err != nil {
		return err
	}
	l := sent{Queued: q}
	if err := json.Unmarshal(plain, &l.Facts); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, l)
	return nil
}

// PreviousAddresses are those the database knows.
func (s *site) PreviousAddresses(ctx context.Context, u tenant.User, now time.Time) ([]string, error) {
	return s.DB.PreviousAddresses(ctx, u, now)
}

// newSite builds the product on a fixture, as the command does; with TLS when the tenant's origin has it.
func newSite(t *testing.T, f storetest.Fixture) *site {
	t.Helper()
	ring, err := keys.New(keys.Generate())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{T: t, Fixture: f, ring: ring, hasher: password.NewHasher()}
	db, now := f.DB, f.Clock.Now
	log, guesses, sessions := audit.New(db, now), guard.New(db, now), session.New(db, now)
	tickets, outbox := ticket.New(db, ring, now), mail.NewOutbox(s, ring, now, nil)
	scheme, _, _ := strings.Cut(f.Tenant.Origin, ":")
	secure := scheme == "https"
	tenants := tenant.NewDirectory(db, scheme+"://portico.example.org", now)
	s.passwords = password.New(db, tenants, s.hasher, guesses, tickets, sessions, outbox, log, now)
	verifications := verification.New(db, tickets, guesses, outbox, sessions, s.passwords, log, now)
	s.terms = terms.New(db, outbox, log, now)
	entrance := signin.New(db, s.hasher, guesses, tickets, sessions, outbox, log, now)
	client := idp.NewClient(true, now)
	t.Cleanup(client.Close)
	s.handler = web.New(web.Config{
		Tenants: tenants, Ring: ring, Cookies: session.NewCookies(sessions, ring, secure), Sessions: sessions,
		SignUp:       signup.New(db, s.hasher, guesses, s.terms, verifications, outbox, log, now),
		SignIn:       entrance,
		Providers:    idp.New(db, ring, client, guesses, entrance, sessions, tickets, outbox, log, now),
		Verification: verifications, Passwords: s.passwords, Profiles: profile.New(db, outbox, log, now), Terms: s.terms,
		Consents: terms.NewConsents(s.terms, db, tickets), Ledger: ledger.New(db, ring, now), Audit: log, Secure: secure,
		Privacy: privacy.New(db, terms.NewConsents(s.terms, db, tickets), sessions, guesses, outbox, log, now),
		Admin:   admin.New(db, tickets, sessions, guesses, verifications, s.passwords, nil, outbox, log, now),
		Ready:   db.Ping, Log: slog.New(slog.NewJSONHandler(&s.log, nil)), Now: now,
	})
	return s
}

// onEach runs a journey on a fresh site on every database.
func onEach(t *testing.T, journey func(s *site), options ...func(*tenant.Settings)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) { journey(newSite(t, f)) }, options...)
}

// onSQLite runs a journey that is not about the database.
func onSQLite(t *testing.T, journey func(s *site)) {
	t.Helper()
	journey(newSite(t, storetest.SQLite(t)))
}

func (s *site) do(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// person adds somebody with a password.
func (s *site) person(email, plain string, changes ...func(*profile.Profile)) tenant.User {
	s.Helper()
	u := s.NewUser(s.T, email, changes...)
	hash, err := s.hasher.Hash(s.Context(), plain)
	s.do(err)
	s.do(s.DB.SavePassword(s.Context(), u, hash, s.Clock.Now(), false))
	return u
}

// answerResets does what the worker does after somebody asked for a reset letter.
func (s *site) answerResets() {
	s.Helper()
	s.do(s.passwords.Answer(s.Context(), s.Tenant.ID))
}

// letter returns the newest letter to an address, of a kind.
func (s *site) letter(to string, kind mail.Kind) sent {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.letters) - 1; i >= 0; i-- {
		if l := s.letters[i]; l.To == to && l.Kind == kind {
			return l
		}
	}
	s.Fatalf("no letter of kind %s to %s among %d", kind, to, len(s.letters))
	return sent{}
}

// lettersTo counts the letters of a kind to an address.
func (s *site) lettersTo(to string, kind mail.Kind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, l := range s.letters {
		if l.To == to && l.Kind == kind {
			n++
		}
	}
	return n
}

// linkPath is where the link of a letter leads on this site.
func (l sent) linkPath() string {
	u, _ := url.Parse(l.Link)
	return path.Clean(u.Path)
}

// browser is one browser, with its cookies and the form token of the page it looks at.
type browser struct {
	site   *site
	client *http.Client
	from   string
	agent  string
	token  string
}

// browser opens a new one at a network address.
func (s *site) browser(from string) *browser {
	jar, err := cookiejar.New(nil)
	s.do(err)
	b := &browser{site: s, from: from, agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
	b.client = &http.Client{
		Jar: jar, Transport: b,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return b
}

// RoundTrip hands a request to the site without a network between.
func (b *browser) RoundTrip(r *http.Request) (*http.Response, error) {
	r.RemoteAddr = b.from + ":40000"
	r.RequestURI = r.URL.RequestURI()
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.Header.Set("User-Agent", b.agent)
	w := httptest.NewRecorder()
	b.site.handler.ServeHTTP(w, r)
	response := w.Result()
	response.Request = r
	return response, nil
}

// page is what a browser got.
type page struct {
	status   int
	location string
	path     string
	header   http.Header
	body     string
}

var tokenPattern = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

func (b *browser) ask(method, path string, form url.Values) page {
	b.site.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.site.Context(), method, b.site.Tenant.Origin+path, body)
	b.site.do(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	response, err := b.client.Do(r)
	b.site.do(err)
	content, err := io.ReadAll(response.Body)
	b.site.do(err)
	b.site.do(response.Body.Close())
	p := page{response.StatusCode, response.Header.Get("Location"), path, response.Header, string(content)}
	if found := tokenPattern.FindStringSubmatch(p.body); found != nil {
		b.token = found[1]
	}
	return p
}

// open looks at a page and follows where it leads.
func (b *browser) open(path string) page {
	b.site.Helper()
	return b.follow(b.ask(http.MethodGet, path, nil))
}

// follow goes on until a page no longer leads elsewhere.
func (b *browser) follow(p page) page {
	b.site.Helper()
	for range 8 {
		if p.location == "" {
			return p
		}
		p = b.ask(http.MethodGet, strings.TrimPrefix(p.location, b.site.Tenant.Origin), nil)
	}
	b.site.Fatalf("too many redirects, the last to %s", p.location)
	return p
}

// submit sends the form of the page it looks at, with pairs of a field's name and its value, and returns the very answer.
func (b *browser) submit(path string, fields ...string) page {
	b.site.Helper()
	form := url.Values{"form_token": {b.token}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.ask(http.MethodPost, path, form)
}

// signIn signs in and follows to where that leads.
func (b *browser) signIn(email, plain string) page {
	b.site.Helper()
	b.open("/login")
	return b.follow(b.submit("/login", "email", email, "password", plain))
}

// signedIn reports whether the browser may see an account.
func (b *browser) signedIn() bool {
	b.site.Helper()
	return b.ask(http.MethodGet, "/account", nil).status == http.StatusOK
}

// wants reports a page that is not of the status.
func (p page) wants(t *testing.T, behaviour string, status int, texts ...string) page {
	t.Helper()
	if p.status != status {
		t.Errorf("%s: got %d to %q, want %d", behaviour, p.status, p.location, status)
	}
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			t.Errorf("%s: got a page without %q: %s", behaviour, text, plainText(p.body))
		}
	}
	return p
}

var tags = regexp.MustCompile(`(?s)<head>.*</head>|<[^>]*>|\s+`)

// plainText is about what a person reads of a page.
func plainText(body string) string {
	text := strings.TrimSpace(tags.ReplaceAllString(body, " "))
	return regexp.MustCompile(` +`).ReplaceAllString(text, " ")
}
