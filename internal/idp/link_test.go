package idp_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// weigh goes to a provider to link what u has there, and returns the token of the comparison.
func (d *desk) weigh(p *idptest.Provider, connection string, u tenant.User) (string, error) {
	d.Helper()
	a, err := d.Arrive(d.ctx, d.begin(p, idp.Beginning{Connection: connection, Purpose: idp.Link, User: u}))
	if err != nil {
		d.Fatal(err)
	}
	return d.Weigh(d.ctx, a, u, laptop)
}

// signedIn is the session of somebody who proved just now who they are.
func (d *desk) signedIn(u tenant.User) session.Live {
	return session.Live{Session: session.Session{User: u, AuthenticatedAt: d.Clock.Now()}}
}

// link links what u has at a provider.
func (d *desk) link(p *idptest.Provider, connection string, u tenant.User, copied bool) {
	d.Helper()
	token, err := d.weigh(p, connection, u)
	if err != nil {
		d.Fatal(err)
	}
	if _, err := d.Join(d.ctx, d.signedIn(u), token, laptop, copied); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) withPassword(email string, changes ...func(*profile.Profile)) tenant.User {
	d.Helper()
	u := d.NewUser(d.T, email, changes...)
	if err := d.DB.SavePassword(d.ctx, u, "hash", d.Clock.Now(), false); err != nil {
		d.Fatal(err)
	}
	return u
}

// Rule I-1 and I-3: an identity that has no account is simply added.
func TestLinkingAnIdentityWithoutAnAccount(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		u := d.withPassword("kim@work.example")
		before := d.profileOf(u)
		p.Claims = verified("s", kim)
		token, err := d.weigh(p, "demo", u)
		if err != nil {
			d.Fatal(err)
		}
		c, err := d.Compare(d.ctx, u, token, laptop)
		if err != nil || !c.Secondary.User.IsZero() || c.Identity.Email != kim || c.Primary.User != u {
			d.Errorf("got %+v and %v, want the identity alone", c, err)
		}
		if _, err := d.Join(d.ctx, d.signedIn(u), token, laptop, false); err != nil {
			d.Fatal(err)
		}
		if _, err := d.Join(d.ctx, d.signedIn(u), token, laptop, false); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("a second time: got %v, want ErrNotAsked", err)
		}
		p.Claims["name"] = "Somebody Else"
		if opened := d.mustEnter(p, "demo"); opened.User != u {
			d.Errorf("the identity leads to %s, want %s", opened.User.ID, u.ID)
		}
		if after := d.profileOf(u); after.Name != before.Name || after.Email != before.Email || after.Connection != before.Connection {
			d.Errorf("got %+v, want what the account was before", after)
		}
		if _, err := d.weigh(p, "demo", u); !errors.Is(err, idp.AlreadyHere) {
			d.Errorf("once more: got %v, want %v", err, idp.AlreadyHere)
		}
	})
}

// Rule I-2: an address that the provider gives and nobody proved is no more welcome without an account than with one.
func TestLinkingAnIdentityWithAnAddressThatNobodyProved(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		d.connect(p, "untrusted", func(c *idp.Connection) { c.Trust = false })
		u := d.withPassword("kim@work.example")
		p.Claims = verified("s", kim)
		if _, err := d.weigh(p, "untrusted", u); !errors.Is(err, idp.Unverified) {
			d.Errorf("a provider whose word is not trusted: got %v, want %v", err, idp.Unverified)
		}
		p.Claims["email_verified"] = false
		if _, err := d.weigh(p, "demo", u); !errors.Is(err, idp.Unverified) {
			d.Errorf("an address that is not verified: got %v, want %v", err, idp.Unverified)
		}
		delete(p.Claims, "email")
		if _, err := d.weigh(p, "untrusted", u); err != nil {
			d.Errorf("no address at all: %v", err)
		}
	})
}

// Rule I-3: every consequence of linking two accounts.
func TestLinkingTwoAccounts(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.Claims = verified("s", kim)
		opened := d.mustEnter(p, "demo")
		gone := d.profileOf(opened.User)
		gone.UserMetadata = profile.Metadata{"lang": json.RawMessage(`"de"`), "shelf": json.RawMessage(`"travel"`)}
		gone.AppMetadata = profile.Metadata{"plan": json.RawMessage(`"gold"`)}
		u := d.withPassword("kim@work.example", func(p *profile.Profile) { p.UserMetadata = profile.Metadata{"lang": json.RawMessage(`"fr"`)} })
		issued, err := d.tickets.Issue(d.ctx, ticket.Order{Kind: ticket.Verify, User: gone.User, Lifetime: time.Hour})
		reset := d.resets(u)
		asked := privacy.Request{ID: "r1", User: gone.User, Kind: privacy.Download, At: d.Clock.Now(), DueAt: d.Clock.Now().Add(time.Hour)}
		if err := errors.Join(err, d.DB.SaveMetadata(d.ctx, gone), d.DB.AddRequest(d.ctx, asked)); err != nil {
			d.Fatal(err)
		}
		token, err := d.weigh(p, "demo", u)
		if err != nil {
			d.Fatal(err)
		}
		c, err := d.Compare(d.ctx, u, token, laptop)
		if err != nil || c.Secondary.User != gone.User || len(c.Free) != 1 || c.Free[0] != "shelf" || len(c.Taken) != 1 || c.Taken[0] != "lang" {
			d.Errorf("got %+v and %v", c, err)
		}
		if _, err := d.Join(d.ctx, d.signedIn(u), token, laptop, true); err != nil {
			d.Fatal(err)
		}
		if _, err := d.DB.FindProfile(d.ctx, gone.User); !errors.Is(err, profile.ErrNotFound) {
			d.Errorf("the other account: got %v, want it gone", err)
		}
		if live, err := d.sessions.Find(d.ctx, d.Tenant.ID, opened.ID); !errors.Is(err, session.ErrNone) {
			d.Errorf("its session: got %v and %v, want it ended", live.User, err)
		}
		if _, err := d.tickets.Look(d.ctx, d.Tenant.ID, ticket.Verify, issued.Secret); err == nil {
			d.Error("its open ticket still works")
		}
		d.voided(reset)
		if got := d.profileOf(u); got.UserMetadata.Text("shelf") != "travel" || got.UserMetadata.Text("lang") != "fr" || len(got.AppMetadata) != 0 {
			d.Errorf("got %s and %s, want what was free copied and the rest as it was", got.UserMetadata.JSON(), got.AppMetadata.JSON())
		}
		if again := d.mustEnter(p, "demo"); again.User != u {
			d.Errorf("the identity leads to %s, want %s", again.User.ID, u.ID)
		}
		d.mailed("account_linked to kim@work.example", "account_linked to "+kim)
		if waiting, err := d.DB.Requests(d.ctx, u); err != nil || len(waiting) != 1 {
			d.Errorf("got %d requests and %v, want the one that was asked", len(waiting), err)
		}
	})
}

// resets issues a link that resets a password, and voided compares that it is of no use any more (row 15, rule R-2).
func (d *desk) resets(u tenant.User) string {
	d.Helper()
	issued, err := d.tickets.Issue(d.ctx, ticket.Order{Kind: ticket.Reset, User: u, Lifetime: time.Hour})
	if err != nil {
		d.Fatal(err)
	}
	return issued.Secret
}

func (d *desk) voided(secret string) {
	d.Helper()
	if _, err := d.tickets.Look(d.ctx, d.Tenant.ID, ticket.Reset, secret); !errors.Is(err, ticket.ErrReplaced) {
		d.Errorf("a password reset under way: got %v, want %v", err, ticket.ErrReplaced)
	}
}

// Rule I-3: without the offer taken, nothing of the other account's metadata stays; what its identity says is kept with it, and
// its address changing upstream later changes nothing here (rule N-8).
func TestLinkingWithoutTheOffer(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.Claims = verified("s", kim)
		p.Claims["reader"] = map[string]any{"since": 2019}
		gone := d.profileOf(d.mustEnter(p, "demo").User)
		gone.UserMetadata = profile.Metadata{"shelf": json.RawMessage(`"travel"`)}
		if err := d.DB.SaveMetadata(d.ctx, gone); err != nil {
			d.Fatal(err)
		}
		u := d.withPassword("kim@work.example")
		d.link(p, "demo", u, false)
		d.tray.letters = nil
		p.Claims["email"] = "new@example.org"
		d.mustEnter(p, "demo")
		if got := d.profileOf(u); len(got.UserMetadata) != 0 || got.Email != "kim@work.example" {
			d.Errorf("got %s and %s, want nothing taken along and the address as it was", got.UserMetadata.JSON(), got.Email)
		}
		d.mailed()
		attached, err := d.AttachedTo(d.ctx, u)
		if err != nil || len(attached) != 1 || attached[0].Email != "new@example.org" || string(attached[0].Data["reader"]) != `{"since":2019}` {
			d.Errorf("got %+v and %v, want what the identity says now", attached, err)
		}
	})
}

// Rule I-2: who may link what.
func TestWhatIsNotLinked(t *testing.T) {
	for name, test := range map[string]struct {
		change func(d *desk, u, other tenant.User)
		want   error
	}{
		"an account that is blocked":       {func(d *desk, _, other tenant.User) { d.block(other) }, idp.NotAllowed},
		"to an account that is blocked":    {func(d *desk, u, _ tenant.User) { d.block(u) }, idp.NotAllowed},
		"an account that is closing":       {func(d *desk, _, other tenant.User) { d.close(other) }, idp.Closing},
		"to an account that is closing":    {func(d *desk, u, _ tenant.User) { d.close(u) }, idp.Closing},
		"an address that nobody proved":    {func(d *desk, _, other tenant.User) { d.unverify(other) }, idp.Unverified},
		"to an address that nobody proved": {func(d *desk, u, _ tenant.User) { d.unverify(u) }, idp.Unverified},
		"an administrator":                 {func(d *desk, _, other tenant.User) { _ = d.DB.SaveRole(d.ctx, other, profile.RoleAdmin) }, idp.Powerful},
		"an account with a password":       {func(d *desk, _, other tenant.User) { _ = d.DB.SavePassword(d.ctx, other, "x", d.Clock.Now(), false) }, idp.Elsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(d *desk, p *idptest.Provider) {
				d.connect(p, "demo")
				p.Claims = verified("s", kim)
				other := d.mustEnter(p, "demo").User
				u := d.withPassword("kim@work.example")
				token, err := d.weigh(p, "demo", u)
				if err != nil {
					d.Fatal(err)
				}
				test.change(d, u, other)
				if _, err := d.Join(d.ctx, d.signedIn(u), token, laptop, true); !errors.Is(err, test.want) {
					d.Errorf("got %v, want %v", err, test.want)
				}
				if _, err := d.weigh(p, "demo", u); !errors.Is(err, test.want) {
					d.Errorf("from the start: got %v, want %v", err, test.want)
				}
				d.profileOf(other)
			})
		})
	}
}

func (d *desk) block(u tenant.User) {
	p := d.profileOf(u)
	p.Block = profile.Block{Blocked: true, At: d.Clock.Now()}
	_ = d.DB.SaveBlock(d.ctx, p)
}

func (d *desk) close(u tenant.User) {
	_ = d.DB.AddRequest(d.ctx, privacy.Request{ID: "close", User: u, Kind: privacy.Close, At: d.Clock.Now(), DueAt: d.Clock.Now()})
}

func (d *desk) unverify(u tenant.User) {
	p := d.profileOf(u)
	p.EmailVerified = false
	_ = d.DB.SaveEmail(d.ctx, p)
}

// Rule I-2: both sides are proven within ten minutes of the joining itself, not of its beginning.
func TestBothProofsAreFresh(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		u := d.withPassword("kim@work.example")
		p.Claims = verified("s", kim)
		old := d.signedIn(u)
		d.Clock.Advance(idp.LinkLifetime)
		token, err := d.weigh(p, "demo", u)
		if err != nil {
			d.Fatal(err)
		}
		if _, err := d.Join(d.ctx, old, token, laptop, false); !errors.Is(err, idp.ErrProofTooOld) {
			d.Errorf("an old proof here: got %v, want %v", err, idp.ErrProofTooOld)
		}
		if _, err := d.Join(d.ctx, session.Live{}, token, laptop, false); !errors.Is(err, idp.ErrProofTooOld) {
			d.Errorf("nobody: got %v, want %v", err, idp.ErrProofTooOld)
		}
		p.AuthAge = idp.LinkLifetime - time.Minute
		late, err := d.weigh(p, "demo", u)
		if err != nil {
			d.Fatal(err)
		}
		d.Clock.Advance(time.Minute)
		if _, err := d.Join(d.ctx, d.signedIn(u), late, laptop, false); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("a proof there that is too old by now: got %v, want %v", err, idp.ErrNotAsked)
		}
		p.AuthAge = idp.LinkLifetime
		_, err = d.Arrive(d.ctx, d.begin(p, idp.Beginning{Connection: "demo", Purpose: idp.Link, User: u}))
		if f, ok := errors.AsType[idp.Failure](err); !ok || f.Reason != idp.NotFresh {
			d.Errorf("an old proof there: got %v, want a failure for %q", err, idp.NotFresh)
		}
		if _, err := d.Join(d.ctx, d.signedIn(u), token, laptop, false); err != nil {
			d.Errorf("proven again: %v", err)
		}
	})
}

// Point 5 again: what was weighed in one browser, by one person, is of no use to another, nor later.
func TestComparisonBelongsToWhoAsked(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		u, eve := d.withPassword("kim@work.example"), d.withPassword("eve@example.org")
		p.Claims = verified("s", kim)
		token, err := d.weigh(p, "demo", u)
		if err != nil {
			d.Fatal(err)
		}
		for name, try := range map[string]func() error{
			"another person":  func() error { _, err := d.Compare(d.ctx, eve, token, laptop); return err },
			"another browser": func() error { _, err := d.Compare(d.ctx, u, token, "browser-2"); return err },
			"no browser":      func() error { _, err := d.Compare(d.ctx, u, token, ""); return err },
			"a made-up token": func() error { _, err := d.Compare(d.ctx, u, "x", laptop); return err },
		} {
			if err := try(); !errors.Is(err, idp.ErrNotAsked) {
				d.Errorf("%s: got %v, want ErrNotAsked", name, err)
			}
		}
		a, err := d.Arrive(d.ctx, d.begin(p, idp.Beginning{Connection: "demo", Purpose: idp.SignIn}))
		if err != nil {
			d.Fatal(err)
		}
		if _, err := d.Weigh(d.ctx, a, u, laptop); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("who came to sign in: got %v, want ErrNotAsked", err)
		}
		d.Clock.Advance(idp.LinkLifetime + time.Second)
		if _, err := d.Join(d.ctx, d.signedIn(u), token, laptop, false); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("too late: got %v, want ErrNotAsked", err)
		}
	})
}

// Rules I-1 and I-2: an identity is one of its tenant, and nothing that began in one tenant ends in another.
func TestTenantsShareNobody(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		f := d.Fixture
		f.Tenant.ID += "b"
		if err := f.DB.AddTenant(d.ctx, f.Tenant, nil); err != nil {
			d.Fatal(err)
		}
		other := newDeskWith(d.T, f, d.ring)
		d.connect(p, "demo")
		other.connect(p, "demo")
		p.Claims = verified("s", kim)
		here, there := d.mustEnter(p, "demo").User, other.mustEnter(p, "demo").User
		if here.ID != there.ID || here.Tenant == there.Tenant {
			d.Errorf("got %v and %v, want a profile in each", here, there)
		}
		if _, err := other.Arrive(other.ctx, d.begin(p, idp.Beginning{Connection: "demo"})); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("an answer to another tenant: got %v, want %v", err, idp.ErrNotAsked)
		}
		u := d.withPassword("kim@work.example")
		token, err := d.weigh(p, "demo", u)
		if err != nil {
			d.Fatal(err)
		}
		same := tenant.User{Tenant: f.Tenant.ID, ID: u.ID}
		if _, err := other.Join(other.ctx, other.signedIn(same), token, laptop, false); !errors.Is(err, idp.ErrNotAsked) {
			d.Errorf("a comparison of another tenant's: got %v, want %v", err, idp.ErrNotAsked)
		}
		if err := other.Unlink(other.ctx, there, "demo", "s"); !errors.Is(err, idp.ErrMain) {
			d.Errorf("taking it off there: got %v, want %v", err, idp.ErrMain)
		}
		d.link(p, "demo", u, false)
		if again := other.mustEnter(p, "demo").User; again != there {
			d.Errorf("linking here changed whom it leads to there: got %v", again)
		}
	})
}
