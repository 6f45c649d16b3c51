package admin

import (
	"context"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// SendExample mails an administrator, at their own address, how letters of a kind arrive in a language. It is limited like other
// letters (security.md row 51), for each kind by itself. It returns *guard.TooMany, or valid.Errors for who has no address.
func (s *Service) SendExample(ctx context.Context, actor tenant.User, kind mail.Kind, language string) error {
	p, err := s.store.FindProfile(ctx, actor)
	if err != nil {
		return err
	}
	if p.Email == "" {
		return valid.Errors{{Key: "emails.test.nowhere"}}
	}
	subject := guard.Subject{Account: profile.EmailKey(p.Email) + " " + string(kind), User: actor, IP: audit.OriginOf(ctx).IP}
	if err := s.guard.Allow(ctx, actor.Tenant, guard.ExampleLetter, subject); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		err := s.outbox.Send(ctx, mail.Letter{
			Tenant: actor.Tenant, User: actor.ID, To: p.Email, Kind: mail.Example, Language: language, Facts: mail.Facts{Of: kind, Name: p.Nickname},
		})
		if err != nil {
			return err
		}
		return s.record(ctx, actor, actor, audit.Event{
			Type: audit.AdminWrote, Detail: map[string]string{"action": "example_sent", "kind": string(kind), "language": language},
		})
	})
}
