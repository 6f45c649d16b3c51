package password_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/store"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/internal/verification"
)

const (
	first  = "seven umbrellas in the lift"
	second = "nine kettles on the balcony"
	laptop = "laptop"
	phone  = "phone"
)

// letterbox keeps the letters that were queued, opened.
type letterbox struct {
	*store.DB
	ring    keys.Ring
	mu      sync.Mutex
	letters []letter
}

type letter struct {
	mail.Queued
	mail.Facts
}

func (b *letterbox) QueueLetter(_ context.Context, q mail.Queued) error {
	plain, err := b.ring.Open("letter", q.Sealed)
	if err != nil {
		return err
	}
	l := letter{Queued: q}
	if err := json.Unmarshal(plain, &l.Facts); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, l)
	return nil
}

// world is a password service with one person who has a password and two sessions.
type world struct {
	*testing.T
	storetest.Fixture
	*password.Service
	ctx      context.Context
	hasher   *password.Hasher
	guard    *guard.Service
	tickets  *ticket.Service
	sessions *session.Service
	box      *letterbox
	user     tenant.User
	here     session.Live
	there    session.Session
}

func each(t *testing.T, test func(w *world), changes ...func(*profile.Profile)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		ring, err := keys.New(keys.Generate())
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, Fixture: f, hasher: password.NewHasher(), box: &letterbox{DB: f.DB, ring: ring}}
		w.ctx = audit.WithOrigin(tenant.With(t.Context(), f.Tenant), audit.Origin{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "Test"})
		w.guard = guard.New(f.DB, f.Clock.Now)
		w.tickets = ticket.New(f.DB, ring, f.Clock.Now)
		w.sessions = session.New(f.DB, f.Clock.Now)
		log := audit.New(f.DB, f.Clock.Now)
		w.Service = password.New(f.DB, only{f.Tenant}, w.hasher, w.guard, w.tickets, w.sessions,
			mail.NewOutbox(w.box, ring, f.Clock.Now, nil), log, f.Clock.Now)
		w.user = f.NewUser(t, "Kim.Nowak@example.org", append([]func(*profile.Profile){func(p *profile.Profile) { p.Name = "Kim Nowak" }}, changes...)...)
		hash, err := w.hasher.Hash(w.ctx, first)
		w.do(err)
		w.do(f.DB.SavePassword(w.ctx, w.user, hash, f.Clock.Now(), false))
		opened := w.open()
		w.here, err = w.sessions.Find(w.ctx, f.Tenant.ID, opened.ID)
		w.do(err)
		w.there = w.open()
		test(w)
	})
}

// only is a directory of one tenant.
type only struct{ tenant.Tenant }

func (o only) ByID(context.Context, tenant.ID) (tenant.Tenant, error) { return o.Tenant, nil }

func (w *world) do(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) open() session.Session {
	w.Helper()
	s, _, err := w.sessions.Start(w.ctx, session.Opening{User: w.user})
	w.do(err)
	return s
}

// ask asks for a reset letter and returns it.
func (w *world) ask(browser string) letter {
	w.Helper()
	before := len(w.box.letters)
	w.do(w.RequestReset(w.ctx, " kim.nowak@EXAMPLE.org ", browser))
	w.do(w.Answer(w.ctx, w.Tenant.ID))
	if len(w.box.letters) != before+1 {
		w.Fatalf("got %d letters, want one more than %d", len(w.box.letters), before)
	}
	w.Clock.Advance(time.Hour / 2)
	return w.box.letters[before]
}

func (w *world) claim(l letter, browser, code string) ticket.Claim {
	return ticket.Claim{User: tenant.User{Tenant: w.Tenant.ID}, Secret: path.Base(l.Link), Browser: browser, Code: code}
}

func (w *world) look(l letter) error {
	_, err := w.Look(w.ctx, w.Tenant.ID, path.Base(l.Link))
	return err
}

// has says whether the password of the person is plain.
func (w *world) has(plain string) bool {
	w.Helper()
	hash, _, err := w.DB.FindPassword(w.ctx, w.user)
	w.do(err)
	ok, _, err := w.hasher.Verify(w.ctx, hash, plain)
	w.do(err)
	return ok
}

func (w *world) profile() profile.Profile {
	w.Helper()
	p, err := w.DB.FindProfile(w.ctx, w.user)
	w.do(err)
	return p
}

// events lists the types of what was recorded, newest first.
func (w *world) events() []audit.Type {
	w.Helper()
	events, err := w.DB.SearchEvents(w.ctx, w.Tenant.ID, audit.Filter{User: w.user.ID, Limit: 50})
	w.do(err)
	var types []audit.Type
	for _, e := range events {
		types = append(types, e.Type)
	}
	return types
}

func (w *world) wants(behaviour string, got, want error) {
	w.Helper()
	if !errors.Is(got, want) {
		w.Errorf("%s: got %v, want %v", behaviour, got, want)
	}
}

func keyOf(err error, field string) string {
	refused, _ := errors.AsType[valid.Errors](err)
	p, _ := refused.On(field)
	return p.Key
}

func TestResetFromTheBrowserThatAsked(t *testing.T) {
	each(t, func(w *world) {
		l := w.ask(laptop)
		if l.Kind != mail.ResetEmail || l.To != "Kim.Nowak@example.org" || !strings.HasPrefix(l.Link, w.Tenant.Origin+"/password/reset/") ||
			l.TTL != time.Hour || len(l.Code) != 6 {
			t.Errorf("got %+v, want a reset letter with link, code and lifetime", l)
		}
		for range 3 {
			w.wants("ASVS-3.5.3 looking uses nothing up", w.look(l), nil)
		}
		w.do(w.Reset(w.ctx, w.claim(l, laptop, ""), second))
		if w.has(first) || !w.has(second) {
			t.Error("the password is not the new one")
		}
		if left, err := w.sessions.List(w.ctx, w.user); err != nil || len(left) != 0 {
			t.Errorf("ASVS-7.4.3: got %d sessions, %v, want all ended", len(left), err)
		}
		if p := w.profile(); p.LastPasswordReset.IsZero() {
			t.Error("last_password_reset is not set")
		}
		if notice := w.box.letters[len(w.box.letters)-1]; notice.Kind != mail.PasswordChanged || notice.To != l.To {
			t.Errorf("ASVS-6.3.7: got %+v, want a notice", notice)
		}
		if got, want := w.events(), []audit.Type{audit.PasswordChanged, audit.ResetRequested}; !slices.Equal(got, want) {
			t.Errorf("got events %v, want %v", got, want)
		}
		w.wants("ASVS-6.5.1 the link works once", w.Reset(w.ctx, w.claim(l, laptop, ""), first), ticket.ErrUsed)
		w.wants("looking again says why", w.look(l), ticket.ErrUsed)
	})
}

func TestResetFromAnotherBrowserAsksForTheCode(t *testing.T) {
	each(t, func(w *world) {
		l := w.ask(laptop)
		w.wants("without it", w.Reset(w.ctx, w.claim(l, phone, ""), second), ticket.ErrCodeNeeded)
		wrong := "000000"
		if l.Code == wrong {
			wrong = "111111"
		}
		err := w.Reset(w.ctx, w.claim(l, phone, wrong), second)
		if got, ok := errors.AsType[ticket.WrongCode](err); !ok || got.Left != 4 {
			t.Errorf("a wrong one: got %v, want 4 tries left", err)
		}
		if key := keyOf(w.Reset(w.ctx, w.claim(l, phone, wrong), "short"), password.FieldPassword); key != "err.password.short" {
			t.Errorf("a bad password: got %q, want it refused without using up a try", key)
		}
		if !w.has(first) {
			t.Error("the password changed")
		}
		w.do(w.Reset(w.ctx, w.claim(l, phone, l.Code[:3]+" "+l.Code[3:]), second))
		if !w.has(second) {
			t.Error("with the code: the password is not the new one")
		}
	})
}

func TestResetCodeIsVoidAfterFiveMisses(t *testing.T) {
	each(t, func(w *world) {
		l := w.ask(laptop)
		wrong := strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, l.Code)
		for range 4 {
			_ = w.Reset(w.ctx, w.claim(l, phone, wrong), second)
		}
		w.wants("the fifth", w.Reset(w.ctx, w.claim(l, phone, wrong), second), ticket.ErrCodeSpent)
		w.wants("the right one after that", w.Reset(w.ctx, w.claim(l, phone, l.Code), second), ticket.ErrCodeSpent)
		if !w.has(first) {
			t.Error("the password changed")
		}
	})
}

func TestResetLinkLivesAnHour(t *testing.T) {
	each(t, func(w *world) {
		l := w.ask(laptop) // moves the clock by half an hour
		w.Clock.Advance(29 * time.Minute)
		w.wants("after 59 minutes", w.look(l), nil)
		w.Clock.Advance(2 * time.Minute)
		w.wants("after 61 minutes", w.look(l), ticket.ErrExpired)
		w.wants("after 61 minutes", w.Reset(w.ctx, w.claim(l, laptop, ""), second), ticket.ErrExpired)
	})
}

func TestResetLinkIsVoided(t *testing.T) {
	for behaviour, c := range map[string]struct {
		by   func(w *world)
		want error
	}{
		"by a newer letter": {func(w *world) { w.ask(phone) }, ticket.ErrReplaced},
		"by a new password": {func(w *world) {
			_, err := w.Change(w.ctx, w.here, laptop, first, second)
			w.do(err)
		}, ticket.ErrReplaced},
		"by a new address": {func(w *world) {
			p := w.profile()
			p.Email = "other@example.org"
			w.do(w.DB.SaveEmail(w.ctx, p))
		}, ticket.ErrReplaced},
	} {
		t.Run(behaviour, func(t *testing.T) {
			each(t, func(w *world) {
				l := w.ask(laptop)
				c.by(w)
				w.wants("looking", w.look(l), c.want)
				w.wants("resetting", w.Reset(w.ctx, w.claim(l, laptop, ""), "four ladders by the harbour"), c.want)
				if w.has("four ladders by the harbour") {
					t.Error("the password changed")
				}
			})
		})
	}
	t.Run("nothing else opens it", func(t *testing.T) {
		each(t, func(w *world) {
			l := w.ask(laptop)
			c := w.claim(l, laptop, l.Code)
			c.User.Tenant = "other"
			w.wants("another tenant", w.Reset(w.ctx, c, second), ticket.ErrUnknown)
			c = w.claim(l, laptop, l.Code)
			c.Secret += "x"
			w.wants("another secret", w.Reset(w.ctx, c, second), ticket.ErrUnknown)
		})
	})
}

func TestBlockedPeopleGetNoLetter(t *testing.T) {
	each(t, func(w *world) {
		w.do(w.RequestReset(w.ctx, "kim.nowak@example.org", laptop))
		w.do(w.Answer(w.ctx, w.Tenant.ID))
		if len(w.box.letters) != 0 {
			t.Errorf("got %d letters, want none", len(w.box.letters))
		}
	}, func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, At: time.Now()} })
}

func TestBlockRefusesOpenLinks(t *testing.T) {
	each(t, func(w *world) {
		w.do(w.DB.InTx(w.ctx, func(ctx context.Context) error { return w.Send(ctx, w.profile(), laptop) }))
		l := w.box.letters[0]
		w.wants("looking", w.look(l), ticket.ErrUnknown)
		w.wants("resetting", w.Reset(w.ctx, w.claim(l, laptop, ""), second), ticket.ErrUnknown)
		if !w.has(first) {
			t.Error("the password changed")
		}
	}, func(p *profile.Profile) { p.Block = profile.Block{Blocked: true, At: time.Now()} })
}

func TestRequestsAreSilent(t *testing.T) {
	each(t, func(w *world) {
		for _, address := range []string{"nobody@example.org", "kim.nowak@example.org", "kim.nowak@example.org"} {
			w.do(w.RequestReset(w.ctx, address, laptop))
		}
		w.do(w.Answer(w.ctx, w.Tenant.ID))
		w.do(w.Answer(w.ctx, w.Tenant.ID))
		if len(w.box.letters) != 1 {
			t.Errorf("got %d letters, want one: none to strangers, one a minute", len(w.box.letters))
		}
		if left, err := w.DB.ResetRequests(w.ctx, w.Tenant.ID, 100); err != nil || len(left) != 0 {
			t.Errorf("got %v, %v, want no request left", left, err)
		}
		for address, want := range map[string]string{"": "err.email.empty", "kim": "err.email.form"} {
			if got := keyOf(w.RequestReset(w.ctx, address, laptop), profile.FieldEmail); got != want {
				t.Errorf("%q: got %q, want %q", address, got, want)
			}
		}
	})
}

// Row 20: asking changes nothing.
func TestAskingLocksNothing(t *testing.T) {
	each(t, func(w *world) {
		for range 100 {
			w.do(w.RequestReset(w.ctx, "kim.nowak@example.org", laptop))
			w.Clock.Advance(time.Second)
		}
		w.do(w.Answer(w.ctx, w.Tenant.ID))
		if !w.has(first) {
			t.Error("the password changed")
		}
		who := guard.Subject{Account: "kim.nowak@example.org", IP: netip.MustParseAddr("192.0.2.1")}
		w.do(w.guard.Allow(w.ctx, w.Tenant.ID, guard.SignIn, who))
		if left, err := w.sessions.List(w.ctx, w.user); err != nil || len(left) != 2 {
			t.Errorf("got %d sessions, %v, want both", len(left), err)
		}
		if len(w.box.letters) > 2 {
			t.Errorf("got %d letters within two minutes, want at most 2", len(w.box.letters))
		}
	})
}

func TestParallelAnswersSendOneLetter(t *testing.T) {
	each(t, func(w *world) {
		w.do(w.RequestReset(w.ctx, "kim.nowak@example.org", laptop))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := w.Answer(w.ctx, w.Tenant.ID); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(w.box.letters) != 1 {
			t.Errorf("got %d letters, want 1", len(w.box.letters))
		}
	})
}

func TestParallelResetsHaveOneEffect(t *testing.T) {
	each(t, func(w *world) {
		l := w.ask(laptop)
		var done atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				switch err := w.Reset(w.ctx, w.claim(l, laptop, ""), second); {
				case err == nil:
					done.Add(1)
				case !errors.Is(err, ticket.ErrUsed):
					t.Errorf("got %v, want ErrUsed", err)
				}
			})
		}
		wg.Wait()
		if done.Load() != 1 {
			t.Errorf("got %d resets, want 1", done.Load())
		}
	})
}

func TestResetLiftsAutomaticBlocks(t *testing.T) {
	each(t, func(w *world) {
		who := guard.Subject{Account: "kim.nowak@example.org", IP: netip.MustParseAddr("192.0.2.1")}
		for n := range 100 {
			from := who
			if n >= 10 {
				from.IP = netip.AddrFrom4([4]byte{203, 0, 113, byte(n)})
			}
			_, err := w.guard.Failed(w.ctx, w.Tenant.ID, from)
			w.do(err)
		}
		l := w.ask(laptop)
		w.do(w.Reset(w.ctx, w.claim(l, laptop, ""), second))
		w.do(w.guard.Allow(w.ctx, w.Tenant.ID, guard.SignIn, who))
	})
}

// Rule V-7: whoever made the account without proving the address loses it to the owner of the address.
func TestResetOfAnUnprovenAccountClaimsIt(t *testing.T) {
	each(t, func(w *world) {
		l := w.ask(laptop)
		w.do(w.Reset(w.ctx, w.claim(l, laptop, ""), second))
		if p := w.profile(); !p.EmailVerified || len(p.UserMetadata) != 0 || p.Version != 2 {
			t.Errorf("got %+v, want a proven address and no metadata of the squatter", p)
		}
	}, func(p *profile.Profile) {
		p.EmailVerified, p.UserMetadata = false, profile.Metadata{"lang": json.RawMessage(`"pl"`)}
	})
}

// What only administrators write was not the squatter's doing.
func TestResetKeepsWhatTheCompanyWrote(t *testing.T) {
	each(t, func(w *world) {
		company := w.Tenant
		company.Metadata = json.RawMessage(`{"type": "object", "properties": {"customer": {"type": "string", "readOnly": true}, "shelf": {"type": "string"}}}`)
		l := w.ask(laptop)
		w.do(w.Reset(tenant.With(w.ctx, company), w.claim(l, laptop, ""), second))
		if got := string(w.profile().UserMetadata.JSON()); got != `{"customer":"HB-1"}` {
			t.Errorf("got %s, want what the company wrote and nothing of the squatter", got)
		}
	}, func(p *profile.Profile) {
		p.EmailVerified, p.UserMetadata = false, profile.Metadata{"customer": json.RawMessage(`"HB-1"`), "shelf": json.RawMessage(`"novels"`)}
	})
}

func TestResetKeepsAProvenAccount(t *testing.T) {
	each(t, func(w *world) {
		l := w.ask(laptop)
		if l.Language != "pl" {
			t.Errorf("got a letter in %q, want pl", l.Language)
		}
		w.do(w.Reset(w.ctx, w.claim(l, laptop, ""), second))
		if p := w.profile(); !p.EmailVerified || p.UserMetadata.Text("lang") != "pl" || p.Version != 1 {
			t.Errorf("got %+v, want everything as it was", p)
		}
	}, func(p *profile.Profile) { p.UserMetadata = profile.Metadata{"lang": json.RawMessage(`"pl"`)} })
}

// Whoever knew the old password may have asked for another address; it must not arrive after the reset.
func TestResetGivesUpAPendingChangeOfAddress(t *testing.T) {
	each(t, func(w *world) {
		now := w.Clock.Now()
		w.do(w.DB.SaveChange(w.ctx, verification.Change{
			User: w.user, NewEmail: "thief@example.org", OldEmail: "Kim.Nowak@example.org", RequestedAt: now, ConfirmedAt: now,
			DueAt: now.Add(72 * time.Hour),
		}))
		l := w.ask(laptop)
		w.do(w.Reset(w.ctx, w.claim(l, laptop, ""), second))
		if c, err := w.DB.FindChange(w.ctx, w.user); err != nil || c.Pending() {
			t.Errorf("got %+v, %v, want nothing pending", c, err)
		}
	})
}

// Row 66: the address of last week is told, too.
func TestPreviousAddressIsToldOfANewPassword(t *testing.T) {
	each(t, func(w *world) {
		for _, before := range []string{"before@example.org", "long.before@example.org", "kim.nowak@example.org"} {
			_, err := w.tickets.Issue(w.ctx, ticket.Order{
				User: w.user, Kind: ticket.EmailUndo, Address: before, Lifetime: tenant.Settings{}.UndoLifetime(), Beside: true,
			})
			w.do(err)
		}
		w.Clock.Advance(6 * 24 * time.Hour)
		_, err := w.Change(w.ctx, w.here, laptop, first, second)
		w.do(err)
		var told []string
		for _, l := range w.box.letters {
			told = append(told, l.To)
		}
		if want := []string{"before@example.org", "long.before@example.org", "Kim.Nowak@example.org"}; !slices.Equal(told, want) {
			t.Fatalf("got notices to %v, want %v", told, want)
		}
		w.Clock.Advance(2 * 24 * time.Hour)
		l := w.ask(laptop)
		w.do(w.Reset(w.ctx, w.claim(l, laptop, ""), first))
		if got := w.box.letters[4:]; len(got) != 1 {
			t.Errorf("after eight days: got %v, want one notice", got)
		}
	})
}

func TestChangeNeedsALiveSession(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.Change(w.ctx, w.here, laptop, first, second)
		w.do(err)
		_, err = w.Change(w.ctx, w.here, laptop, second, "four ladders by the harbour")
		w.wants("a session that has ended", err, session.ErrNone)
		if !w.has(second) {
			t.Error("the password changed")
		}
	})
}

func TestChange(t *testing.T) {
	each(t, func(w *world) {
		for _, c := range []struct {
			behaviour, current, chosen, field, want string
		}{
			{"ASVS-6.2.3 without the current one", "", second, password.FieldCurrent, "err.password.empty"},
			{"ASVS-6.2.3 with a wrong one", "wrong " + first, second, password.FieldCurrent, "err.password.current"},
			{"with the same one", first, first, password.FieldPassword, "err.password.same"},
			{"with a short one", first, "short", password.FieldPassword, "err.password.short"},
			{"with the own name", first, "kimnowakkimnowak", password.FieldPassword, "err.password.personal"},
		} {
			_, err := w.Change(w.ctx, w.here, laptop, c.current, c.chosen)
			if got := keyOf(err, c.field); got != c.want {
				t.Errorf("%s: got %q (%v), want %q", c.behaviour, got, err, c.want)
			}
		}
		renewed, err := w.Change(w.ctx, w.here, laptop, first, second)
		w.do(err)
		if !w.has(second) {
			t.Error("the password is not the new one")
		}
		if _, err := w.sessions.Find(w.ctx, w.Tenant.ID, renewed.ID); err != nil || renewed.ID == w.here.ID {
			t.Errorf("this session: got %v, want it to go on under a new id", err)
		}
		_, err = w.sessions.Find(w.ctx, w.Tenant.ID, w.here.ID)
		w.wants("its old id", err, session.ErrNone)
		_, err = w.sessions.Find(w.ctx, w.Tenant.ID, w.there.ID)
		w.wants("another session", err, session.ErrNone)
		if len(w.box.letters) != 1 || w.box.letters[0].Kind != mail.PasswordChanged {
			t.Errorf("got %v, want a notice", w.box.letters)
		}
		if got, want := w.events(), []audit.Type{audit.PasswordChanged, audit.PasswordFailed}; !slices.Equal(got, want) {
			t.Errorf("got events %v, want %v", got, want)
		}
	})
}

// Row 11.
func TestWrongCurrentPasswordsAreThrottled(t *testing.T) {
	each(t, func(w *world) {
		for n := range 20 {
			_, err := w.Change(w.ctx, w.here, laptop, "wrong "+first, second)
			if _, ok := errors.AsType[*guard.TooMany](err); ok {
				if n < 3 {
					t.Errorf("throttled after %d", n)
				}
				return
			}
		}
		t.Error("20 wrong current passwords were not throttled")
	})
}

func TestRunAnswersAtOnce(t *testing.T) {
	each(t, func(w *world) {
		ctx, stop := context.WithCancel(w.ctx)
		var running sync.WaitGroup
		running.Go(func() { w.Service.Run(ctx, func(err error) { t.Error(err) }) })
		w.do(w.RequestReset(w.ctx, "kim.nowak@example.org", laptop))
		for range 100 {
			if left, err := w.DB.ResetRequests(w.ctx, w.Tenant.ID, 1); err == nil && len(left) == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		stop()
		running.Wait()
		if len(w.box.letters) != 1 {
			t.Errorf("got %d letters, want one before the next look at the queue", len(w.box.letters))
		}
	})
}
