package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// provider starts a provider and connects it to the site.
func (s *site) provider(id string, changes ...func(*idp.Connection)) *idptest.Provider {
	s.Helper()
	p := idptest.New(s.T)
	p.Now = s.Clock.Now
	preset, _ := idp.PresetOf(idp.Custom)
	c := preset.From(s.Tenant.ID)
	c.ID, c.Name, c.Issuer, c.ClientID, c.Trust = id, "Demo ID", p.Issuer, idptest.ClientID, true
	c.CreatedAt, c.UpdatedAt = s.Clock.Now(), s.Clock.Now()
	c.SealSecret(s.ring, idptest.Secret)
	for _, change := range changes {
		change(&c)
	}
	s.do(s.DB.AddConnection(s.Context(), c))
	p.Claims = map[string]any{"sub": "sub-1", "email": kim, "email_verified": true, "name": "Kim Berg", "nickname": "Kim"}
	return p
}

// leave presses a provider's button and returns where the browser is sent.
func (b *browser) leave(path string, fields ...string) string {
	b.site.Helper()
	p := b.submit(path, fields...).wants(b.site.T, "leaving by "+path, http.StatusOK)
	address, ok := strings.CutPrefix(p.header.Get("Refresh"), "0; url=")
	if !ok {
		b.site.Fatalf("%s leads nowhere: %q", path, p.header.Get("Refresh"))
	}
	return address
}

// back comes back from a provider, and returns the very answer.
func (b *browser) back(p *idptest.Provider, address string) page {
	b.site.Helper()
	u := p.Visit(address)
	if u.Scheme+"://"+u.Host != "http://portico.example.org" && u.Scheme+"://"+u.Host != b.site.Tenant.Origin {
		b.site.Fatalf("sent back to %s", u)
	}
	return b.ask(http.MethodGet, u.RequestURI(), nil)
}

// signInBy signs in by a provider and follows to where that leads.
func (b *browser) signInBy(p *idptest.Provider, id string) page {
	b.site.Helper()
	b.open("/login")
	return b.follow(b.back(p, b.leave("/login/with/"+id)))
}

func (s *site) whose(email, connection string) profile.Profile {
	s.Helper()
	p, err := s.DB.FindByConnection(s.Context(), s.Tenant.ID, connection, email)
	s.do(err)
	return p
}

func TestSignInByProvider(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		laptop := s.browser(home)
		laptop.open("/login").wants(t, "sign-in", http.StatusOK, word(t, "login.provider", "provider", "Demo ID"))
		laptop.open("/signup").wants(t, "sign-up", http.StatusOK, word(t, "login.provider", "provider", "Demo ID"))
		laptop.signInBy(p, "demo").wants(t, "arriving", http.StatusOK, "Kim")
		if !laptop.signedIn() {
			t.Fatal("not signed in")
		}
		laptop.open("/account/profile").wants(t, "the profile", http.StatusOK, "Kim Berg", kim)
	})
}

func TestProviderLeadsBackToWhereOneWanted(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		for target, want := range map[string]string{
			"/account/profile": "/account/profile", "//evil.example": "/account", "https://evil.example/x": "/account", `/\evil.example`: "/account", "": "/account",
		} {
			laptop := s.browser(home)
			laptop.open("/login")
			got := laptop.back(p, laptop.leave("/login/with/demo", "return_to", target))
			if got.location != want {
				t.Errorf("%q leads to %q, want %q", target, got.location, want)
			}
		}
	})
}

// Point 5 of the issue: another browser, a replay, a foreign state, a login CSRF.
func TestAnswersOfOthers(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		s.provider("other")
		thief, victim := s.browser(elsewhere), s.browser(home)
		thief.open("/login")
		callback := p.Visit(thief.leave("/login/with/demo")).RequestURI()
		victim.open("/login")
		victim.leave("/login/with/demo")
		victim.open(callback).wants(t, "the thief's answer in another browser", http.StatusGone, word(t, "provider.old.title"))
		thief.open(callback).wants(t, "the same answer afterwards", http.StatusGone)
		if victim.signedIn() || thief.signedIn() {
			t.Error("somebody got in")
		}
		own := p.Visit(thief.leaveAgain("/login/with/demo")).RequestURI()
		thief.open(strings.Replace(own, "/callback/demo", "/callback/other", 1)).wants(t, "at another connection", http.StatusGone)
		thief.open("/login/callback/demo").wants(t, "nothing at all", http.StatusGone)
		thief.open("/login/callback/nowhere?state=x&code=y").wants(t, "an unknown connection", http.StatusGone)
		thief.open("/login")
		thief.submit("/login/with/nowhere").wants(t, "an unknown connection", http.StatusNotFound)
		used := p.Visit(thief.leaveAgain("/login/with/demo")).RequestURI()
		thief.open(used)
		thief.open(used).wants(t, "a replay", http.StatusGone)
	})
}

func (b *browser) leaveAgain(path string) string {
	b.site.Helper()
	b.open("/login")
	return b.leave(path)
}

func TestProviderButtonNeedsAFormOfOurs(t *testing.T) {
	onEach(t, func(s *site) {
		s.provider("demo")
		laptop := s.browser(home)
		laptop.open("/login")
		laptop.token = "forged"
		if got := laptop.submit("/login/with/demo"); got.status != http.StatusForbidden || got.header.Get("Refresh") != "" {
			t.Errorf("got %d, want the form refused", got.status)
		}
		if got := laptop.ask(http.MethodGet, "/login/with/demo", nil); got.status != http.StatusNotFound && got.status != http.StatusMethodNotAllowed {
			t.Errorf("got %d for a link, want no page", got.status)
		}
	})
}

func TestBlockedPersonByProvider(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		laptop := s.browser(home)
		laptop.signInBy(p, "demo")
		kims := s.whose(kim, "demo")
		kims.Block = profile.Block{Blocked: true, At: s.Clock.Now(), Message: "Please call us"}
		s.do(s.DB.SaveBlock(s.Context(), kims))
		other := s.browser(elsewhere)
		other.signInBy(p, "demo").wants(t, "arriving", http.StatusForbidden, word(t, "blocked.title"), "Please call us")
		if other.signedIn() {
			t.Error("signed in although blocked")
		}
	})
}

// Point 9: trouble is told calmly, and the other ways in keep working.
func TestProviderTrouble(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		s.provider("gone", func(c *idp.Connection) { c.Issuer = "http://127.0.0.1:1" })
		s.person("ana@example.org", oldSecret)
		laptop := s.browser(home)
		laptop.open("/login")
		down := laptop.submit("/login/with/gone").wants(t, "a provider that is down", http.StatusServiceUnavailable, word(t, "provider.down.title", "provider", "Demo ID"))
		if down.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		address := laptop.leaveAgain("/login/with/demo")
		p.Foreign = true
		laptop.back(p, address).wants(t, "a lying provider", http.StatusBadGateway, word(t, "provider.wrong.title", "provider", "Demo ID"))
		p.Foreign, p.Refuse = false, "access_denied"
		laptop.follow(laptop.back(p, laptop.leaveAgain("/login/with/demo"))).wants(t, "turning back", http.StatusOK, word(t, "provider.cancelled"))
		if laptop.signIn("ana@example.org", oldSecret); !laptop.signedIn() {
			t.Error("the password no longer works")
		}
		laptop.open(linkingPage)
		p.Refuse = ""
		linking := laptop.submit(linkingPage+"/with/gone").wants(t, "connecting one that is down", http.StatusServiceUnavailable,
			word(t, "provider.down.link", "provider", "Demo ID"), word(t, "linking.title"))
		if strings.Contains(linking.body, word(t, "provider.other")) {
			t.Error("who is signed in is sent to sign in another way")
		}
	})
}

// Apple's way: the answer is posted across sites, where no cookie of ours is sent.
func TestAnswerByForm(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo", func(c *idp.Connection) { c.Preset, c.RoundTrip = "apple", true; c.Mapping = applePreset().Mapping })
		delete(p.Claims, "name")
		laptop := s.browser(home)
		laptop.open("/login")
		u := p.Visit(laptop.leave("/login/with/demo"))
		form := u.Query()
		form.Set("user", `{"name":{"firstName":"Ada","lastName":"Byron"},"email":"evil@example.org"}`)
		r := laptop.postAcross(u.Path, form)
		if r.status != http.StatusSeeOther || strings.Contains(r.location, "?") {
			t.Fatalf("got %d to %q, want to be led on without anything in the address", r.status, r.location)
		}
		laptop.follow(r)
		if got := s.whose(kim, "demo"); got.Name != "Ada Byron" || got.Email != kim || !laptop.signedIn() {
			t.Errorf("got %q %s", got.Name, got.Email)
		}
	})
}

func applePreset() idp.Preset {
	preset, _ := idp.PresetOf("apple")
	return preset
}

// postAcross posts as another site's page would: Lax cookies stay at home.
func (b *browser) postAcross(path string, form url.Values) page {
	b.site.Helper()
	jar := b.client.Jar
	b.client.Jar = nil
	r, err := http.NewRequestWithContext(b.site.Context(), http.MethodPost, b.site.Tenant.Origin+path, strings.NewReader(form.Encode()))
	b.site.do(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Origin", "https://appleid.apple.com")
	response, err := b.client.Do(r)
	b.site.do(err)
	b.client.Jar = jar
	jar.SetCookies(response.Request.URL, response.Cookies())
	return page{status: response.StatusCode, location: response.Header.Get("Location"), path: path, header: response.Header}
}

// Rows 40 and 42: who has no password proves it at the provider, freshly.
func TestConfirmingByProvider(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		laptop := s.browser(home)
		laptop.signInBy(p, "demo")
		s.Clock.Advance(20 * time.Minute)
		confirm := laptop.open("/account/email").wants(t, "something sensitive", http.StatusOK, word(t, "reauth.title"), word(t, "login.provider", "provider", "Demo ID"))
		if strings.Contains(confirm.body, `type="password"`) {
			t.Error("asks for a password that nobody has")
		}
		p.AuthAge = time.Hour
		laptop.back(p, laptop.leave("/reauth/with/demo", "return_to", "/account/email")).
			wants(t, "an old proof", http.StatusForbidden, word(t, "provider.fresh.title", "provider", "Demo ID"))
		p.AuthAge = 0
		p.Claims["sub"] = "somebody-else"
		laptop.back(p, laptop.leave("/reauth/with/demo", "return_to", "/account/email")).wants(t, "somebody else", http.StatusGone)
		p.Claims["sub"] = "sub-1"
		laptop.open("/reauth")
		got := laptop.back(p, laptop.leave("/reauth/with/demo", "return_to", "/account/email"))
		if got.location != "/account/email" {
			t.Errorf("got to %q", got.location)
		}
		laptop.follow(got).wants(t, "afterwards", http.StatusOK, word(t, "email.title"))
	})
}

func TestPoliciesHoldForArrivals(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo", func(c *idp.Connection) { c.SignUp = false })
		laptop := s.browser(home)
		laptop.signInBy(p, "demo").wants(t, "without an account", http.StatusForbidden, word(t, "provider.none.title"))
		if laptop.signedIn() {
			t.Error("signed in")
		}
	}, func(settings *tenant.Settings) { settings.Product = "Harbour" })
}

// Rule P-3: what the provider owns is shown with its name and changed by nobody here.
func TestManagedFields(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		laptop := s.browser(home)
		laptop.signInBy(p, "demo")
		shown := laptop.open("/account/profile").wants(t, "the profile", http.StatusOK, word(t, "profile.managed", "provider", "Demo ID"))
		if n := strings.Count(shown.body, " readonly"); n != 2 {
			t.Errorf("got %d fields that cannot be changed, want the name and the nickname", n)
		}
		laptop.submit("/account/profile", "version", "1", "name", "Kim Berg", "nickname", "Evil", "given_name", "Kimberly").
			wants(t, "saving", http.StatusSeeOther)
		if got := s.whose(kim, "demo"); got.Nickname != "Kim" || got.GivenName != "Kimberly" {
			t.Errorf("got nickname %q and given name %q", got.Nickname, got.GivenName)
		}
		events, err := s.DB.SearchEvents(s.Context(), s.Tenant.ID, audit.Filter{User: s.whose(kim, "demo").User.ID, Limit: 5})
		s.do(err)
		if !slices.ContainsFunc(events, func(e audit.Event) bool {
			return e.Type == audit.ForbiddenField && slices.Equal(e.Fields, []string{"nickname"})
		}) {
			t.Error("the attempt is not on record")
		}
	})
}
