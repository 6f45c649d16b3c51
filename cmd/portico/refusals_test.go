package main

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/mail"
	"portico/internal/signin"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// Rule A-1, row 69: what is refused is in the record, with the reason, and limits once each time that they are met.
func TestRefusalsAreRecorded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.member(t)
		u := w.user(t, "ana@example.org")

		ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": "new@example.org"})
		other := w.visitor(t)
		p := other.get(link(t, w.letter(t, "new@example.org", mail.EmailChangeConfirm), "/email/confirm/"))
		other.send(p, "/email/confirm", map[string]string{"code": "000000"})

		ana.send(ana.get("/password/forgot"), "/password/forgot", map[string]string{"email": "ana@example.org"})
		if err := w.portal.resets.Answer(t.Context(), f.Tenant.ID); err != nil {
			t.Fatal(err)
		}
		reset := w.letter(t, "ana@example.org", mail.ResetEmail)
		p = other.get(link(t, reset, "/password/reset/"))
		other.send(p, "/password/reset", map[string]string{"code": "000000", "password": "two ferries and a gull"})
		f.Clock.Advance(2 * time.Hour)
		p = other.get(link(t, reset, "/password/reset/"))
		other.want(p, http.StatusGone, "/password/reset", "too old")

		ben := w.visitor(t)
		p = ben.send(ben.get("/signup"), "/signup", map[string]string{"email": "ben@example.org", "password": goodPassword})
		ben.send(p, "/verify", map[string]string{"code": "000000"})
		ben.send(p, "/verify/again", nil)

		for user, kinds := range map[tenant.User][]audit.Type{
			u: {audit.EmailFailed, audit.PasswordFailed}, w.user(t, "ben@example.org"): {audit.VerifyFailed},
		} {
			for _, kind := range kinds {
				if n := w.recorded(t, user, kind); n != 1 {
					t.Errorf("got %d lines %s, want 1", n, kind)
				}
			}
		}
	})
}

// Rule A-1: what is limited is recorded when the limit is met, not for every try beyond it.
func TestLimitsAreRecordedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.member(t)
	ctx := audit.WithOrigin(tenant.With(t.Context(), w.Tenant), audit.Origin{IP: netip.MustParseAddr("192.0.2.9")})
	device := strings.Repeat("d", 43)
	for range 23 { // a known device is not slowed down by failures, only by its rate
		_, _ = w.portal.config.SignIn.SignIn(ctx, signin.Attempt{Email: "ana@example.org", Password: goodPassword, Device: device})
	}
	for n := range 103 {
		_, _ = w.portal.guesses.Failed(ctx, w.Tenant.ID, guard.Subject{Account: strconv.Itoa(n), IP: netip.MustParseAddr("192.0.2.10")})
	}
	ctx = audit.WithOrigin(ctx, audit.Origin{IP: netip.MustParseAddr("192.0.2.11")})
	for n := range 99 {
		_, _ = w.portal.guesses.Failed(ctx, w.Tenant.ID, guard.Subject{Account: strconv.Itoa(n), IP: netip.MustParseAddr("192.0.2.11")})
	}
	for range 3 {
		_, _ = w.portal.config.SignIn.SignIn(ctx, signin.Attempt{Email: "nobody@example.org", Password: goodPassword})
	}
	for _, kind := range []audit.Type{audit.AccountRate, audit.PlaceStopped} {
		events, err := w.portal.config.Audit.Search(t.Context(), w.Tenant.ID, audit.Filter{Types: []audit.Type{kind}, Limit: 50})
		if err != nil || len(events) != 1 {
			t.Errorf("got %d lines %s, %v, want 1", len(events), kind, err)
		}
	}
}
