package main

import (
	"context"
	"strings"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/tenant"
)

// render writes a letter.
func render(_ context.Context, _ tenant.Tenant, l mail.Letter) (mail.Message, error) {
	f := l.Facts
	return mail.Message{
		To: l.To, Subject: string(l.Kind), Text: strings.Join([]string{f.Code, f.Link, f.SecondLink}, "\n"),
	}, nil
}

// letterFailed records that a letter was given up.
func letterFailed(log *audit.Log) func(context.Context, tenant.User, mail.Kind) error {
	return func(ctx context.Context, u tenant.User, kind mail.Kind) error {
		return log.Record(ctx, audit.Event{Type: audit.LetterFailed, User: u, Detail: map[string]string{"kind": string(kind)}})
	}
}
