package admin

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Newcomer is whom an administrator creates an account for. Language is that of their letters, one of the tenant's.
type Newcomer struct {
	Email    string
	Name     string
	Language string
}

// Create adds an account without a password, and mails its owner a link to choose one: administrators never choose or see
// a password (security.md row 23). Nobody can sign in before, and the address counts as unverified until then. It returns
// valid.Errors, also for an address that another account has.
func (s *Service) Create(ctx context.Context, actor tenant.User, n Newcomer) (tenant.User, error) {
	p, err := s.newProfile(tenant.From(ctx), n)
	if err != nil {
		return tenant.User{}, err
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.AddProfile(ctx, p); err != nil {
			return err
		}
		if err := s.passwords.Invite(ctx, p); err != nil {
			return err
		}
		return s.record(ctx, actor, p.User, audit.Event{Type: audit.SignedUp})
	})
	if errors.Is(err, profile.ErrTaken) {
		err = valid.Errors{{Field: profile.FieldEmail, Key: "err.email.taken"}}
	}
	return p.User, err
}

func (s *Service) newProfile(t tenant.Tenant, n Newcomer) (profile.Profile, error) {
	n.Email = strings.TrimSpace(n.Email)
	refused := profile.CheckEmail(n.Email)
	if !slices.Contains(t.Locales, n.Language) {
		refused.Add(profile.FieldLang, "err.language")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return profile.Profile{}, err
	}
	now := s.now()
	local, _, _ := strings.Cut(n.Email, "@")
	p := profile.Profile{
		User: tenant.User{Tenant: t.ID, ID: profile.Database + "|" + id.String()}, Version: 1, Connection: profile.Database,
		Email: n.Email, Name: local, Nickname: local, CreatedAt: now, UpdatedAt: now, EditedAt: now,
		UserMetadata: profile.Metadata{profile.FieldLang: json.RawMessage(strconv.Quote(n.Language))},
	}
	if strings.TrimSpace(n.Name) != "" {
		named, _, err := profile.Corrected(t, p, map[string]string{profile.FieldName: n.Name})
		wrong, _ := errors.AsType[valid.Errors](err)
		p, refused = named, append(refused, wrong...)
	}
	return p, refused.Err()
}
