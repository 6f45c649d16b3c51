package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/idp"
	"portico/internal/profile"
)

// Rule I-6: an administrator sees by which identities somebody signs in, and never a token of the provider's.
func TestAdministratorSeesIdentities(t *testing.T) {
	onEach(t, func(s *site) {
		root := s.administrator()
		ana := s.person("ana@example.org", oldSecret)
		tab := "/admin/users/" + strings.ReplaceAll(ana.ID, "|", "%7C") + "/security"
		root.open(tab).wants(t, "who has none", http.StatusOK, word(t, "identities.title"), word(t, "identities.none"))

		p := s.provider("demo")
		p.Claims = map[string]any{
			"sub": "sub-<b>1</b>", "email": "kim@example.org", "email_verified": true, "shoe": map[string]any{"size": 39}, "motto": "</pre><script>x</script>",
			"access_token": "a-token-of-theirs", "refresh_token": "another-token", "huge": strings.Repeat("x", profile.MaxMetadata),
		}
		s.browser(elsewhere).signInBy(p, "demo")
		kims := s.whose("kim@example.org", "demo").User
		main, err := s.DB.Identities(s.Context(), kims)
		s.do(err)
		s.Clock.Advance(time.Minute)
		linked := idp.Linked{User: kims, Connection: "demo", Identity: idp.Identity{Subject: "sub-2"}, CreatedAt: s.Clock.Now(), SeenAt: s.Clock.Now()}
		s.do(s.DB.AddIdentity(s.Context(), linked))

		tab = "/admin/users/" + strings.ReplaceAll(kims.ID, "|", "%7C") + "/security"
		shown := root.open(tab).wants(t, "who has two", http.StatusOK, "Demo ID", "oidc", "sub-&lt;b&gt;1&lt;/b&gt;", "sub-2", word(t, "identities.main"),
			word(t, "identities.linked"), "&#34;size&#34;: 39", word(t, "connections.preview.left"), "huge",
			main[0].SeenAt.Format(time.DateTime), linked.SeenAt.Format(time.DateTime))
		if strings.Contains(shown.body, "a-token-of-theirs") || strings.Contains(shown.body, "another-token") || strings.Contains(shown.body, "<script>x") {
			t.Error("shows a token, or runs what a provider wrote")
		}
		if strings.Contains(root.open("/admin/users/"+strings.ReplaceAll(ana.ID, "|", "%7C")+"/security").body, "sub-2") {
			t.Error("shows an identity to whom it does not belong")
		}
	})
}
