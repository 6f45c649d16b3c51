package main

import (
	"net/http"
	"strings"
	"testing"

	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/retention"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// GDPR articles 13(2)(a) and 15(1)(d): every page, letter and file says the periods of the one table, and nothing else.
func TestPeriodsAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.member(t)
		const path = "/admin/retention"
		p := mara.want(mara.get(path), http.StatusOK, path, "delete them yourself by then")
		form := formOf(t, p, path)
		if form.Has("days.files") || form.Get("days.backups") != "35" || form.Get("days.exports") != "30" {
			t.Errorf("got %v, want what can be chosen, and no more", form)
		}
		form.Set("days.files", "5")
		mara.want(mara.do(http.MethodPost, path, form), http.StatusUnprocessableEntity, path, "from 0 to 0")
		p = mara.send(mara.get(path), path, map[string]string{"days.audit": "400", "days.letters": "8", "days.backups": "20", "days.requests": "500", "days.exports": "9"})
		mara.want(p, http.StatusOK, path, "Saved.")

		ana.withdraws(map[string]string{"name": "Ana", "reference": "Order 4711"})
		p = ana.want(ana.get("/account/data/close"), http.StatusOK, "/account/data/close", "400 days")
		for _, text := range []string{"Up to 20 days", "Until we have answered, and 500 days more"} {
			ana.want(p, http.StatusOK, "/account/data/close", text)
		}
		person := "/admin/users/" + strings.ReplaceAll(w.user(t, anaAddress).ID, "|", "%7C") + "/close"
		mara.want(mara.get(person), http.StatusOK, strings.ReplaceAll(person, "%7C", "|"), "Up to 20 days")
		_, parts := ana.file(privacy.MyData)
		processing := page{body: parts["processing.html"]}.text()
		rows, err := w.portal.config.Retention.List(t.Context(), w.Tenant.ID)
		if err != nil || len(rows) != len(retention.Rules()) {
			t.Fatalf("got %d rows, %v", len(rows), err)
		}
		for _, text := range []string{
			"Audit log To see who did what 400 days", "Emails sent or given up To answer questions about delivery 8 days",
			"Backups To bring the service back after a failure 20 days", "Answered privacy requests To show that they were answered 500 days",
			"That such files were made To show what was handed out 9 days", "Sessions that ended Nothing after their end No longer than it lasts",
			"Protecting accounts: sessions, activity and failed sign-ins Legitimate interest, GDPR 6(1)(f) See “How long we keep what” below",
		} {
			if !strings.Contains(processing, text) {
				t.Errorf("got no %q in %s", text, processing)
			}
		}
		ana.send(ana.get("/account/data/close"), "/account/data/close", map[string]string{"confirm": anaAddress})
		if letter := w.letter(t, anaAddress, mail.AccountClosing); !strings.Contains(letter.Text, "for 400 days a record") {
			t.Errorf("got %s, want the period of the table", letter.Text)
		}
		w.tidies(t)
		if rows, _ := w.portal.config.Retention.List(t.Context(), w.Tenant.ID); !rows[len(rows)-1].RanAt.IsZero() || rows[0].RanAt.IsZero() {
			t.Errorf("got %+v, want every row looked at but the backups, which are not here", rows)
		}
	}, sellsContracts)
}

// What the page about closing says about a change of mind is what the tenant has set.
func TestClosingSaysHowLongOneMayThink(t *testing.T) {
	t.Parallel()
	for days, text := range map[int]string{0: "within minutes", 3: "For 3 days you can still change your mind", 30: "For 30 days"} {
		ana := newWorld(t, storetest.SQLite(t, func(s *tenant.Settings) { s.GraceDays = &days })).member(t)
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", text)
	}
}
