package idp

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// Why an identity stays where it is (rule I-4).
var (
	ErrMain    = errors.New("the account came from this identity")
	ErrLastWay = errors.New("without this identity there would be no way to sign in")
)

// Attached is an identity of an account with its connection. Bound says why it cannot be taken off: ErrMain, ErrLastWay,
// or nothing.
type Attached struct {
	Linked
	Connection Connection
	Bound      error
}

// Mark tells the identities of one person apart in an address, without saying who they are.
func (l Linked) Mark() string { return hashOf(l.Connection + "\x00" + l.Subject)[:16] }

// AttachedTo lists the identities of u, the main one first.
func (s *Service) AttachedTo(ctx context.Context, u tenant.User) ([]Attached, error) {
	identities, err := s.store.Identities(ctx, u)
	if err != nil || len(identities) == 0 {
		return nil, err
	}
	connections, err := s.store.Connections(ctx, u.Tenant)
	if err != nil {
		return nil, err
	}
	password, err := s.store.HasPassword(ctx, u)
	if err != nil {
		return nil, err
	}
	attached := make([]Attached, len(identities))
	for i, one := range identities {
		attached[i] = Attached{Linked: one, Bound: bound(one, identities, connections, password)}
		if at := byID(connections, one.Connection); at >= 0 {
			attached[i].Connection = connections[at]
		}
	}
	return attached, nil
}

func byID(connections []Connection, id string) int {
	return slices.IndexFunc(connections, func(c Connection) bool { return c.ID == id })
}

// bound says why an identity cannot be taken off an account.
func bound(l Linked, all []Linked, connections []Connection, password bool) error {
	if l.Main {
		return ErrMain
	}
	leads := func(one Linked) bool {
		at := byID(connections, one.Connection)
		return (one.Connection != l.Connection || one.Subject != l.Subject) && at >= 0 && connections[at].Enabled
	}
	if !password && !slices.ContainsFunc(all, leads) {
		return ErrLastWay
	}
	return nil
}

// Unlink takes an identity off u. It becomes an account of its own again, without metadata and with nothing accepted;
// sessions that were opened by it end (rule I-4), and so does a reset of u's password that is under way (rule R-2). It returns ErrNotFound, ErrMain or ErrLastWay.
func (s *Service) Unlink(ctx context.Context, u tenant.User, connection, subject string) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		known, err := s.store.LockIdentity(ctx, u.Tenant, connection, subject)
		if err == nil && known.User != u {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		if _, err := s.store.LockProfile(ctx, u); err != nil {
			return err
		}
		attached, err := s.AttachedTo(ctx, u)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(attached, func(a Attached) bool { return a.Linked.Connection == connection && a.Subject == subject })
		if at < 0 {
			return ErrNotFound
		}
		if attached[at].Bound != nil {
			return attached[at].Bound
		}
		return s.takeOff(ctx, attached[at])
	})
}

func (s *Service) takeOff(ctx context.Context, a Attached) error {
	u := a.User
	if err := s.store.RemoveIdentity(ctx, a.Linked); err != nil {
		return err
	}
	if err := s.endSessionsBy(ctx, a.Linked); err != nil {
		return err
	}
	if err := s.tickets.Void(ctx, u, ticket.Reset); err != nil {
		return err
	}
	if err := s.tellUnlinked(ctx, a); err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	own := tenant.User{Tenant: u.Tenant, ID: a.Connection.Provider() + "|" + a.Linked.Connection + "|" + id.String()}
	if _, err := s.provisionAs(ctx, own, Arrival{Connection: a.Connection, Identity: a.Identity}, a.SeenAt); err != nil {
		return err
	}
	return s.log.Record(ctx, audit.Event{
		Type: audit.Unlinked, User: u, Detail: map[string]string{"connection": a.Linked.Connection, "user_id": own.ID},
	})
}

func (s *Service) tellUnlinked(ctx context.Context, a Attached) error {
	p, err := s.store.FindProfile(ctx, a.User)
	if err != nil {
		return err
	}
	to := []string{provenAddress(p.Email, p.EmailVerified), provenAddress(a.Email, a.EmailVerified)}
	return s.tell(ctx, p, to, mail.AccountUnlinked, mail.Facts{Provider: a.Connection.Name, Link: tenant.From(ctx).URL("/account/security")})
}

// openedBy lists the sessions that an identity opened.
func (s *Service) openedBy(ctx context.Context, l Linked) ([]session.Session, error) {
	open, err := s.sessions.List(ctx, l.User)
	return slices.DeleteFunc(open, func(one session.Session) bool {
		return one.Content[ContentConnection] != l.Connection || one.Content[ContentSubject] != l.Subject
	}), err
}

// endSessionsBy ends the sessions that an identity opened.
func (s *Service) endSessionsBy(ctx context.Context, l Linked) error {
	open, err := s.openedBy(ctx, l)
	for _, one := range open {
		err = errors.Join(err, s.sessions.End(ctx, one.User, one.Hash))
	}
	return err
}

// Suggested lists the connections by which who is signed in seems to have another account: one whose verified address is
// the verified address of this one. That is a hint and no more: nothing is linked by address alone (rule I-2). It lists
// profile.Database when the other account has a password here. Where no connection is offered there is nothing to link.
func (s *Service) Suggested(ctx context.Context, live session.Live) ([]string, error) {
	if !live.Person.EmailVerified || live.Person.Email == "" {
		return nil, nil
	}
	offered, err := s.Offered(ctx)
	if err != nil || len(offered) == 0 {
		return nil, err
	}
	return s.store.Twins(ctx, live.User, live.Person.Email)
}
