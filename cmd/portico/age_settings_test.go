package main

import (
	"net/http"
	"strings"
	"testing"

	"portico/internal/audit"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// TestAgeSettings sets the question, sees the table with its source, and what is wrong with an answer.
func TestAgeSettings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		const path = "/admin/settings"
		mara := w.administrator(t, "mara@example.org")
		p := mara.get(path)
		for _, says := range []string{"EU Comrules", "2020", "Slovenia is missing", "not the age from which somebody can make contracts", "Spain", "Another country"} {
			mara.want(p, http.StatusOK, path, says)
		}
		p = mara.want(settingsSent(t, mara, p, map[string]any{"age_ask": "on", "age_under": "x", "age_country": "PT"}), http.StatusUnprocessableEntity, path, "Fill in this field")
		if got := formOf(t, p, path); got.Get("age_ask") != "on" || got.Get("age_country") != "PT" {
			t.Errorf("got %v, want what was chosen", got)
		}
		p = mara.want(settingsSent(t, mara, p, map[string]any{"age_under": "close", "age_country": "XX"}), http.StatusUnprocessableEntity, path, "Choose a country")
		mara.want(settingsSent(t, mara, p, map[string]any{"age_under": "guardian", "age_country": "PT"}), http.StatusOK, path, "The settings are saved.")
		saved, err := f.DB.FindSettings(t.Context(), f.Tenant.ID, false)
		if want := (tenant.AgePolicy{Ask: true, Under: tenant.AgeGuardian, Country: "PT"}); err != nil || saved.Age != want {
			t.Errorf("got %+v, %v, want %+v", saved.Age, err, want)
		}
		events, err := w.portal.config.Audit.Search(t.Context(), f.Tenant.ID, audit.Filter{Types: []audit.Type{audit.SettingsChanged}, Limit: 1})
		if err != nil || len(events) != 1 || !strings.Contains(strings.Join(events[0].Fields, " "), "age") {
			t.Errorf("got %+v, %v, want the change on record", events, err)
		}
		ana := w.visitor(t)
		p = ana.want(ana.signUp(anaAddress), http.StatusOK, "/age", "")
		if got := formOf(t, p, "/age").Get("country"); got != "PT" {
			t.Errorf("got %q, want the tenant's country", got)
		}
		mara.want(mara.get("/admin"), http.StatusOK, "/admin", "") // administrators are not asked
	})
}
