package idp_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/internal/tenant"
)

const kim = "kim@example.org"

func verified(sub, email string) map[string]any {
	return map[string]any{"sub": sub, "email": email, "email_verified": true, "name": "Kim Berg", "picture": "https://example.org/kim.png"}
}

func (d *desk) profileOf(u tenant.User) profile.Profile {
	d.Helper()
	p, err := d.DB.FindProfile(d.ctx, u)
	if err != nil {
		d.Fatal(err)
	}
	return p
}

func TestFirstArrivalMakesAProfile(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.Claims = verified("sub-1", kim)
		p.Claims["locale"] = "pt-PT"
		opened := d.mustEnter(p, "demo")
		got := d.profileOf(opened.User)
		if got.User.ID != "oidc|demo|sub-1" || got.Connection != "demo" || got.Email != kim || !got.EmailVerified || got.Name != "Kim Berg" ||
			got.Nickname != "kim" || got.Picture != "https://example.org/kim.png" || got.AppMetadata.Text("locale") != "pt-PT" || got.LoginsCount != 1 {
			d.Errorf("got %+v", got)
		}
		again := d.mustEnter(p, "demo")
		if again.User != opened.User || d.profileOf(again.User).LoginsCount != 2 {
			d.Errorf("the second time: got %v, want the same person", again.User)
		}
		if again.Content[idp.ContentConnection] != "demo" || again.Content[idp.ContentSID] != "session-1" {
			d.Errorf("got %v, want the session to remember the provider", again.Content)
		}
	})
}

// Row 40: a session is as fresh as the proof at the provider.
func TestSessionIsAsFreshAsTheProof(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.AuthAge = 3 * time.Hour
		if opened := d.mustEnter(p, "demo"); (session.Live{Session: opened}).Fresh(d.Clock.Now()) {
			d.Error("an old proof made a fresh session")
		}
		p.NoAuthTime = true
		if opened := d.mustEnter(p, "demo"); (session.Live{Session: opened}).Fresh(d.Clock.Now()) {
			d.Error("silence made a fresh session")
		}
		p.NoAuthTime, p.AuthAge = false, 0
		if opened := d.mustEnter(p, "demo"); !(session.Live{Session: opened}).Fresh(d.Clock.Now()) {
			d.Error("a fresh proof made no fresh session")
		}
	})
}

// Rules N-6 and N-7.
func TestSync(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "each")
		d.connect(p, "first", func(c *idp.Connection) { c.Sync = idp.FirstLogin })
		for _, test := range []struct{ connection, want, managed string }{{"each", "Kim Lund", "name picture"}, {"first", "Kim Berg", ""}} {
			p.Claims = verified("s", kim)
			u := d.mustEnter(p, test.connection).User
			saved := d.profileOf(u)
			if got := strings.Join(saved.Managed, " "); got != test.managed {
				d.Errorf("%s: got managed %q, want %q", test.connection, got, test.managed)
			}
			before := saved
			saved.Nickname, saved.UserMetadata = "Kimmy", profile.Metadata{"lang": json.RawMessage(`"de"`)}
			saved.AppMetadata = profile.Metadata{"plan": json.RawMessage(`"gold"`)}
			if err := errors.Join(d.DB.SaveEdit(d.ctx, before, saved), d.DB.SaveMetadata(d.ctx, saved)); err != nil {
				d.Fatal(err)
			}
			p.Claims["name"] = "Kim Lund"
			p.Claims["email"] = "KIM@example.org"
			d.mustEnter(p, test.connection)
			got := d.profileOf(u)
			if got.Name != test.want || got.Nickname != "Kimmy" || got.AppMetadata.Text("plan") != "gold" || got.UserMetadata.Text("lang") != "de" ||
				got.Version != saved.Version || !got.CreatedAt.Equal(saved.CreatedAt) {
				d.Errorf("%s: got %+v, want the name %q and nothing else changed", test.connection, got, test.want)
			}
			delete(p.Claims, "name")
			d.mustEnter(p, test.connection)
			if got := d.profileOf(u).Name; got != test.want {
				d.Errorf("%s: a name that is no longer given became %q", test.connection, got)
			}
		}
	})
}

// Rule N-6: the five attributes that follow, each when the provider gives it, and no other.
func TestWhatFollowsTheProvider(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		say := func(word string) {
			p.Claims = map[string]any{
				"sub": "s", "name": "Name " + word, "given_name": "Given " + word, "family_name": "Family " + word, "nickname": "Nick " + word,
				"picture": "https://example.org/" + word, "locale": word[:2], "phone_number": "+3519123456" + map[string]string{"one": "11", "two": "22"}[word],
			}
		}
		say("one")
		u := d.mustEnter(p, "demo").User
		say("two")
		d.mustEnter(p, "demo")
		got := d.profileOf(u)
		names := []string{got.Name, got.GivenName, got.FamilyName, got.Nickname, got.Picture, got.PhoneNumber, got.AppMetadata.Text("locale")}
		want := []string{"Name two", "Given two", "Family two", "Nick two", "https://example.org/two", "+351912345611", "on"}
		if diff := cmp.Diff(want, names); diff != "" {
			d.Errorf("got (+), want (-):\n%s", diff)
		}
	})
}

// Rules P-1, N-2 and N-3: the ids of known providers are Auth0's, so that people from there are found again.
func TestIDsOfKnownProviders(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		for preset, want := range map[string]string{"google": "google-oauth2|117", "microsoft": "windowslive|117", "apple": "apple|117"} {
			known, _ := idp.PresetOf(preset)
			d.connect(p, preset, func(c *idp.Connection) { c.Preset, c.Mapping, c.Scopes = preset, known.Mapping, known.Scopes })
			p.Claims = map[string]any{"sub": "117"}
			if got := d.mustEnter(p, preset).User.ID; got != want {
				d.Errorf("%s: got %q, want %q", preset, got, want)
			}
			d.connect(p, preset+"-two", func(c *idp.Connection) { c.Preset, c.Mapping, c.Scopes = preset, known.Mapping, known.Scopes })
			if got, want := d.mustEnter(p, preset+"-two").User.ID, known.Prefix+"|"+preset+"-two|117"; got != want {
				d.Errorf("a second %s: got %q, want %q", preset, got, want)
			}
		}
	})
}

// Rule N-8: what an address changed to upstream does to the profile's.
func TestAddressChangedUpstream(t *testing.T) {
	for name, test := range map[string]struct {
		before   func(d *desk, u tenant.User) // what happened here meanwhile
		verified bool
		want     string
		letters  []string
	}{
		"verified there: it follows": {nil, true, "new@example.org", []string{
			"email_followed to " + kim, "email_followed to new@example.org",
		}},
		"not verified there: it stays": {nil, false, kim, []string{"email_kept to " + kim}},
		"the person chose another: it stays": {func(d *desk, u tenant.User) {
			p := d.profileOf(u)
			p.Email = "own@example.org"
			_ = d.DB.SaveEmail(d.ctx, p)
		}, true, "own@example.org", nil},
		"somebody else has proven it: it stays": {
			func(d *desk, _ tenant.User) { d.add("demo", "new@example.org", true) }, true, kim,
			[]string{"email_kept to " + kim},
		},
		"somebody else only claims it: it comes": {
			func(d *desk, _ tenant.User) { d.add("demo", "new@example.org", false) }, true, "new@example.org",
			[]string{"email_followed to " + kim, "email_followed to new@example.org"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(d *desk, p *idptest.Provider) {
				d.connect(p, "demo")
				p.Claims = verified("s", kim)
				u := d.mustEnter(p, "demo").User
				if test.before != nil {
					test.before(d, u)
				}
				p.Claims["email"], p.Claims["email_verified"] = "new@example.org", test.verified
				for range 2 { // the letters are sent once
					d.mustEnter(p, "demo")
				}
				if got := d.profileOf(u); got.Email != test.want || !got.EmailVerified {
					d.Errorf("got %s verified %t, want %s", got.Email, got.EmailVerified, test.want)
				}
				d.mailed(test.letters...)
			})
		})
	}
}

func (d *desk) add(connection, email string, verified bool) tenant.User {
	return d.NewUser(d.T, email, func(p *profile.Profile) { p.Connection, p.EmailVerified = connection, verified })
}

func TestVerifiedLater(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.Claims = verified("s", kim)
		p.Claims["email_verified"] = false
		u := d.mustEnter(p, "demo").User
		if d.profileOf(u).EmailVerified {
			d.Error("verified too early")
		}
		p.Claims["email_verified"] = true
		d.mustEnter(p, "demo")
		if !d.profileOf(u).EmailVerified {
			d.Error("not verified although the provider says so now")
		}
		p.Claims["email_verified"] = false
		d.mustEnter(p, "demo")
		if !d.profileOf(u).EmailVerified {
			d.Error("what was proven was taken back")
		}
	})
}

// Point 5: an account is never taken over by an address, in neither direction (rule I-1).
func TestSameAddressIsAnotherProfile(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		for email, proven := range map[string]bool{"squatted@example.org": false, kim: true} {
			there := d.NewUser(d.T, email, func(p *profile.Profile) { p.EmailVerified = proven })
			before := d.profileOf(there)
			p.Claims = verified(email, email)
			if opened := d.mustEnter(p, "demo"); opened.User == there {
				d.Error("the address alone led into somebody's account")
			}
			if diff := cmp.Diff(before, d.profileOf(there)); diff != "" {
				d.Errorf("the other profile changed: %s", diff)
			}
		}
	})
}

// Within one provider an address belongs to whoever proved it.
func TestSquatterWithinOneProvider(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.Claims = verified("squatter", kim)
		p.Claims["email_verified"] = false
		squatter := d.mustEnter(p, "demo").User
		p.Claims = verified("owner", kim)
		owner := d.mustEnter(p, "demo").User
		if got := d.profileOf(owner); got.Email != kim || !got.EmailVerified {
			d.Errorf("the owner got %q", got.Email)
		}
		if got := d.profileOf(squatter); got.Email != "" || got.EmailVerified {
			d.Errorf("the squatter kept %q", got.Email)
		}
		p.Claims = verified("late", kim)
		if got := d.profileOf(d.mustEnter(p, "demo").User); got.Email != "" || got.EmailVerified {
			d.Errorf("a third one got %q", got.Email)
		}
	})
}

func TestSubjectsAreToldApart(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		d.connect(p, "other")
		seen := map[string]bool{}
		for _, subject := range []string{"a", "A", strings.Repeat("x", 255), strings.Repeat("x", 254) + "y"} {
			for _, connection := range []string{"demo", "other"} {
				p.Claims = map[string]any{"sub": subject}
				first := d.mustEnter(p, connection).User
				if seen[first.ID] || d.mustEnter(p, connection).User != first {
					d.Errorf("%.5s at %s is %s", subject, connection, first.ID)
				}
				seen[first.ID] = true
			}
		}
	})
}

func TestBlockedPersonArrives(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		u := d.mustEnter(p, "demo").User
		blocked := d.profileOf(u)
		blocked.Block = profile.Block{Blocked: true, At: d.Clock.Now(), Message: "Call us"}
		if err := d.DB.SaveBlock(d.ctx, blocked); err != nil {
			d.Fatal(err)
		}
		p.Claims["name"] = "New"
		_, err := d.enter(p, "demo")
		if got, ok := errors.AsType[signin.Blocked](err); !ok || got.Message != "Call us" {
			d.Errorf("got %v, want Blocked", err)
		}
		if got := d.profileOf(u); got.LoginsCount != 1 || got.Name == "New" {
			d.Errorf("got %d sign-ins and the name %q", got.LoginsCount, got.Name)
		}
	})
}

func TestConnectionWithoutSignUp(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo", func(c *idp.Connection) { c.SignUp = false })
		if _, err := d.enter(p, "demo"); !errors.Is(err, idp.ErrNoAccount) {
			d.Errorf("got %v, want ErrNoAccount", err)
		}
	})
}

func TestTwoFirstArrivalsAtOnce(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.Claims = verified("s", kim)
		var arrivals []idp.Arrival
		for range 6 {
			a, err := d.arrive(p, "demo")
			if err != nil {
				d.Fatal(err)
			}
			arrivals = append(arrivals, a)
		}
		var wg sync.WaitGroup
		users := make([]tenant.User, len(arrivals))
		for i, a := range arrivals {
			wg.Go(func() {
				opened, err := d.Enter(d.ctx, a, "device")
				if err != nil {
					d.Error(err)
				}
				users[i] = opened.User
			})
		}
		wg.Wait()
		for _, u := range users {
			if u != users[0] || u.IsZero() {
				d.Errorf("got %v, want one person", users)
			}
		}
	})
}

func TestReconfirm(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		opened := d.mustEnter(p, "demo")
		d.Clock.Advance(20 * time.Minute)
		live, err := d.sessions.Find(d.ctx, d.Tenant.ID, opened.ID)
		if err != nil || live.Fresh(d.Clock.Now()) {
			d.Fatal("fresh after 20 minutes", err)
		}
		reauth := idp.Beginning{Connection: "demo", Purpose: idp.Reauth, User: live.User}
		a, err := d.Arrive(d.ctx, d.begin(p, reauth))
		if err != nil {
			d.Fatal(err)
		}
		renewed, err := d.Reconfirm(d.ctx, a, live)
		if err != nil || renewed.ID == live.ID || !(session.Live{Session: renewed}).Fresh(d.Clock.Now()) {
			d.Errorf("got %v, %v; want a fresh session under a new id", renewed, err)
		}
		p.Claims = map[string]any{"sub": "somebody else"}
		a, err = d.Arrive(d.ctx, d.begin(p, reauth))
		if err != nil {
			d.Fatal(err)
		}
		if _, err := d.Reconfirm(d.ctx, a, session.Live{Session: renewed}); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("somebody else: got %v, want ErrNotAsked", err)
		}
	})
}
