package profile_test

import (
	"slices"
	"strings"
	"testing"

	"portico/internal/profile"
	"portico/internal/tenant"
)

func withUsernames(access tenant.Access) tenant.Tenant {
	return tenant.Tenant{Settings: tenant.Settings{Attributes: map[string]tenant.AttributePolicy{profile.FieldUsername: {Access: access}}}}
}

// Rule P-1.
func TestUsernamesHaveAForm(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Ana.Ferreira": "ana.ferreira", " ana ": "ana", "a": "a", "": "", "fifteen-letters": "fifteen-letters", "a'b+c~d_e`f#g!h": "a'b+c~d_e`f#g!h",
		"sixteen--letters": "refused", "ána": "refused", "two words": "refused", "a/b": "refused", "a@example.org": "refused", "a@b": "a@b", "日本": "refused",
	} {
		p := profile.Profile{Name: "Ana", Username: "before"}
		corrected, _, err := profile.Corrected(withUsernames(tenant.ReadOnly), p, map[string]string{"username": typed})
		got := corrected.Username
		if err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%q: got %q, %v, want %q", typed, got, err, want)
		}
	}
}

func TestUsernamesAreOnlyWhereTheTenantUsesThem(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("imported", 8)
	for name, c := range map[string]struct {
		tenant                tenant.Tenant
		has                   string
		correctable, editable bool
	}{
		"not in use":           {tenant.Tenant{}, "", false, false},
		"brought from abroad":  {tenant.Tenant{}, long, true, false},
		"administrators alone": {withUsernames(tenant.ReadOnly), "", true, false},
		"people themselves":    {withUsernames(tenant.ReadWrite), "", true, true},
	} {
		p := profile.Profile{Name: "Ana", Username: c.has}
		if got := slices.Contains(profile.Correctable(c.tenant, p), profile.FieldUsername); got != c.correctable {
			t.Errorf("%s: administrators: got %t, want %t", name, got, c.correctable)
		}
		if got := slices.Contains(profile.Editable(c.tenant), profile.FieldUsername); got != c.editable {
			t.Errorf("%s: people: got %t, want %t", name, got, c.editable)
		}
		corrected, _, err := profile.Corrected(c.tenant, p, map[string]string{"username": c.has, "nickname": "Nana"})
		if err != nil || corrected.Username != c.has || corrected.Nickname != "Nana" {
			t.Errorf("%s: got %q, %v, want the username to stay as it is", name, corrected.Username, err)
		}
	}
}
