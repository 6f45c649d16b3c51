package idp_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/session"
	"portico/internal/store/storetest"
)

// Security.md row 41, and point 9 of the issue: whatever a provider does wrong, nobody gets in, and soon.
func TestLyingProvider(t *testing.T) {
	t.Parallel()
	write := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text))
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", code) }
	}
	refusal := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(text))
		}
	}
	for name, test := range map[string]struct {
		lie  func(p *idptest.Provider)
		want idp.Reason
	}{
		"a token of another issuer":  {func(p *idptest.Provider) { p.InToken = map[string]any{"iss": "https://evil.example"} }, idp.Token},
		"a token for another client": {func(p *idptest.Provider) { p.InToken = map[string]any{"aud": "somebody"} }, idp.Token},
		"a token for us and others, made for them": {func(p *idptest.Provider) {
			p.InToken = map[string]any{"aud": []string{idptest.ClientID, "x"}, "azp": "x"}
		}, idp.Token},
		"a token for us and others":             {func(p *idptest.Provider) { p.InToken = map[string]any{"aud": []string{idptest.ClientID, "x"}} }, idp.Token},
		"a token that is over":                  {func(p *idptest.Provider) { p.InToken = map[string]any{"exp": p.Now().Add(-2 * time.Minute).Unix()} }, idp.Expired},
		"a token from the future":               {func(p *idptest.Provider) { p.InToken = map[string]any{"iat": p.Now().Add(time.Hour).Unix()} }, idp.Expired},
		"a token with another nonce":            {func(p *idptest.Provider) { p.InToken = map[string]any{"nonce": "other"} }, idp.Nonce},
		"a token without a nonce":               {func(p *idptest.Provider) { p.InToken = map[string]any{"nonce": nil} }, idp.Nonce},
		"a token of nobody":                     {func(p *idptest.Provider) { p.InToken = map[string]any{"sub": ""}; p.InInfo = map[string]any{"sub": ""} }, idp.Subject},
		"a token without a signature":           {func(p *idptest.Provider) { p.Unsigned = true }, idp.Token},
		"a token signed by a stranger":          {func(p *idptest.Provider) { p.Foreign = true }, idp.Token},
		"an access token hash of another token": {func(p *idptest.Provider) { p.InToken = map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"} }, idp.Token},
		"user info about somebody else":         {func(p *idptest.Provider) { p.InInfo = map[string]any{"sub": "2"} }, idp.Token},
		"user info that is none":                {func(p *idptest.Provider) { p.Instead["/me"] = write("[]") }, idp.Rubbish},
		"user info that is down":                {func(p *idptest.Provider) { p.Instead["/me"] = status(500) }, idp.Status},
		"no token at all":                       {func(p *idptest.Provider) { p.Instead["/token"] = write(`{"access_token":"a","token_type":"Bearer"}`) }, idp.Rubbish},
		"a token endpoint that talks rubbish":   {func(p *idptest.Provider) { p.Instead["/token"] = write("<html>") }, idp.Rubbish},
		"a token endpoint that is down":         {func(p *idptest.Provider) { p.Instead["/token"] = status(503) }, idp.Status},
		"a token endpoint that sends us elsewhere": {func(p *idptest.Provider) {
			p.Instead["/token"] = http.RedirectHandler("/me", http.StatusFound).ServeHTTP
		}, idp.Status},
		"a token endpoint that never ends": {func(p *idptest.Provider) { p.Instead["/token"] = write(strings.Repeat(" ", idp.MaxAnswer+10) + "{}") }, idp.Rubbish},
		"keys that are none":               {func(p *idptest.Provider) { p.Instead["/keys"] = write("{}") }, idp.Token},
		"keys that are down":               {func(p *idptest.Provider) { p.Instead["/keys"] = status(500) }, idp.Token},
		"a code that it does not know":     {func(p *idptest.Provider) { p.Instead["/token"] = refusal(400, `{"error":"invalid_grant"}`) }, idp.Grant},
		"a client that it does not know":   {func(p *idptest.Provider) { p.Instead["/token"] = refusal(401, `{"error":"invalid_client"}`) }, idp.Stranger},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, p := newDesk(t, storetest.SQLite(t)), idptest.New(t)
			d.connect(p, "demo")
			given := d.begin(p, idp.Beginning{Connection: "demo"})
			test.lie(p)
			_, err := d.Arrive(d.ctx, given)
			if f, ok := errors.AsType[idp.Failure](err); !ok || f.Reason != test.want {
				t.Errorf("got %v, want a failure for %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), idptest.Secret) {
				t.Errorf("the secret is in the error: %v", err)
			}
			if _, err := d.Arrive(d.ctx, given); !errors.Is(err, idp.ErrNotAsked) {
				t.Errorf("a second try: got %v, want ErrNotAsked", err)
			}
		})
	}
}

func TestProviderThatDescribesItselfWrongly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lie  func(p *idptest.Provider)
		want idp.Reason
	}{
		"another issuer": {func(p *idptest.Provider) { p.Metadata = map[string]any{"issuer": "https://other.example"} }, idp.Issuer},
		"an address of a script": {func(p *idptest.Provider) {
			p.Metadata = map[string]any{"authorization_endpoint": "javascript:alert(1)"}
		}, idp.Insecure},
		"an address without TLS": {func(p *idptest.Provider) {
			p.Metadata = map[string]any{"token_endpoint": "http://id.example.org/token"}
		}, idp.Insecure},
		"no address for tokens": {func(p *idptest.Provider) { p.Metadata = map[string]any{"token_endpoint": nil} }, idp.Insecure},
		"no flow with a code": {func(p *idptest.Provider) {
			p.Metadata = map[string]any{"response_types_supported": []string{"id_token"}}
		}, idp.NoCode},
		"not there": {func(p *idptest.Provider) { p.Instead["/.well-known/openid-configuration"] = http.NotFound }, idp.Status},
		"rubbish": {func(p *idptest.Provider) {
			p.Instead["/.well-known/openid-configuration"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }
		}, idp.Rubbish},
		"nobody listens": {func(p *idptest.Provider) { p.Issuer = "http://127.0.0.1:1" }, idp.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, p := newDesk(t, storetest.SQLite(t)), idptest.New(t)
			test.lie(p)
			d.connect(p, "demo")
			_, err := d.Begin(d.ctx, idp.Beginning{Connection: "demo", Purpose: idp.SignIn, Browser: laptop})
			if f, ok := errors.AsType[idp.Failure](err); !ok || f.Reason != test.want {
				t.Errorf("got %v, want a failure for %q", err, test.want)
			}
		})
	}
}

// Point 9: a provider that hangs costs seconds and leaves no goroutine behind.
// Whoever sets up a connection reaches no service of this machine or of its cloud by it.
func TestPlacesNoProviderCanHave(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t)
	open := newDesk(t, f)
	strict := newDeskOn(t, f, open.ring, false)
	for i, test := range []struct {
		d    *desk
		host string
	}{
		{open, "169.254.169.254"},
		{open, "[fe80::1]"},
		{open, "0.0.0.0"},
		{open, "224.0.0.1"},
		{open, "[::ffff:169.254.169.254]"},
		{strict, "127.0.0.1"},
		{strict, "[::1]"},
		{strict, "localhost"},
	} {
		id := "inside-" + strconv.Itoa(i)
		preset, _ := idp.PresetOf(idp.Custom)
		c := preset.From(f.Tenant.ID)
		c.ID, c.Name, c.Issuer, c.ClientID = id, "Inside", "https://"+test.host+":8443", idptest.ClientID
		if err := test.d.DB.AddConnection(test.d.ctx, c); err != nil {
			t.Fatal(err)
		}
		_, err := test.d.Begin(test.d.ctx, idp.Beginning{Connection: id, Purpose: idp.SignIn, Browser: laptop})
		if failed, ok := errors.AsType[idp.Failure](err); !ok || failed.Reason != idp.Unreachable || !strings.Contains(err.Error(), "not one a provider can have") {
			t.Errorf("%s: got %v, want nobody asked there", test.host, err)
		}
	}
}

func TestSlowProvider(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time to run out")
	}
	d, p := newDesk(t, storetest.SQLite(t)), idptest.New(t)
	d.connect(p, "demo")
	given := d.begin(p, idp.Beginning{Connection: "demo"})
	before := runtime.NumGoroutine()
	release := make(chan struct{})
	p.Instead["/token"] = func(http.ResponseWriter, *http.Request) { <-release }
	started := time.Now()
	_, err := d.Arrive(d.ctx, given)
	if f, ok := errors.AsType[idp.Failure](err); !ok || f.Reason != idp.Slow {
		t.Errorf("got %v, want a failure for slow", err)
	}
	if took := time.Since(started); took > 9*time.Second {
		t.Errorf("took %s, want less than 9 s", took)
	}
	slow := d.connect(p, "slow", func(c *idp.Connection) { c.SignOut = true })
	p.Instead["/.well-known/openid-configuration"] = func(http.ResponseWriter, *http.Request) { <-release }
	started = time.Now()
	trip, err := d.Leave(d.ctx, session.Live{Session: session.Session{Content: map[string]string{idp.ContentConnection: slow.ID}}})
	if took := time.Since(started); err != nil || trip.Address != "" || took > 3*time.Second {
		t.Errorf("signing out took %s and led to %q (%v), want it done soon, here alone", took, trip.Address, err)
	}
	close(release)
	for wait := time.Now(); runtime.NumGoroutine() > before+4 && time.Since(wait) < 5*time.Second; {
		time.Sleep(20 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before+4 {
		t.Errorf("got %d goroutines, had %d", after, before)
	}
}

// Point 5: mix-up, replay, a foreign state, another browser's answer.
func TestAnswerMustBelong(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(a *idp.Answer){
		"without a state":                   func(a *idp.Answer) { a.State = "" },
		"with a made-up state":              func(a *idp.Answer) { a.State = "made-up" },
		"in another browser":                func(a *idp.Answer) { a.Browser = "browser-2" },
		"in a browser we do not know":       func(a *idp.Answer) { a.Browser = "" },
		"at another connection":             func(a *idp.Answer) { a.Connection = "other" },
		"of another issuer":                 func(a *idp.Answer) { a.Issuer = "https://evil.example" },
		"of a provider that hides its name": func(a *idp.Answer) { a.Issuer = "" },
		"without a code":                    func(a *idp.Answer) { a.Code = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, p := newDesk(t, storetest.SQLite(t)), idptest.New(t)
			d.connect(p, "demo")
			d.connect(p, "other")
			given := d.begin(p, idp.Beginning{Connection: "demo"})
			change(&given)
			if _, err := d.Arrive(d.ctx, given); !errors.Is(err, idp.ErrNotAsked) {
				t.Errorf("got %v, want ErrNotAsked", err)
			}
			if p.Tokens() != 0 {
				t.Error("the code was sent to the provider")
			}
		})
	}
}

func TestAnswerCountsOnceAndForTenMinutes(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		given := d.begin(p, idp.Beginning{Connection: "demo"})
		if _, err := d.Arrive(d.ctx, given); err != nil {
			d.Fatal(err)
		}
		if _, err := d.Arrive(d.ctx, given); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("a second time: got %v, want ErrNotAsked", err)
		}
		late := d.begin(p, idp.Beginning{Connection: "demo"})
		d.Clock.Advance(idp.FlowLifetime + time.Second)
		if _, err := d.Arrive(d.ctx, late); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("too late: got %v, want ErrNotAsked", err)
		}
	})
}

// A code that was made for somebody else's flow is worth nothing: PKCE and nonce bind it to ours.
func TestInjectedCode(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		thief, mine := d.begin(p, idp.Beginning{Connection: "demo"}), d.begin(p, idp.Beginning{Connection: "demo"})
		mine.Code = thief.Code
		if _, err := d.Arrive(d.ctx, mine); err == nil {
			d.Error("a code of another flow was taken")
		}
	})
}

func TestCancelled(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.Refuse = "access_denied"
		a, err := d.Arrive(d.ctx, d.begin(p, idp.Beginning{Connection: "demo", ReturnTo: "/account/profile"}))
		if !errors.Is(err, idp.ErrCancelled) || a.ReturnTo != "/account/profile" {
			d.Errorf("got %v to %q, want ErrCancelled", err, a.ReturnTo)
		}
		p.Refuse = "server_error"
		if _, err := d.arrive(p, "demo"); err == nil || errors.Is(err, idp.ErrCancelled) {
			d.Errorf("got %v, want a failure", err)
		}
	})
}

func TestClockSkewAndKeyRotation(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		for _, off := range []time.Duration{-45 * time.Second, 45 * time.Second} {
			p.Now = func() time.Time { return d.Clock.Now().Add(off) }
			p.InToken = map[string]any{"exp": p.Now().Add(30 * time.Second).Unix()}
			if _, err := d.arrive(p, "demo"); err != nil {
				d.Errorf("a clock %s off: %v", off, err)
			}
		}
		p.Now, p.InToken = d.Clock.Now, nil
		p.Rotate()
		if _, err := d.arrive(p, "demo"); err != nil {
			d.Errorf("after the keys were rotated: %v", err)
		}
	})
}

// Row 26: what is said to be verified stays with the very address it was said of, whichever source says it.
func TestVerifiedBelongsToItsAddress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token, info map[string]any
		trust, want bool
	}{
		"both in the user info":                  {nil, map[string]any{"sub": "1", "email": "a@example.org", "email_verified": true}, true, true},
		"an address of its own in the user info": {map[string]any{"email": "b@example.org", "email_verified": true}, map[string]any{"sub": "1", "email": "a@example.org"}, true, false},
		"verified without address in user info":  {map[string]any{"email": "b@example.org", "email_verified": false}, map[string]any{"sub": "1", "email_verified": true}, true, false},
		"the token alone":                        {map[string]any{"email": "b@example.org", "email_verified": true}, map[string]any{"sub": "1"}, true, true},
		"a provider whose word is not trusted":   {nil, map[string]any{"sub": "1", "email": "a@example.org", "email_verified": true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, p := newDesk(t, storetest.SQLite(t)), idptest.New(t)
			d.connect(p, "demo", func(c *idp.Connection) { c.Trust = test.trust })
			p.InToken, p.InInfo = test.token, test.info
			a, err := d.arrive(p, "demo")
			if err != nil {
				t.Fatal(err)
			}
			if a.Identity.EmailVerified != test.want || a.Identity.Email == "" {
				t.Errorf("got %q verified %t, want %t", a.Identity.Email, a.Identity.EmailVerified, test.want)
			}
		})
	}
}

// Row 40: where a fresh proof is needed, an old one or none does not do.
func TestFreshProof(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		d.connect(p, "quiet", func(c *idp.Connection) { c.RoundTrip = true })
		u := d.NewUser(d.T, "kim@example.org")
		for _, test := range []struct {
			connection string
			quiet      bool
			age        time.Duration
			fresh      bool
		}{
			{"demo", false, 0, true},
			{"demo", false, time.Hour, false},
			{"demo", true, 0, false},
			{"quiet", true, 0, true},
			{"quiet", false, time.Hour, false},
			{"quiet", false, time.Minute, true},
		} {
			p.NoAuthTime, p.AuthAge = test.quiet, test.age
			_, err := d.Arrive(d.ctx, d.begin(p, idp.Beginning{Connection: test.connection, Purpose: idp.Reauth, User: u}))
			if f, refused := errors.AsType[idp.Failure](err); refused == test.fresh || (refused && f.Reason != idp.NotFresh) {
				d.Errorf("%+v: got %v", test, err)
			}
		}
	})
}

func TestSwitchedOffConnection(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		c := d.connect(p, "demo")
		given := d.begin(p, idp.Beginning{Connection: "demo"})
		c.Enabled = false
		if err := d.DB.SaveConnection(context.Background(), c); err != nil {
			d.Fatal(err)
		}
		if _, err := d.Arrive(d.ctx, given); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("an answer: got %v, want ErrNotAsked", err)
		}
		if _, err := d.Begin(d.ctx, idp.Beginning{Connection: "demo"}); !errors.Is(err, idp.ErrNotFound) {
			d.Errorf("a beginning: got %v, want ErrNotFound", err)
		}
		if offered, err := d.Offered(d.ctx); err != nil || len(offered) != 0 {
			d.Errorf("got %d offered, %v; want none", len(offered), err)
		}
	})
}
