package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/store"
	"portico/internal/tenant"
)

type ledgerCommand struct {
	Verify ledgerVerify `cmd:"" help:"Recompute the whole ledger and compare it with everything that was signed; or check one receipt or promise."`
	Import ledgerImport `cmd:"" help:"Record the consents that came with accounts from elsewhere (user_metadata.consentGiven), as imported, to a version that nobody knows."`
	Mirror ledgerMirror `cmd:"" help:"Say where in app_metadata an acceptance is noted for applications."`
	Rotate ledgerRotate `cmd:"" help:"Make another key sign the ledger from now on. The old key and the new one sign that it follows."`
}

type ledgerVerify struct {
	DatabaseURL string `name:"database-url" env:"PORTICO_DATABASE_URL" help:"mysql://user:password@host:3306/name or sqlite:path."`
	Tenant      string `default:"default" help:"The tenant whose ledger it is."`
	Since       string `type:"existingfile" help:"File with a checkpoint that was kept elsewhere: the ledger must still hold it, and what came after it is recomputed."`
	Receipt     string `type:"existingfile" help:"File with a receipt: check it instead of the ledger."`
	Promise     string `type:"existingfile" help:"File with a promise: check it, and with a database that it was kept."`
	Key         string `help:"Public keys of the ledger, from /ledger/TENANT/keys: with them a receipt or a promise is checked without a database."`
}

// Run verifies, and fails when something is not what was signed.
func (c *ledgerVerify) Run(ctx context.Context) error {
	if c.Key != "" && c.Receipt+c.Promise != "" {
		return c.files(ctx, c.Key, nil)
	}
	if c.DatabaseURL == "" {
		return errors.New("name the database with --database-url, or a receipt or promise and its key with --receipt or --promise and --key")
	}
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	service := ledger.New(db, keys.Ring{}, now)
	if c.Receipt+c.Promise != "" {
		public, _, err := service.Keys(ctx, tenant.ID(c.Tenant))
		if err != nil {
			return err
		}
		return c.files(ctx, strings.Join(public, "\n"), service)
	}
	var since []byte
	if c.Since != "" {
		if since, err = os.ReadFile(c.Since); err != nil {
			return err
		}
	}
	size, err := service.Verify(ctx, tenant.ID(c.Tenant), string(since))
	if err != nil {
		return err
	}
	fmt.Printf("The ledger is whole: %d entries.\n", size)
	return sayGuards(ctx, db)
}

// sayGuards says whether the database itself refuses to change the ledger.
func sayGuards(ctx context.Context, db *store.DB) error {
	have, want, err := db.Guarded(ctx)
	if err == nil && have < want {
		fmt.Printf("%d of %d triggers guard it. Let the account make triggers and run: portico migrate\n", have, want)
	}
	return err
}

// files checks a receipt and a promise; whether the promise was kept, when there is a ledger to ask.
func (c *ledgerVerify) files(ctx context.Context, known string, service *ledger.Service) error {
	if c.Receipt != "" {
		content, err := os.ReadFile(c.Receipt)
		if err != nil {
			return err
		}
		proven, err := ledger.VerifyReceipt(string(content), known)
		if err != nil {
			return err
		}
		fmt.Printf("The receipt holds: entry %d of %d in %s.\n%s\n", proven.Index, proven.Size, proven.Origin, proven.Payload)
	}
	if c.Promise == "" {
		return nil
	}
	content, err := os.ReadFile(c.Promise)
	if err != nil {
		return err
	}
	promised, err := ledger.VerifyPromise(string(content), known)
	if err != nil {
		return err
	}
	fmt.Printf("The promise holds: %s said it recorded this at %s.\n%s\n", promised.Origin, promised.At, promised.Payload)
	if service == nil {
		return nil
	}
	index, err := service.Kept(ctx, tenant.ID(c.Tenant), promised)
	if err != nil {
		return err
	}
	fmt.Printf("It was kept: the entry's place is %d (-1 while it waits for one).\n", index)
	return nil
}

type ledgerRotate struct {
	database
	Keys    string `env:"PORTICO_KEYS" required:"" help:"The portal's secret keys."`
	BaseURL string `name:"base-url" env:"PORTICO_BASE_URL" help:"Where people reach the portal."`
	Tenant  string `default:"default" help:"The tenant whose ledger it is."`
}

// Run makes the new key and prints its public part.
func (c *ledgerRotate) Run(ctx context.Context) error {
	ring, err := keys.Parse(c.Keys)
	if err != nil {
		return fmt.Errorf("PORTICO_KEYS: %w", err)
	}
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	t, err := tenant.NewDirectory(db, c.BaseURL, now).ByID(ctx, tenant.ID(c.Tenant))
	if err != nil {
		return err
	}
	public, err := ledger.New(db, ring, now).Rotate(ctx, t)
	if err != nil {
		return err
	}
	fmt.Println(public)
	return nil
}
