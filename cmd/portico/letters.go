package main

import (
	"context"
	"errors"
	"time"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/views/emails"
	"portico/web"
)

// people finds whom letters are for.
type people interface {
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
}

// render writes letters, with times in the zone of whom they are for. Those that tell of a version carry its text.
func render(known people, documents *terms.Service) func(ctx context.Context, t tenant.Tenant, l mail.Letter) (mail.Message, error) {
	return func(ctx context.Context, t tenant.Tenant, l mail.Letter) (mail.Message, error) {
		l, err := documents.Enclose(ctx, l)
		if err != nil {
			return mail.Message{}, err
		}
		p, err := known.FindProfile(ctx, tenant.User{Tenant: t.ID, ID: l.User})
		if err != nil && !errors.Is(err, profile.ErrNotFound) {
			return mail.Message{}, err
		}
		zone, err := profile.Zone(p.UserMetadata.Text(profile.FieldZone))
		if err != nil {
			zone = time.UTC
		}
		return writeLetter(i18n.With(ctx, l.Language, zone), t, l)
	}
}

func writeLetter(ctx context.Context, t tenant.Tenant, l mail.Letter) (mail.Message, error) {
	subject, text, html, err := emails.Render(ctx, web.LetterFrom(t), l)
	return mail.Message{FromName: t.Product, Subject: subject, Text: text, HTML: html}, err
}

// letterFailed records that a letter was given up. Who cannot be written to counts as not told of a version.
func letterFailed(log *audit.Log, documents *terms.Service) func(context.Context, tenant.User, mail.Kind) error {
	return func(ctx context.Context, u tenant.User, kind mail.Kind) error {
		if kind == mail.TermsChanged || kind == mail.TermsReminder {
			if err := documents.Unreached(ctx, u); err != nil {
				return err
			}
		}
		return log.Record(ctx, audit.Event{Type: audit.LetterFailed, User: u, Detail: map[string]string{"kind": string(kind)}})
	}
}
