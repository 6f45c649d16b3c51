package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/internal/admin"
	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// sellsContracts switches the withdrawal function on.
func sellsContracts(s *tenant.Settings) {
	s.Withdrawal, s.Locales = true, []string{"en", "de", "es", "fr", "pt", "pl", "ar", "ja"}
}

// withdrawal is a statement as it is typed.
func withdrawal(contract, email string) map[string]string {
	return map[string]string{"name": "Rui Costa", "reference": contract, "email": email}
}

// withdraws types a statement, and confirms it.
func (v *visitor) withdraws(fields map[string]string) page {
	v.t.Helper()
	p := v.send(v.get("/withdraw"), "/withdraw", fields)
	v.want(p, http.StatusOK, "/withdraw", "Nothing is sent yet")
	return v.send(p, "/withdraw/confirm", nil)
}

// The module is off until the tenant switches it on; then it is on every page, in the words of the directive.
func TestWithdrawalIsSwitchedOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		mara, ana, stranger := w.administrator(t, "mara@example.org"), w.member(t), w.visitor(t)
		token := formOf(t, stranger.get("/login"), "/login").Get("form_token")
		for _, r := range routes(t) {
			if !strings.HasPrefix(r.path, "/withdraw") {
				continue
			}
			form := withdrawalForm(token)
			if r.method == http.MethodGet {
				form = nil
			}
			if p := stranger.do(r.method, r.path, form); p.status != http.StatusNotFound {
				t.Errorf("%s %s: got %d while it is off, want 404", r.method, r.path, p.status)
			}
		}
		places := []string{"/login", "/help", "/terms", "/terms/terms", "/blocked", "/nowhere"}
		for _, path := range append(places, "/account/data") {
			if p := ana.get(path); strings.Contains(p.body, "/withdraw") {
				t.Errorf("%s leads to what is off", path)
			}
		}
		p := settingsSent(t, mara, mara.get("/admin/settings"), map[string]any{"withdrawal": "on"})
		p = mara.want(p, http.StatusOK, "/admin/settings", "The settings are saved.")
		if formOf(t, p, "/admin/settings").Get("withdrawal") != "on" {
			t.Error("the box is not ticked")
		}
		for _, path := range places {
			if p := stranger.get(path); !strings.Contains(p.text(), "Withdraw from contract here") {
				t.Errorf("%s does not lead there", path)
			}
		}
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "Withdraw from a contract")
		stranger.want(stranger.get("/withdraw"), http.StatusOK, "/withdraw", "Withdraw from contract here")
		p = settingsSent(t, mara, mara.get("/admin/settings"), map[string]any{"withdrawal": nil})
		mara.want(p, http.StatusOK, "/admin/settings", "")
		stranger.want(stranger.get("/withdraw"), http.StatusNotFound, "/withdraw", "")
	})
}

func withdrawalForm(token string) map[string][]string {
	return map[string][]string{"form_token": {token}, "name": {"Rui"}, "reference": {"4711"}, "email": {"rui@example.org"}}
}

// Directive 2011/83/EU, article 11a: a statement, a second step that shows it, an acknowledgement with its content and time.
func TestStrangersWithdraw(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, rui := w.administrator(t, "mara@example.org"), w.visitor(t)
		p := rui.want(rui.get("/withdraw"), http.StatusOK, "/withdraw", "without giving a reason")
		p = rui.send(p, "/withdraw", map[string]string{"name": "Rui Costa", "reference": " ", "email": "rui@"})
		p = rui.want(p, http.StatusUnprocessableEntity, "/withdraw", "name@example.org")
		if form := formOf(t, p, "/withdraw"); form.Get("name") != "Rui Costa" || form.Get("email") != "rui@" {
			t.Errorf("got %v, want what was typed", form)
		}
		if faults := faultsOf(p); len(faults) > 0 {
			t.Errorf("got %v", faults)
		}
		check := rui.send(p, "/withdraw", withdrawal("Order 4711\r\nonly the lamp", "rui@example.org"))
		for _, text := range []string{"Check your withdrawal", "Rui Costa", "only the lamp", "rui@example.org", "Confirm withdrawal"} {
			rui.want(check, http.StatusOK, "/withdraw", text)
		}
		if faults := faultsOf(check); len(faults) > 0 {
			t.Errorf("got %v", faults)
		}
		again := formOf(t, check, "/withdraw")
		again.Set("change", "yes")
		if form := formOf(t, rui.do(http.MethodPost, "/withdraw", again), "/withdraw"); form.Get("reference") != "Order 4711\nonly the lamp" {
			t.Errorf("got %v, want the statement again, to change it", form)
		}
		rui.want(rui.get("/withdraw/received"), http.StatusOK, "/withdraw", "")
		if len(w.requests(t)) != 0 || w.lettersOf("rui@example.org", mail.WithdrawalReceived) != 0 {
			t.Fatal("something was sent before it was confirmed")
		}
		at := f.Clock.Now()
		p = rui.want(rui.send(check, "/withdraw/confirm", nil), http.StatusOK, "/withdraw/received", "We received your withdrawal")
		for _, text := range []string{at.Format("2 Jan 2006, 15:"), "(UTC)", "Rui Costa", "only the lamp", "We answer by " + at.AddDate(0, 0, 14).Format("2 January 2006")} {
			rui.want(p, http.StatusOK, "/withdraw/received", text)
		}
		f.Clock.Advance(2 * time.Minute)
		twice := rui.send(check, "/withdraw/confirm", nil)
		if rui.want(twice, http.StatusOK, "/withdraw/received", ""); twice.text() != p.text() {
			t.Errorf("got %s, want what was answered first:\n%s", twice.text(), p.text())
		}
		open := w.requests(t)
		if len(open) != 1 || !open[0].User.IsZero() || open[0].DueAt.Sub(open[0].At) != 14*24*time.Hour {
			t.Fatalf("got %+v, want one request of nobody, due in 14 days", open)
		}
		letter := w.letter(t, "rui@example.org", mail.WithdrawalReceived)
		for _, text := range []string{"> Order 4711\n> only the lamp\n", "> Name: Rui Costa\n", "rui@example.org", at.Format("2 Jan 2006, 15:"), "Hello,\n"} {
			if !strings.Contains(letter.Text, text) {
				t.Errorf("got no %q in %s", text, letter.Text)
			}
		}
		if n := w.lettersOf("rui@example.org", mail.WithdrawalReceived); n != 1 {
			t.Errorf("got %d letters, want one", n)
		}
		events, err := w.portal.config.Audit.Search(t.Context(), w.Tenant.ID, audit.Filter{Types: []audit.Type{audit.CaseOpened}, Limit: 9})
		if err != nil || len(events) != 1 || strings.Join(events[0].Fields, " ") != "withdrawal" {
			t.Errorf("got %+v, %v, want it in the record", events, err)
		}
		w.answersWithdrawal(t, mara, open[0])
	}, sellsContracts)
}

// answersWithdrawal has an administrator find the request of Rui, refuse the answer that says nothing, and refuse.
func (w *world) answersWithdrawal(t *testing.T, mara *visitor, r privacy.Request) {
	t.Helper()
	one := "/admin/requests/" + r.ID
	mara.want(mara.get("/admin/requests?kind=withdrawal"), http.StatusOK, "/admin/requests", "rui@example.org")
	p := mara.want(mara.get(one), http.StatusOK, one, "Rui Costa")
	mara.want(p, http.StatusOK, one, "14 days")
	if strings.Contains(p.body, "Take more time") {
		t.Error("a withdrawal can wait longer than its term")
	}
	p = mara.want(mara.send(p, one, map[string]string{"answer": " ", "outcome": "refused"}), http.StatusUnprocessableEntity, one, "")
	p = mara.send(p, one, map[string]string{"answer": "The lamp was made to your measure.", "outcome": "refused"})
	mara.want(p, http.StatusOK, "/admin/requests", "Nobody waits for an answer.")
	letter := w.letter(t, "rui@example.org", mail.WithdrawalAnswered)
	for _, text := range []string{"is not accepted", "> The lamp was made to your measure.", "consumer organisation"} {
		if !strings.Contains(letter.Text, text) {
			t.Errorf("got no %q in %s", text, letter.Text)
		}
	}
	mara.want(mara.get("/admin/requests?state=answered"), http.StatusOK, "/admin/requests", "Refused")
}

// In every language the function is called as the directive calls it, and the letter is in that language.
func TestWithdrawalSpeaksEveryLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t, sellsContracts))
	for lang, words := range map[string][2]string{
		"en": {"Withdraw from contract here", "Confirm withdrawal"}, "de": {"Vertrag widerrufen", "Widerruf bestätigen"},
		"fr": {"Renoncer au contrat ici", "Confirmer la rétractation"}, "es": {"Desistir del contrato aquí", "Confirmar el desistimiento"},
		"pt": {"Resolver o contrato aqui", "Confirmar a resolução"}, "pl": {"Odstąp od umowy tutaj", "Potwierdź odstąpienie od umowy"},
		"ar": {"العدول عن العقد هنا", "تأكيد العدول"}, "ja": {"ここから契約を撤回", "撤回を確定する"},
	} {
		v := w.visitor(t)
		v.lang = lang
		p := v.want(v.get("/withdraw"), http.StatusOK, "/withdraw", words[0])
		p = v.want(v.send(p, "/withdraw", withdrawal("4711", lang+"@example.org")), http.StatusOK, "/withdraw", words[1])
		v.want(v.send(p, "/withdraw/confirm", nil), http.StatusOK, "/withdraw/received", "4711")
		if letter := w.letter(t, lang+"@example.org", mail.WithdrawalReceived); letter.Language != lang {
			t.Errorf("got the letter in %s, want %s", letter.Language, lang)
		}
	}
}

// Who is signed in types only the contract, finds the request among the others, and hears of it in their own time.
func TestPeopleWithdraw(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.member(t)
		ana.send(ana.get("/account/profile"), "/account/profile", map[string]string{"name": "Ana Ferreira", "zoneinfo": "Asia/Tokyo"})
		p := ana.get("/withdraw")
		if form := formOf(t, p, "/withdraw"); form.Get("name") != "Ana Ferreira" || form.Get("email") != anaAddress {
			t.Errorf("got %v, want what is known filled in", form)
		}
		at := f.Clock.Now().In(mustZone(t, "Asia/Tokyo"))
		p = ana.withdraws(map[string]string{"reference": "Order 4711"})
		ana.want(p, http.StatusOK, "/withdraw/received", at.Format("2 Jan 2006, 15:"))
		p = ana.withdraws(map[string]string{"reference": "Order 4711"}) // while it waits it is the same
		ana.want(p, http.StatusOK, "/withdraw/received", "Order 4711")
		if n := len(w.requests(t)); n != 1 {
			t.Fatalf("got %d requests, want one", n)
		}
		letter := w.letter(t, anaAddress, mail.WithdrawalReceived)
		if !strings.Contains(letter.Text, at.Format("2 Jan 2006, 15:")) || !strings.Contains(letter.Text, "Asia/Tokyo") || !strings.Contains(letter.Text, "/account/data") {
			t.Errorf("got %s, want their time and the way to the request", letter.Text)
		}
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "Contract: Order 4711")
		one := "/admin/requests/" + w.requests(t)[0].ID
		p = mara.send(mara.get(one), one, map[string]string{"answer": "Your money is on its way.", "outcome": "granted"})
		mara.want(p, http.StatusOK, "/admin/requests", "")
		if letter := w.letter(t, anaAddress, mail.WithdrawalAnswered); !strings.Contains(letter.Text, "The contract has ended.") {
			t.Errorf("got %s, want the outcome", letter.Text)
		}
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "Your money is on its way.")
		records, _, err := w.DB.Records(t.Context(), w.user(t, anaAddress), privacy.Requests, "", 9)
		if err != nil || len(records) != 1 {
			t.Errorf("got %d records, %v, want it in the files", len(records), err)
		}
		f.Clock.Advance(2 * time.Minute)
		ana.withdraws(map[string]string{"reference": "Order 4711"})
		if n := len(w.requests(t)); n != 1 {
			t.Errorf("got %d requests, want a new one after the answer", n)
		}
	}, sellsContracts)
}

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// Whatever else somebody owes, they can withdraw: who has declined terms, is restricted, is closing the account, or is blocked.
func TestEverybodyReachesTheWithdrawal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t, sellsContracts))
	w.administrator(t, "mara@example.org")
	ana := w.member(t)
	w.issue(t, 1, "Seven days.", nil)
	n := 0
	able := func(what string) {
		t.Helper()
		n++
		w.Clock.Advance(13 * time.Minute)
		p := ana.withdraws(withdrawal(what, "somebody@example.org"))
		if ana.want(p, http.StatusOK, "/withdraw/received", what); len(w.requests(t)) < n {
			t.Errorf("%s: nothing was recorded", what)
		}
	}
	ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "")
	able("terms owed")
	decide(ana, ana.get("/account"), "decline")
	able("terms declined")
	ctx, u, mara := tenant.With(context.WithoutCancel(t.Context()), w.Tenant), w.user(t, anaAddress), w.user(t, "mara@example.org")
	if err := w.portal.config.Privacy.Ask(ctx, u, privacy.Request{Kind: privacy.Restriction}); err != nil {
		t.Fatal(err)
	}
	n++
	able("restricted")
	if _, err := w.portal.config.Closings.Close(ctx, u, privacy.ClosingRequest{Typed: anaAddress}); err != nil {
		t.Fatal(err)
	}
	ana.signIn(anaAddress, goodPassword)
	ana.want(ana.get("/account"), http.StatusOK, "/account/data", "Your account closes on")
	able("closing")
	if err := w.portal.config.Admin.Block(ctx, mara, u, admin.Blocking{Reason: "A test"}); err != nil {
		t.Fatal(err)
	}
	able("blocked")
	open := w.requests(t)
	for _, r := range open {
		if r.Reference == "blocked" && !r.User.IsZero() {
			t.Error("a blocked person acts for the account")
		}
	}
}

// Rows 51 and 52: nobody fills somebody's mailbox; whoever must wait is told so, loses nothing, and the person who has proven
// the address is not kept waiting by strangers.
func TestWithdrawalsCannotBombard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.administrator(t, "mara@example.org")
		ana, thief := w.member(t), w.visitor(t)
		f.Clock.Advance(2 * time.Hour)
		ana.signIn(anaAddress, goodPassword)
		thief.want(thief.withdraws(withdrawal("1", anaAddress)), http.StatusOK, "/withdraw/received", "")
		p := thief.withdraws(withdrawal("2", anaAddress))
		thief.want(p, http.StatusTooManyRequests, "/withdraw/confirm", "You can confirm in")
		if p.header.Get("Retry-After") == "" || formOf(t, p, "/withdraw/confirm").Get("reference") != "2" {
			t.Errorf("got %v, want when to go on, with what was typed", p.header)
		}
		if n := len(w.requests(t)); n != 1 {
			t.Errorf("got %d requests, want one", n)
		}
		ana.want(ana.withdraws(map[string]string{"name": "Ana", "reference": "mine"}), http.StatusOK, "/withdraw/received", "mine")
		f.Clock.Advance(61 * time.Second)
		thief.want(thief.send(p, "/withdraw/confirm", nil), http.StatusOK, "/withdraw/received", "")
		for range 20 {
			f.Clock.Advance(61 * time.Second)
			thief.withdraws(withdrawal("again", anaAddress))
		}
		if n := w.rowsOf(t, "letters", "kind = 'withdrawal_received' AND user_id = ''"); n > 5 {
			t.Errorf("got %d letters in an hour, want at most 5 to one address", n)
		}
		for i := range 30 {
			f.Clock.Advance(time.Second)
			thief.withdraws(withdrawal("other", strings.Repeat("x", i+1)+"@example.org"))
		}
		if n := w.rowsOf(t, "letters", "kind = 'withdrawal_received'"); n > 21 {
			t.Errorf("got %d letters from one place in an hour, want at most 20 and Ana's", n)
		}
		if n, m := w.rowsOf(t, "letters", "kind = 'withdrawal_received'"), w.rowsOf(t, "privacy_requests", "1 = 1"); n != m {
			t.Errorf("got %d letters for %d requests, want each acknowledged", n, m)
		}
	}, sellsContracts)
}

// One form, sent at once many times, is one request with one letter.
func TestWithdrawalsWithstandRaces(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.administrator(t, "mara@example.org")
		w.member(t)
		for n, u := range []tenant.User{{}, w.user(t, anaAddress)} {
			ctx := tenant.With(context.WithoutCancel(t.Context()), w.Tenant)
			said := privacy.Statement{Name: "Rui", Contract: "4711", Contact: "rui" + strings.Repeat("x", n) + "@example.org", Form: "one"}
			var all sync.WaitGroup
			var mu sync.Mutex
			ids := map[string]bool{}
			for range 8 {
				all.Go(func() {
					r, err := w.portal.config.Privacy.Withdraw(ctx, u, said)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					ids[r.ID] = true
					mu.Unlock()
				})
			}
			all.Wait()
			if open := w.requests(t); len(open) != n+1 || len(ids) != 1 {
				t.Errorf("got %d requests, %d answers, want one more, and one", len(open), len(ids))
			}
			if letters := w.rowsOf(t, "letters", "kind = 'withdrawal_received'"); letters != n+1 {
				t.Errorf("got %d letters, want one each", letters)
			}
		}
	}, sellsContracts)
}

// What waits for an answer outlives the account, without its name; what is answered goes with it.
func TestWithdrawalsAndErasure(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana, before := w.administrator(t, "mara@example.org"), w.member(t), w.visitor(t)
		for _, contract := range []string{"answered", "open"} {
			ana.withdraws(map[string]string{"name": "Ana", "reference": contract})
			before.withdraws(withdrawal("without account, "+contract, anaAddress))
			if contract == "open" {
				break
			}
			for _, r := range w.requests(t) {
				one := "/admin/requests/" + r.ID
				mara.send(mara.get(one), one, map[string]string{"answer": "Done.", "outcome": "granted"})
			}
			f.Clock.Advance(2 * time.Minute)
		}
		ana.send(ana.get("/account/data/close"), "/account/data/close", map[string]string{"confirm": anaAddress})
		f.Clock.Advance(8 * 24 * time.Hour)
		if err := w.portal.erase(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := w.rowsOf(t, "privacy_requests", "1 = 1"); n != 2 {
			t.Errorf("got %d requests, want the two that wait", n)
		}
		open := w.requests(t)
		if len(open) != 2 || !open[0].User.IsZero() || !open[1].User.IsZero() {
			t.Fatalf("got %+v, want two that name no account", open)
		}
		mara = w.visitor(t)
		mara.signIn("mara@example.org", goodPassword)
		one := "/admin/requests/" + open[0].ID
		mara.want(mara.send(mara.get(one), one, map[string]string{"answer": "Your money is back.", "outcome": "granted"}), http.StatusOK, "/admin/requests", "")
		w.letter(t, anaAddress, mail.WithdrawalAnswered)
	}, sellsContracts)
}
