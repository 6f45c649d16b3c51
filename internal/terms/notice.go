package terms

import (
	"context"
	"slices"
	"time"

	"portico/internal/tenant"
)

// Notice is what a person was told of a version (terms.md 1.2): when at all, when by letter, when on a page, and whether
// they declined. DueAt is from when they are asked where that waits until they were told (case 19), else zero.
type Notice struct {
	User       tenant.User
	Document   string
	Number     int
	Locale     string
	At         time.Time
	MailedAt   time.Time
	SeenAt     time.Time
	DeclinedAt time.Time
	DueAt      time.Time
}

// NoticeStore is what notices need of persistence.
type NoticeStore interface {
	// Noticed adds what n says to what is known of that person and version: the first time of each kind stays.
	Noticed(ctx context.Context, n Notice) error
	// Unreached forgets the letters of u that tell of versions, and what followed from them, unless u has seen a page since.
	Unreached(ctx context.Context, u tenant.User) error
	// NoticesOf lists what these people were told of a version, by their ids.
	NoticesOf(ctx context.Context, t tenant.ID, v Version, users []string) (map[string]Notice, error)
	// Decided counts what became of a version, by day and language.
	Decided(ctx context.Context, t tenant.ID, v Version) ([]Tally, error)
}

// hardStop is how long after its date a version is asked of people at the latest, told or not (case 19).
const hardStop = 90 * 24 * time.Hour

// latest is when v is asked of everybody, where it waits until people were told; else the zero time.
func (d Document) latest(v Version) time.Time {
	if !d.PersonalNotice || v.Materiality != Material {
		return time.Time{}
	}
	return v.EnforceAt.Add(hardStop)
}

// due is from when v is asked of somebody who was first told at noticed: never earlier than of others, never later than
// of everybody, and else a whole notice later (case 19). It is zero for a version that waits for nobody.
func (d Document) due(v Version, noticed time.Time) time.Time {
	if v.LatestAt.IsZero() {
		return time.Time{}
	}
	due := noticed.Add(d.Notice(v.Materiality))
	if due.Before(v.EnforceAt) {
		return v.EnforceAt
	}
	if due.After(v.LatestAt) {
		return v.LatestAt
	}
	return due
}

// Enforced reports whether v is asked of p at now, as far as time decides.
func (v Version) Enforced(p Party, now time.Time) bool {
	if now.Before(v.EnforceAt) {
		return false
	}
	return v.LatestAt.IsZero() || !now.Before(v.LatestAt) || slices.ContainsFunc(p.Notices, func(n Notice) bool {
		return n.Document == v.Document && n.Number == v.Number && !n.DueAt.IsZero() && !now.Before(n.DueAt)
	})
}

// Saw notes that u was shown a version on a page: a banner or the question itself. Of many times the first counts.
func (s *Service) Saw(ctx context.Context, u tenant.User, document string, number int, locale string) error {
	library, now, err := s.Library(ctx, u.Tenant)
	if err != nil {
		return err
	}
	return s.noticed(ctx, library, Notice{User: u, Document: document, Number: number, Locale: locale, At: now, SeenAt: now})
}

// noticed keeps a notice of a published version, with when it makes the version due.
func (s *Service) noticed(ctx context.Context, library Library, n Notice) error {
	v, ok := library.Version(n.Document, n.Number)
	d, found := library.Document(n.Document)
	if !ok || !found || !v.Published() {
		return nil
	}
	text, _ := library.Text(n.Document, n.Number, n.Locale)
	n.Locale, n.DueAt = text.Locale, d.due(v, n.At)
	return s.store.Noticed(ctx, n)
}

// Unreached takes back that u was told by letter, because their mail server refused one: where a version waits until people
// were told, it goes on waiting.
func (s *Service) Unreached(ctx context.Context, u tenant.User) error {
	return s.store.Unreached(ctx, u)
}
