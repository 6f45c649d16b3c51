// Package admin is what only an administrator may do: find people, correct what is known of them, block and unblock
// them. Every write is recorded with who did it to whom, and where safety is concerned the person is told.
package admin

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"portico/internal/age"
	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
	"portico/internal/verification"
)

// ErrLast says that the change would leave the tenant without an administrator, or is about oneself (rule B-7).
var ErrLast = errors.New("administrators cannot block or demote themselves, or the last one")

// The form fields of this package.
const (
	FieldReason  = "reason"
	FieldMessage = "message"
	FieldUntil   = "until"
	FieldUser    = "user_metadata"
	FieldApp     = "app_metadata"
)

// MaxReason is the most characters of a reason or message.
const MaxReason = 500

// State narrows a search.
type State string

// The states.
const (
	Everybody  State = ""
	Blocked    State = "blocked"
	Unverified State = "unverified"
	Admins     State = "admins"
	Restricted State = "restricted"
)

// Query is a search: people in a State, one of whose names, address or id begins with Text; without a text all of them, newest
// first. People whose accounts are restricted are found only by that State, or with Restricted set (rule G-5). After is the
// cursor of the last row before the page, or Before that of the first one behind it. Now decides which blocks have ended by
// themselves; Search sets it.
type Query struct {
	Text       string
	State      State
	Restricted bool
	After      string
	Before     string
	Limit      int
	Now        time.Time
}

// Found is one page of a search. Previous and Next are what Before and After are for the pages around it, empty at the ends.
type Found struct {
	People   []profile.Profile
	Previous string
	Next     string
}

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	SearchProfiles(ctx context.Context, t tenant.ID, q Query) (Found, error)
	// FindNames returns what people are called, by their ids: the name, else the address. Unknown ids are missing.
	FindNames(ctx context.Context, t tenant.ID, ids []string) (map[string]string, error)
	// Figures counts how a tenant is doing, each figure up to one more than MostCounted.
	Figures(ctx context.Context, t tenant.ID, now time.Time) (Figures, error)
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	// AddProfile adds a person. It returns profile.ErrTaken when the address has an account.
	AddProfile(ctx context.Context, p profile.Profile) error
	LockProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
	// LockAdmins locks the tenant's administrators until the transaction ends, and lists those not blocked at now.
	LockAdmins(ctx context.Context, t tenant.ID, now time.Time) ([]string, error)
	SaveBlock(ctx context.Context, p profile.Profile) error
	SaveRole(ctx context.Context, u tenant.User, role string) error
	SaveEdit(ctx context.Context, p profile.Profile) error
	SaveMetadata(ctx context.Context, p profile.Profile) error
	HasPassword(ctx context.Context, u tenant.User) (bool, error)
	RequirePasswordChange(ctx context.Context, u tenant.User) error
	// FindSettings reads the settings of a tenant, and with lock keeps others from changing them until the transaction ends.
	FindSettings(ctx context.Context, t tenant.ID, lock bool) (tenant.Settings, error)
	SaveSettings(ctx context.Context, t tenant.ID, s tenant.Settings) error
}

// Service does what administrators ask.
type Service struct {
	store        Store
	tickets      *ticket.Service
	sessions     *session.Service
	guard        *guard.Service
	verification *verification.Service
	passwords    *password.Service
	ages         *age.Service
	outbox       *mail.Outbox
	log          *audit.Log
	now          func() time.Time
}

// New returns the service on store.
func New(store Store, tickets *ticket.Service, sessions *session.Service, g *guard.Service, v *verification.Service,
	passwords *password.Service, ages *age.Service, outbox *mail.Outbox, log *audit.Log, now func() time.Time,
) *Service {
	return &Service{store, tickets, sessions, g, v, passwords, ages, outbox, log, now}
}

// Names are what people are called, by their ids; who is gone is missing.
func (s *Service) Names(ctx context.Context, t tenant.ID, ids ...string) (map[string]string, error) {
	return s.store.FindNames(ctx, t, ids)
}

// Search finds people of a tenant.
func (s *Service) Search(ctx context.Context, t tenant.ID, q Query) (Found, error) {
	q.Text, q.Now = strings.TrimSpace(q.Text), s.now()
	return s.store.SearchProfiles(ctx, t, q)
}

// Look returns one person whole, and records that it was looked at (security.md row 76). It returns profile.ErrNotFound.
func (s *Service) Look(ctx context.Context, actor, u tenant.User) (profile.Profile, error) {
	p, err := s.Find(ctx, actor, u)
	if err != nil {
		return p, err
	}
	return p, s.record(ctx, actor, u, audit.Event{Type: audit.AdminRead})
}

// Find returns one person whole. A person of another tenant is not found.
func (s *Service) Find(ctx context.Context, actor, u tenant.User) (profile.Profile, error) {
	if u.Tenant != actor.Tenant {
		return profile.Profile{}, profile.ErrNotFound
	}
	return s.store.FindProfile(ctx, u)
}

func (s *Service) record(ctx context.Context, actor, u tenant.User, what audit.Event) error {
	what.User, what.Actor = u, audit.Actor{Kind: audit.ByAdmin, ID: actor.ID}
	return s.log.Record(ctx, what)
}

// because is an event with the reason an administrator gave for it, which only administrators see.
func because(what audit.Type, reason string) audit.Event {
	return audit.Event{Type: what, Detail: map[string]string{FieldReason: strings.TrimSpace(reason)}}
}

// change locks the person, applies fn and records it, in one transaction.
func (s *Service) change(ctx context.Context, actor, u tenant.User, what audit.Event,
	fn func(ctx context.Context, p profile.Profile) (fields []string, err error),
) error {
	if u.Tenant != actor.Tenant {
		return profile.ErrNotFound
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		what.Fields, err = fn(ctx, p)
		if err != nil {
			return err
		}
		return s.record(ctx, actor, u, what)
	})
}

// Blocking says why somebody is blocked: Reason for administrators alone, Message for the person, Until when it ends by
// itself, zero for never.
type Blocking struct {
	Reason  string
	Message string
	Until   time.Time
}

func (b Blocking) check(now time.Time) valid.Errors {
	refused := checkReason(b.Reason)
	if utf8.RuneCountInString(b.Message) > MaxReason {
		refused.Add(FieldMessage, "err.name.long", "max", MaxReason)
	}
	if !b.Until.IsZero() && !b.Until.After(now) {
		refused.Add(FieldUntil, "err.until")
	}
	return refused
}

func checkReason(reason string) valid.Errors {
	var refused valid.Errors
	switch {
	case strings.TrimSpace(reason) == "":
		refused.Add(FieldReason, "err.reason")
	case utf8.RuneCountInString(reason) > MaxReason:
		refused.Add(FieldReason, "err.name.long", "max", MaxReason)
	}
	return refused
}

// Block keeps somebody out from their next request on: sessions end, open tickets are void, and they are told (rules B-1,
// B-2). It returns valid.Errors or ErrLast.
func (s *Service) Block(ctx context.Context, actor, u tenant.User, b Blocking) error {
	if err := b.check(s.now()).Err(); err != nil {
		return err
	}
	return s.change(ctx, actor, u, because(audit.Blocked, b.Reason), func(ctx context.Context, p profile.Profile) ([]string, error) {
		if err := s.spare(ctx, actor, u); err != nil {
			return nil, err
		}
		p.Block = profile.Block{
			Blocked: true, At: s.now(), Until: b.Until, By: actor.ID, Reason: strings.TrimSpace(b.Reason), Message: strings.TrimSpace(b.Message),
		}
		if err := s.store.SaveBlock(ctx, p); err != nil {
			return nil, err
		}
		if _, err := s.sessions.EndAll(ctx, u, ""); err != nil {
			return nil, err
		}
		// First, because the addresses from before are known by their open links.
		if err := s.tell(ctx, p, mail.AccountBlocked, mail.Facts{Message: p.Block.Message, Until: b.Until}); err != nil {
			return nil, err
		}
		return nil, s.tickets.Void(ctx, u)
	})
}

// spare refuses what would take an administrator's own access, or the last one's (rule B-7). Two who act on each other at
// once wait here for each other.
func (s *Service) spare(ctx context.Context, actor, u tenant.User) error {
	if actor == u {
		return ErrLast
	}
	admins, err := s.store.LockAdmins(ctx, u.Tenant, s.now())
	if err != nil {
		return err
	}
	mine := false
	for _, id := range admins {
		mine = mine || id == actor.ID
	}
	if !mine {
		return ErrLast // whoever asks was blocked or demoted in this very moment
	}
	return nil
}

// Unblock lifts an administrator's block; an automatic one stays (rule B-4).
func (s *Service) Unblock(ctx context.Context, actor, u tenant.User, reason string) error {
	if err := checkReason(reason).Err(); err != nil {
		return err
	}
	return s.change(ctx, actor, u, because(audit.Unblocked, reason), func(ctx context.Context, p profile.Profile) ([]string, error) {
		p.Block = profile.Block{}
		if err := s.store.SaveBlock(ctx, p); err != nil {
			return nil, err
		}
		return nil, s.tell(ctx, p, mail.AccountUnblocked, mail.Facts{Link: tenant.From(ctx).URL("/login")})
	})
}

// SetRole makes somebody an administrator, or takes that away, and tells them (row 66). Their sessions end, because an
// administrator's are others (row 35).
func (s *Service) SetRole(ctx context.Context, actor, u tenant.User, role string) error {
	what, kind := audit.AdministratorAdded, mail.AdministratorAdded
	if role != profile.RoleAdmin {
		role, what, kind = profile.RoleNone, audit.AdministratorGone, mail.AdministratorGone
	}
	return s.change(ctx, actor, u, audit.Event{Type: what}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		if role == profile.RoleNone {
			if err := s.spare(ctx, actor, u); err != nil {
				return nil, err
			}
		}
		if err := s.store.SaveRole(ctx, u, role); err != nil {
			return nil, err
		}
		if _, err := s.sessions.EndAll(ctx, u, ""); err != nil {
			return nil, err
		}
		if p.Role == role {
			return nil, nil // a form sent twice
		}
		return nil, s.tell(ctx, p, kind, mail.Facts{Link: tenant.From(ctx).URL("/login")})
	})
}

// Correct changes a person's attributes. It returns valid.Errors or profile.Stale.
func (s *Service) Correct(ctx context.Context, actor, u tenant.User, version int64, values map[string]string) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.AdminWrote}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		corrected, fields, err := profile.Corrected(tenant.From(ctx), p, values)
		if err != nil || len(fields) == 0 {
			return fields, err
		}
		if version != p.Version {
			return nil, profile.Stale{Current: p}
		}
		corrected.Version++
		corrected.UpdatedAt, corrected.EditedAt = s.now(), s.now()
		if err := profile.Taken(s.store.SaveEdit(ctx, corrected)); err != nil {
			return nil, err
		}
		return fields, s.tell(ctx, p, mail.ProfileChangedByAdmin, mail.Facts{Changes: fields, Link: tenant.From(ctx).URL("/account/profile")})
	})
}

// Metadata is both objects as an administrator typed them.
type Metadata struct {
	Version int64
	User    string
	App     string
}

// Check reads both objects. It returns valid.Errors that name the path, or line and column.
func (m Metadata) Check() (user, app profile.Metadata, err error) {
	var refused valid.Errors
	user, userErr := profile.ParseMetadata([]byte(m.User), false)
	app, appErr := profile.ParseMetadata([]byte(m.App), true)
	for field, err := range map[string]error{FieldUser: userErr, FieldApp: appErr} {
		if bad, ok := errors.AsType[profile.BadMetadata](err); ok {
			refused.Add(field, "err.metadata."+string(bad.Reason), "path", bad.Path, "line", bad.Line, "column", bad.Column, "near", bad.Near)
		}
	}
	return user, app, refused.Err()
}

// SetMetadata replaces both objects. It returns valid.Errors or profile.Stale.
func (s *Service) SetMetadata(ctx context.Context, actor, u tenant.User, m Metadata) error {
	user, app, err := m.Check()
	if err != nil {
		return err
	}
	return s.change(ctx, actor, u, audit.Event{Type: audit.MetadataUpdated}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		if m.Version != p.Version {
			return nil, profile.Stale{Current: p}
		}
		var fields []string
		for _, key := range user.Changed(p.UserMetadata) {
			fields = append(fields, FieldUser+"."+key)
		}
		for _, key := range app.Changed(p.AppMetadata) {
			fields = append(fields, FieldApp+"."+key)
		}
		p.UserMetadata, p.AppMetadata = user, app
		p.Version++
		p.UpdatedAt, p.EditedAt = s.now(), s.now()
		return fields, s.store.SaveMetadata(ctx, p)
	})
}

// SendVerification mails the person a new proof of their address.
func (s *Service) SendVerification(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.VerifyRequested}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		return nil, s.verification.Send(ctx, p, "")
	})
}

// SendReset mails the person a link for a new password: administrators never choose or see one (row 23).
func (s *Service) SendReset(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.ResetRequested}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		return nil, s.passwords.Send(ctx, p, "")
	})
}

// RequirePasswordChange makes the person choose a new password before anything else, and tells them (row 66).
func (s *Service) RequirePasswordChange(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.AdminWrote}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		if has, err := s.store.HasPassword(ctx, u); err != nil || !has {
			return nil, err // there is nothing to change where a provider asks for the password
		}
		if err := s.store.RequirePasswordChange(ctx, u); err != nil {
			return nil, err
		}
		return []string{"must_change_password"}, s.tell(ctx, p, mail.PasswordChangeAsked, mail.Facts{Link: tenant.From(ctx).URL("/login")})
	})
}

// EndSessions signs the person out everywhere.
func (s *Service) EndSessions(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.SessionsEnded}, func(ctx context.Context, _ profile.Profile) ([]string, error) {
		_, err := s.sessions.EndAll(ctx, u, "")
		return nil, err
	})
}

// LiftAutomatic lifts the automatic blocks of the person's account; an administrator's block stays (rule B-4).
func (s *Service) LiftAutomatic(ctx context.Context, actor, u tenant.User) error {
	return s.change(ctx, actor, u, audit.Event{Type: audit.AutomaticUnblock}, func(ctx context.Context, p profile.Profile) ([]string, error) {
		return nil, s.guard.UnblockAccount(ctx, u.Tenant, profile.EmailKey(p.Email))
	})
}

// tell mails the person what an administrator did.
func (s *Service) tell(ctx context.Context, p profile.Profile, kind mail.Kind, facts mail.Facts) error {
	if p.Email == "" {
		return nil
	}
	t := tenant.From(ctx)
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	facts.Name, facts.Time = p.Nickname, s.now()
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: kind, Language: language, Facts: facts,
	})
}
