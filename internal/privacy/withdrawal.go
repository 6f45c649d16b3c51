package privacy

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Statement is what somebody says who withdraws from a contract: who they are, which contract, and where the
// acknowledgement goes (Directive 2011/83/EU, article 11a(2)). Form tells one form from the next, so that it counts once
// however often it is sent.
type Statement struct {
	Name     string
	Contract string
	Contact  string
	Form     string
}

// MaxForm is the longest Form, in bytes.
const MaxForm = 64

// Tidy returns w without spaces around what was typed, in the line ends of the database.
func (w Statement) Tidy() Statement {
	w.Name, w.Contact = strings.Join(strings.Fields(w.Name), " "), strings.TrimSpace(w.Contact)
	w.Contract = strings.TrimSpace(strings.ReplaceAll(w.Contract, "\r\n", "\n"))
	return w
}

// Check says what is wrong with a statement that is tidy.
func (w Statement) Check() valid.Errors {
	refused := append(short(FieldName, w.Name, profile.MaxName), short(FieldContract, w.Contract, MaxReference)...)
	for _, field := range [][2]string{{FieldName, w.Name}, {FieldContract, strings.ReplaceAll(w.Contract, "\n", " ")}} {
		if strings.ContainsFunc(field[1], unicode.IsControl) || !utf8.ValidString(field[1]) {
			refused.Add(field[0], "err.name.control")
		}
	}
	return append(refused, profile.CheckEmail(w.Contact)...)
}

// Withdraw takes in that somebody withdraws from a contract, and acknowledges it by letter with the content of the
// statement and the time at which it was received (article 11a(4)). u is who is signed in, or nobody: whose account has the
// address is never looked up. Sent once more, by the same form or by the same person while it waits, it changes nothing and
// returns the first. It returns valid.Errors and *guard.TooMany, and then nothing is recorded.
func (s *Service) Withdraw(ctx context.Context, u tenant.User, w Statement) (Request, error) {
	w = w.Tidy()
	if err := w.Check().Err(); err != nil {
		return Request{}, err
	}
	t := tenant.From(ctx)
	asked := Request{
		User: tenant.User{Tenant: t.ID, ID: u.ID}, Kind: Withdrawal, Name: w.Name, Contact: w.Contact, Reference: w.Contract,
		Locale: i18n.Current(ctx).Tag,
	}
	if u.IsZero() {
		asked.Form = w.Form
	}
	if u.IsZero() && asked.Form == "" { // nobody learns from a form of their own that somebody sent the same
		asked.Form = uuid.NewString()
	}
	var taken Request
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		r, action := asked, guard.Withdrawal
		if !u.IsZero() {
			p, err := s.store.LockProfile(ctx, u)
			if err != nil {
				return err
			}
			r.Locale, _ = profile.LetterLanguage(t, p, r.Locale)
			if p.EmailVerified && profile.EmailKey(p.Email) == profile.EmailKey(r.Contact) {
				action = guard.OwnWithdrawal // strangers who type the address do not use it up
			}
		}
		var err error
		if taken, err = s.open(ctx, r); err != nil {
			return err
		}
		who := guard.Subject{Account: profile.EmailKey(r.Contact), IP: audit.OriginOf(ctx).IP}
		if err := s.guard.Allow(ctx, t.ID, action, who); err != nil {
			return err
		}
		to := recipient{s: s, r: taken}
		return to.write(ctx, mail.WithdrawalReceived, mail.Facts{Name: taken.Name, Reference: taken.Reference, Until: taken.DueAt})
	})
	if errors.Is(err, ErrOpen) {
		return s.store.FindOpen(ctx, t.ID, asked.OpenKey())
	}
	return taken, err
}
