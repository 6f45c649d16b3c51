package idp_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"portico/internal/audit"
	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/keys"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// setup is what an administrator would write down to connect a provider.
func setup(p *idptest.Provider) idp.Setup {
	preset, _ := idp.PresetOf(idp.Custom)
	u := idp.SetupOf(preset.From(""))
	u.ID, u.Name, u.Issuer, u.ClientID, u.Secret = "demo", "Demo ID", p.Issuer, idptest.ClientID, idptest.Secret
	return u
}

func (d *desk) administrator() tenant.User {
	return tenant.User{Tenant: d.Tenant.ID, ID: "database|admin"}
}

func TestAddedConnectionLetsPeopleIn(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		p.Claims = map[string]any{"sub": "1", "email": "kim@example.org", "email_verified": true, "name": "Kim"}
		u := setup(p)
		u.Trust = true
		c, err := d.Add(d.ctx, d.administrator(), u)
		if err != nil {
			d.Fatal(err)
		}
		if bytes.Contains(c.Secret, []byte(idptest.Secret)) {
			d.Error("the secret is kept as it is")
		}
		d.mustEnter(p, "demo")
		if _, err := d.Add(d.ctx, d.administrator(), u); !refusedAt(err, idp.FieldID) {
			d.Errorf("the same again: got %v, want the short name refused", err)
		}
		u.Preset = "unknown"
		if _, err := d.Add(d.ctx, d.administrator(), u); !errors.Is(err, idp.ErrNotFound) {
			d.Errorf("an unknown preset: got %v, want %v", err, idp.ErrNotFound)
		}
	})
}

func refusedAt(err error, field string) bool {
	refused, ok := errors.AsType[valid.Errors](err)
	_, at := refused.On(field)
	return ok && at
}

func TestSetupIsChecked(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		for field, change := range map[string]func(*idp.Setup){
			idp.FieldID:       func(u *idp.Setup) { u.ID = "Demo ID" },
			idp.FieldName:     func(u *idp.Setup) { u.Name = " " },
			idp.FieldIssuer:   func(u *idp.Setup) { u.Issuer = "http://provider.example" },
			idp.FieldClientID: func(u *idp.Setup) { u.ClientID = "" },
			idp.FieldSecret:   func(u *idp.Setup) { u.Secret = strings.Repeat("x", idp.MaxSecret+1) },
			idp.FieldScopes:   func(u *idp.Setup) { u.Scopes = "email" },
			idp.FieldSync:     func(u *idp.Setup) { u.Sync = "never" },
			idp.FieldMapping:  func(u *idp.Setup) { u.Mapping = `{"attributes":{"blocked":"sub"}}` },
		} {
			u := setup(p)
			change(&u)
			if _, err := d.Add(d.ctx, d.administrator(), u); !refusedAt(err, field) {
				d.Errorf("%s: got %v, want it refused", field, err)
			}
		}
		if all, err := d.All(d.ctx); err != nil || len(all) != 0 {
			d.Errorf("got %d connections and %v, want none", len(all), err)
		}
		u := setup(p)
		u.Preset, u.Issuer = "microsoft", ""
		for directory, id := range map[string]string{
			"8EAEF023-2b34-4da1-9baa-8bc8c9d6a490": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "consumers": "9188040d-6c67-4c5b-b112-36a304b66dad",
		} {
			u.ID, u.Directory = "ms-"+id[:8], directory
			if c, err := d.Add(d.ctx, d.administrator(), u); err != nil || c.Issuer != "https://login.microsoftonline.com/"+id+"/v2.0" {
				d.Errorf("got issuer %q and %v, want the directory in it", c.Issuer, err)
			}
		}
		for _, directory := range []string{"", "contoso.example", "common", "8eaef023"} {
			u.ID, u.Directory = "again", directory
			if _, err := d.Add(d.ctx, d.administrator(), u); !refusedAt(err, idp.FieldDirectory) {
				d.Errorf("directory %q: got %v, want it refused", directory, err)
			}
		}
	})
}

func TestChangedConnectionKeepsWhatItIs(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		c, err := d.Add(d.ctx, d.administrator(), setup(p))
		if err != nil {
			d.Fatal(err)
		}
		u := idp.SetupOf(c)
		u.Name, u.Issuer, u.ID, u.Preset, u.Trust = "Demo", "https://evil.example", "other", "google", true
		if err := d.Change(d.ctx, d.administrator(), "demo", u); err != nil {
			d.Fatal(err)
		}
		got, err := d.Find(d.ctx, "demo")
		if err != nil || got.Name != "Demo" || !got.Trust || got.Issuer != p.Issuer || got.Preset != idp.Custom || !bytes.Equal(got.Secret, c.Secret) {
			d.Errorf("got %+v and %v, want name and trust alone changed", got, err)
		}
		events, err := d.DB.SearchEvents(d.ctx, d.Tenant.ID, audit.Filter{Limit: 5})
		if err != nil {
			d.Fatal(err)
		}
		if !slices.ContainsFunc(events, func(e audit.Event) bool {
			return e.Type == audit.ConnectionChanged && slices.Equal(e.Fields, []string{idp.FieldName, idp.FieldTrust}) && e.Actor.Kind == audit.ByAdmin
		}) {
			d.Errorf("got %+v, want who changed what", events)
		}
		u = idp.SetupOf(got)
		u.Enabled = false
		if err := d.Change(d.ctx, d.administrator(), "demo", u); err != nil {
			d.Fatal(err)
		}
		if _, err := d.Begin(d.ctx, idp.Beginning{Connection: "demo", Purpose: idp.SignIn, Browser: laptop}); !errors.Is(err, idp.ErrNotFound) {
			d.Errorf("switched off: got %v, want %v", err, idp.ErrNotFound)
		}
		if err := d.Change(d.ctx, d.administrator(), "nowhere", u); !errors.Is(err, idp.ErrNotFound) {
			d.Errorf("unknown: got %v, want %v", err, idp.ErrNotFound)
		}
	})
}

// Row 77: a secret opens with an older key, is sealed anew with the newest, and outlives the older one.
func TestSecretOutlivesItsKey(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		older, newest := keys.Generate(), keys.Generate()
		with := func(secrets ...[]byte) *desk {
			ring, err := keys.New(secrets...)
			if err != nil {
				d.Fatal(err)
			}
			return d.with(ring)
		}
		before, both, after := with(older), with(newest, older), with(newest)
		if _, err := before.Add(d.ctx, d.administrator(), setup(p)); err != nil {
			d.Fatal(err)
		}
		both.tried("with both keys", map[idp.Step]idp.Reason{idp.StepClient: ""})
		after.tried("too early", map[idp.Step]idp.Reason{idp.StepClient: idp.Sealed})
		for _, one := range []*desk{after, both, both} {
			if err := one.Reseal(d.ctx, d.Tenant.ID); err != nil {
				d.Fatal(err)
			}
		}
		after.tried("with the newest alone", map[idp.Step]idp.Reason{idp.StepClient: ""})
		before.tried("with the older alone", map[idp.Step]idp.Reason{idp.StepClient: idp.Sealed})
	})
}

func TestConnectionIsTested(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		if _, err := d.Add(d.ctx, d.administrator(), setup(p)); err != nil {
			d.Fatal(err)
		}
		d.tried("an honest provider", map[idp.Step]idp.Reason{idp.StepDescription: "", idp.StepPKCE: "", idp.StepKeys: "", idp.StepClient: ""})
		p.Metadata = map[string]any{"code_challenge_methods_supported": []string{"plain"}}
		d.tried("without PKCE", map[idp.Step]idp.Reason{idp.StepPKCE: idp.NoPKCE})
		p.Metadata = map[string]any{"issuer": p.Issuer + "/"}
		d.tried("another name", map[idp.Step]idp.Reason{idp.StepDescription: idp.Issuer})
		p.Metadata = map[string]any{"token_endpoint": "http://provider.example/token"}
		d.tried("an unsafe address", map[idp.Step]idp.Reason{idp.StepDescription: idp.Insecure})
		p.Metadata = nil
		p.Instead["/keys"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }
		d.tried("no keys", map[idp.Step]idp.Reason{idp.StepKeys: idp.Rubbish})
		delete(p.Instead, "/keys")
		u := setup(p)
		u.Secret = "wrong"
		if err := d.Change(d.ctx, d.administrator(), "demo", u); err != nil {
			d.Fatal(err)
		}
		d.tried("a wrong secret", map[idp.Step]idp.Reason{idp.StepDescription: "", idp.StepClient: idp.Stranger})
	})
}

// tried tests the connection and compares how the steps went.
func (d *desk) tried(behaviour string, want map[idp.Step]idp.Reason) {
	d.Helper()
	tried, err := d.Test(d.ctx, "demo")
	if err != nil {
		d.Fatal(err)
	}
	for step, reason := range want {
		i := slices.IndexFunc(tried, func(one idp.Tried) bool { return one.Step == step })
		if i < 0 || tried[i].Reason != reason {
			d.Errorf("%s: got %v, want %q at %s", behaviour, tried, reason, step)
		}
	}
}

func TestConnectionThatPeopleUseStays(t *testing.T) {
	onEach(t, func(d *desk, p *idptest.Provider) {
		if _, err := d.Add(d.ctx, d.administrator(), setup(p)); err != nil {
			d.Fatal(err)
		}
		d.mustEnter(p, "demo")
		if err := d.Remove(d.ctx, d.administrator(), "demo"); !errors.Is(err, idp.ErrInUse) {
			d.Errorf("got %v, want %v", err, idp.ErrInUse)
		}
		unused := setup(p)
		unused.ID = "unused"
		if _, err := d.Add(d.ctx, d.administrator(), unused); err != nil {
			d.Fatal(err)
		}
		if err := d.Remove(d.ctx, d.administrator(), "unused"); err != nil {
			d.Error(err)
		}
		if all, err := d.All(d.ctx); err != nil || len(all) != 1 || all[0].ID != "demo" {
			d.Errorf("got %v and %v, want demo alone", all, err)
		}
		if err := d.Remove(d.ctx, d.administrator(), "unused"); !errors.Is(err, idp.ErrNotFound) {
			d.Errorf("got %v, want %v", err, idp.ErrNotFound)
		}
	})
}

func TestPreviewSaysWhatASampleBecomes(t *testing.T) {
	onEach(t, func(d *desk, _ *idptest.Provider) {
		got, err := d.Preview(`{"attributes":{"name":"display"}}`, `{"sub":"7","display":"Kim","email":"kim@example.org","email_verified":true,"x":1}`, false)
		if err != nil || got.Name != "Kim" || got.Subject != "7" || got.EmailVerified || string(got.Data["x"]) != "1" {
			d.Errorf("got %+v and %v", got, err)
		}
		if got, err = d.Preview("", `{"sub":"7","email":"kim@example.org","email_verified":true}`, true); err != nil || !got.EmailVerified {
			d.Errorf("got %+v and %v, want the trusted word believed", got, err)
		}
		for sample, want := range map[string]error{"[]": idp.ErrSample, "": idp.ErrSample, "{}": idp.ErrNoSubject} {
			if _, err := d.Preview("", sample, false); !errors.Is(err, want) {
				d.Errorf("%q: got %v, want %v", sample, err, want)
			}
		}
	})
}
