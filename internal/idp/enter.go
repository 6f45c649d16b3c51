package idp

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/verification"
)

// ErrNoAccount says that the connection lets nobody in who has no account yet.
var ErrNoAccount = errors.New("nobody has this identity, and this connection makes no accounts")

// The keys under which a session remembers by which provider it came, for signing out there too.
const (
	ContentConnection = "idp"
	ContentSubject    = "idp_sub"
	ContentSID        = "idp_sid"
)

// SessionKey is by what the sessions of a connection are found that were opened in the provider's own session sid: its
// hash, because a provider may write whatever it likes. It is empty without a sid.
func SessionKey(connection, sid string) string {
	if sid == "" {
		return ""
	}
	return hashOf(connection + "\x00" + sid)
}

// Enter opens a session for whoever arrived. The first time they get a profile of their own, whoever else has the same
// address (rule I-1); later what the provider says is brought up to date in it. It returns signin.Blocked or ErrNoAccount.
func (s *Service) Enter(ctx context.Context, a Arrival, device string) (session.Session, error) {
	opened, err := s.enter(ctx, a, device)
	if errors.Is(err, ErrTaken) || errors.Is(err, profile.ErrTaken) {
		opened, err = s.enter(ctx, a, device) // another request was faster with the same person
	}
	return opened, err
}

func (s *Service) enter(ctx context.Context, a Arrival, device string) (opened session.Session, err error) {
	var blocked *signin.Blocked
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		blocked = nil
		p, err := s.resolve(ctx, a)
		if err != nil {
			return err
		}
		if p.Block.InForce(s.now()) {
			blocked = &signin.Blocked{User: p.User, Message: p.Block.Message}
			return s.log.Record(ctx, audit.Event{
				Type: audit.SignInRefused, User: p.User, Detail: map[string]string{"reason": "blocked", "connection": a.Connection.ID},
			})
		}
		opened, err = s.open(ctx, a, p, device)
		return err
	})
	if err == nil && blocked != nil {
		err = *blocked
	}
	return opened, err
}

func (s *Service) open(ctx context.Context, a Arrival, p profile.Profile, device string) (session.Session, error) {
	origin := audit.OriginOf(ctx)
	proven := a.ProvenAt
	if proven.IsZero() {
		proven = s.now().Add(-session.Fresh) // single factor, of unknown age (security.md row 40)
	}
	content := map[string]string{ContentConnection: a.Connection.ID, ContentSubject: a.Identity.Subject}
	if a.SID != "" && len(a.SID) <= MaxSubject {
		content[ContentSID] = a.SID
	}
	return s.entrance.Open(ctx, p, session.Opening{
		IP: origin.IP, UserAgent: origin.UserAgent, ProvenAt: proven, Content: content,
	}, device)
}

// resolve finds whose identity it is and brings them up to date, or makes them.
func (s *Service) resolve(ctx context.Context, a Arrival) (profile.Profile, error) {
	t := tenant.From(ctx)
	known, err := s.store.LockIdentity(ctx, t.ID, a.Connection.ID, a.Identity.Subject)
	if errors.Is(err, ErrNotFound) {
		if !a.Connection.SignUp {
			return profile.Profile{}, ErrNoAccount
		}
		return s.provision(ctx, a)
	}
	if err != nil {
		return profile.Profile{}, err
	}
	p, err := s.store.LockProfile(ctx, known.User)
	if err != nil || p.Block.InForce(s.now()) {
		return p, err
	}
	return s.sync(ctx, a, known, p)
}

// provision makes a profile for an identity that nobody has.
func (s *Service) provision(ctx context.Context, a Arrival) (profile.Profile, error) {
	id, err := s.newID(ctx, a)
	if err != nil {
		return profile.Profile{}, err
	}
	return s.provisionAs(ctx, id, a, s.now())
}

// provisionAs makes the profile of an identity that nobody has, under an id.
func (s *Service) provisionAs(ctx context.Context, id tenant.User, a Arrival, seen time.Time) (profile.Profile, error) {
	now, i := s.now(), a.Identity
	p := profile.Profile{
		User: id, Version: 1, Connection: a.Connection.ID, Email: i.Email, EmailVerified: i.EmailVerified, Name: i.Name,
		GivenName: i.GivenName, FamilyName: i.FamilyName, Nickname: i.Nickname, Picture: i.Picture, PhoneNumber: i.PhoneNumber,
		PhoneVerified: i.PhoneVerified, CreatedAt: now, UpdatedAt: now, EditedAt: now,
	}
	if i.Locale != "" {
		locale, _ := json.Marshal(i.Locale)
		p.AppMetadata = profile.Metadata{"locale": locale}
	}
	free, err := s.claim(ctx, p)
	if err != nil {
		return profile.Profile{}, err
	}
	if !free {
		p.Email, p.EmailVerified = "", false
	}
	if err := s.store.AddProfile(ctx, p); err != nil {
		return profile.Profile{}, err
	}
	linked := Linked{User: id, Connection: a.Connection.ID, Main: true, Identity: i, CreatedAt: now, SeenAt: seen}
	if err := s.store.AddIdentity(ctx, linked); err != nil {
		return profile.Profile{}, err
	}
	return p, s.log.Record(ctx, audit.Event{
		Type: audit.SignedUp, User: id, Actor: audit.Actor{Kind: audit.ByUser, ID: id.ID}, Detail: map[string]string{"connection": a.Connection.ID},
	})
}

// newID makes the id of a new profile as Auth0 does, from the provider and its subject (rule P-1); a custom provider's
// from the connection too. A subject that is too long or odd, or was somebody's before, gets one that says nothing.
func (s *Service) newID(ctx context.Context, a Arrival) (tenant.User, error) {
	u := tenant.User{Tenant: tenant.From(ctx).ID, ID: a.Connection.Provider() + "|"}
	if a.Connection.preset().Key == Custom || a.Connection.ID != a.Connection.Preset {
		u.ID += a.Connection.ID + "|"
	}
	prefix := u.ID
	u.ID += a.Identity.Subject
	if len(u.ID) <= maxUserID && plainPattern.MatchString(a.Identity.Subject) {
		_, err := s.store.FindProfile(ctx, u)
		if errors.Is(err, profile.ErrNotFound) {
			return u, nil
		}
		if err != nil {
			return u, err
		}
	}
	id, err := uuid.NewV7()
	u.ID = prefix + id.String()
	return u, err
}

const maxUserID = 128

var plainPattern = regexp.MustCompile(`^[A-Za-z0-9._@:=+-]+$`)

// claim reports whether a profile may have its address among those of its connection. Somebody who proved it takes it
// from somebody who did not; who did not prove it gets it only when nobody has it.
func (s *Service) claim(ctx context.Context, p profile.Profile) (bool, error) {
	if p.Email == "" {
		return true, nil
	}
	holder, err := s.store.FindByConnection(ctx, p.User.Tenant, p.Connection, p.Email)
	if errors.Is(err, profile.ErrNotFound) || holder.User == p.User {
		return true, nil
	}
	if err != nil || holder.EmailVerified || !p.EmailVerified {
		return false, err
	}
	holder.Email, holder.Version, holder.UpdatedAt = "", holder.Version+1, s.now()
	if err := s.store.SaveEmail(ctx, holder); err != nil {
		return false, err
	}
	return true, s.log.Record(ctx, audit.Event{
		Type: audit.EmailChanged, User: holder.User, Fields: []string{profile.FieldEmail}, Actor: audit.Actor{Kind: audit.BySystem},
		Detail: map[string]string{"reason": "proven_by_another"},
	})
}

// synced are the attributes that a provider's word replaces (rule N-6).
var synced = []struct {
	name string
	from func(*Identity) string
	to   func(*profile.Profile) *string
}{
	{profile.FieldName, func(i *Identity) string { return i.Name }, func(p *profile.Profile) *string { return &p.Name }},
	{profile.FieldGivenName, func(i *Identity) string { return i.GivenName }, func(p *profile.Profile) *string { return &p.GivenName }},
	{profile.FieldFamilyName, func(i *Identity) string { return i.FamilyName }, func(p *profile.Profile) *string { return &p.FamilyName }},
	{profile.FieldNickname, func(i *Identity) string { return i.Nickname }, func(p *profile.Profile) *string { return &p.Nickname }},
	{profile.FieldPicture, func(i *Identity) string { return i.Picture }, func(p *profile.Profile) *string { return &p.Picture }},
}

// Managed lists the attributes of a profile that its main identity owns: those the provider gives, where its word
// counts at each sign-in (rule P-3).
func (l Linked) Managed(c Connection) []string {
	if !l.Main || c.Sync != EachLogin {
		return nil
	}
	var names []string
	for _, one := range synced {
		if slices.Contains(l.Given, one.name) {
			names = append(names, one.name)
		}
	}
	return names
}

// sync brings a profile up to date with what its identity says now. It touches neither metadata, block, language nor
// acceptances (rule N-7).
func (s *Service) sync(ctx context.Context, a Arrival, known Linked, p profile.Profile) (profile.Profile, error) {
	before := known
	known.Identity, known.SeenAt = a.Identity, s.now()
	if err := s.store.SaveIdentity(ctx, known); err != nil || !known.Main {
		return p, err
	}
	var fields []string
	for _, one := range synced {
		if value := one.from(&a.Identity); slices.Contains(known.Managed(a.Connection), one.name) && *one.to(&p) != value {
			*one.to(&p) = value
			fields = append(fields, one.name)
		}
	}
	if len(fields) > 0 {
		p.UpdatedAt = s.now()
		if err := s.store.SaveSynced(ctx, p); err != nil {
			return p, err
		}
		if err := s.record(ctx, audit.ProfileUpdated, p, a, fields...); err != nil {
			return p, err
		}
	}
	return s.follow(ctx, a, before.Email, p)
}

func (s *Service) record(ctx context.Context, event audit.Type, p profile.Profile, a Arrival, fields ...string) error {
	return s.log.Record(ctx, audit.Event{
		Type: event, User: p.User, Actor: audit.Actor{Kind: audit.BySystem}, Fields: fields, Detail: map[string]string{"connection": a.Connection.ID},
	})
}

// follow lets the profile's address follow the provider's: when it is verified there, nobody has it, and the profile
// still has the one the provider gave before (rule N-8). What was verified stays with the very address it was said of.
func (s *Service) follow(ctx context.Context, a Arrival, before string, p profile.Profile) (profile.Profile, error) {
	i := a.Identity
	same, anew := sameAddress(i.Email, p.Email), !sameAddress(i.Email, before)
	switch {
	case i.Email == "", same && (p.EmailVerified || !i.EmailVerified):
		return p, nil
	case !same && p.Email != "" && !sameAddress(before, p.Email):
		return p, nil // the person chose another one here
	case !same && p.Email != "" && !i.EmailVerified:
		return p, s.tellKept(ctx, a, p, anew)
	case !same && p.Email == "" && !i.EmailVerified && !anew:
		return p, nil // not given before for a reason
	}
	changed := p
	changed.Email, changed.EmailVerified = i.Email, i.EmailVerified
	free, err := s.claim(ctx, changed)
	if err != nil {
		return p, err
	}
	if !free {
		return p, s.tellKept(ctx, a, p, anew)
	}
	changed.Version++
	changed.UpdatedAt = s.now()
	if err := s.store.SaveEmail(ctx, changed); err != nil {
		return p, err
	}
	if same {
		return changed, s.record(ctx, audit.Verified, changed, a)
	}
	err = s.tickets.Void(ctx, p.User, ticket.Verify, ticket.Reset, ticket.EmailConfirm, ticket.EmailApprove)
	if err != nil {
		return p, err
	}
	to := []string{provenAddress(p.Email, p.EmailVerified), provenAddress(i.Email, i.EmailVerified)}
	facts := mail.Facts{Provider: a.Connection.Name, Address: verification.Mask(i.Email), Link: tenant.From(ctx).URL("/account/security/activity")}
	if err := s.tell(ctx, p, to, mail.EmailFollowed, facts); err != nil {
		return p, err
	}
	return changed, s.record(ctx, audit.EmailChanged, changed, a, profile.FieldEmail)
}

func sameAddress(a, b string) bool { return profile.EmailKey(a) == profile.EmailKey(b) }

// tellKept says, once, that the provider has another address now which the profile does not take over.
func (s *Service) tellKept(ctx context.Context, a Arrival, p profile.Profile, anew bool) error {
	if !anew {
		return nil
	}
	return s.tell(ctx, p, []string{provenAddress(p.Email, p.EmailVerified)}, mail.EmailKept, mail.Facts{
		Provider: a.Connection.Name, Address: verification.Mask(a.Identity.Email), Link: tenant.From(ctx).URL("/account/email"),
	})
}

// Reconfirm proves again who is signed in, by an identity of theirs, and gives the session a new id (security.md rows 35
// and 42). It returns ErrNotAsked when it was somebody else who came back.
func (s *Service) Reconfirm(ctx context.Context, a Arrival, live session.Live) (session.Session, error) {
	var renewed session.Session
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		known, err := s.store.LockIdentity(ctx, tenant.From(ctx).ID, a.Connection.ID, a.Identity.Subject)
		if errors.Is(err, ErrNotFound) || (err == nil && (known.User != live.User || a.User != live.User)) {
			return ErrNotAsked
		}
		if err != nil {
			return err
		}
		renewed, err = s.sessions.RenewAt(ctx, live.Session, a.ProvenAt)
		if err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{Type: audit.Reauthenticated, User: live.User, Detail: map[string]string{"connection": a.Connection.ID}})
	})
	return renewed, err
}
