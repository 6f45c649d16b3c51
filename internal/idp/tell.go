package idp

import (
	"context"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// tell mails somebody what changed about how they sign in, at every address that is proven to be theirs (security.md row 66).
func (s *Service) tell(ctx context.Context, p profile.Profile, to []string, kind mail.Kind, facts mail.Facts) error {
	t, origin := tenant.From(ctx), audit.OriginOf(ctx)
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	facts.Name, facts.Time, facts.Browser = p.Nickname, s.now(), origin.UserAgent
	if origin.IP.IsValid() {
		facts.IP = origin.IP.String()
	}
	told := map[string]bool{"": true}
	for _, address := range to {
		if told[profile.EmailKey(address)] {
			continue
		}
		told[profile.EmailKey(address)] = true
		letter := mail.Letter{Tenant: t.ID, User: p.User.ID, To: address, Kind: kind, Language: language, Facts: facts}
		if err := s.outbox.Send(ctx, letter); err != nil {
			return err
		}
	}
	return nil
}

// provenAddress is an address that somebody has proven, or nothing.
func provenAddress(email string, verified bool) string {
	if !verified {
		return ""
	}
	return email
}
