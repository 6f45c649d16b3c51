package privacy

import (
	"context"
	"time"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
)

// ByAge is who asked for a closing when it was nobody: its person is too young.
const ByAge = "age"

// AgeGrace is the least time between the answer that somebody is too young and their erasure: enough to take the data along, and to
// have a mistyped year put right, whatever the tenant gives those who close their account themselves.
const AgeGrace = 3 * 24 * time.Hour

// CloseUnderAge begins to close the account of u, who is too young, in the transaction of ctx. guardian is what became of
// asking one, as app_metadata says, or nothing; except is the hash of a session that goes on, so that its person can take
// their data along. The person has the tenant's days of grace, AgeGrace at least, but does not keep the account by saying so.
// One that closes already does so on its day, without the links that would have kept it.
func (s *Closings) CloseUnderAge(ctx context.Context, u tenant.User, guardian, except string) (Closing, error) {
	b := beginning{method: terms.MethodGate, except: except, least: AgeGrace, tell: func(ctx context.Context, p profile.Profile, c Closing) error {
		return s.tellTooYoung(ctx, p, c, guardian)
	}}
	switch guardian {
	case profile.GuardianRefused:
		b.method = terms.MethodGuardian
	case profile.GuardianSilent:
		b.method = terms.MethodTime
	}
	before, err := s.Store.LockClosing(ctx, u)
	if err != nil {
		return before, err
	}
	if !before.Pending() {
		return s.begin(ctx, Closing{User: u, By: ByAge}, b, func(profile.Profile) error { return nil })
	}
	p, err := s.Store.LockProfile(ctx, u)
	if err != nil {
		return before, err
	}
	if err := s.Tickets.Void(ctx, u, ticket.Keep); err != nil {
		return before, err
	}
	return before, b.tell(ctx, p, before)
}

// tellTooYoung writes to every address of p why the account closes, and when.
func (s *Closings) tellTooYoung(ctx context.Context, p profile.Profile, c Closing, guardian string) error {
	addresses, err := s.Store.Addresses(ctx, p, s.Now().Add(-told))
	if err != nil {
		return err
	}
	for _, to := range addresses {
		facts := mail.Facts{Until: c.DueAt, Outcome: guardian, Link: tenant.From(ctx).URL("/account/data")}
		if err := s.tell(ctx, p, to, mail.AgeClosing, facts); err != nil {
			return err
		}
	}
	return nil
}
