package idp_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
)

// Rule I-4.
func TestUnlinking(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		p.Claims = verified("s", kim)
		before := d.mustEnter(p, "demo").User
		u := d.withPassword("kim@work.example", func(p *profile.Profile) { p.UserMetadata = profile.Metadata{"lang": json.RawMessage(`"fr"`)} })
		d.link(p, "demo", u, false)
		opened := d.mustEnter(p, "demo")
		if err := d.Unlink(d.ctx, d.withPassword("eve@example.org"), "demo", "s"); !errors.Is(err, idp.ErrNotFound) {
			d.Errorf("somebody else: got %v, want ErrNotFound", err)
		}
		d.tray.letters = nil
		reset := d.resets(u)
		if err := d.Unlink(d.ctx, u, "demo", "s"); err != nil {
			d.Fatal(err)
		}
		d.voided(reset)
		d.mailed("account_unlinked to kim@work.example", "account_unlinked to "+kim)
		if _, err := d.sessions.Find(d.ctx, d.Tenant.ID, opened.ID); !errors.Is(err, session.ErrNone) {
			d.Errorf("a session that it opened: got %v, want it ended", err)
		}
		own := d.mustEnter(p, "demo").User
		if own == u || own == before || !strings.HasPrefix(own.ID, "oidc|demo|") {
			d.Errorf("the identity leads to %s, want an account that nobody had", own.ID)
		}
		if got := d.profileOf(own); got.Email != kim || !got.EmailVerified || got.Name != "Kim Berg" || len(got.UserMetadata) != 0 {
			d.Errorf("got %+v, want a fresh account", got)
		}
		if err := d.Unlink(d.ctx, u, "demo", "s"); !errors.Is(err, idp.ErrNotFound) {
			d.Errorf("a second time: got %v, want ErrNotFound", err)
		}
	})
}

// Rule I-4: neither what an account came from nor the last way in can be taken off.
func TestWhatCannotBeUnlinked(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		main := d.connect(p, "main")
		d.connect(p, "demo")
		p.Claims = verified("s", kim)
		u := d.mustEnter(p, "main").User
		d.link(p, "demo", u, false)
		if err := d.Unlink(d.ctx, u, "main", "s"); !errors.Is(err, idp.ErrMain) {
			d.Errorf("the main one: got %v, want %v", err, idp.ErrMain)
		}
		main.Enabled = false
		if err := d.DB.SaveConnection(d.ctx, main); err != nil {
			d.Fatal(err)
		}
		if err := d.Unlink(d.ctx, u, "demo", "s"); !errors.Is(err, idp.ErrLastWay) {
			d.Errorf("the last way: got %v, want %v", err, idp.ErrLastWay)
		}
		attached, err := d.AttachedTo(d.ctx, u)
		if err != nil || len(attached) != 2 || !errors.Is(attached[0].Bound, idp.ErrMain) || !errors.Is(attached[1].Bound, idp.ErrLastWay) {
			d.Errorf("got %+v and %v", attached, err)
		}
		main.Enabled = true
		if err := d.DB.SaveConnection(d.ctx, main); err != nil {
			d.Fatal(err)
		}
		if err := d.Unlink(d.ctx, u, "demo", "s"); err != nil {
			d.Error(err)
		}
	})
}

// Rule I-2: a shared address is a hint, where both have proved it.
func TestSuggestion(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		d.connect(p, "demo")
		d.connect(p, "other")
		u := d.withPassword(kim)
		d.suggests(u)
		p.Claims = verified("s", kim)
		p.Claims["email_verified"] = false
		d.mustEnter(p, "other")
		d.suggests(u)
		p.Claims["email_verified"] = true
		there := d.mustEnter(p, "demo").User
		d.suggests(u, "demo")
		d.suggests(there, profile.Database)
		d.link(p, "demo", u, false)
		d.suggests(u)
		d.unverify(u)
		d.suggests(u)
	})
}

func (d *desk) suggests(u tenant.User, want ...string) {
	d.Helper()
	p := d.profileOf(u)
	live := session.Live{Session: session.Session{User: u}, Person: session.Person{Email: p.Email, EmailVerified: p.EmailVerified}}
	if got, err := d.Suggested(d.ctx, live); err != nil || !slices.Equal(got, want) {
		d.Errorf("got %v and %v, want %v", got, err, want)
	}
}
