package terms

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// The types of event that no person makes with a form of their own.
const (
	AdminRecorded = "admin_recorded"
	Imported      = "imported"
)

// The ways such an event comes about.
const (
	MethodAdmin  = "admin"
	MethodImport = "import"
)

// Fields of the form by which an administrator records an acceptance, each at most MaxEvidence characters.
const (
	FieldVersion  = "version"
	FieldEvidence = "evidence"
	MaxEvidence   = 1000
)

// Evidence is why an administrator records that somebody accepted, and by what it can be shown.
type Evidence struct {
	Reason   string
	Evidence string
}

func (e *Evidence) check() valid.Errors {
	e.Reason, e.Evidence = strings.TrimSpace(e.Reason), strings.TrimSpace(e.Evidence)
	var refused valid.Errors
	for _, f := range []struct{ name, value string }{{FieldReason, e.Reason}, {FieldEvidence, e.Evidence}} {
		switch {
		case f.value == "":
			refused.Add(f.name, "err.required")
		case utf8.RuneCountInString(f.value) > MaxEvidence:
			refused.Add(f.name, "err.name.long", "max", MaxEvidence)
		}
	}
	return refused
}

// RecordFor records that u accepted a version outside of the portal, on paper or in person: with a reason and a note on the
// evidence, under the administrator's name, and with a letter to u (rule T-6, case 22). It returns valid.Errors, and ErrNotFound for a version that
// is neither in force nor announced and for a document that is consented to: nobody consents for somebody else.
func (s *Service) RecordFor(ctx context.Context, actor, u tenant.User, document string, number int, why Evidence) error {
	if actor.Tenant != u.Tenant || actor == u {
		return ErrNotFound
	}
	if err := why.check().Err(); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		library, now, err := s.fresh(ctx, u.Tenant)
		if err != nil {
			return err
		}
		d, _ := library.Document(document)
		version, ok := library.Version(document, number)
		current, _ := library.Current(document, now)
		if !d.Assent.Gates() || !ok || (version.Number != current.Number && !version.Announced(now)) {
			return ErrNotFound
		}
		p, err := s.store.FindProfile(ctx, u)
		if err != nil {
			return err
		}
		language, _ := profile.LetterLanguage(tenant.From(ctx), p, "")
		text, _ := library.Text(document, number, language)
		e, err := eventOf(ctx, u, Decision{Method: MethodAdmin, Nonce: rand.Text(), LocaleWanted: language}, version, text, now)
		if err != nil {
			return err
		}
		e.Type, e.Document, e.Actor, e.Reason, e.Evidence = AdminRecorded, document, actor.ID, why.Reason, why.Evidence
		e.SignedInAt, e.Session = time.Time{}, "" // the administrator's, not theirs
		if err := s.store.AppendAssent(ctx, e); err != nil {
			return err
		}
		after := Standing{Document: document, Number: number, Event: e.ID, Locale: text.Locale, At: now, ExpiresAt: expiry(version, u, now)}
		if err := s.store.SaveStanding(ctx, u, after); err != nil {
			return err
		}
		return s.tellRecorded(ctx, p, text, e, why)
	})
}

// tellRecorded notes it where administrators look, and writes to the person.
func (s *Service) tellRecorded(ctx context.Context, p profile.Profile, text Text, e Event, why Evidence) error {
	err := s.log.Record(ctx, audit.Event{
		Type: audit.TermsRecorded, User: p.User, Actor: audit.Actor{Kind: audit.ByAdmin, ID: e.Actor}, Fields: []string{e.Document},
		Detail: map[string]string{"number": strconv.Itoa(e.Number), "reason": why.Reason},
	})
	if err != nil || p.Email == "" {
		return err
	}
	t := tenant.From(ctx)
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: mail.TermsRecorded, Language: e.LocaleWanted,
		Facts: mail.Facts{
			Name: p.Nickname, Document: text.Title, Version: e.Number, Time: e.OccurredAt, Message: why.Reason,
			Link: t.URL(Path(e.Document, e.Number, text.Locale)),
		},
	})
}

// Flag is a consent that came with an account from elsewhere: nobody knows to what.
type Flag struct {
	At time.Time // zero when the source does not say
}

// ImportedFlag reads user_metadata.consentGiven and consentTimestamp, as Auth0's samples keep them: texts or values, the time
// in seconds or in milliseconds (rule T-4). It reports whether consent was given.
func ImportedFlag(m profile.Metadata) (Flag, bool) {
	if given := strings.Trim(string(m["consentGiven"]), `"`); given != "true" && given != "1" {
		return Flag{}, false
	}
	var flag Flag
	stamp, err := strconv.ParseInt(strings.Trim(string(m["consentTimestamp"]), `"`), 10, 64)
	switch {
	case err != nil || stamp <= 0:
	case stamp > 1e11: // as seconds it would be the year 5138
		flag.At = time.UnixMilli(stamp).UTC()
	default:
		flag.At = time.Unix(stamp, 0).UTC()
	}
	return flag, true
}

// Import records such a flag, once: as imported, of no document and no version that anybody knows. It satisfies no gate
// (case 18). It reports whether it was new.
func (s *Service) Import(ctx context.Context, u tenant.User, flag Flag) (bool, error) {
	now, err := s.store.Now(ctx)
	if err != nil {
		return false, err
	}
	e, err := eventOf(ctx, u, Decision{Method: MethodImport, Nonce: MethodImport}, Version{}, Text{}, now)
	if err != nil {
		return false, err
	}
	source := map[string]string{"source": "user_metadata.consentGiven", "version": "unknown"}
	if !flag.At.IsZero() {
		source["at"] = flag.At.Format(time.RFC3339)
	}
	e.Type, e.Source = Imported, source
	err = s.store.AppendAssent(ctx, e)
	if errors.Is(err, ErrRecorded) {
		return false, nil
	}
	return err == nil, err
}

// Mirrored is what app_metadata says of an acceptance, in the form that the tenant's applications read (rule T-4): by
// default terms.<document>; or flat, <document> and <document>_timestamp, as Auth0's samples do; or not at all.
func Mirrored(form tenant.Mirror, before profile.Metadata, document string, number int, at time.Time) profile.Metadata {
	encode := func(value any) json.RawMessage {
		content, _ := json.Marshal(value) // texts, numbers and maps of them
		return content
	}
	switch form.Form {
	case tenant.MirrorNone:
		return nil
	case tenant.MirrorFlat:
		name := document
		if form.Names[document] != "" {
			name = form.Names[document]
		}
		return profile.Metadata{name: encode(true), name + "_timestamp": encode(at.UnixMilli())}
	default:
		mirrored := map[string]any{}
		_ = json.Unmarshal(before["terms"], &mirrored)
		mirrored[document] = map[string]any{"accepted": number, "at": at.Format(time.RFC3339)}
		return profile.Metadata{"terms": encode(mirrored)}
	}
}
