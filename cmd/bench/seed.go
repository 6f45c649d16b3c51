package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/store"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// What is seeded: fifty tenants, of which the first has four fifths of the people and those who sign in. The same
// addresses exist in several tenants. Every hundredth person has the largest metadata that is allowed.
const (
	tenants   = 50
	signers   = 2000
	batchSize = 1000
	secret    = "quiet copper lantern"
	typical   = 300
	worst     = 15 << 10
)

func email(n int) string { return fmt.Sprintf("person%07d@example.org", n) }

// seed fills a database. Everybody has the same password, hashed once.
func seed(ctx context.Context, db *store.DB, size int) error {
	for i := range tenants {
		id := tenant.Default
		if i > 0 {
			id = tenant.ID(fmt.Sprintf("bench-%d", i))
		}
		settings := tenant.Settings{Product: "Bench", Locales: []string{"en"}}
		err := db.AddTenant(ctx, tenant.Tenant{ID: id, Settings: settings}, []string{string(id) + ".bench.example"})
		if err != nil && !errors.Is(err, tenant.ErrTaken) { // the first one is made when the portal starts
			return err
		}
	}
	if err := seedDocument(ctx, db); err != nil {
		return err
	}
	hash, err := password.NewHasher().Hash(ctx, secret)
	if err != nil {
		return err
	}
	for first := 0; first < size; first += batchSize {
		err := db.InTx(ctx, func(ctx context.Context) error {
			for n := first; n < min(first+batchSize, size); n++ {
				if err := seedPerson(ctx, db, n, hash); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// seedDocument publishes a document of some length that nobody has to accept.
func seedDocument(ctx context.Context, db *store.DB) error {
	now := func() time.Time { return time.Now().UTC() }
	service := terms.New(db, nil, audit.New(db, now), now)
	d := terms.Document{Tenant: tenant.Default, Key: "terms", Assent: terms.Inform, GoverningLocale: "en"}
	if err := service.AddDocument(ctx, d); err != nil {
		return err
	}
	var source strings.Builder
	for i := range 20 {
		fmt.Fprintf(&source, "## %d. Clause {#clause-%d}\n\n%s\n\n", i+1, i+1, strings.Repeat("What is agreed here is agreed. ", 12))
	}
	text := terms.Text{Locale: "en", Title: "Terms of use", Source: source.String()}
	draft := terms.Draft{Version: terms.Version{Document: d.Key, Materiality: terms.Material}, Texts: []terms.Text{text}}
	if _, err := service.SaveDraft(ctx, d.Tenant, draft); err != nil {
		return err
	}
	return service.Publish(ctx, tenant.User{Tenant: d.Tenant, ID: "bench"}, d.Key, 1, terms.Schedule{Typed: "1"})
}

// person is the n-th one. The first are all of the first tenant.
func person(n int) profile.Profile {
	id, now := tenant.Default, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if n >= signers && n%5 == 4 {
		id = tenant.ID(fmt.Sprintf("bench-%d", 1+n/5%(tenants-1)))
	}
	length := typical
	if n%100 == 99 {
		length = worst
	}
	notes := map[string]string{}
	for at := 0; at < length; at += 1500 {
		notes[fmt.Sprintf("note%d", at)] = strings.Repeat("x", min(1500, length-at))
	}
	value, _ := json.Marshal(notes) // only texts
	return profile.Profile{
		User: tenant.User{Tenant: id, ID: fmt.Sprintf("portico|%036d", n)}, Version: 1, Connection: profile.Database,
		Email: email(n), EmailVerified: true, Name: fmt.Sprintf("Person Number %d", n), Nickname: "Person",
		UserMetadata: profile.Metadata{"lang": json.RawMessage(`"en"`), "kept": value}, CreatedAt: now, UpdatedAt: now, EditedAt: now,
	}
}

func seedPerson(ctx context.Context, db *store.DB, n int, hash string) error {
	p := person(n)
	p.Block = profile.Block{Blocked: n == blocked, At: p.CreatedAt}
	if err := db.AddProfile(ctx, p); err != nil {
		return err
	}
	if n >= signers {
		return nil
	}
	if n == administrator {
		if err := db.SaveRole(ctx, p.User, profile.RoleAdmin); err != nil {
			return err
		}
	}
	return db.SavePassword(ctx, p.User, hash, p.CreatedAt, false)
}

// administrator is the number of the person who administers, blocked of one who is kept out.
const (
	administrator = signers - 1
	blocked       = signers - 2
)
