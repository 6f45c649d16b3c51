package terms

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// State is whether somebody consents to a purpose.
type State string

// The states of a consent. Without one it is Off: nothing is consented to until somebody turns it on (rule G-1).
const (
	Off     State = "off"
	On      State = "on"
	Pending State = "pending"  // asked for, and not yet confirmed by the letter
	Against State = "objected" // objected to, by the person or for them by their browser
)

// Wanted reports whether somebody has turned a purpose on, be it that a letter must still confirm it.
func (s State) Wanted() bool { return s == On || s == Pending }

// Choice is where a person stands on one purpose: derived from the record. Link is the unguessable name of this person
// and purpose in addresses that withdraw it; it stays the same for ever and opens nothing else (RFC 8058, section 3).
type Choice struct {
	User     tenant.User
	Document string
	Number   int
	State    State
	Event    string
	Locale   string
	Since    time.Time
	Link     string
	// ExpiresAt is when a consent ends by itself, or zero.
	ExpiresAt time.Time
}

// Consenter is somebody who consents to a purpose, as whoever writes to them needs to know.
type Consenter struct {
	Choice
	Email string
	Name  string
}

// ErrLink says that an address withdraws nothing: nobody's consent has this name.
var ErrLink = errors.New("no such consent")

// ConsentStore is what consents need of persistence besides Store.
type ConsentStore interface {
	Store
	Consents(ctx context.Context, u tenant.User) ([]Choice, error)
	ConsentByLink(ctx context.Context, t tenant.ID, link string) (Choice, error)
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	SaveConsent(ctx context.Context, c Choice) error
	// Consenters lists who consents to a purpose and may be written to, by id, after the one called after.
	Consenters(ctx context.Context, t tenant.ID, document, after string, limit int) ([]Consenter, error)
	// ExpiredConsents locks consents that are on though their time is over at now, at most limit.
	ExpiredConsents(ctx context.Context, t tenant.ID, now time.Time, limit int) ([]Choice, error)
	// CountConsents says how many consent, by document.
	CountConsents(ctx context.Context, t tenant.ID) (map[string]int64, error)
}

// Consents lets people give and withdraw consent to optional purposes. A purpose is a document whose assent is Consent:
// its title is the label, its text what it means, and each wording is a version of its own.
type Consents struct {
	*Service
	store   ConsentStore
	tickets *ticket.Service
}

// NewConsents returns the consents that service's documents ask for.
func NewConsents(service *Service, store ConsentStore, tickets *ticket.Service) *Consents {
	return &Consents{service, store, tickets}
}

// Purpose is one optional purpose, or one legitimate interest, as a person sees it: of an interest only the state Against
// says anything. Changed is the version they consented to, when its wording has
// changed so much since that it no longer counts.
type Purpose struct {
	Document Document
	Version  Version
	Text     Text
	Choice   Choice
	Changed  int
}

// Purposes lists what may be consented or objected to, in the language nearest to locale, with where u stands.
func (s *Consents) Purposes(ctx context.Context, u tenant.User, locale string) ([]Purpose, error) {
	library, now, err := s.fresh(ctx, u.Tenant)
	if err != nil {
		return nil, err
	}
	given, err := s.store.Consents(ctx, u)
	if err != nil {
		return nil, err
	}
	var purposes []Purpose
	for _, d := range library.Documents {
		current, ok := library.Current(d.Key, now)
		if (d.Assent != Consent && d.Assent != Interest) || d.Retired() || !ok {
			continue
		}
		p := Purpose{Document: d, Version: current, Choice: standingOn(given, u, d.Key)}
		p.Text, _ = library.Text(d.Key, current.Number, locale)
		if !p.Choice.ExpiresAt.IsZero() && !now.Before(p.Choice.ExpiresAt) {
			p.Choice.State = Off
		}
		if p.Choice.State.Wanted() && !library.sameMeaning(d.Key, p.Choice.Number, current.Number) {
			p.Changed, p.Choice.State = p.Choice.Number, Off
		}
		purposes = append(purposes, p)
	}
	return purposes, nil
}

func standingOn(given []Choice, u tenant.User, document string) Choice {
	for _, c := range given {
		if c.Document == document {
			return c
		}
	}
	return Choice{User: u, Document: document, State: Off}
}

// sameMeaning reports whether no version after from, up to to, changed what people consent to.
func (l Library) sameMeaning(key string, from, to int) bool {
	for _, v := range l.Of(key) {
		if v.Published() && v.Materiality == Material && v.Number > from && v.Number <= to {
			return false
		}
	}
	return true
}

// Wish is what a form says about one purpose: the very text it showed, and whether its box was ticked. Browser is the
// one that asks, which alone may confirm by the letter's link without its code.
type Wish struct {
	Decision
	On      bool
	Asks    bool // it is answered by a letter
	Browser string
}

// Choose brings u's consents to what a form says; what it does not speak of stays. It returns ErrChanged, and does
// nothing, when a text is no longer the one in force. Every change is one event of the record.
func (s *Consents) Choose(ctx context.Context, u tenant.User, wishes []Wish) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		library, now, err := s.fresh(ctx, u.Tenant)
		if err != nil {
			return err
		}
		given, err := s.store.Consents(ctx, u)
		if err != nil {
			return err
		}
		for _, w := range wishes {
			d, ok := library.Document(w.Document)
			if !ok || d.Assent != Consent {
				return ErrNotFound
			}
			if err := s.choose(ctx, library, now, d, standingOn(given, u, w.Document), w); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Consents) choose(ctx context.Context, library Library, now time.Time, d Document, c Choice, w Wish) error {
	if !w.On || d.Retired() {
		return s.end(ctx, library, now, c, w.Decision, Withdrawn)
	}
	if d.Shares && w.OptOut == "1" {
		return nil // the browser says no for them, and that counts (CCPA regulations, § 7025)
	}
	if _, _, ok := shown(library, now, w.Decision); !ok {
		return ErrChanged
	}
	if c.State.Wanted() && (c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt)) && library.sameMeaning(d.Key, c.Number, w.Number) {
		return nil
	}
	if d.Confirms {
		return s.ask(ctx, library, now, c, w)
	}
	return s.begin(ctx, library, now, c, w.Decision)
}

// begin records a consent.
func (s *Consents) begin(ctx context.Context, library Library, now time.Time, c Choice, d Decision) error {
	version, text, ok := shown(library, now, d)
	if !ok {
		return ErrChanged
	}
	c.ExpiresAt = time.Time{}
	if document, _ := library.Document(c.Document); document.ConsentMonths > 0 {
		c.ExpiresAt = now.AddDate(0, document.ConsentMonths, 0)
	}
	c = named(c)
	if err := s.note(ctx, c, d, version, text, now, Given); err != nil {
		return err
	}
	return s.thankFor(ctx, library, c, d)
}

// thankFor writes to somebody who has just consented what they consented to, and how one click ends it: the first of the
// letters that rest on their consent.
func (s *Consents) thankFor(ctx context.Context, library Library, c Choice, d Decision) error {
	t := tenant.From(ctx)
	p, err := s.store.FindProfile(ctx, c.User)
	if err != nil || !p.EmailVerified { // an address that may be a stranger's gets nothing that rests on consent (rule V-7)
		return err
	}
	language, _ := profile.LetterLanguage(t, p, d.LocaleWanted)
	text, _ := library.Text(c.Document, d.Number, language)
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: c.User.ID, To: p.Email, Kind: mail.ConsentGiven, Language: language,
		Facts: mail.Facts{Name: p.Nickname, Document: text.Title, Version: d.Number, Link: t.URL("/unsubscribe/" + c.Link), Unsubscribe: t.URL("/unsubscribe/" + c.Link)},
	})
}

// end records a withdrawal, or an objection. What was never on, or is off already, stays as it is.
func (s *Consents) end(ctx context.Context, library Library, now time.Time, c Choice, d Decision, what string) error {
	switch c.State {
	case Off, Against:
		return nil
	case Pending:
		c.State = Off
		return errors.Join(s.store.SaveConsent(ctx, c), s.tickets.Void(ctx, c.User, ticket.Consent))
	case On:
	}
	version, _ := library.Version(c.Document, c.Number)
	text, _ := library.Text(c.Document, c.Number, c.Locale)
	return s.note(ctx, c, d, version, text, now, what)
}

// note appends the event and brings the standing up to date.
func (s *Consents) note(ctx context.Context, c Choice, d Decision, v Version, t Text, now time.Time, what string) error {
	e, err := eventOf(ctx, c.User, d, v, t, now)
	if err != nil {
		return err
	}
	sha, content := d.Presentation.encode()
	e.Type, e.Previous, e.Document, e.Presentation, e.Control = what, c.Event, c.Document, sha, d.Presentation.Control
	if err := s.store.AddPresentation(ctx, c.User.Tenant, sha, content, now); err != nil {
		return err
	}
	if err := s.store.AppendAssent(ctx, e); err != nil {
		return err
	}
	c.Number, c.Event, c.Locale, c.Since = v.Number, e.ID, t.Locale, now
	event := audit.ConsentWithdrawn
	if what != Given && what != Expired {
		c.ExpiresAt = time.Time{}
	}
	switch what {
	case Given:
		c.State, event = On, audit.ConsentGiven
	case Objected:
		c.State, event = Against, audit.Objected
	case Resumed:
		c.State, event = Off, audit.ObjectionGone
	case Expired:
		c.State, event = Off, audit.ConsentExpired
	default:
		c.State = Off
	}
	if err := s.store.SaveConsent(ctx, named(c)); err != nil {
		return err
	}
	return s.log.Record(ctx, audit.Event{Type: event, User: c.User, Fields: []string{c.Document}})
}

// named gives a consent its name in addresses, once: 256 bits.
func named(c Choice) Choice {
	if c.Link == "" {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		c.Link = base64.RawURLEncoding.EncodeToString(secret)
	}
	return c
}

// Count says how many consent, by document.
func (s *Consents) Count(ctx context.Context, t tenant.ID) (map[string]int64, error) {
	return s.store.CountConsents(ctx, t)
}

// consenterRows is how many people are read at once.
const consenterRows = 500

// EachConsenter calls do for everybody who consents to a purpose, by id.
func (s *Consents) EachConsenter(ctx context.Context, t tenant.ID, document string, do func(Consenter) error) error {
	for after := ""; ; {
		people, err := s.store.Consenters(ctx, t, document, after, consenterRows)
		if err != nil {
			return err
		}
		for _, p := range people {
			if err := do(p); err != nil {
				return err
			}
			after = p.User.ID
		}
		if len(people) < consenterRows {
			return nil
		}
	}
}

// ByLink finds what an address would withdraw, with the purpose's title in the language nearest to locale.
func (s *Consents) ByLink(ctx context.Context, t tenant.ID, link, locale string) (Choice, Text, error) {
	c, err := s.store.ConsentByLink(ctx, t, link)
	if err != nil {
		return Choice{}, Text{}, err
	}
	library, _, err := s.Library(ctx, t)
	if err != nil {
		return Choice{}, Text{}, err
	}
	text, _ := library.Text(c.Document, c.Number, locale)
	return c, text, nil
}

// Unsubscribe withdraws the consent that an address names, however often it is asked to. Nobody need be signed in.
func (s *Consents) Unsubscribe(ctx context.Context, t tenant.ID, link string, d Decision) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		c, err := s.store.ConsentByLink(ctx, t, link)
		if err != nil {
			return err
		}
		library, now, err := s.fresh(ctx, t)
		if err != nil {
			return err
		}
		d.Method = MethodOneClick
		return s.end(ctx, library, now, c, d, Withdrawn)
	})
}

// Shared names, by their keys, the documents in force that sell or share: what Object is about. It may be some seconds old.
func (s *Consents) Shared(ctx context.Context, t tenant.ID) (string, error) {
	library, now, err := s.Library(ctx, t)
	var keys []string
	for _, d := range library.Documents {
		if _, inForce := library.Current(d.Key, now); d.Shares && inForce && !d.Retired() {
			keys = append(keys, d.Key)
		}
	}
	return strings.Join(keys, " "), err
}

// Object ends every consent to sell or share that u has given, and records that they object to what they never consented
// to as well: their browser asks for it (Global Privacy Control). However often it asks, it is recorded once.
func (s *Consents) Object(ctx context.Context, u tenant.User, d Decision) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.store.LockProfile(ctx, u); err != nil { // two pages that are asked for at once record it once
			return err
		}
		library, now, err := s.fresh(ctx, u.Tenant)
		if err != nil {
			return err
		}
		given, err := s.store.Consents(ctx, u)
		if err != nil {
			return err
		}
		d.Method = MethodSignal
		for _, document := range library.Documents {
			if c := standingOn(given, u, document.Key); document.Shares && c.State != Against {
				if err := s.against(ctx, library, now, c, d); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
