package terms

import (
	"context"
	"errors"
	"time"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// confirmTime is how long the letter that asks to confirm a consent can be answered.
const confirmTime = 7 * 24 * time.Hour

// ask sends the letter that confirms a consent: the purpose demands that nobody signs up somebody else.
func (s *Consents) ask(ctx context.Context, library Library, now time.Time, c Choice, w Wish) error {
	version, shownText, ok := shown(library, now, w.Decision)
	if !ok {
		return ErrChanged
	}
	t := tenant.From(ctx)
	p, err := s.store.FindProfile(ctx, c.User)
	if err != nil {
		return err
	}
	if p.Email == "" {
		return ErrNoAddress
	}
	c.Number, c.Locale, c.Since, c.State = version.Number, shownText.Locale, now, Pending
	if err := s.store.SaveConsent(ctx, named(c)); err != nil {
		return err
	}
	issued, err := s.tickets.Issue(ctx, ticket.Order{
		User: c.User, Kind: ticket.Consent, Address: p.Email, Note: c.Document, Browser: w.Browser, Lifetime: confirmTime, Beside: true,
	})
	if err != nil {
		return err
	}
	language, _ := profile.LetterLanguage(t, p, w.LocaleWanted)
	text, _ := library.Text(c.Document, version.Number, language)
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: c.User.ID, To: p.Email, Kind: mail.ConsentConfirm, Language: language,
		Facts: mail.Facts{
			Name: p.Nickname, Document: text.Title, Code: issued.Code, Link: t.URL("/consents/confirm/" + issued.Secret), TTL: confirmTime,
		},
	})
}

// ErrNoAddress says that a purpose needs a letter to be confirmed, and there is no address to send it to.
var ErrNoAddress = errors.New("no address to confirm by")

// Look finds the ticket of a letter that asks to confirm a consent, without effect.
func (s *Consents) Look(ctx context.Context, t tenant.ID, secret string) (ticket.Ticket, error) {
	return s.tickets.Look(ctx, t, ticket.Consent, secret)
}

// Confirm turns a consent on by the letter that asked for it. It returns an error of package ticket when the letter is of
// no use, and ErrChanged when the wording has changed since.
func (s *Consents) Confirm(ctx context.Context, claim ticket.Claim, d Decision) error {
	claim.Kind = ticket.Consent
	return s.tickets.Redeem(ctx, claim, func(ctx context.Context, found ticket.Ticket) error {
		library, now, err := s.fresh(ctx, found.User.Tenant)
		if err != nil {
			return err
		}
		given, err := s.store.Consents(ctx, found.User)
		if err != nil {
			return err
		}
		c := standingOn(given, found.User, found.Note)
		if c.State != Pending {
			return ErrChanged
		}
		text, ok := library.Text(c.Document, c.Number, c.Locale)
		if !ok {
			return ErrChanged
		}
		d.Document, d.Number, d.HTMLSHA256, d.Method = c.Document, c.Number, text.HTMLSHA256, MethodMail
		return s.begin(ctx, library, now, c, d)
	})
}
