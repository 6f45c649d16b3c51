package privacy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Ask takes in what u asks for and confirms it by letter. Kind, Subject, New and Note are what u says. While the same
// waits, asking again changes nothing. It returns valid.Errors.
func (s *Service) Ask(ctx context.Context, u tenant.User, r Request) error {
	r.User, r.Note, r.New = u, strings.TrimSpace(r.Note), strings.TrimSpace(r.New)
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		p, err := s.store.LockProfile(ctx, u) // one request at a time
		if err != nil {
			return err
		}
		refused := check(tenant.From(ctx), p, r)
		if r.Kind == Rectification && len(refused) == 0 {
			r, refused = compared(ctx, p, r)
		}
		if err := refused.Err(); err != nil {
			return err
		}
		if r, err = s.open(ctx, r); err != nil {
			return err
		}
		if err := s.restrictFor(ctx, p, r); err != nil {
			return err
		}
		return s.tell(ctx, p, mail.RequestReceived, mail.Facts{Until: r.DueAt, Text: strings.TrimSpace(r.New + "\n" + r.Note)})
	})
	if errors.Is(err, ErrOpen) {
		return nil
	}
	return err
}

// check says what is wrong with a request.
func check(t tenant.Tenant, p profile.Profile, r Request) valid.Errors {
	var refused valid.Errors
	if r.Kind == Rectification {
		if !slices.Contains(Correctable(t, p), r.Subject) {
			refused.Add(FieldSubject, "err.choose")
		}
		refused = append(refused, short(FieldValue, r.New, MaxValue)...)
	}
	if utf8.RuneCountInString(r.Note) > MaxNote {
		refused.Add(FieldNote, "err.name.long", "max", MaxNote)
	}
	return refused
}

// declared finds the key of user_metadata that a rectification is about, if it is about one that is declared.
func declared(t tenant.Tenant, r Request) (profile.Schema, profile.Property, bool) {
	key, ok := strings.CutPrefix(r.Subject, profile.MetadataField(""))
	if !ok {
		return profile.Schema{}, profile.Property{}, false
	}
	schema, _ := profile.ParseSchema(t.Metadata) // what cannot be read declares nothing
	property, ok := schema.Field(key)
	return schema, property, ok
}

// compared adds to a rectification what p says now, and has a new value of a declared key as it is stored.
func compared(ctx context.Context, p profile.Profile, r Request) (Request, valid.Errors) {
	schema, property, ok := declared(tenant.From(ctx), r)
	if !ok {
		if r.Subject != Other {
			r.Old = p.Value(r.Subject)
		}
		return r, nil
	}
	if now := []rune(property.Show(p.UserMetadata.Value(property.Key))); len(now) > MaxValue {
		r.Old = string(now[:MaxValue-1]) + "…"
	} else {
		r.Old = string(now)
	}
	text, ok := property.Understand(ctx, r.New)
	if !ok {
		return r, valid.Errors{{Field: FieldValue, Key: "err.correct.value", Args: []any{"values", strings.Join(property.Choices(ctx), " · ")}}}
	}
	r.New = text
	_, _, err := profile.CorrectedKey(schema, p, property.Key, text, i18n.Current(ctx).Tag)
	refused, _ := errors.AsType[valid.Errors](err)
	return r, under(FieldValue, refused)
}

// corrected is p as an administrator has agreed to correct it. What is declared no more is corrected by hand, like Other.
func corrected(ctx context.Context, p profile.Profile, r Request) (profile.Profile, []string, error) {
	t := tenant.From(ctx)
	if schema, property, ok := declared(t, r); ok {
		return profile.CorrectedKey(schema, p, property.Key, r.New, i18n.Current(ctx).Tag)
	}
	return profile.Corrected(t, p, map[string]string{r.Subject: r.New})
}

// short says what is wrong with a text that must be there and not be too long.
func short(field, text string, most int) valid.Errors {
	var refused valid.Errors
	switch {
	case strings.TrimSpace(text) == "":
		refused.Add(field, "err.required")
	case utf8.RuneCountInString(text) > most:
		refused.Add(field, "err.name.long", "max", most)
	}
	return refused
}

// open stores a request and records that it was made. It returns ErrOpen when the same waits already.
func (s *Service) open(ctx context.Context, r Request) (Request, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return r, err
	}
	r.ID, r.At = id.String(), s.now()
	r.DueAt = r.due()
	if err := s.store.AddRequest(ctx, r); err != nil {
		return r, err
	}
	what := audit.Event{Type: audit.CaseOpened, User: r.User, Fields: []string{string(r.Kind)}}
	switch r.Kind {
	case Download:
		what = audit.Event{Type: audit.ExportRequested, User: r.User}
	case Close:
		what = audit.Event{Type: audit.ErasureRequested, User: r.User}
	case Rectification, Objection:
		what.Fields = append(what.Fields, r.Subject)
	case Restriction, Withdrawal:
	}
	return r, s.log.Record(ctx, what)
}

// Extend gives an answer two more months, once, and tells the person why (GDPR article 12(3)). It returns valid.Errors,
// ErrNotFound or ErrTooLate.
func (s *Service) Extend(ctx context.Context, actor tenant.User, id, reason string) error {
	if err := short(FieldReason, reason, MaxAnswer).Err(); err != nil {
		return err
	}
	return s.settle(ctx, actor, id, func(ctx context.Context, r Request, to recipient) error {
		if !r.MayExtend(s.now()) {
			return ErrTooLate
		}
		r.ExtendedAt, r.Extension, r.DueAt = s.now(), strings.TrimSpace(reason), Months(r.At, term+extension)
		if err := s.store.SaveExtension(ctx, r); err != nil {
			return err
		}
		if err := to.write(ctx, mail.RequestExtended, mail.Facts{Until: r.DueAt, Text: r.Extension}); err != nil {
			return err
		}
		return s.record(ctx, actor, r.User, audit.Event{Type: audit.CaseExtended, Fields: []string{string(r.Kind)}})
	})
}

// Answer closes a request with words that reach the person by letter, and does what it grants: corrects the attribute,
// stops the use objected to, keeps the restriction. It returns valid.Errors or ErrNotFound; a request that was answered
// meanwhile stays as it is.
func (s *Service) Answer(ctx context.Context, actor tenant.User, id, answer string, outcome Outcome) error {
	if err := short(FieldAnswer, answer, MaxAnswer).Err(); err != nil {
		return err
	}
	return s.settle(ctx, actor, id, func(ctx context.Context, r Request, to recipient) error {
		if !r.Open() {
			return nil
		}
		if !r.Decidable() || (outcome != Granted && outcome != Refused) {
			outcome = Answered
		}
		r.AnsweredAt, r.AnsweredBy, r.Answer, r.Outcome = s.now(), actor.ID, strings.TrimSpace(answer), outcome
		if err := s.store.SaveAnswer(ctx, r); err != nil {
			return err
		}
		if outcome == Granted {
			if err := s.grant(ctx, actor, to.person, r); err != nil {
				return err
			}
		}
		if err := to.write(ctx, answerTo(r.Kind), mail.Facts{Message: r.Answer, Outcome: string(outcome)}); err != nil {
			return err
		}
		if err := s.release(ctx, actor, to.person, r); err != nil {
			return err
		}
		return s.record(ctx, actor, r.User, audit.Event{Type: audit.RequestAnswered, Fields: []string{string(r.Kind), string(outcome)}})
	})
}

// grant does what somebody asked for and an administrator agreed to.
func (s *Service) grant(ctx context.Context, actor tenant.User, p profile.Profile, r Request) error {
	switch {
	case p.User.IsZero():
		return nil
	case r.Kind == Objection:
		return s.objector.Uphold(ctx, r.User, r.Subject)
	case r.Kind != Rectification || r.Subject == Other:
		return nil
	}
	after, fields, err := corrected(ctx, p, r)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return under(FieldAnswer, refused)
	}
	if err != nil || len(fields) == 0 {
		return err
	}
	after.Version++
	after.UpdatedAt, after.EditedAt = s.now(), s.now()
	err = profile.Taken(s.store.SaveEdit(ctx, p, after))
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return under(FieldAnswer, refused)
	}
	if err != nil {
		return err
	}
	return s.record(ctx, actor, r.User, audit.Event{Type: audit.AdminWrote, Fields: fields})
}

// under moves problems to the one field that the form of an answer has.
func under(field string, refused valid.Errors) valid.Errors {
	moved := slices.Clone(refused)
	for i := range moved {
		moved[i].Field = field
	}
	return moved
}

// answerTo is the letter with the answer to a request of this kind.
func answerTo(k Kind) mail.Kind {
	if k == Withdrawal {
		return mail.WithdrawalAnswered
	}
	return mail.RequestAnswered
}

// recipient is who is told about a request: a person, or whoever withdraws from a contract at the address they gave.
// Whoever is gone is told nothing.
type recipient struct {
	s      *Service
	person profile.Profile
	r      Request
}

func (to recipient) write(ctx context.Context, kind mail.Kind, facts mail.Facts) error {
	if to.r.Contact == "" {
		return to.s.tell(ctx, to.person, kind, facts)
	}
	facts.Time = to.s.now()
	if kind == mail.WithdrawalReceived {
		facts.Time = to.r.At
	}
	if !to.r.User.IsZero() {
		facts.Link = tenant.From(ctx).URL("/account/data")
	}
	return to.s.outbox.Send(ctx, mail.Letter{
		Tenant: to.r.User.Tenant, User: to.r.User.ID, To: to.r.Contact, Kind: kind, Language: to.r.Locale, Facts: facts,
	})
}

// settle locks whom a request is from, and the request, for fn.
func (s *Service) settle(ctx context.Context, actor tenant.User, id string, fn func(ctx context.Context, r Request, to recipient) error) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		found, err := s.store.FindRequest(ctx, actor.Tenant, id)
		if err != nil {
			return err
		}
		to := recipient{s: s}
		if !found.User.IsZero() {
			to.person, err = s.store.LockProfile(ctx, found.User)
			if err != nil && !errors.Is(err, profile.ErrNotFound) {
				return err
			}
		}
		if to.r, err = s.store.LockRequest(ctx, actor.Tenant, id); err != nil {
			return err
		}
		return fn(ctx, to.r, to)
	})
}

func (s *Service) record(ctx context.Context, actor, u tenant.User, what audit.Event) error {
	what.User = u
	if actor != u {
		what.Actor = audit.Actor{Kind: audit.ByAdmin, ID: actor.ID}
	}
	return s.log.Record(ctx, what)
}

func (s *Service) tell(ctx context.Context, p profile.Profile, kind mail.Kind, facts mail.Facts) error {
	if p.Email == "" {
		return nil
	}
	t := tenant.From(ctx)
	language, _ := profile.LetterLanguage(t, p, i18n.Current(ctx).Tag)
	facts.Name, facts.Time, facts.Link = p.Nickname, s.now(), t.URL("/account/data")
	return s.outbox.Send(ctx, mail.Letter{Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: kind, Language: language, Facts: facts})
}
