package main

import (
	"context"
	"fmt"

	"portico/internal/audit"
	"portico/internal/tenant"
	"portico/internal/terms"
)

type ledgerImport struct {
	database
	Tenant string `default:"default" help:"The tenant whose people they are."`
}

// flagRows is how many people are read at once.
const flagRows = 500

// Run records what was not recorded before; it can be run again at any time.
func (c *ledgerImport) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	service, count := terms.New(db, nil, audit.New(db, now), now), 0
	for after := ""; ; {
		people, err := db.Flagged(ctx, tenant.ID(c.Tenant), after, flagRows)
		if err != nil {
			return err
		}
		for _, p := range people {
			after = p.User.ID
			flag, given := terms.ImportedFlag(p.UserMetadata)
			if !given {
				continue
			}
			fresh, err := service.Import(ctx, p.User, flag)
			if err != nil {
				return err
			}
			if fresh {
				count++
			}
		}
		if len(people) < flagRows {
			fmt.Printf("%d consents are recorded as imported. They satisfy no version.\n", count)
			return nil
		}
	}
}

type ledgerMirror struct {
	database
	Tenant string            `default:"default" help:"The tenant whose applications read it."`
	Form   string            `enum:"terms,flat,none" default:"terms" help:"terms: as terms.DOCUMENT; flat: as NAME and NAME_timestamp, in milliseconds; none: not at all."`
	Names  map[string]string `help:"For the flat form, the NAME of a document, such as privacy=privacy_policies."`
}

// Run saves the setting.
func (c *ledgerMirror) Run(ctx context.Context) error {
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	t, err := tenant.NewDirectory(db, "", now).ByID(ctx, tenant.ID(c.Tenant))
	if err != nil {
		return err
	}
	t.TermsMirror = tenant.Mirror{Form: c.Form, Names: c.Names}
	if c.Form == "terms" {
		t.TermsMirror = tenant.Mirror{}
	}
	return db.SaveSettings(ctx, t.ID, t.Settings)
}
