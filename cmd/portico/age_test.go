package main

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

const mumAddress = "mum@example.net"

// askedFor are the settings of a tenant that asks for the age.
func askedFor(under string) func(*tenant.Settings) {
	return func(s *tenant.Settings) { s.Age = tenant.AgePolicy{Ask: true, Under: under, Country: "DE"} }
}

// TestAgeCases walks edge case 10 of terms.md 1.5 by its outcomes, on every database.
func TestAgeCases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		under string
		run   func(t *testing.T, w *world)
	}{
		"case 10: who is old enough is asked once, before the terms":         {tenant.AgeGuardian, caseOldEnough},
		"case 10: a wrong answer is refused and kept":                        {tenant.AgeGuardian, caseWrongAnswer},
		"case 10: a guardian approves, in the ledger":                        {tenant.AgeGuardian, caseGuardianApproves},
		"case 10: a guardian refuses, and the account closes":                {tenant.AgeGuardian, caseGuardianRefuses},
		"case 10: a guardian does not answer, and the account closes":        {tenant.AgeGuardian, caseGuardianSilent},
		"case 10: another guardian, many letters, and an erasure":            {tenant.AgeGuardian, caseGuardianChanged},
		"case 10: who cannot be answered for does not close":                 {tenant.AgeGuardian, caseGuardianCannotAnswer},
		"case 10: what a stranger answered for an address is asked again":    {tenant.AgeGuardian, caseAgeOfASquatter},
		"case 10: consents of who is too young are not used":                 {tenant.AgeGuardian, caseConsentOfTheYoung},
		"case 10: a guardian whose time ends while the account closes":       {tenant.AgeGuardian, caseGuardianAfterClosing},
		"case 10: too young where nobody can approve, the account closes":    {tenant.AgeClose, caseTooYoung},
		"case 10: an administrator clears the result, and nobody else can":   {tenant.AgeClose, caseAgeCleared},
		"case 10: rights stay open, consents and terms wait, programs learn": {tenant.AgeGuardian, caseAgeGates},
		"case 10: a tenant that stops asking keeps nobody out":               {tenant.AgeGuardian, caseNoLongerAsked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, f storetest.Fixture) { c.run(t, newWorld(t, f)) }, askedFor(c.under))
		})
	}
}

// born fills in a birthday on which somebody is so many years old today, and a day more or less.
func (w *world) born(years, days int, country string) map[string]string {
	at := w.Clock.Now().AddDate(-years, 0, days)
	return map[string]string{
		"birth_day": strconv.Itoa(at.Day()), "birth_month": strconv.Itoa(int(at.Month())), "birth_year": strconv.Itoa(at.Year()), "country": country,
	}
}

// young is a browser of somebody who signed up and says that they are eleven.
func (w *world) young(t *testing.T) (*visitor, page) {
	t.Helper()
	ana := w.visitor(t)
	p := ana.want(ana.signUp(anaAddress), http.StatusOK, "/age", "How old are you?")
	return ana, ana.send(p, "/age", w.born(11, 0, "SE"))
}

// ageOf is what is kept of ana's age.
func (w *world) ageOf(t *testing.T) (state profile.AgeState, column string, m profile.Metadata) {
	t.Helper()
	p, err := w.DB.FindProfile(t.Context(), w.user(t, anaAddress))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range texts(t, w.SQL(t), "SELECT age_state FROM users WHERE tenant_id = '"+string(w.Tenant.ID)+"' AND email_key = '"+anaAddress+"'") {
		column = row["0"]
	}
	return p.Age(), column, p.AppMetadata
}

func (w *world) wantAge(t *testing.T, want profile.AgeState, rule, guardian string) {
	t.Helper()
	state, column, m := w.ageOf(t)
	if state != want || column != string(want) || m.Text(profile.KeyAgeRule) != rule || m.Text(profile.KeyAgeGuardian) != guardian {
		t.Errorf("got %s, %s in the row, %s, want %s by %s, guardian %q", state, column, m.JSON(), want, rule, guardian)
	}
}

// wantNoBirthday looks for a date of birth in every column of every row, in the letters and in the log.
func (w *world) wantNoBirthday(t *testing.T, typed map[string]string) {
	t.Helper()
	number := func(name string) int { n, _ := strconv.Atoi(typed[name]); return n }
	at := time.Date(number("birth_year"), time.Month(number("birth_month")), number("birth_day"), 0, 0, 0, 0, time.UTC)
	traces := []string{"birth_day", "birth_month", "birth_year", strconv.FormatInt(at.Unix(), 10)}
	for _, form := range []string{time.DateOnly, "02.01.2006", "2.1.2006", "02/01/2006", "01/02/2006", "1/2/2006", "20060102", "2 January 2006", "2 Jan 2006", "2 1 2006"} {
		traces = append(traces, at.Format(form))
	}
	year := regexp.MustCompile(`(^|[^0-9A-Za-z.+/_-])` + typed["birth_year"] + `($|[^0-9A-Za-z.+/_-])`)
	look := func(place, text string) {
		for _, trace := range traces {
			if strings.Contains(text, trace) {
				t.Errorf("%s holds %q of a date of birth", place, trace)
			}
		}
		if year.MatchString(text) {
			t.Errorf("%s holds the year of birth: %s", place, text)
		}
	}
	places := 0
	dump(t, w.Fixture, func(place, text string) { places++; look(place, text) })
	for _, m := range w.mailbox.Messages() {
		places++
		look("the letter "+string(m.Kind), m.Subject+m.Text+m.HTML)
	}
	look("the log", w.log.String())
	if places < 100 || !strings.Contains(w.log.String(), `"/age"`) {
		t.Errorf("got %d places and the log %s, want all there is", places, w.log.String())
	}
}

func caseOldEnough(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.visitor(t)
	form := ana.get("/signup")
	if strings.Contains(form.body, `name="terms"`) {
		t.Error("the form has the terms accepted before the age is known")
	}
	p := ana.want(ana.signUp(anaAddress), http.StatusOK, "/age", "not your date of birth")
	if got := w.decisions(t, anaAddress); len(got) != 0 {
		t.Errorf("got %+v, want nothing accepted yet", got)
	}
	if got := formOf(t, p, "/age").Get("country"); got != "DE" {
		t.Errorf("got the country %q, want the tenant's", got)
	}
	typed := w.born(13, 0, "PT") // today is the day
	p = ana.want(ana.send(p, "/age", typed), http.StatusOK, "/terms/accept", "Seven days.")
	p = decide(ana, p, "accept")
	if p.path != "/account" && p.path != "/start" {
		t.Fatalf("got %d %s, want the account", p.status, p.path)
	}
	w.wantAge(t, profile.AgeOK, "PT-13", "")
	if _, _, m := w.ageOf(t); m.Value(profile.KeyAgeOK) != true || m.Text(profile.KeyAgeChecked) == "" || len(m) != 4 { // and the mirror of the terms
		t.Errorf("got %s, want the result", m.JSON())
	}
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	ana.want(ana.get("/age"), http.StatusOK, "/account", "")
	if n := w.recorded(t, w.user(t, anaAddress), audit.AgeChecked); n != 1 {
		t.Errorf("got %d lines of the record, want one", n)
	}
	w.wantNoBirthday(t, typed)

	// Once, wherever they sign in.
	other := w.visitor(t)
	other.want(other.signIn(anaAddress, goodPassword), http.StatusOK, "/account", "")

	// Administrators are not asked: somebody must be able to answer for the tenant.
	root := w.visitor(t)
	root.signUp("root@example.org")
	if err := w.DB.SaveRole(t.Context(), w.user(t, "root@example.org"), profile.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	decide(root, root.get("/account"), "accept")
	root.want(root.get("/admin"), http.StatusOK, "/admin", "")
}

func caseWrongAnswer(t *testing.T, w *world) {
	ana := w.visitor(t)
	p := ana.signUp(anaAddress)
	for says, typed := range map[string]map[string]string{
		"Enter day, month and year":            {"birth_day": "", "birth_month": "2", "birth_year": "2001"},
		"There is no such date":                {"birth_day": "30", "birth_month": "2", "birth_year": "2001"},
		"This date is still to come":           {"birth_day": "1", "birth_month": "2", "birth_year": "2999"},
		"That is more than 130 years ago":      {"birth_day": "1", "birth_month": "2", "birth_year": "1801"},
		"Enter the year with four digits":      {"birth_day": "1", "birth_month": "2", "birth_year": "01"},
		"There is no such date. Check day and": {"birth_day": "x", "birth_month": "2", "birth_year": "2001"},
	} {
		typed["country"] = "FR"
		p = ana.want(ana.send(p, "/age", typed), http.StatusUnprocessableEntity, "/age", says)
		for name, want := range typed {
			if got := formOf(t, p, "/age").Get(name); got != want {
				t.Errorf("%s: got %q in %s, want %q as it was typed", says, got, name, want)
			}
		}
	}
	ana.want(ana.send(p, "/age", map[string]string{"birth_day": "1", "birth_month": "2", "birth_year": "2001", "country": "XX"}), http.StatusUnprocessableEntity, "/age", "Choose a country")
	if state, _, _ := w.ageOf(t); state != profile.AgeUnknown {
		t.Errorf("got %s, want nothing kept", state)
	}
	// The language decides the order of the parts; the digits of any language count.
	ana.send(ana.get("/language"), "/language", map[string]string{"lang": "ja"})
	p = ana.want(ana.get("/age?return_to=%2Faccount%2Fprofile"), http.StatusOK, "/age", "生年月日")
	if year, day := strings.Index(p.body, `name="birth_year"`), strings.Index(p.body, `name="birth_day"`); year < 0 || year > day {
		t.Error("got the day before the year, want them as in Japanese")
	}
	// A form of somebody who was signed out meanwhile is not kept anywhere.
	typed := map[string]string{"birth_day": "12", "birth_month": "4", "birth_year": "1987", "country": "FR"}
	w.Clock.Advance(13 * time.Hour)
	ana.want(ana.send(p, "/age", typed), http.StatusOK, "/login", "")
	w.wantNoBirthday(t, typed)
}

func caseTooYoung(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana := w.visitor(t)
	typed := w.born(16, 1, "DE") // tomorrow would be the day
	p := ana.send(ana.signUp(anaAddress), "/age", typed)
	ana.want(p, http.StatusOK, "/account/closing", "You are too young")
	w.wantAge(t, profile.AgeUnder, "DE-16", "")
	w.wantNoBirthday(t, typed)
	// The answer stays: neither Back nor another browser asks again.
	old := w.born(30, 0, "DE")
	values := formOf(t, p, "/logout")
	for name, value := range old {
		values.Set(name, value)
	}
	ana.want(ana.do(http.MethodPost, "/age", values), http.StatusOK, "/account/closing", "")
	phone := w.visitor(t)
	phone.want(phone.signIn(anaAddress, goodPassword), http.StatusOK, "/account/closing", "You are too young")
	w.wantAge(t, profile.AgeUnder, "DE-16", "")
	if got := w.decisions(t, anaAddress); len(got) != 1 || got[0].Type != terms.Closing || got[0].Method != terms.MethodGate {
		t.Errorf("got %+v, want the closing alone", got)
	}
	w.wantClosing(t, ana, "You are too young to use")
}

func caseAgeCleared(t *testing.T, w *world) {
	mara := w.administrator(t, "mara@example.org")
	ana, p := w.young(t)
	ana.want(p, http.StatusOK, "/account/closing", "You are too young")
	u := w.user(t, anaAddress)
	keep := userPath(u, "/close")
	q := mara.want(mara.get(keep), http.StatusOK, "/admin/users/"+u.ID+"/close", "Closes because the person is too young.")
	q = mara.send(q, userPath(u, "/keep"), map[string]string{"because": "They wrote."})
	mara.want(q, http.StatusUnprocessableEntity, "/admin/users/"+u.ID+"/keep", "Clear the result of the age question first")
	actions := userPath(u, "/actions")
	q = mara.want(mara.get(actions), http.StatusOK, "/admin/users/"+u.ID+"/actions", "Too young, and nobody approved: SE-13")
	q = mara.want(mara.send(q, actions, map[string]string{"action": "age"}), http.StatusUnprocessableEntity, "/admin/users/"+u.ID+"/actions", "")
	mara.want(mara.send(q, actions, map[string]string{"action": "age", "age_why": "A slip of the finger."}), http.StatusOK, "/admin/users/"+u.ID+"/actions", "")
	w.wantAge(t, profile.AgeUnknown, "", "")
	if n := w.recorded(t, u, audit.AgeCleared); n != 1 {
		t.Errorf("got %d lines of the record, want one", n)
	}
	if text := w.letter(t, anaAddress, mail.ProfileChangedByAdmin).Text; !strings.Contains(text, "What we know of your age") {
		t.Errorf("got %s", text)
	}
	// The closing goes on until somebody keeps the account; then the question is asked again.
	p = ana.want(ana.get("/account"), http.StatusOK, "/account/closing", "Keep my account")
	p = ana.want(ana.send(p, "/account/closing", nil), http.StatusOK, "/age", "How old are you?")
	ana.want(ana.send(p, "/age", w.born(13, 0, "SE")), http.StatusOK, "/account", "Hello ana")

	// A row that does not know what app_metadata says learns it, and nobody goes in circles.
	statement := "UPDATE users SET age_state = '' WHERE tenant_id = '" + string(w.Tenant.ID) + "' AND email_key = '" + anaAddress + "'"
	if _, err := w.SQL(t).ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	p = ana.want(ana.get("/account"), http.StatusOK, "/age", "How old are you?")
	ana.want(ana.send(p, "/age", w.born(11, 0, "SE")), http.StatusOK, "/account", "Hello ana")
	w.wantAge(t, profile.AgeOK, "SE-13", "")
	no := profile.Metadata{profile.KeyAgeOK: json.RawMessage("false")}
	w.setMetadata(t, u, no) // what people could write themselves means nothing
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	w.setApp(t, u, no) // what the company writes does
	ana.want(ana.get("/account"), http.StatusOK, "/age", "You are too young to go on alone")
	w.setApp(t, u, profile.Metadata{profile.KeyAgeOK: json.RawMessage("true")})
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")

	// What an administrator writes into app_metadata counts; a form from before the answer does not take it away.
	max := w.visitor(t)
	p = max.signUp("max@example.org")
	m := w.user(t, "max@example.org")
	form := mara.get(userPath(m, "/metadata"))
	max.want(max.send(p, "/age", w.born(11, 0, "SE")), http.StatusOK, "/account/closing", "")
	stale := mara.send(form, userPath(m, "/metadata"), map[string]string{"app_metadata": `{"plan": "gold"}`, "confirmed": "yes"})
	if stale.status != http.StatusUnprocessableEntity {
		t.Errorf("got %d, want a form from before the answer refused", stale.status)
	}
	form = mara.get(userPath(m, "/metadata"))
	values := formOf(t, form, userPath(m, "/metadata"))
	if !strings.Contains(values.Get("app_metadata"), `"age_rule": "SE-13"`) {
		t.Errorf("got %s, want the result where administrators look", values.Get("app_metadata"))
	}
	values.Set("app_metadata", strings.Replace(values.Get("app_metadata"), `"age_ok": false`, `"age_ok": true`, 1))
	values.Set("confirmed", "yes")
	mara.want(mara.do(http.MethodPost, userPath(m, "/metadata"), values), http.StatusOK, "/admin/users/"+m.ID+"/metadata", "")
	p = max.want(max.get("/account"), http.StatusOK, "/account/closing", "Keep my account")
	max.want(max.send(p, "/account/closing", nil), http.StatusOK, "/account", "Hello max")
}

// setApp patches app_metadata, as an application of the company would.
func (w *world) setApp(t *testing.T, u tenant.User, m profile.Metadata) {
	t.Helper()
	p, err := w.DB.FindProfile(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	p.AppMetadata = p.AppMetadata.Patch(m)
	if err := w.DB.SaveMetadata(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

func caseAgeGates(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	w.purpose(t, terms.Document{Key: "news"}, 1)
	ana := w.visitor(t)
	ana.want(ana.signUp(anaAddress), http.StatusOK, "/age", "")
	for i := range 2 { // before the answer, and while a guardian is waited for
		for _, path := range []string{"/account/data", "/account/terms", "/account/consents", "/help", "/language", "/terms/terms", "/account/data/close"} {
			ana.want(ana.get(path), http.StatusOK, path, "")
		}
		for _, path := range []string{"/account", "/account/profile", "/account/security", "/account/email", "/terms/accept", "/start"} {
			ana.want(ana.get(path), http.StatusOK, "/age", "")
		}
		// Consents: nothing is turned on, and the page says what comes first.
		ana.want(ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"}), http.StatusOK, "/age", "")
		for _, e := range w.decisions(t, anaAddress) {
			t.Errorf("got %+v, want nothing recorded", e)
		}
		ana.header = http.Header{"Accept": {"application/json"}}
		if p := ana.get("/account/profile"); p.status != http.StatusForbidden || !strings.Contains(p.body, `"age_required"`) {
			t.Errorf("got %d %s, want 403 for a program", p.status, p.body)
		}
		ana.header = nil
		// A form is kept while the question comes first; the language can be chosen.
		ana.want(ana.send(ana.get("/language"), "/language", map[string]string{"lang": "en"}), http.StatusOK, "/age", "")
		if i == 0 {
			ana.send(ana.get("/age"), "/age", w.born(11, 0, "SE"))
		}
	}
	// Turning off stays open to everybody.
	u := w.user(t, anaAddress)
	p, err := w.DB.FindProfile(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	was := p.AppMetadata
	p.AppMetadata = profile.AgeResult(true, "SE-13", "", w.Clock.Now())
	if err := w.DB.SaveAge(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	ana.send(ana.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"})
	p.AppMetadata = was
	if err := w.DB.SaveAge(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	form := ana.get("/account/consents")
	values := formOf(t, form, "/account/consents")
	values.Del("on.news")
	ana.want(ana.do(http.MethodPost, "/account/consents", values), http.StatusOK, "/account/consents", "Your choices are saved.")
	if got := w.consents(t); !strings.HasPrefix(got, "news withdrawn settings, news consented settings") {
		t.Errorf("got %s, want the withdrawal", got)
	}
	// They close the account themselves, and may keep it: the question is as open as before.
	ana.close(anaAddress)
	q := ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account/closing", "Keep my account")
	ana.want(ana.send(q, "/account/closing", nil), http.StatusOK, "/age", "A parent or guardian has to approve")
}

func caseNoLongerAsked(t *testing.T, w *world) {
	ana, p := w.young(t)
	w.asks(t, ana, p)
	settings := w.Tenant.Settings
	settings.Age.Ask = false
	if err := w.DB.SaveSettings(t.Context(), w.Tenant.ID, settings); err != nil {
		t.Fatal(err)
	}
	w.portal.tenants.Forget()
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	w.Clock.Advance(15 * 24 * time.Hour)
	if err := w.portal.lapse(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	w.forgotten(t)
	if c, err := w.DB.FindClosing(t.Context(), w.user(t, anaAddress)); err != nil || c.Pending() {
		t.Errorf("got %+v, %v, want the account to stay", c, err)
	}
}
