package terms

import (
	"cmp"
	"context"
	"time"

	"portico/internal/tenant"
)

// FindInterest returns one use of data that rests on a legitimate interest, or ErrNotFound.
func (s *Consents) FindInterest(ctx context.Context, u tenant.User, key, locale string) (Purpose, error) {
	all, err := s.Purposes(ctx, u, locale)
	if err != nil {
		return Purpose{}, err
	}
	for _, p := range all {
		if p.Document.Key == key && p.Document.Assent == Interest {
			return p, nil
		}
	}
	return Purpose{}, ErrNotFound
}

// ObjectTo ends direct marketing to u at once: such an objection is weighed against nothing (GDPR article 21(3)). It
// returns ErrNotFound for any other purpose, whose objections an administrator answers.
func (s *Consents) ObjectTo(ctx context.Context, u tenant.User, key string, d Decision) error {
	d.Method = MethodSettings
	return s.weigh(ctx, u, key, d, func(document Document) bool { return document.Marketing }, Objected)
}

// Uphold records an objection that an administrator granted.
func (s *Consents) Uphold(ctx context.Context, u tenant.User, key string) error {
	d := Decision{Method: MethodAdmin, Nonce: nonceFor(u, key, s.now())}
	return s.weigh(ctx, u, key, d, func(Document) bool { return true }, Objected)
}

// Resume takes an objection back.
func (s *Consents) Resume(ctx context.Context, u tenant.User, key string, d Decision) error {
	d.Method = MethodSettings
	return s.weigh(ctx, u, key, d, func(Document) bool { return true }, Resumed)
}

// weigh records what u, or an administrator for them, decides about a legitimate interest. What stands already is not
// recorded again.
func (s *Consents) weigh(ctx context.Context, u tenant.User, key string, d Decision, allowed func(Document) bool, what string) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		library, now, err := s.fresh(ctx, u.Tenant)
		if err != nil {
			return err
		}
		document, ok := library.Document(key)
		current, inForce := library.Current(key, now)
		if !ok || !inForce || document.Assent != Interest || !allowed(document) {
			return ErrNotFound
		}
		given, err := s.store.Consents(ctx, u)
		if err != nil {
			return err
		}
		c := standingOn(given, u, key)
		if (c.State == Against) == (what == Objected) {
			return nil
		}
		text, _ := library.Text(key, current.Number, d.LocaleWanted)
		return s.note(ctx, c, d, current, text, now, what)
	})
}

// against records an objection, whatever somebody had chosen before.
func (s *Consents) against(ctx context.Context, library Library, now time.Time, c Choice, d Decision) error {
	number := c.Number
	if current, ok := library.Current(c.Document, now); c.State != On && ok {
		number = current.Number
	}
	version, ok := library.Version(c.Document, number)
	if !ok {
		return nil // nothing of it is in force
	}
	if c.State == Pending {
		if err := s.end(ctx, library, now, c, d, Withdrawn); err != nil {
			return err
		}
	}
	text, _ := library.Text(c.Document, number, cmp.Or(c.Locale, d.LocaleWanted))
	return s.note(ctx, c, d, version, text, now, Objected)
}

// nonceFor tells decisions apart that no form was sent for.
func nonceFor(u tenant.User, key string, at time.Time) string {
	sum := Presentation{Screen: u.ID, Control: key, Words: []string{at.UTC().Format(time.RFC3339Nano)}}
	sha, _ := sum.encode()
	return sha[:32]
}

// expiring is how many consents are ended at once.
const expiring = 200

// Expire ends the consents of a tenant whose time is over, each with an entry of the record, and says how many there were.
// Nothing waits for it: a consent counts only until its time is over.
func (s *Consents) Expire(ctx context.Context, t tenant.ID) (int, error) {
	n := 0
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		n = 0
		library, now, err := s.fresh(ctx, t)
		if err != nil {
			return err
		}
		over, err := s.store.ExpiredConsents(ctx, t, now, expiring)
		if err != nil {
			return err
		}
		for _, c := range over {
			d := Decision{Method: MethodTime, Nonce: nonceFor(c.User, c.Document, c.ExpiresAt)}
			if err := s.end(ctx, library, now, c, d, Expired); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}
