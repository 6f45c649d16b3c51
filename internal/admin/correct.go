package admin

import (
	"context"
	"errors"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

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
		if err := profile.Taken(s.store.SaveEdit(ctx, p, corrected)); err != nil {
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
