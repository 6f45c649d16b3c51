package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/internal/age"
	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
)

func caseGuardianApproves(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana, p := w.young(t)
	p = ana.want(p, http.StatusOK, "/age", "A parent or guardian has to approve")
	w.wantAge(t, profile.AgePending, "SE-13", profile.GuardianPending)
	typed := w.born(11, 0, "SE")
	// The answer stays, whatever is sent again.
	if again := ana.send(p, "/age/guardian", map[string]string{"guardian_email": "ana+mum@example.org"}); !strings.Contains(again.text(), "your own address") || again.status != http.StatusUnprocessableEntity {
		t.Errorf("got %d %s, want an address of their own refused", again.status, again.text())
	}
	old := w.born(30, 0, "SE")
	old["form_token"] = formOf(t, p, "/age/guardian").Get("form_token")
	values := formOf(t, p, "/age/guardian")
	for name, value := range old {
		values.Set(name, value)
	}
	ana.want(ana.do(http.MethodPost, "/age", values), http.StatusOK, "/age", "A parent or guardian has to approve")
	w.wantAge(t, profile.AgePending, "SE-13", profile.GuardianPending)

	ana.want(ana.send(p, "/age/guardian", map[string]string{"guardian_email": mumAddress}), http.StatusOK, "/age", "We wrote to "+mumAddress)
	letter := w.letter(t, mumAddress, mail.GuardianRequest)
	if !strings.Contains(letter.Text, anaAddress) || strings.Contains(letter.Text, "Hello ana") {
		t.Errorf("got %s, want whom it is about", letter.Text)
	}
	ana.want(ana.get("/account/profile"), http.StatusOK, "/age", "We wrote to")

	// A robot that follows links and presses buttons approves nothing, and refuses nothing.
	robot, path := w.visitor(t), link(t, letter, "/guardian/")
	robot.still(http.MethodHead, path, nil)
	q := robot.want(robot.get(path), http.StatusOK, "/guardian", anaAddress)
	robot.want(q, http.StatusOK, "/guardian", "Terms of use")
	for _, decision := range []string{"approve", "refuse"} {
		q = robot.want(robot.send(q, "/guardian", map[string]string{"decision": decision}), http.StatusUnprocessableEntity, "/guardian", "Enter all 6 digits")
	}
	// Nor does the browser of the person whom it is about.
	own := ana.want(ana.get(path), http.StatusOK, "/guardian", "Code")
	ana.want(ana.send(own, "/guardian", map[string]string{"decision": "approve"}), http.StatusUnprocessableEntity, "/guardian", "Enter all 6 digits")
	w.wantAge(t, profile.AgePending, "SE-13", profile.GuardianPending)
	if n := w.rowsOf(t, "guardians", "address = '"+mumAddress+"'"); n != 1 {
		t.Errorf("got %d rows with the guardian's address, want one", n)
	}
	if got := w.files(t, w.user(t, anaAddress)); strings.Contains(got, mumAddress) || !strings.Contains(got, "it is another person") {
		t.Error("the files of the person name the guardian, or do not say that they leave the address out")
	}

	mum := w.visitor(t)
	q = mum.want(mum.get(path), http.StatusOK, "/guardian", "May this person use")
	q = mum.want(mum.send(q, "/guardian", map[string]string{"decision": "approve", "code": "000000"}), http.StatusUnprocessableEntity, "/guardian", "not right")
	w.issue(t, 2, "Fourteen days.", nil) // while she reads
	q = mum.want(mum.send(q, "/guardian", map[string]string{"decision": "approve", "code": code(t, letter)}), http.StatusConflict, "/guardian", "Nothing was recorded")
	w.wantAge(t, profile.AgePending, "SE-13", profile.GuardianPending)
	mum.want(mum.send(q, "/guardian", map[string]string{"decision": "approve", "code": code(t, letter)}), http.StatusOK, "/guardian", "you have approved")
	mum.want(mum.get(path), http.StatusGone, "/guardian", "Each link works once")
	w.wantAge(t, profile.AgeOK, "SE-13", profile.GuardianApproved)
	if text := w.letter(t, anaAddress, mail.GuardianApproved).Text; !strings.Contains(text, "You can go on now") {
		t.Errorf("got %s", text)
	}
	if text := w.letter(t, mumAddress, mail.GuardianDecided).Text; !strings.Contains(text, "You approved") || strings.Contains(text, "You refused") {
		t.Errorf("got %s", text)
	}

	// The ledger has it with the rule and the text that was then in force; it accepts nothing for the person.
	got := w.decisions(t, anaAddress)
	if len(got) != 1 || got[0].Type != terms.GuardianApproved || got[0].Document != "terms" || got[0].Number != 2 || got[0].Method != terms.MethodGuardian ||
		got[0].AgeRule != "SE-13" || got[0].Guardian != terms.ChannelMail || got[0].Presentation == "" || got[0].IP != "" || got[0].UserAgent != "" ||
		len(got[0].SourceSHA256) != 64 || got[0].IssuedAt.IsZero() {
		t.Errorf("got %+v, want the approval and nothing of where the guardian was", got)
	}
	if err := w.portal.config.Ledger.SequenceTenant(t.Context(), w.Tenant); err != nil {
		t.Fatal(err)
	}
	p = ana.want(ana.get("/account"), http.StatusOK, "/terms/accept", "Fourteen days.")
	decide(ana, p, "accept")
	ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello ana")
	ana.want(ana.get("/account/terms"), http.StatusOK, "/account/terms", "Approved by a guardian")
	ana.want(ana.get("/account/security/activity"), http.StatusOK, "/account/security/activity", "Your guardian")
	w.forgotten(t)
	w.wantNoBirthday(t, typed)

	// Their files have the approval with its proof, its text and its screen, and nothing of the guardian.
	w.Clock.Advance(25 * time.Hour) // they had some made today
	ana.signIn(anaAddress, goodPassword)
	_, data := ana.file(privacy.MyData)
	_, records := ana.file(privacy.TechnicalRecords)
	proven(t, data)
	proven(t, records)
	if data["terms/screens/"+got[0].Presentation+".json"] == "" || !strings.Contains(data["profile.json"]+data["metadata.json"], `"age_rule"`) ||
		!strings.Contains(records["ledger.jsonl"], terms.GuardianApproved) || !strings.Contains(records["activity.jsonl"], `"guardian"`) {
		t.Error("the files lack something of the approval or of the result")
	}
}

// forgotten waits until nothing in the database names the guardian any more.
func (w *world) forgotten(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(25 * time.Millisecond) {
		var seen []string
		dump(t, w.Fixture, func(place, text string) {
			if strings.Contains(text, mumAddress) {
				seen = append(seen, place)
			}
		})
		if len(seen) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the guardian's address is in %v after their answer", seen)
		}
	}
	if strings.Contains(w.log.String(), mumAddress) {
		t.Error("the log names the guardian")
	}
}

// asks writes to the guardian and returns the letter.
func (w *world) asks(t *testing.T, ana *visitor, p page) mail.Message {
	t.Helper()
	ana.want(ana.send(p, "/age/guardian", map[string]string{"guardian_email": mumAddress}), http.StatusOK, "/age", "We wrote to "+mumAddress)
	return w.letter(t, mumAddress, mail.GuardianRequest)
}

// wantClosing finds the account closing on a day that nobody can put off, with its data to be taken along.
func (w *world) wantClosing(t *testing.T, ana *visitor, says string) {
	t.Helper()
	p := ana.want(ana.get("/account"), http.StatusOK, "/account/closing", "You are too young")
	if strings.Contains(p.text(), "Keep my account") {
		t.Error("the page offers to keep the account")
	}
	data := ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "You are too young")
	if strings.Contains(data.text(), "Keep my account") {
		t.Error("the page of the data offers to keep the account")
	}
	token := formOf(t, p, "/logout")
	ana.want(ana.do(http.MethodPost, "/account/closing", token), http.StatusConflict, "/account/closing", "cannot be kept by asking")
	letter := w.letter(t, anaAddress, mail.AgeClosing)
	if !strings.Contains(letter.Text, says) || strings.Contains(letter.Text, "/closing/") || !strings.Contains(letter.Text, "/account/data") {
		t.Errorf("got %s, want %q and no link that keeps the account", letter.Text, says)
	}
	u := w.user(t, anaAddress)
	c, err := w.DB.FindClosing(t.Context(), u)
	if err != nil || !c.Pending() || c.By != privacy.ByAge {
		t.Fatalf("got %+v, %v, want the account to close", c, err)
	}
	if n := w.recorded(t, u, audit.ErasureScheduled); n != 1 {
		t.Errorf("got %d closings on record, want one", n)
	}
	ana.send(data, "/account/data/export", map[string]string{"layer": "data"})
	w.Clock.Advance(c.DueAt.Sub(w.Clock.Now()))
	if err := w.eraseDue(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DB.FindByEmail(t.Context(), w.Tenant.ID, anaAddress); err == nil {
		t.Error("the account is still there")
	}
	if n := w.rowsOf(t, "guardians", "1 = 1"); n != 0 {
		t.Errorf("got %d guardians, want none", n)
	}
}

func caseGuardianRefuses(t *testing.T, w *world) {
	w.issue(t, 1, "Seven days.", nil)
	ana, p := w.young(t)
	letter := w.asks(t, ana, p)
	mum := w.visitor(t)
	q := mum.get(link(t, letter, "/guardian/"))
	mum.want(mum.send(q, "/guardian", map[string]string{"decision": "perhaps", "code": code(t, letter)}), http.StatusBadRequest, "/guardian", "")
	mum.want(mum.send(q, "/guardian", map[string]string{"decision": "refuse", "code": code(t, letter)}), http.StatusOK, "/guardian", "The account closes.")
	w.wantAge(t, profile.AgeUnder, "SE-13", profile.GuardianRefused)
	if text := w.letter(t, mumAddress, mail.GuardianDecided).Text; !strings.Contains(text, "You refused") {
		t.Errorf("got %s", text)
	}
	w.forgotten(t)
	for _, e := range w.decisions(t, anaAddress) {
		if e.Type == terms.GuardianApproved || e.IP != "" {
			t.Errorf("got %+v, want no approval, and nothing of where the guardian was", e)
		}
	}
	ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account/closing", "")
	w.wantClosing(t, ana, "refused")
}

func caseGuardianSilent(t *testing.T, w *world) {
	ana, _ := w.young(t)
	w.Clock.Advance(5 * 24 * time.Hour)
	ana.signIn(anaAddress, goodPassword)
	letter := w.asks(t, ana, ana.get("/age")) // who names somebody late gives them as long
	lapse := func() {
		t.Helper()
		if err := w.portal.lapse(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		if err := w.portal.config.Retention.Run(tenant.With(context.WithoutCancel(t.Context()), w.Tenant), w.Tenant.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.Clock.Advance(14*24*time.Hour - time.Minute)
	lapse()
	w.wantAge(t, profile.AgePending, "SE-13", profile.GuardianPending)
	mum := w.visitor(t)
	mum.want(mum.get(link(t, letter, "/guardian/")), http.StatusOK, "/guardian", anaAddress)
	w.Clock.Advance(2 * time.Minute)
	lapse()
	lapse()
	w.wantAge(t, profile.AgeUnder, "SE-13", profile.GuardianSilent)
	mum.want(mum.get(link(t, letter, "/guardian/")), http.StatusGone, "/guardian", "")
	if n := w.recorded(t, w.user(t, anaAddress), audit.GuardianSilent); n != 1 {
		t.Errorf("got %d lines of the record, want one", n)
	}
	w.forgotten(t)
	ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account/closing", "")
	w.wantClosing(t, ana, "answered in time")
}

func caseGuardianChanged(t *testing.T, w *world) {
	ana, p := w.young(t)
	for address, says := range map[string]string{"": "Enter your email address", "mum": "name@example.org", "ANA@example.org": "your own address"} {
		p = ana.want(ana.send(p, "/age/guardian", map[string]string{"guardian_email": address}), http.StatusUnprocessableEntity, "/age/guardian", says)
		if got := formOf(t, p, "/age/guardian").Get("guardian_email"); got != address {
			t.Errorf("got %q, want what was typed", got)
		}
	}
	first := w.asks(t, ana, p)
	p = ana.want(ana.send(ana.get("/age"), "/age/guardian/again", nil), http.StatusTooManyRequests, "/age/guardian/again", "You can ask again in")
	if p.header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	// Another one: the first letter is of no use any more, and its address is forgotten.
	w.Clock.Advance(time.Minute + time.Second)
	p = ana.want(ana.send(ana.get("/age"), "/age/guardian", map[string]string{"guardian_email": "dad@example.net"}), http.StatusOK, "/age", "We wrote to dad@example.net")
	mum := w.visitor(t)
	mum.want(mum.get(link(t, first, "/guardian/")), http.StatusGone, "/guardian", "There is a newer link")
	w.forgotten(t)
	second := w.letter(t, "dad@example.net", mail.GuardianRequest)
	w.Clock.Advance(time.Minute + time.Second)
	ana.want(ana.send(p, "/age/guardian/again", nil), http.StatusOK, "/age", "The email is on its way.")
	third := w.newest(t, "dad@example.net", mail.GuardianRequest, second.ID)
	mum.want(mum.get(link(t, second, "/guardian/")), http.StatusGone, "/guardian", "There is a newer link")
	mum.want(mum.get(link(t, third, "/guardian/")), http.StatusOK, "/guardian", anaAddress)
	sent := 3
	for range 8 { // whoever asks may not write to everybody
		w.Clock.Advance(time.Minute + time.Second)
		p = ana.send(ana.get("/age"), "/age/guardian", map[string]string{"guardian_email": "x" + strconv.Itoa(sent) + "@example.net"})
		if p.status == http.StatusOK {
			sent++
		}
	}
	if sent != 5 {
		t.Errorf("got %d letters in an hour, want 5", sent)
	}
	// Somebody else's account with the address of a guardian is left alone when the account is erased.
	dad := w.visitor(t)
	dad.signUp("x4@example.net")
	u := w.user(t, anaAddress)
	p2, err := w.DB.FindProfile(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.DB.InTx(t.Context(), func(ctx context.Context) error { return w.DB.Erase(ctx, p2, "erased|x") }); err != nil {
		t.Fatal(err)
	}
	if n := w.rowsOf(t, "guardians", "1 = 1"); n != 0 {
		t.Errorf("got %d guardians, want none", n)
	}
	if n := w.rowsOf(t, "sessions", "user_id = '"+w.user(t, "x4@example.net").ID+"'"); n == 0 {
		t.Error("the session of somebody else is gone")
	}
	mum.want(mum.get(link(t, third, "/guardian/")), http.StatusGone, "/guardian", "")
}

// caseGuardianAfterClosing refuses where the person is about to close the account anyway: it does so on its day, and none of
// the links that would have kept it works any more.
func caseGuardianAfterClosing(t *testing.T, w *world) {
	ana, p := w.young(t)
	letter := w.asks(t, ana, p)
	ana.close(anaAddress)
	keep := w.letter(t, anaAddress, mail.AccountClosing)
	before, err := w.DB.FindClosing(t.Context(), w.user(t, anaAddress))
	if err != nil || !before.Pending() {
		t.Fatalf("got %+v, %v", before, err)
	}
	w.Clock.Advance(2 * 24 * time.Hour)
	mum := w.visitor(t)
	q := mum.get(link(t, letter, "/guardian/")) // closing voids every link, this one too
	mum.want(q, http.StatusGone, "/guardian", "")
	w.Clock.Advance(13 * 24 * time.Hour)
	ctx := tenant.With(context.WithoutCancel(t.Context()), w.Tenant)
	if err := w.portal.lapse(ctx); err != nil {
		t.Fatal(err)
	}
	after, err := w.DB.FindClosing(t.Context(), w.user(t, anaAddress))
	if err != nil || !after.DueAt.Equal(before.DueAt) || after.By != before.By {
		t.Errorf("got %+v, %v, want the closing as it was: %+v", after, err, before)
	}
	mum.want(mum.get(link(t, keep, "/closing/")), http.StatusGone, "/closing", "")
	if err := w.portal.config.Closings.Keep(ctx, w.user(t, anaAddress)); !errors.Is(err, privacy.ErrUnderAge) {
		t.Errorf("got %v, want nobody too young to keep it", err)
	}
	w.letter(t, anaAddress, mail.AgeClosing)
}

// TestAgeRaces lets one person answer in two ways at once, a guardian decide in two ways at once, and replicas look at the
// same time for who is due: each has one effect.
func TestAgeRaces(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ages := w.portal.config.Ages
		ctx := tenant.With(context.WithoutCancel(t.Context()), w.Tenant)
		together := func(n int, fn func(i int) error, allowed ...error) {
			t.Helper()
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() {
					err := fn(i)
					if err != nil && !slices.ContainsFunc(allowed, func(one error) bool { return errors.Is(err, one) }) {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		w.visitor(t).signUp(anaAddress)
		u := w.user(t, anaAddress)
		young := age.Answer{Day: "1", Month: "1", Year: strconv.Itoa(w.Clock.Now().Year() - 5), Country: "SE"}
		together(8, func(int) error { _, err := ages.Answer(ctx, u, young); return err })
		if n := w.recorded(t, u, audit.AgeChecked); n != 1 {
			t.Errorf("got %d answers on record, want one", n)
		}
		w.wantAge(t, profile.AgePending, "SE-13", profile.GuardianPending)

		if err := ages.AskGuardian(ctx, u, mumAddress); err != nil {
			t.Fatal(err)
		}
		letter := w.letter(t, mumAddress, mail.GuardianRequest)
		claim := ticket.Claim{User: tenant.User{Tenant: u.Tenant}, Secret: strings.TrimPrefix(link(t, letter, "/guardian/"), "/guardian/"), Code: code(t, letter)}
		together(4, func(i int) error {
			if i%2 == 0 {
				return ages.Refuse(ctx, claim)
			}
			return ages.Approve(ctx, claim, terms.GuardianSaid{})
		}, ticket.ErrUsed, ticket.ErrReplaced)
		approved, refused := w.recorded(t, u, audit.GuardianApproved), w.recorded(t, u, audit.GuardianRefused)
		if approved+refused != 1 || w.lettersTo(t, mumAddress, mail.GuardianDecided) != 1 {
			t.Errorf("got %d approvals and %d refusals, want one decision", approved, refused)
		}

		w.visitor(t).signUp("ben@example.org")
		ben := w.user(t, "ben@example.org")
		if _, err := ages.Answer(ctx, ben, young); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(age.Patience)
		together(4, func(int) error { return w.portal.lapse(ctx) })
		if n := w.recorded(t, ben, audit.GuardianSilent); n != 1 {
			t.Errorf("got %d lines of the record, want one", n)
		}
		if n := w.recorded(t, ben, audit.ErasureScheduled); n != 1 {
			t.Errorf("got %d closings, want one", n)
		}
	}, askedFor(tenant.AgeGuardian))
}
