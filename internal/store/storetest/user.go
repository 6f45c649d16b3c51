package storetest

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"portico/internal/profile"
	"portico/internal/tenant"
)

// NewUser adds a person with a verified address to the fixture's tenant. Changes are applied before it is stored.
func (f Fixture) NewUser(t *testing.T, email string, changes ...func(*profile.Profile)) tenant.User {
	t.Helper()
	now := f.Clock.Now()
	p := profile.Profile{
		User: tenant.User{Tenant: f.Tenant.ID, ID: "portico|" + uuid.Must(uuid.NewV7()).String()}, Version: 1,
		Connection: profile.Database, Email: email, EmailVerified: true, Name: email, Nickname: email,
		CreatedAt: now, UpdatedAt: now, EditedAt: now,
	}
	for _, change := range changes {
		change(&p)
	}
	if err := f.DB.InTx(t.Context(), func(ctx context.Context) error { return f.DB.AddProfile(ctx, p) }); err != nil {
		t.Fatal(err)
	}
	return p.User
}
