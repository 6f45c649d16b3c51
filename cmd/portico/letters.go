package main

import (
	"context"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/tenant"
	"portico/views/emails"
	"portico/web"
)

// render writes a letter.
func render(ctx context.Context, t tenant.Tenant, l mail.Letter) (mail.Message, error) {
	subject, text, html, err := emails.Render(ctx, web.LetterFrom(t), l)
	return mail.Message{FromName: t.Product, Subject: subject, Text: text, HTML: html}, err
}

// letterFailed records that a letter was given up.
func letterFailed(log *audit.Log) func(context.Context, tenant.User, mail.Kind) error {
	return func(ctx context.Context, u tenant.User, kind mail.Kind) error {
		return log.Record(ctx, audit.Event{Type: audit.LetterFailed, User: u, Detail: map[string]string{"kind": string(kind)}})
	}
}
