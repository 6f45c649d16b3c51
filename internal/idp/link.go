package idp

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// LinkLifetime is how old the proof of either side may be when two accounts are linked (rule I-2).
const LinkLifetime = 10 * time.Minute

// ErrProofTooOld says that who is signed in proved it too long ago for linking.
var ErrProofTooOld = errors.New("proved too long ago for linking")

// JustProven reports whether who is signed in proved it recently enough for linking.
func (s *Service) JustProven(live session.Live) bool {
	return live.SignedIn() && s.now().Sub(live.AuthenticatedAt) < LinkLifetime
}

const (
	compare     Purpose = "compare"
	linkPurpose string  = "provider link"
)

// Unlinkable says why two accounts are not linked. Its text is the last part of a message key, "link.refused.…".
type Unlinkable string

// The reasons.
const (
	AlreadyHere Unlinkable = "here"       // the identity belongs to this very account
	Elsewhere   Unlinkable = "elsewhere"  // it was linked to another account, which is more than this identity
	NotAllowed  Unlinkable = "blocked"    // one of the two is blocked
	Closing     Unlinkable = "closing"    // one of the two is about to be closed
	Unverified  Unlinkable = "unverified" // one of the two has an address that nobody proved
	Powerful    Unlinkable = "admin"      // the other one administers this portal
	NoRoom      Unlinkable = "room"       // the metadata of both does not fit into one account
)

// Error describes the refusal for logs.
func (u Unlinkable) Error() string { return "not linked: " + string(u) }

// Comparison is what linking would do. Secondary is the account that the identity has so far, with no User when it has
// none. Of its user_metadata, Free are the keys that Primary lacks, and Taken those that it has itself.
type Comparison struct {
	Connection Connection
	Identity   Identity
	Primary    profile.Profile
	Secondary  profile.Profile
	Moving     []Linked
	Free       []string
	Taken      []string
}

// weighed is what is kept, sealed, while the person looks at the comparison.
type weighed struct {
	Connection string   `json:"c"`
	Identity   Identity `json:"i"`
}

// Weigh looks at what linking an identity to u would do, both of which were proven just now, and keeps that in mind for
// u and a browser. It returns a token for Compare and Join, ErrNotAsked when somebody else began, or Unlinkable.
func (s *Service) Weigh(ctx context.Context, a Arrival, u tenant.User, browser string) (string, error) {
	if a.Purpose != Link || a.User != u || u.IsZero() {
		return "", ErrNotAsked
	}
	if _, err := s.comparison(ctx, u, weighed{a.Connection.ID, a.Identity}); err != nil {
		return "", err
	}
	content, err := json.Marshal(weighed{a.Connection.ID, a.Identity})
	if err != nil {
		return "", err
	}
	token := random()
	return token, s.store.AddFlow(ctx, Flow{
		User: u, State: hashOf(token), Connection: a.Connection.ID, Browser: browser, Purpose: compare,
		Sealed: s.ring.Seal(linkPurpose, content), CreatedAt: s.now(), ExpiresAt: a.ProvenAt.Add(LinkLifetime),
	})
}

// Compare returns what linking would do, for the page that asks. It returns ErrNotAsked or Unlinkable.
func (s *Service) Compare(ctx context.Context, u tenant.User, token, browser string) (Comparison, error) {
	return s.asked(ctx, s.store.FindFlow, u, token, browser)
}

// asked is the comparison that a token stands for. How it is looked up decides whether the token can be used again.
func (s *Service) asked(
	ctx context.Context, lookUp func(context.Context, tenant.ID, string) (Flow, error), u tenant.User, token, browser string,
) (Comparison, error) {
	flow, err := lookUp(ctx, u.Tenant, hashOf(token))
	if errors.Is(err, ErrNotFound) {
		return Comparison{}, ErrNotAsked
	}
	if err != nil {
		return Comparison{}, err
	}
	w, err := s.reopened(flow, u, browser)
	if err != nil {
		return Comparison{}, err
	}
	return s.comparison(ctx, u, w)
}

func (s *Service) reopened(flow Flow, u tenant.User, browser string) (weighed, error) {
	var w weighed
	if flow.Purpose != compare || flow.User != u || browser == "" || flow.Browser != browser || !s.now().Before(flow.ExpiresAt) {
		return w, ErrNotAsked
	}
	content, err := s.ring.Open(linkPurpose, flow.Sealed)
	if err != nil || json.Unmarshal(content, &w) != nil {
		return w, ErrNotAsked
	}
	return w, nil
}

// Join links what Compare showed to who is signed in, u. The other account's identities become u's, so that all of them lead here from now
// on; its metadata is discarded, unless copied says to take along what u lacks; its sessions and open tickets end and it is
// gone (rule I-3). A reset of u's password that is under way ends too (security.md row 15). What it accepted stays in the ledger. It returns ErrNotAsked, ErrProofTooOld or Unlinkable.
func (s *Service) Join(ctx context.Context, live session.Live, token, browser string, copied bool) (Connection, error) {
	var joined Connection
	if !s.JustProven(live) {
		return joined, ErrProofTooOld
	}
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		c, err := s.asked(ctx, s.store.TakeFlow, live.User, token, browser)
		if err != nil {
			return err
		}
		joined = c.Connection
		return s.join(ctx, c, copied)
	})
	return joined, err
}

// comparison looks at both sides, and keeps others from changing them when it is in a transaction.
func (s *Service) comparison(ctx context.Context, u tenant.User, w weighed) (Comparison, error) {
	connection, err := s.inUse(ctx, w.Connection)
	if errors.Is(err, ErrNotFound) {
		return Comparison{}, ErrNotAsked
	}
	if err != nil {
		return Comparison{}, err
	}
	c := Comparison{Connection: connection, Identity: w.Identity}
	known, err := s.store.LockIdentity(ctx, u.Tenant, connection.ID, w.Identity.Subject)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return c, err
	}
	if c.Primary, err = s.store.LockProfile(ctx, u); err != nil {
		return c, err
	}
	if err := s.linkable(ctx, c.Primary); err != nil {
		return c, err
	}
	if known.User.IsZero() {
		return c, claimed(w.Identity)
	}
	return c, s.secondary(ctx, &c, known)
}

// claimed refuses an identity without an account that claims an address which nobody proved: its account would be refused
// as well (rule I-2).
func claimed(i Identity) error {
	if i.Email != "" && !i.EmailVerified {
		return Unverified
	}
	return nil
}

// secondary fills in the account that an identity has so far.
func (s *Service) secondary(ctx context.Context, c *Comparison, known Linked) error {
	if known.User == c.Primary.User {
		return AlreadyHere
	}
	p, err := s.store.LockProfile(ctx, known.User)
	if err != nil {
		return err
	}
	password, err := s.store.HasPassword(ctx, p.User)
	if err != nil {
		return err
	}
	if password || !known.Main {
		return Elsewhere
	}
	if p.Role != "" {
		return Powerful
	}
	if err := s.linkable(ctx, p); err != nil {
		return err
	}
	if c.Moving, err = s.store.Identities(ctx, p.User); err != nil {
		return err
	}
	c.Secondary = p
	for key := range p.UserMetadata {
		if _, taken := c.Primary.UserMetadata[key]; taken {
			c.Taken = append(c.Taken, key)
		} else {
			c.Free = append(c.Free, key)
		}
	}
	slices.Sort(c.Free)
	slices.Sort(c.Taken)
	return nil
}

// linkable says whether an account may be linked at all (rule I-2). One without an address claims none.
func (s *Service) linkable(ctx context.Context, p profile.Profile) error {
	if p.Block.InForce(s.now()) {
		return NotAllowed
	}
	if p.Email != "" && !p.EmailVerified {
		return Unverified
	}
	closing, err := s.store.Closing(ctx, p.User)
	if err == nil && closing {
		return Closing
	}
	return err
}

func (s *Service) join(ctx context.Context, c Comparison, copied bool) error {
	u, now := c.Primary.User, s.now()
	detail := map[string]string{"connection": c.Connection.ID}
	to := []string{c.Primary.Email, c.Secondary.Email, provenAddress(c.Identity.Email, c.Identity.EmailVerified)}
	err := s.tell(ctx, c.Primary, to, mail.AccountLinked, mail.Facts{Provider: c.Connection.Name, Link: tenant.From(ctx).URL("/account/connections")})
	if err != nil {
		return err
	}
	if err := s.tickets.Void(ctx, u, ticket.Reset); err != nil {
		return err
	}
	if c.Secondary.User.IsZero() {
		linked := Linked{User: u, Connection: c.Connection.ID, Identity: c.Identity, CreatedAt: now, SeenAt: now}
		if err := s.store.AddIdentity(ctx, linked); err != nil {
			return err
		}
		return s.linked(ctx, u, detail)
	}
	gone := c.Secondary.User
	if copied && len(c.Free) > 0 {
		if err := s.copyMetadata(ctx, c); err != nil {
			return err
		}
	}
	if _, err := s.sessions.EndAll(ctx, gone, ""); err != nil {
		return err
	}
	if err := s.tickets.Void(ctx, gone); err != nil {
		return err
	}
	for _, one := range c.Moving {
		one.User, one.Main = u, false
		if err := s.store.SaveIdentity(ctx, one); err != nil {
			return err
		}
	}
	if err := s.store.AbsorbProfile(ctx, u, gone); err != nil {
		return err
	}
	detail["user_id"] = gone.ID
	into := audit.Event{Type: audit.Linked, User: gone, Actor: audit.Actor{Kind: audit.ByUser, ID: u.ID}, Detail: map[string]string{"into": u.ID}}
	return errors.Join(s.log.Record(ctx, into), s.linked(ctx, u, detail))
}

func (s *Service) linked(ctx context.Context, u tenant.User, detail map[string]string) error {
	return s.log.Record(ctx, audit.Event{Type: audit.Linked, User: u, Detail: detail})
}

// copyMetadata takes along what the primary account lacks, as far as there is room for it.
func (s *Service) copyMetadata(ctx context.Context, c Comparison) error {
	patch := profile.Metadata{}
	for _, key := range c.Free {
		patch[key] = c.Secondary.UserMetadata[key]
	}
	p := c.Primary
	p.UserMetadata = p.UserMetadata.Patch(patch)
	if profile.CheckMetadata(p.UserMetadata, false) != nil {
		return NoRoom
	}
	p.Version++
	p.UpdatedAt, p.EditedAt = s.now(), s.now()
	if err := s.store.SaveMetadata(ctx, p); err != nil {
		return err
	}
	return s.log.Record(ctx, audit.Event{Type: audit.MetadataUpdated, User: p.User, Fields: c.Free})
}
