package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/retention"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// unfinished signs up and leaves the letter unread.
func (v *visitor) unfinished(email string) {
	v.t.Helper()
	p := v.send(v.get("/signup"), "/signup", map[string]string{"email": email, "password": goodPassword, "terms": "on"})
	v.want(p, http.StatusOK, "/verify", email)
}

// retain does what the job of retention does.
func (w *world) retain(t *testing.T) {
	t.Helper()
	if err := w.portal.config.Retention.Run(context.WithoutCancel(t.Context()), w.Tenant.ID); err != nil {
		t.Fatal(err)
	}
}

// gone reports whether there is no such person any more.
func (w *world) gone(t *testing.T, u tenant.User) bool {
	t.Helper()
	_, err := w.DB.FindProfile(t.Context(), u)
	if err != nil && !errors.Is(err, profile.ErrNotFound) {
		t.Fatal(err)
	}
	return err != nil
}

// keptFor sets, as an administrator does, after how many days accounts go that nobody has proven.
func (w *world) keptFor(t *testing.T, days string) {
	t.Helper()
	mara := w.visitor(t)
	mara.signIn("mara@example.org", goodPassword)
	p := mara.send(mara.get("/admin/retention"), "/admin/retention", map[string]string{"days.unproven": days})
	mara.want(p, http.StatusOK, "/admin/retention", "Saved.")
}

// told reports whether a letter of the kind went to an address.
func (w *world) told(to string, kind mail.Kind) bool {
	for _, m := range w.mailbox.Messages() {
		if m.To == to && m.Kind == kind {
			return true
		}
	}
	return false
}

// Rule V-7: accounts whose address nobody has proven go after some days, if a tenant wants that, with a letter a week before.
func TestAccountsThatNobodyHasProvenGo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.issue(t, 1, "Seven days.", nil)
		w.administrator(t, "mara@example.org")
		w.member(t)
		ben, late := w.visitor(t), w.visitor(t)
		ben.unfinished("ben@example.org")
		late.unfinished("late@example.org")
		mara := w.visitor(t)
		mara.signIn("mara@example.org", goodPassword)
		mara.send(mara.get("/admin/users/new"), "/admin/users/new", map[string]string{"email": "invited@example.org", "name": "Iris"})
		unproven := func(change func(*profile.Profile)) func(*profile.Profile) {
			return func(p *profile.Profile) { p.EmailVerified = false; change(p) }
		}
		spared := map[string]tenant.User{
			"proven":     w.user(t, anaAddress),
			"no address": f.NewUser(t, "", unproven(func(p *profile.Profile) { p.Connection = "demo" })),
			"blocked":    f.NewUser(t, "blocked@example.org", unproven(func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, At: f.Clock.Now()} })),
			"restricted": f.NewUser(t, "restricted@example.org", unproven(func(p *profile.Profile) { p.Restriction.On = true })),
			"admin":      f.NewUser(t, "admin@example.org", unproven(func(p *profile.Profile) { p.Role = profile.RoleAdmin })),
			"late":       w.user(t, "late@example.org"),
		}
		corrected := f.NewUser(t, "corrected@example.org")
		ctx := tenant.With(context.WithoutCancel(t.Context()), w.Tenant)
		if err := w.portal.config.Admin.CorrectEmail(ctx, w.user(t, "mara@example.org"), corrected, "other@example.org", "Asked by phone"); err != nil {
			t.Fatal(err)
		}
		spared["proven once"] = corrected
		going := []tenant.User{w.user(t, "ben@example.org"), w.user(t, "invited@example.org")}

		f.Clock.Advance(400 * day)
		w.retain(t)
		if w.gone(t, going[0]) || w.told("ben@example.org", mail.AccountUnproven) {
			t.Fatal("accounts go though no administrator wanted that")
		}
		w.keptFor(t, "30")
		w.retain(t)
		letter := w.letter(t, "ben@example.org", mail.AccountUnproven)
		if date := f.Clock.Now().Add(7 * day).Format("2 January 2006"); !strings.Contains(letter.Subject, date) || strings.Contains(letter.Text, "Hello ben") {
			t.Errorf("got %q, %s, want the day and no name", letter.Subject, letter.Text)
		}
		if text := w.letter(t, "invited@example.org", mail.AccountUnproven).Text; !strings.Contains(text, "/password/forgot") || strings.Contains(text, "/login") {
			t.Errorf("got %s, want the way for somebody without a password", text)
		}
		for name := range map[string]bool{anaAddress: true, "blocked@example.org": true, "restricted@example.org": true, "admin@example.org": true, "other@example.org": true} {
			if w.told(name, mail.AccountUnproven) {
				t.Errorf("%s is told that an account goes that stays", name)
			}
		}

		// Whoever comes back sees it on every page, and proves the address.
		p := late.signIn("late@example.org", goodPassword)
		late.want(p, http.StatusOK, "/account", "or your account is erased")
		late.want(late.get("/account/profile"), http.StatusOK, "/account/profile", "or your account is erased")
		f.Clock.Advance(6 * day)
		late.signIn("late@example.org", goodPassword)
		late.send(late.get("/verify"), "/verify/again", nil)
		fresh := w.newest(t, "late@example.org", mail.VerifyEmail, w.firstLetter(t, "late@example.org", mail.VerifyEmail).ID)
		p = late.send(late.get("/verify"), "/verify", map[string]string{"code": code(t, fresh)})
		late.want(p, http.StatusOK, "/account", "")
		if p = late.get("/account/profile"); strings.Contains(p.body, "account is erased") {
			t.Error("who has proven the address is told that the account goes")
		}

		f.Clock.Advance(day - time.Minute)
		w.retain(t)
		if told := w.lettersTo(t, "ben@example.org", mail.AccountUnproven); told != 1 || w.gone(t, going[0]) {
			t.Errorf("got %d letters, want one and the account until the day that it names", told)
		}
		f.Clock.Advance(15 * time.Minute)
		w.retain(t)
		w.retain(t)
		for _, u := range going {
			if !w.gone(t, u) || w.recorded(t, u, audit.SignedUp) != 0 {
				t.Errorf("%s is there still", u.ID)
			}
		}
		for who, u := range spared {
			if w.gone(t, u) {
				t.Errorf("%s is gone, want it to stay", who)
			}
		}
		for _, to := range []string{"ben@example.org", "invited@example.org"} {
			if last := w.lettersTo(t, to, mail.AccountClosed); last != 1 {
				t.Errorf("%s: got %d last letters, want one", to, last)
			}
			if n := w.rowsOf(t, "letters", "to_address = '"+to+"' AND kind = 'account_unproven'"); n != 0 {
				t.Errorf("%s: got %d letters kept, want none", to, n)
			}
		}
		w.prunedWhole(t, ctx, 2)
		again := w.visitor(t)
		again.want(again.signUp("ben@example.org"), http.StatusOK, "/account", "Hello ben")
	})
}

// firstLetter is the oldest letter of a kind to an address.
func (w *world) firstLetter(t *testing.T, to string, kind mail.Kind) mail.Message {
	t.Helper()
	found := w.letter(t, to, kind)
	for _, m := range w.mailbox.Messages() {
		if m.To == to && m.Kind == kind {
			found = m // the newest stand first
		}
	}
	return found
}

// prunedWhole checks what an erasure leaves: the ledger whole, the record, the marks against a backup, and the count.
func (w *world) prunedWhole(t *testing.T, ctx context.Context, want int) {
	t.Helper()
	if err := w.portal.config.Ledger.SequenceTenant(ctx, w.Tenant); err != nil {
		t.Fatal(err)
	}
	if _, err := w.portal.config.Ledger.Verify(ctx, w.Tenant.ID, ""); err != nil {
		t.Errorf("the ledger: %v", err)
	}
	events, err := w.portal.config.Audit.Search(ctx, w.Tenant.ID, audit.Filter{Types: []audit.Type{audit.ErasureDone}, Limit: 10})
	if err != nil || len(events) != want || events[0].Actor.Kind != audit.BySystem || events[0].Detail["reason"] == "" {
		t.Errorf("got %+v, %v, want %d erasures and why", events, err, want)
	}
	erased, err := w.DB.Erased(ctx, w.Tenant.ID)
	if err != nil || len(erased) != want {
		t.Errorf("got %d marks, %v, want %d", len(erased), err, want)
	}
	rows, err := w.portal.config.Retention.List(ctx, w.Tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Entity == retention.Unproven && (row.Removed != int64(want) || row.RanAt.IsZero()) {
			t.Errorf("got %+v, want %d accounts counted", row, want)
		}
	}
}

// TestAnotherPeriodIsToldAnew: nobody goes on a day that no letter has named. Periods shorter than two weeks are refused.
func TestAnotherPeriodIsToldAnew(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		p := mara.want(mara.get("/admin/retention"), http.StatusOK, "/admin/retention", "from 14 to 3650, or 0 for never")
		p = mara.send(p, "/admin/retention", map[string]string{"days.unproven": "13"})
		mara.want(p, http.StatusUnprocessableEntity, "/admin/retention", "")
		w.keptFor(t, "30")
		u := f.NewUser(t, "ben@example.org", func(p *profile.Profile) { p.EmailVerified = false })
		f.Clock.Advance(22 * day)
		w.retain(t)
		if w.told("ben@example.org", mail.AccountUnproven) {
			t.Error("the letter comes more than a week before")
		}
		f.Clock.Advance(day)
		w.retain(t)
		first := w.letter(t, "ben@example.org", mail.AccountUnproven)
		w.keptFor(t, "60")
		f.Clock.Advance(20 * day)
		w.retain(t)
		if w.gone(t, u) {
			t.Fatal("the account goes by a period that is no more")
		}
		f.Clock.Advance(16 * day) // the 59th
		w.retain(t)
		w.newest(t, "ben@example.org", mail.AccountUnproven, first.ID)
		if f.Clock.Advance(2 * day); w.gone(t, u) {
			t.Fatal("nothing ran")
		}
		w.retain(t)
		if w.gone(t, u) {
			t.Error("the account goes before the new letter's day")
		}
		w.keptFor(t, "0")
		f.Clock.Advance(100 * day)
		w.retain(t)
		if w.gone(t, u) {
			t.Error("the account goes though none is to go any more")
		}
	})
}

// TestProvingAgainstTheJob lets both come at once: either the account is proven and whole, or it is gone.
func TestProvingAgainstTheJob(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ctx := tenant.With(context.WithoutCancel(t.Context()), w.Tenant)
		for _, email := range []string{"a@example.org", "b@example.org", "c@example.org", "d@example.org"} {
			v := w.visitor(t)
			v.unfinished(email)
			u := w.user(t, email)
			f.Clock.Advance(23 * time.Hour)
			p := v.get("/verify")
			typed := map[string]string{"code": code(t, w.letter(t, email, mail.VerifyEmail))}
			if err := w.DB.SaveWarned(ctx, u, f.Clock.Now().Add(-privacy.PruneNotice)); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 2)
			for range 2 {
				go func() {
					_, err := w.portal.config.Closings.Prune(ctx, 0)
					done <- err
				}()
			}
			p = v.send(p, "/verify", typed)
			for range 2 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if saved, err := f.DB.FindProfile(ctx, u); err == nil && !saved.EmailVerified || (err == nil) != strings.HasPrefix(p.path, "/start") {
				t.Errorf("got %+v, %v after %d %s, want it proven or gone", saved, err, p.status, p.path)
			}
		}
	})
}

// TestNoMarketingToUnprovenAddresses: what rests on consent goes to nobody whose address may be a stranger's (rule V-7).
func TestNoMarketingToUnprovenAddresses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ctx := context.WithoutCancel(t.Context())
		w.purpose(t, terms.Document{Key: "news"}, 1)
		ben := w.visitor(t)
		ben.unfinished("ben@example.org")
		ben.signIn("ben@example.org", goodPassword)
		ben.send(ben.get("/account/consents"), "/account/consents", map[string]string{"on.news": "on"})
		listed := func() (people []string) {
			err := w.portal.config.Consents.EachConsenter(ctx, w.Tenant.ID, "news", func(c terms.Consenter) error {
				people = append(people, c.Email)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return people
		}
		if got := listed(); len(got) != 0 || w.queuedTo(t, "ben@example.org", mail.ConsentGiven) != 0 {
			t.Errorf("got %v and %d letters, want nobody written to", got, w.queuedTo(t, "ben@example.org", mail.ConsentGiven))
		}
		ben.send(ben.get("/verify"), "/verify", map[string]string{"code": code(t, w.letter(t, "ben@example.org", mail.VerifyEmail))})
		if got := listed(); len(got) != 1 {
			t.Errorf("got %v, want who has proven the address", got)
		}
	})
}

// TestBannersTheMostUrgentFirst: what has to be done first stands first, what has no day last.
func TestBannersTheMostUrgentFirst(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]map[string]bool{ // whether the address stands before the terms
		tenant.VerifyRemind: {"Your email address is not confirmed yet.": false}, tenant.VerifyRequire: {"Confirm your email address by": true},
		tenant.VerifyAllow: nil,
	} {
		w := newWorld(t, storetest.SQLite(t, func(s *tenant.Settings) { s.Verification = tenant.Verification{Mode: mode, Days: 3} }))
		ben := w.visitor(t)
		ben.unfinished("ben@example.org")
		w.issue(t, 1, "Seven days.", func(_ *terms.Draft, s *terms.Schedule) {
			s.EffectiveAt, s.EnforceAt = s.EffectiveAt.Add(14*day), s.EnforceAt.Add(14*day)
		})
		ben.signIn("ben@example.org", goodPassword)
		p := ben.get("/account/profile")
		text := ben.want(p, http.StatusOK, "/account/profile", "Terms of use").text()
		for words, first := range want {
			if at, terms := strings.Index(text, words), strings.Index(text, "Terms of use"); at < 0 || (at < terms) != first {
				t.Errorf("%s: got %q at %d and the terms at %d, want it first: %v", mode, words, at, terms, first)
			}
		}
		if want == nil && strings.Contains(text, "onfirm your email") {
			t.Errorf("%s: it is asked for", mode)
		}
		if p = ben.get("/account"); want == nil == strings.Contains(p.text(), "Confirm email address") {
			t.Errorf("%s: the overview says otherwise: %s", mode, p.text())
		}
	}
}

// TestAdministratorsAreKeptAndToldSo: who was written to and is an administrator since is not erased, so no page says so.
func TestAdministratorsAreKeptAndToldSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ben := w.visitor(t)
	ben.unfinished("ben@example.org")
	w.Clock.Advance(40 * day)
	if _, err := w.portal.config.Closings.Prune(tenant.With(t.Context(), w.Tenant), 30); err != nil {
		t.Fatal(err)
	}
	said := func(want bool) {
		t.Helper()
		if p := ben.get("/account/profile"); strings.Contains(p.text(), "or your account is erased") != want {
			t.Errorf("got %s, want it to say that the account goes: %v", p.text(), want)
		}
	}
	ben.signIn("ben@example.org", goodPassword)
	said(true)
	if err := w.DB.SaveRole(t.Context(), w.user(t, "ben@example.org"), profile.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	said(false)
}

// TestLettersToTheUnprovenKeepTheirRate: a round writes no more than a tenant's rate allows until the next.
func TestLettersToTheUnprovenKeepTheirRate(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t, func(s *tenant.Settings) { s.LettersPerMinute = 1 })
	w := newWorld(t, f)
	for i := range 12 {
		f.NewUser(t, string(rune('a'+i))+"@example.org", func(p *profile.Profile) { p.EmailVerified = false })
	}
	f.Clock.Advance(40 * day)
	for _, want := range []int{10, 12, 12} {
		if _, err := w.portal.config.Closings.Prune(tenant.With(t.Context(), w.Tenant), 30); err != nil {
			t.Fatal(err)
		}
		if n := w.rowsOf(t, "users", "warned_at IS NOT NULL"); n != want {
			t.Errorf("got %d people written to, want %d", n, want)
		}
	}
}
