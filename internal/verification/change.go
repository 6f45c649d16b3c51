package verification

import (
	"context"
	"errors"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/ticket"
	"portico/internal/valid"
)

// Change is a person's latest change of address. The new address must confirm it; and because an address alone is a weak
// proof, the old one must approve it too, or Wait must pass (security.md row 27). FrozenUntil outlives the change: after an
// undo nobody can change the address for a while (row 28).
type Change struct {
	User        tenant.User
	NewEmail    string
	OldEmail    string
	OldVerified bool
	RequestedAt time.Time
	ConfirmedAt time.Time
	ApprovedAt  time.Time
	DueAt       time.Time
	DoneAt      time.Time
	FrozenUntil time.Time
}

// Pending reports whether the change still waits for something.
func (c Change) Pending() bool { return c.NewEmail != "" && c.DoneAt.IsZero() }

// Ripe reports whether nothing is missing for the change to take effect at now.
func (c Change) Ripe(now time.Time) bool {
	return c.Pending() && !c.ConfirmedAt.IsZero() && (!c.ApprovedAt.IsZero() || !now.Before(c.DueAt))
}

// FieldNewEmail is the form field of the new address.
const FieldNewEmail = "new_email"

// changeKinds are the tickets that a change of address makes: they of them end with it, but for the undo links, which outlive it.
var changeKinds = []ticket.Kind{ticket.EmailConfirm, ticket.EmailApprove}

// Change returns the latest change of address of u.
func (s *Service) Change(ctx context.Context, u tenant.User) (Change, error) {
	return s.store.FindChange(ctx, u)
}

// Request asks to change the address of u. Both addresses are mailed; when somebody else has the new one, that owner is
// told instead, and from outside it looks the same. It returns valid.Errors, ErrFrozen or *guard.TooMany.
func (s *Service) Request(ctx context.Context, u tenant.User, newEmail, browser string) error {
	newEmail = strings.TrimSpace(newEmail)
	var refused valid.Errors
	for _, p := range profile.CheckEmail(newEmail) {
		refused.Add(FieldNewEmail, p.Key, p.Args...)
	}
	if err := refused.Err(); err != nil {
		return err
	}
	t := tenant.From(ctx)
	subject := guard.Subject{Account: profile.EmailKey(newEmail), IP: audit.OriginOf(ctx).IP}
	if err := s.guard.Allow(ctx, t.ID, guard.VerifyRequest, subject); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		if profile.EmailKey(p.Email) == profile.EmailKey(newEmail) {
			return valid.Errors{{Field: FieldNewEmail, Key: "err.email.same"}}
		}
		return s.begin(ctx, t, p, newEmail, browser)
	})
}

func (s *Service) begin(ctx context.Context, t tenant.Tenant, p profile.Profile, newEmail, browser string) error {
	now := s.now()
	before, err := s.store.LockChange(ctx, p.User)
	if err != nil {
		return err
	}
	if now.Before(before.FrozenUntil) {
		return ErrFrozen
	}
	change := Change{
		User: p.User, NewEmail: newEmail, OldEmail: p.Email, OldVerified: p.EmailVerified, RequestedAt: now, DueAt: now.Add(Wait),
	}
	if !p.EmailVerified {
		change.ApprovedAt = now // an address that nobody has proven has nothing to say
	}
	if err := s.store.SaveChange(ctx, change); err != nil {
		return err
	}
	if err := s.askNew(ctx, t, p, newEmail, browser); err != nil {
		return err
	}
	if p.EmailVerified {
		if err := s.askOld(ctx, t, p, newEmail, browser); err != nil {
			return err
		}
	}
	return s.log.Record(ctx, audit.Event{Type: audit.EmailRequested, User: p.User})
}

// askNew mails the new address, or its owner when it is taken.
func (s *Service) askNew(ctx context.Context, t tenant.Tenant, p profile.Profile, newEmail, browser string) error {
	issued, err := s.tickets.Issue(ctx, ticket.Order{
		User: p.User, Kind: ticket.EmailConfirm, Address: newEmail, Browser: browser, Lifetime: t.VerifyLifetime(),
	})
	if err != nil {
		return err
	}
	owner, err := s.store.FindByEmail(ctx, t.ID, newEmail)
	if err == nil {
		return s.send(ctx, t, owner, owner.Email, mail.EmailTaken, mail.Facts{Link: t.URL("/password/forgot")})
	}
	if !errors.Is(err, profile.ErrNotFound) {
		return err
	}
	return s.send(ctx, t, p, newEmail, mail.EmailChangeConfirm, mail.Facts{
		Code: issued.Code, Link: t.URL("/email/confirm/" + issued.Secret), TTL: t.VerifyLifetime(),
	})
}

// askOld mails the old address: one link approves the change, the other undoes it for days (the settings say how many), whatever happens meanwhile.
func (s *Service) askOld(ctx context.Context, t tenant.Tenant, p profile.Profile, newEmail, browser string) error {
	approve, err := s.tickets.Issue(ctx, ticket.Order{
		User: p.User, Kind: ticket.EmailApprove, Address: p.Email, Browser: browser, Lifetime: Wait,
	})
	if err != nil {
		return err
	}
	undo, err := s.undoTicket(ctx, p.User, p.Email, approve.Code)
	if err != nil {
		return err
	}
	return s.send(ctx, t, p, p.Email, mail.EmailChangeNotice, mail.Facts{
		Address: Mask(newEmail), Code: approve.Code, Link: t.URL("/email/approve/" + approve.Secret),
		SecondLink: t.URL("/email/undo/" + undo.Secret), TTL: Wait, Until: undo.ExpiresAt,
	})
}

// undoTicket makes a link that brings address back. Older ones stay: a second change must not take the first owner's away.
func (s *Service) undoTicket(ctx context.Context, u tenant.User, address, code string) (ticket.Issued, error) {
	return s.tickets.Issue(ctx, ticket.Order{
		User: u, Kind: ticket.EmailUndo, Address: address, Lifetime: tenant.From(ctx).UndoLifetime(), Code: code, Beside: true,
	})
}

func (s *Service) send(ctx context.Context, t tenant.Tenant, p profile.Profile, to string, kind mail.Kind, facts mail.Facts) error {
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	origin := audit.OriginOf(ctx)
	facts.Name, facts.Time, facts.Browser = p.Nickname, s.now(), origin.UserAgent
	if origin.IP.IsValid() {
		facts.IP = origin.IP.String()
	}
	if kind == mail.EmailTaken || kind == mail.EmailChangedByAdmin {
		facts.IP, facts.Browser = "", "" // who did it is nobody else's business (row 68)
	}
	return s.outbox.Send(ctx, mail.Letter{Tenant: t.ID, User: p.User.ID, To: to, Kind: kind, Language: language, Facts: facts})
}

// Mask hides most of an address: it tells its owner which one is meant, and a stranger nothing.
func Mask(email string) string {
	local, domain, _ := strings.Cut(email, "@")
	first := []rune(local)
	if len(first) == 0 {
		return email
	}
	return string(first[0]) + "…@" + domain
}

// Cancel gives a pending change up. It returns ErrNone when there is none.
func (s *Service) Cancel(ctx context.Context, u tenant.User) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		change, err := s.store.LockChange(ctx, u)
		if err != nil {
			return err
		}
		if !change.Pending() {
			return ErrNone
		}
		change.NewEmail = ""
		if err := s.store.SaveChange(ctx, change); err != nil {
			return err
		}
		if err := s.tickets.Void(ctx, u, changeKinds...); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{Type: audit.EmailCancelled, User: u})
	})
}

// LookChange finds the ticket of a link of a change, without effect.
func (s *Service) LookChange(ctx context.Context, t tenant.ID, kind ticket.Kind, secret string) (ticket.Ticket, error) {
	return s.tickets.Look(ctx, t, kind, secret)
}

// ConfirmNew notes that the new address said yes, and ApproveOld that the old one did. Each returns the change as it is
// then: it has taken effect when DoneAt is set. Errors are those of package ticket, and profile.ErrTaken when somebody
// else has the address by now.
func (s *Service) ConfirmNew(ctx context.Context, c ticket.Claim) (Change, error) {
	c.Kind = ticket.EmailConfirm
	return s.agree(ctx, c, func(change *Change) { change.ConfirmedAt = s.now() })
}

// ApproveOld is the old address's part of ConfirmNew.
func (s *Service) ApproveOld(ctx context.Context, c ticket.Claim) (Change, error) {
	c.Kind = ticket.EmailApprove
	return s.agree(ctx, c, func(change *Change) { change.ApprovedAt = s.now() })
}

func (s *Service) agree(ctx context.Context, c ticket.Claim, note func(*Change)) (Change, error) {
	var agreed Change
	err := s.tickets.Redeem(ctx, c, func(ctx context.Context, t ticket.Ticket) error {
		p, err := s.store.LockProfile(ctx, t.User)
		if err != nil {
			return err
		}
		change, err := s.store.LockChange(ctx, t.User)
		if err != nil {
			return err
		}
		asked := t.Address == change.NewEmail || t.Address == change.OldEmail
		if !change.Pending() || !asked || p.Block.InForce(s.now()) {
			return ticket.ErrReplaced
		}
		note(&change)
		if change.Ripe(s.now()) {
			if err := s.apply(ctx, &change, p); err != nil {
				return err
			}
		}
		agreed = change
		return s.store.SaveChange(ctx, change)
	})
	if errors.Is(err, profile.ErrTaken) {
		if giving := s.giveUp(ctx, c); giving != nil {
			return Change{}, giving
		}
	}
	return agreed, s.refused(ctx, audit.EmailFailed, c, err)
}

// apply gives the profile its new address: other sessions end, open links are void, and the old address is told.
func (s *Service) apply(ctx context.Context, change *Change, p profile.Profile) error {
	t := tenant.From(ctx)
	p.Email, p.EmailVerified, p.UpdatedAt, p.EditedAt = change.NewEmail, true, s.now(), s.now()
	p.Version++
	if err := s.store.SaveEmail(ctx, p); err != nil {
		return err
	}
	except := ""
	if live := session.From(ctx); live.User == p.User {
		except = live.Hash
	}
	if _, err := s.sessions.EndAll(ctx, p.User, except); err != nil {
		return err
	}
	if err := s.tickets.Void(ctx, p.User, append(changeKinds, ticket.Reset, ticket.Verify)...); err != nil {
		return err
	}
	change.DoneAt = s.now()
	if change.OldVerified {
		undo, err := s.undoTicket(ctx, p.User, change.OldEmail, "")
		if err != nil {
			return err
		}
		err = s.send(ctx, t, p, change.OldEmail, mail.EmailChanged, mail.Facts{
			Address: Mask(change.NewEmail), Code: undo.Code, Link: t.URL("/email/undo/" + undo.Secret), Until: undo.ExpiresAt,
		})
		if err != nil {
			return err
		}
	}
	return s.log.Record(ctx, audit.Event{Type: audit.EmailChanged, User: p.User, Fields: []string{profile.FieldEmail}})
}

// Undo brings the address of the ticket back, ends every session, mails a link for a new password, and freezes the address
// for a day (row 28).
func (s *Service) Undo(ctx context.Context, c ticket.Claim) error {
	c.Kind = ticket.EmailUndo
	return s.tickets.Redeem(ctx, c, func(ctx context.Context, t ticket.Ticket) error {
		p, err := s.store.LockProfile(ctx, t.User)
		if err != nil {
			return err
		}
		change, err := s.store.LockChange(ctx, t.User)
		if err != nil {
			return err
		}
		if p.Email != t.Address {
			p.Email, p.EmailVerified, p.UpdatedAt, p.EditedAt = t.Address, true, s.now(), s.now()
			p.Version++
			if err := s.store.SaveEmail(ctx, p); err != nil {
				return err
			}
		}
		change.NewEmail, change.FrozenUntil = "", s.now().Add(Freeze)
		if err := s.store.SaveChange(ctx, change); err != nil {
			return err
		}
		if _, err := s.sessions.EndAll(ctx, p.User, ""); err != nil {
			return err
		}
		if err := s.tickets.Void(ctx, p.User); err != nil {
			return err
		}
		if err := s.resets.Send(ctx, p, ""); err != nil {
			return err
		}
		return s.log.Record(ctx, audit.Event{
			Type: audit.EmailUndone, User: p.User, Actor: audit.Actor{Kind: audit.ByUser, ID: p.User.ID},
			Fields: []string{profile.FieldEmail},
		})
	})
}

// ApplyDue gives effect to confirmed changes whose wait is over, of every tenant. find finds a tenant by its id.
func (s *Service) ApplyDue(ctx context.Context, find func(context.Context, tenant.ID) (tenant.Tenant, error)) error {
	due, err := s.store.DueChanges(ctx, s.now(), 100)
	if err != nil {
		return err
	}
	var failed []error
	for _, one := range due {
		t, err := find(ctx, one.User.Tenant)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		failed = append(failed, s.applyOne(tenant.With(ctx, t), one.User))
	}
	return errors.Join(failed...)
}

func (s *Service) applyOne(ctx context.Context, u tenant.User) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		change, err := s.store.LockChange(ctx, u)
		if err != nil || !change.Ripe(s.now()) || p.Block.InForce(s.now()) {
			return err
		}
		if err := s.apply(ctx, &change, p); errors.Is(err, profile.ErrTaken) {
			return s.abandon(ctx, change) // somebody else has it by now
		} else if err != nil {
			return err
		}
		return s.store.SaveChange(ctx, change)
	})
}
