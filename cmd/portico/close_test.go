package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// asked files a request to close the account, as people did in the days when a person answered.
func (w *world) asked(t *testing.T, email string) {
	t.Helper()
	if err := w.portal.config.Privacy.Ask(tenant.With(t.Context(), w.Tenant), w.user(t, email), privacy.Request{Kind: privacy.Close}); err != nil {
		t.Fatal(err)
	}
}

// eraseDue does what the job does, of this test's tenant.
func (w *world) eraseDue(ctx context.Context) error {
	return w.portal.config.Closings.EraseDue(ctx, []tenant.ID{w.Tenant.ID}, w.portal.tenants.ByID)
}

// close closes the account of who is signed in, by the page.
func (v *visitor) close(confirm string) page {
	v.t.Helper()
	p := v.want(v.get("/account/data/close"), http.StatusOK, "/account/data/close", "What we erase")
	p = v.send(p, "/account/data/close", map[string]string{"confirm": confirm})
	return v.want(p, http.StatusOK, "/closed", "Your account closes on")
}

// TestCloseAndKeep closes an account, finds every door shut but the one that keeps it, and keeps it.
func TestCloseAndKeep(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana, phone := w.member(t), w.visitor(t)
		phone.want(phone.signIn(anaAddress, goodPassword), http.StatusOK, "/account", "")
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "For 7 days you can still change your mind")
		f.Clock.Advance(16 * time.Minute)
		p := ana.want(ana.get("/account/data/close"), http.StatusOK, "/reauth", "Confirm it is you")
		p = ana.send(p, "/reauth", map[string]string{"password": goodPassword})
		p = ana.want(p, http.StatusOK, "/account/data/close", "Up to 35 days")
		date := f.Clock.Now().Add(7 * 24 * time.Hour).Format("2 January 2006")
		ana.want(p, http.StatusOK, "/account/data/close", "Close my account on "+date)
		p = ana.send(p, "/account/data/close", map[string]string{"confirm": "somebody@example.org"})
		p = ana.want(p, http.StatusUnprocessableEntity, "/account/data/close", "Type the email address of this account")
		if typed := formOf(t, p, "/account/data/close").Get("confirm"); typed != "somebody@example.org" {
			t.Errorf("got %q in the refused form, want what was typed", typed)
		}
		p = ana.send(p, "/account/data/close", map[string]string{"confirm": "  ANA@example.org "})
		ana.want(p, http.StatusOK, "/closed", "Your account closes on "+date)
		for _, v := range []*visitor{ana, phone} {
			v.want(v.get("/account/profile"), http.StatusOK, "/login", "")
		}
		letter := w.letter(t, anaAddress, mail.AccountClosing)
		if !strings.Contains(letter.Subject, date) {
			t.Errorf("got the subject %q, want the date in it", letter.Subject)
		}

		p = ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account/closing", "Your account closes on "+date)
		for _, path := range []string{"/account/profile", "/account/security", "/terms/accept", "/account/email", "/account/data/close"} {
			ana.want(ana.get(path), http.StatusOK, "/account/closing", "Keep my account")
		}
		ana.want(ana.get("/account/data"), http.StatusOK, "/account/data", "Signing in alone does not stop the closing.")
		for _, path := range []string{"/help", "/language"} {
			ana.want(ana.get(path), http.StatusOK, path, "")
		}
		ana.want(ana.send(p, "/logout", nil), http.StatusOK, "/signed-out", "")
		p = ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account/closing", "Keep my account")
		ana.want(ana.send(p, "/account/closing", nil), http.StatusOK, "/account", "Nothing was erased")
		w.letter(t, anaAddress, mail.AccountKept)
		ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", anaAddress)
		gone := w.visitor(t)
		gone.want(gone.get(link(t, letter, "/closing/")), http.StatusGone, "/closing", "")

		f.Clock.Advance(30 * 24 * time.Hour)
		if err := w.eraseDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		u := w.user(t, anaAddress)
		for kind, want := range map[audit.Type]int{audit.ErasureScheduled: 1, audit.ErasureCancelled: 1} {
			if got := w.recorded(t, u, kind); got != want {
				t.Errorf("%s: got %d lines of the record, want %d", kind, got, want)
			}
		}
		var events []string
		for _, e := range w.decisions(t, anaAddress) {
			events = append(events, e.Type)
		}
		if got := strings.Join(events, " "); !strings.Contains(got, "erasure_cancelled erasure_scheduled") {
			t.Errorf("got %s in the ledger, want both", got)
		}
	})
}

// TestEveryAddressCanKeepTheAccount closes while a change of address waits: old and new address are told, and each link works
// in another browser with the code.
func TestEveryAddressCanKeepTheAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": "new@example.org"})
		confirm := w.letter(t, "new@example.org", mail.EmailChangeConfirm)
		ana.close(anaAddress)
		old, fresh := w.letter(t, anaAddress, mail.AccountClosing), w.letter(t, "new@example.org", mail.AccountClosing)
		robot := w.visitor(t)
		robot.want(robot.get(link(t, confirm, "/email/confirm/")), http.StatusGone, "/email/confirm", "") // open links died
		path := link(t, fresh, "/closing/")
		p := robot.want(robot.get(path), http.StatusOK, "/closing", "Keep your account?")
		p = robot.want(robot.send(p, "/closing", nil), http.StatusUnprocessableEntity, "/closing", "Enter all 6 digits")
		if c, err := w.DB.FindClosing(t.Context(), w.user(t, anaAddress)); err != nil || !c.Pending() {
			t.Fatalf("got %+v, %v, want a page and a robot to have no effect", c, err)
		}
		robot.want(robot.send(p, "/closing", map[string]string{"code": code(t, old)}), http.StatusOK, "/login", "Nothing was erased")
		ana.want(ana.get(link(t, old, "/closing/")), http.StatusGone, "/closing", "")
		ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account", "")

		// The browser that asked needs no code.
		ana.close(anaAddress)
		letter := w.newest(t, anaAddress, mail.AccountClosing, old.ID)
		p = ana.want(ana.get(link(t, letter, "/closing/")), http.StatusOK, "/closing", "Keep your account?")
		ana.want(ana.send(p, "/closing", nil), http.StatusOK, "/login", "Nothing was erased")
	})
}

// newest waits for a letter that is not the one with this id.
func (w *world) newest(t *testing.T, to string, kind mail.Kind, not string) mail.Message {
	t.Helper()
	for range 200 {
		if m := w.letter(t, to, kind); m.ID != not {
			return m
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("no other letter %s to %s", kind, to)
	return mail.Message{}
}

// receiptsOf reads the receipts in a last letter.
func receiptsOf(t *testing.T, m mail.Message) (key string, receipts []string) {
	t.Helper()
	if len(m.Files) != 1 {
		t.Fatalf("got %d files, want the receipts", len(m.Files))
	}
	z, err := zip.NewReader(bytes.NewReader(m.Files[0].Content), int64(len(m.Files[0].Content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range z.File {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if file.Name == "key.txt" {
			key = string(content)
		} else {
			receipts = append(receipts, string(content))
		}
	}
	return key, receipts
}

// TestCloseAndGone lets the days of grace pass: the account is gone, its receipts still prove what was agreed to, the ledger is
// whole, and the address is free.
func TestCloseAndGone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		ana := w.member(t)
		first := w.user(t, anaAddress)
		ana.close(anaAddress)
		f.Clock.Advance(7*24*time.Hour - time.Minute)
		if err := w.eraseDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account/closing", "Keep my account")
		f.Clock.Advance(time.Minute)
		if err := w.eraseDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		ana.want(ana.get("/account/closing"), http.StatusOK, "/login", "")
		ana.want(ana.signIn(anaAddress, goodPassword), http.StatusUnprocessableEntity, "/login", "The email address or password is not right")
		if _, err := w.DB.FindProfile(t.Context(), first); !errors.Is(err, profile.ErrNotFound) {
			t.Errorf("got %v, want nobody", err)
		}
		key, receipts := receiptsOf(t, w.letter(t, anaAddress, mail.AccountClosed))
		accepted := 0
		for _, receipt := range receipts {
			proven, err := ledger.VerifyReceipt(receipt, key)
			if err != nil {
				t.Error(err)
			}
			if strings.Contains(proven.Payload, first.ID) && strings.Contains(proven.Payload, `"type":"accepted"`) {
				accepted++
			}
		}
		if len(receipts) < 2 || accepted != 1 {
			t.Errorf("got %d receipts, %d of the acceptance, want it and the closing", len(receipts), accepted)
		}
		if err := w.portal.config.Ledger.SequenceTenant(t.Context(), w.Tenant); err != nil {
			t.Fatal(err)
		}
		if size, err := w.portal.config.Ledger.Verify(t.Context(), w.Tenant.ID, ""); err != nil || size < int64(len(receipts))+1 {
			t.Errorf("got %d entries, %v, want the ledger whole", size, err)
		}
		again := w.visitor(t)
		again.want(again.signUp(anaAddress), http.StatusOK, "/account", "Hello ana")
		if second := w.user(t, anaAddress); second == first {
			t.Error("the new account has the old id")
		}
	})
}

// TestClosingStaysOpen closes while terms are owed and declined (rule T-5), with no days of grace at all.
func TestClosingWhileTermsAreOwed(t *testing.T) {
	t.Parallel()
	none := 0
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		w.issue(t, 1, "Seven days.", nil)
		f.Clock.Advance(time.Second)
		ana.want(decide(ana, ana.get("/account"), "decline"), http.StatusOK, "/terms/declined", "")
		p := ana.want(ana.get("/account/data/close"), http.StatusOK, "/account/data/close", "within minutes")
		ana.want(ana.send(p, "/account/data/close", map[string]string{"confirm": anaAddress}), http.StatusOK, "/closed", "")
		if err := w.eraseDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.letter(t, anaAddress, mail.AccountClosed)
	}, func(s *tenant.Settings) { s.GraceDays = &none })
}

// TestAdministratorsCloseAccounts: with a reason, and never the last one's (rule B-7).
func TestAdministratorsCloseAccounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara, ana := w.administrator(t, "mara@example.org"), w.member(t)
		p := mara.get("/account/data/close")
		p = mara.send(p, "/account/data/close", map[string]string{"confirm": "mara@example.org"})
		mara.want(p, http.StatusUnprocessableEntity, "/account/data/close", "This is the last administrator")

		u := w.user(t, anaAddress)
		path, at := personURL(u.ID), "/admin/users/"+u.ID
		mara.want(mara.get(path+"/actions"), http.StatusOK, at+"/actions", "Close the account")
		p = mara.want(mara.get(path+"/close"), http.StatusOK, at+"/close", "stand in the place of a second administrator")
		p = mara.want(mara.send(p, path+"/close", map[string]string{"confirm": "x"}), http.StatusUnprocessableEntity, at+"/close", "Type “"+anaAddress+"”")
		p = mara.send(p, path+"/close", map[string]string{"confirm": anaAddress, "because": "Asked by post"})
		mara.want(p, http.StatusOK, at+"/close", "Asked by post")
		ana.want(ana.get("/account"), http.StatusOK, "/login", "")
		letter := w.letter(t, anaAddress, mail.AccountClosing)
		if strings.Contains(letter.Text, "Asked by post") {
			t.Error("the letter tells the reason that only administrators see")
		}
		p = mara.want(mara.send(p, path+"/keep", nil), http.StatusUnprocessableEntity, at+"/keep", "")
		p = mara.send(p, path+"/keep", map[string]string{"because": "It was somebody else"})
		mara.want(p, http.StatusOK, at+"/close", "Done")
		w.letter(t, anaAddress, mail.AccountKept)
		ana.want(ana.signIn(anaAddress, goodPassword), http.StatusOK, "/account", "")

		me := w.user(t, "mara@example.org")
		self := personURL(me.ID)
		p = mara.get(self + "/close")
		p = mara.send(p, self+"/close", map[string]string{"confirm": "mara@example.org", "because": "Leaving"})
		mara.want(p, http.StatusUnprocessableEntity, "/admin/users/"+me.ID+"/close", "This is the last administrator")

		// A second administrator who is closing does not count as one who stays.
		second := w.administrator(t, "ben@example.org")
		second.close("ben@example.org")
		p = mara.send(mara.get("/account/data/close"), "/account/data/close", map[string]string{"confirm": "mara@example.org"})
		mara.want(p, http.StatusUnprocessableEntity, "/account/data/close", "This is the last administrator")
	})
}

func personURL(id string) string { return "/admin/users/" + strings.ReplaceAll(id, "|", "%7C") }

// TestBlockedPeopleCloseTheirAccount: a link that is mailed leads to the page; whoever has not proven who they are is offered none.
func TestBlockedPeopleCloseTheirAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		u := w.user(t, anaAddress)
		p, err := w.DB.FindProfile(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		p.Block = profile.Block{Blocked: true, At: f.Clock.Now()}
		if err := w.DB.SaveBlock(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if page := w.visitor(t).get("/blocked"); strings.Contains(page.body, "/blocked/close") {
			t.Error("a stranger is offered a link")
		}
		stranger := w.visitor(t)
		stranger.want(stranger.get("/blocked/close?key=x"), http.StatusForbidden, "/blocked", "")
		blocked := ana.get("/account")
		at := strings.Index(blocked.body, "/blocked/close?key=")
		if blocked.status != http.StatusForbidden || at < 0 {
			t.Fatalf("got %d %s, want the page of the block with a link", blocked.status, blocked.text())
		}
		path, _, _ := strings.Cut(blocked.body[at:], `"`)
		send := ana.want(ana.get(path), http.StatusOK, "/blocked/close", "Email me the link")
		ana.want(ana.send(send, "/blocked/close", nil), http.StatusForbidden, "/blocked", "The email is on its way")
		letter := w.letter(t, anaAddress, mail.CloseLink)
		ana.send(send, "/blocked/close", nil)
		robot := w.visitor(t)
		closing := robot.want(robot.get(link(t, letter, "/close/")), http.StatusOK, "/close", "What we erase")
		closing = robot.want(robot.send(closing, "/close", map[string]string{"confirm": anaAddress}), http.StatusUnprocessableEntity, "/close", "Enter all 6 digits")
		closing = robot.send(closing, "/close", map[string]string{"confirm": "x", "code": code(t, letter)})
		closing = robot.want(closing, http.StatusUnprocessableEntity, "/close", "Type the email address of this account")
		robot.want(robot.send(closing, "/close", map[string]string{"confirm": anaAddress, "code": code(t, letter)}), http.StatusOK, "/closed", "")
		if n := w.lettersTo(t, anaAddress, mail.CloseLink); n != 1 {
			t.Errorf("got %d letters within a minute, want 1", n)
		}
		keep := robot.want(robot.get(link(t, w.letter(t, anaAddress, mail.AccountClosing), "/closing/")), http.StatusOK, "/closing", "")
		robot.want(robot.send(keep, "/closing", map[string]string{"code": code(t, w.letter(t, anaAddress, mail.AccountClosing))}), http.StatusOK, "/login", "")
	})
}

// TestKeepingAgainstTheJob lets both come at once, many times: either the account is whole, or it is gone with one last letter.
func TestKeepingAgainstTheJob(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ctx := tenant.With(t.Context(), w.Tenant)
		closings := w.portal.config.Closings
		kept := 0
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			email := name + "@example.org"
			u := f.NewUser(t, email)
			if _, err := closings.Close(ctx, u, privacy.ClosingRequest{Typed: email}); err != nil {
				t.Fatal(err)
			}
			f.Clock.Advance(7 * 24 * time.Hour)
			var keeping error
			var both sync.WaitGroup
			both.Go(func() { keeping = closings.Keep(ctx, u) })
			for range 3 {
				both.Go(func() {
					if err := w.eraseDue(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			_, err := w.DB.FindProfile(t.Context(), u)
			switch {
			case keeping == nil && err == nil:
				kept++
			case errors.Is(keeping, profile.ErrNotFound) && errors.Is(err, profile.ErrNotFound):
				w.letter(t, email, mail.AccountClosed)
				time.Sleep(100 * time.Millisecond)
				if n := len(erasedLetters(w, email)); n != 1 {
					t.Errorf("%s: got %d last letters, want 1", email, n)
				}
			default:
				t.Errorf("%s: keeping got %v, then the account was %v", email, keeping, err)
			}
		}
		erased, err := w.DB.Erased(t.Context(), w.Tenant.ID)
		if err != nil || len(erased) != 6-kept {
			t.Errorf("got %d erasures, %v, want %d", len(erased), err, 6-kept)
		}
		if err := w.portal.config.Ledger.SequenceTenant(t.Context(), w.Tenant); err != nil {
			t.Fatal(err)
		}
		if _, err := w.portal.config.Ledger.Verify(t.Context(), w.Tenant.ID, ""); err != nil {
			t.Error(err)
		}
	})
}

func erasedLetters(w *world, to string) []mail.Message {
	var all []mail.Message
	for _, m := range w.mailbox.Messages() {
		if m.To == to && m.Kind == mail.AccountClosed {
			all = append(all, m)
		}
	}
	return all
}

// Rules T-2 and G-4: whoever has no address types their name.
func TestClosingWithoutAnAddress(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t)
	w := newWorld(t, f)
	ctx := tenant.With(t.Context(), w.Tenant)
	u := f.NewUser(t, "", func(p *profile.Profile) { p.Name, p.Connection = "Kim  Berg", "demo" })
	if _, err := w.portal.config.Closings.Close(ctx, u, privacy.ClosingRequest{Typed: "kim@example.org"}); err == nil {
		t.Error("got the account closed by a word that is not theirs")
	}
	c, err := w.portal.config.Closings.Close(ctx, u, privacy.ClosingRequest{Typed: "kim berg"})
	if err != nil || !c.Pending() {
		t.Fatalf("got %+v, %v", c, err)
	}
	f.Clock.Advance(8 * 24 * time.Hour)
	if err := w.eraseDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DB.FindProfile(t.Context(), u); !errors.Is(err, profile.ErrNotFound) {
		t.Errorf("got %v, want nobody", err)
	}
}
