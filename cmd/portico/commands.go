package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/google/uuid"

	"portico/internal/audit"
	"portico/internal/keys"
	"portico/internal/password"
	"portico/internal/profile"
	"portico/internal/store"
	"portico/internal/tenant"
)

// database is the setting that every command which touches data needs.
type database struct {
	DatabaseURL string `name:"database-url" env:"PORTICO_DATABASE_URL" required:"" help:"mysql://user:password@host:3306/name or sqlite:path."`
}

type migrateCommand struct{ database }

// Run brings the database up to date.
func (c *migrateCommand) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	fmt.Println("The database is up to date.")
	if err := db.Guard(ctx); err != nil {
		fmt.Println("Note:", err)
	}
	return db.Close()
}

type keyCommand struct{}

// Run prints a new key.
func (keyCommand) Run() error {
	fmt.Println(base64.StdEncoding.EncodeToString(keys.Generate()))
	return nil
}

type versionCommand struct{}

// Run prints the version that was built.
func (versionCommand) Run() error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				version += " " + setting.Value
			}
		}
	}
	fmt.Println("portico", version)
	return nil
}

type tenantCommand struct {
	Add tenantAdd `cmd:"" help:"Add a tenant that answers to hosts of its own."`
}

type tenantAdd struct {
	database
	ID      string   `arg:"" help:"Its id: lower-case letters, digits and hyphens. It never changes."`
	Hosts   []string `arg:"" help:"Host names it answers to."`
	Product string   `help:"Name of the product as its people know it."`
	Support string   `name:"support-email" help:"Address at which its people reach support."`
	Locales []string `default:"en,de,es,fr,pt,pl,ar,ja" help:"Enabled languages; the first is the default."`
}

// Run adds the tenant.
func (c *tenantAdd) Run(ctx context.Context) error {
	id, err := tenant.ParseID(c.ID)
	if err != nil {
		return err
	}
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	hosts := make([]string, len(c.Hosts))
	for i, host := range c.Hosts {
		hosts[i] = strings.ToLower(strings.TrimSuffix(host, "."))
	}
	settings := tenant.Settings{Product: c.Product, SupportEmail: c.Support, Locales: c.Locales}
	if err := db.AddTenant(ctx, tenant.Tenant{ID: id, Settings: settings}, hosts); err != nil {
		return err
	}
	fmt.Printf("Tenant %s answers to %s.\n", id, strings.Join(hosts, ", "))
	return nil
}

type adminCommand struct {
	Create adminCreate `cmd:"" help:"Create an administrator, or make one of somebody who has an account. Reads the password from standard input."`
}

type adminCreate struct {
	database
	Email  string `arg:"" help:"Their address, which counts as verified."`
	Tenant string `default:"default" help:"The tenant they administer."`
}

// Run creates the administrator.
func (c *adminCreate) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	t, err := tenant.NewDirectory(db, "", now).ByID(ctx, tenant.ID(c.Tenant))
	if err != nil {
		return err
	}
	if err := profile.CheckEmail(c.Email).Err(); err != nil {
		return errors.New("this is no email address: " + c.Email)
	}
	p, err := db.FindByEmail(ctx, t.ID, c.Email)
	if err == nil {
		return makeAdmin(ctx, db, p)
	}
	if !errors.Is(err, profile.ErrNotFound) {
		return err
	}
	fmt.Fprint(os.Stderr, "Password: ")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && line == "" {
		return errors.New("no password on standard input")
	}
	return addPerson(ctx, db, t, person{email: c.Email, password: strings.TrimRight(line, "\r\n"), role: profile.RoleAdmin})
}

func makeAdmin(ctx context.Context, db *store.DB, p profile.Profile) error {
	return db.InTx(ctx, func(ctx context.Context) error {
		if err := db.SaveRole(ctx, p.User, profile.RoleAdmin); err != nil {
			return err
		}
		if _, err := db.EndSessions(ctx, p.User, ""); err != nil {
			return err
		}
		return audit.New(db, now).Record(ctx, audit.Event{Type: audit.AdministratorAdded, User: p.User})
	})
}

// person is somebody whom a command adds: their address counts as verified.
type person struct {
	email    string
	name     string
	nickname string
	password string
	role     string
	metadata profile.Metadata
}

func addPerson(ctx context.Context, db *store.DB, t tenant.Tenant, one person) error {
	words := password.ContextOf(t.Product, one.email, one.name)
	if refused := password.PolicyOf(t.Settings).Check(one.password, words); len(refused) > 0 {
		return fmt.Errorf("the password is not good enough (%s); use at least %d characters", refused[0].Key, t.MinPassword)
	}
	hash, err := password.NewHasher().Hash(ctx, one.password)
	if err != nil {
		return err
	}
	local, _, _ := strings.Cut(one.email, "@")
	p := profile.Profile{
		User: tenant.User{Tenant: t.ID, ID: profile.Database + "|" + uuid.Must(uuid.NewV7()).String()}, Version: 1,
		Connection: profile.Database, Email: one.email, EmailVerified: true, Name: one.name, Nickname: one.nickname, Role: one.role,
		UserMetadata: one.metadata, CreatedAt: now(), UpdatedAt: now(), EditedAt: now(),
	}
	if p.Name == "" {
		p.Name, p.Nickname = one.email, local
	}
	return db.InTx(ctx, func(ctx context.Context) error {
		if err := db.AddProfile(ctx, p); err != nil {
			return err
		}
		if err := db.SavePassword(ctx, p.User, hash, now(), false); err != nil {
			return err
		}
		log := audit.New(db, now)
		if err := log.Record(ctx, audit.Event{Type: audit.SignedUp, User: p.User}); err != nil || p.Role != profile.RoleAdmin {
			return err
		}
		return log.Record(ctx, audit.Event{Type: audit.AdministratorAdded, User: p.User})
	})
}
