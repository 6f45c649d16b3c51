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
	"portico/views/emails"
	"portico/web"
)

// people finds whom letters are for.
type people interface {
	FindProfile(ctx context.Context, u tenant.User) (profile.Profile, error)
}

// render writes letters, with times in the zone of whom they are for.
func render(known people) func(ctx context.Context, t tenant.Tenant, l mail.Letter) (mail.Message, error) {
	return func(ctx context.Context, t tenant.Tenant, l mail.Letter) (mail.Message, error) {
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

// letterFailed records that a letter was given up.
func letterFailed(log *audit.Log) func(context.Context, tenant.User, mail.Kind) error {
	return func(ctx context.Context, u tenant.User, kind mail.Kind) error {
		return log.Record(ctx, audit.Event{Type: audit.LetterFailed, User: u, Detail: map[string]string{"kind": string(kind)}})
	}
}
