package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/profile"
)

// administrator signs somebody in who administers the site.
func (s *site) administrator() *browser {
	s.Helper()
	s.person("root@example.org", oldSecret, func(p *profile.Profile) { p.Role = profile.RoleAdmin })
	b := s.browser(home)
	b.signIn("root@example.org", oldSecret)
	return b
}

func demoFields(p *idptest.Provider) []string {
	return []string{
		idp.FieldID, "demo", idp.FieldName, "Demo ID", idp.FieldIssuer, p.Issuer, idp.FieldClientID, idptest.ClientID, idp.FieldSecret, idptest.Secret,
		idp.FieldScopes, "openid email", idp.FieldSync, string(idp.EachLogin), idp.FieldEnabled, "on", idp.FieldSignUp, "on", idp.FieldTrust, "on",
		idp.FieldMapping, `{"attributes":{"nickname":"handle"}}`,
	}
}

func TestAdministratorConnectsAProvider(t *testing.T) {
	onEach(t, func(s *site) {
		p := idptest.New(s.T)
		p.Now = s.Clock.Now
		p.Claims = map[string]any{"sub": "sub-1", "email": kim, "email_verified": true, "name": "Kim Berg", "handle": "kimmy"}
		root := s.administrator()
		root.open("/admin/connections").wants(t, "the empty list", http.StatusOK, word(t, "connections.none"), "GitHub", "Apple", "Microsoft", "Google")
		root.open("/admin/connect/nothing").wants(t, "an unknown preset", http.StatusNotFound)
		root.open("/admin/connect/apple").wants(t, "Apple's form", http.StatusOK, word(t, "connections.team"), s.Tenant.Origin+"/login/callback/apple")
		root.open("/admin/connect/oidc").wants(t, "the form", http.StatusOK, word(t, "connections.issuer"), word(t, "connections.mapping.usual"), "surname")
		refused := root.submit("/admin/connect/oidc", append(demoFields(p), idp.FieldScopes, "email", idp.FieldMapping, "{")...)
		refused.wants(t, "a refused form", http.StatusUnprocessableEntity, word(t, "err.connection.openid"), word(t, "err.mapping.json"), p.Issuer)
		if strings.Contains(refused.body, idptest.Secret) {
			t.Error("the secret is put back into the page")
		}
		empty := root.submit("/admin/connect/oidc", append(demoFields(p), idp.FieldName, "", idp.FieldClientID, "")...)
		empty.wants(t, "an empty form", http.StatusUnprocessableEntity, word(t, "err.connection.name"), word(t, "err.connection.client"))
		if strings.Contains(root.open("/admin/connect/google").body, "Apple") {
			t.Error("the form of one provider speaks of another")
		}
		root.open("/admin/connect/oidc")
		saved := root.follow(root.submit("/admin/connect/oidc", demoFields(p)...))
		saved.wants(t, "saving", http.StatusOK, word(t, "admin.saved"), s.Tenant.Origin+"/login/callback/demo", word(t, "connections.secret.keep"), "handle")
		if strings.Contains(saved.body, idptest.Secret) {
			t.Error("the secret is shown")
		}
		root.open("/admin/connections").wants(t, "the list", http.StatusOK, "Demo ID", word(t, "connections.on"))
		s.browser(elsewhere).signInBy(p, "demo").wants(t, "a person", http.StatusOK, "kimmy")
	})
}

func TestAdministratorTestsAConnection(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		root := s.administrator()
		root.open("/admin/connections/demo")
		good := root.submit("/admin/connections/demo/test").wants(t, "an honest provider", http.StatusOK, word(t, "connections.step.client"),
			s.Tenant.Origin+"/login/callback/demo", word(t, "connections.back", "name", "Demo ID"))
		if strings.Contains(good.body, word(t, "connections.fails")) {
			t.Errorf("something fails: %s", plainText(good.body))
		}
		p.Metadata = map[string]any{"issuer": p.Issuer + "/"}
		root.submit("/admin/connections/demo/test").wants(t, "a provider of another name", http.StatusOK, word(t, "connections.reason.issuer"))
		root.submit("/admin/connections/none/test").wants(t, "no such connection", http.StatusNotFound)
	})
}

func TestMappingIsPreviewed(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		root := s.administrator()
		root.open("/admin/connections/demo")
		fields := append(demoFields(p), "do", "preview", idp.FieldMapping, `{"attributes":{"nickname":"login"}}`)
		shown := root.submit("/admin/connections/demo", append(fields, "sample", `{"sub":"77","login":"octo","email":"o@example.org","shoe":{"size":39}}`)...)
		shown.wants(t, "the preview", http.StatusOK, word(t, "connections.preview.title"), "octo", "77", "shoe", "false")
		if n := strings.Count(shown.body, word(t, "connections.preview.given")); n != 1 {
			t.Errorf("got %d attributes that the provider owns, want the nickname alone", n)
		}
		const verified = `{"sub":"77","email":"o@example.org","email_verified":true,"phone_number":"+351912345678"}`
		trusted := root.submit("/admin/connections/demo", append(fields, "sample", verified)...).wants(t, "a verified address", http.StatusOK, "phone_verified")
		if strings.Contains(trusted.body, word(t, "connections.preview.untrusted")) {
			t.Error("a provider that is believed is called one that is not")
		}
		var doubted []string
		for i := 0; i < len(fields); i += 2 {
			if fields[i] != idp.FieldTrust {
				doubted = append(doubted, fields[i], fields[i+1])
			}
		}
		root.submit("/admin/connections/demo", append(doubted, "sample", verified)...).
			wants(t, "a provider that is not believed", http.StatusOK, word(t, "connections.preview.untrusted"))
		first := root.submit("/admin/connections/demo", append(fields, "sample", `{"sub":"77","login":"octo"}`, idp.FieldSync, string(idp.FirstLogin))...)
		if strings.Contains(first.body, word(t, "connections.preview.given")) {
			t.Error("what is copied once is the person's own")
		}
		if !strings.Contains(root.open("/admin/connect/google").body, `href="/admin/connections" aria-current="page"`) {
			t.Error("the navigation does not say where one is")
		}
		root.submit("/admin/connections/demo", append(fields, "sample", "nothing")...).wants(t, "no sample", http.StatusUnprocessableEntity, word(t, "err.sample"))
		if known, err := s.DB.FindConnection(s.Context(), s.Tenant.ID, "demo"); err != nil || len(known.Mapping.Attributes) != 0 {
			t.Errorf("a preview changed the connection: %+v, %v", known.Mapping, err)
		}
	})
}

func TestConnectionIsSwitchedOffAndRemoved(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		root := s.administrator()
		person := s.browser(elsewhere)
		person.signInBy(p, "demo")
		root.open("/admin/connections/demo")
		root.submit("/admin/connections/demo/remove").wants(t, "removing it", http.StatusUnprocessableEntity, word(t, "connections.used"))
		var off []string
		for i, one := range demoFields(p) {
			if i%2 == 0 && one != idp.FieldEnabled && one != idp.FieldSecret {
				off = append(off, one, demoFields(p)[i+1])
			}
		}
		root.submit("/admin/connections/demo", off...).wants(t, "a form that waited and lost its secret", http.StatusOK, word(t, "connections.secret"))
		root.follow(root.submit("/admin/connections/demo", append(off, idp.FieldSecret, "")...)).wants(t, "switching it off", http.StatusOK, word(t, "admin.saved"))
		if strings.Contains(s.browser(home).open("/login").body, "Demo ID") {
			t.Error("it is still offered")
		}
		person.open("/login")
		s.provider("unused")
		root.open("/admin/connections/unused")
		root.follow(root.submit("/admin/connections/unused/remove")).wants(t, "removing another", http.StatusOK, word(t, "connections.removed"))
		root.open("/admin/connections/unused").wants(t, "afterwards", http.StatusNotFound)
	})
}

// Row 75: who administers proves it again before anything is written; the secret does not wait in the session.
func TestConnectionsNeedAFreshProof(t *testing.T) {
	onEach(t, func(s *site) {
		p := s.provider("demo")
		root := s.administrator()
		root.open("/admin/connections/demo")
		for range 2 {
			s.Clock.Advance(10 * time.Minute)
			root.open("/admin/connections/demo")
		}
		root.follow(root.submit("/admin/connections/demo", demoFields(p)...)).wants(t, "an old proof", http.StatusOK, word(t, "reauth.title"))
		resume := root.follow(root.submit("/reauth", "password", oldSecret, "return_to", "/resume")).wants(t, "going on", http.StatusOK, "Demo ID")
		if strings.Contains(resume.body, idptest.Secret) {
			t.Error("the secret waited in the session")
		}
		guest := s.browser(elsewhere)
		guest.open("/admin/connections").wants(t, "a stranger", http.StatusNotFound)
	})
}
