package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/tenant"
)

type ledgerCommand struct {
	Verify ledgerVerify `cmd:"" help:"Recompute the whole ledger and compare it with everything that was signed; or check one receipt."`
}

type ledgerVerify struct {
	DatabaseURL string `name:"database-url" env:"PORTICO_DATABASE_URL" help:"mysql://user:password@host:3306/name or sqlite:path."`
	Tenant      string `default:"default" help:"The tenant whose ledger it is."`
	Since       string `type:"existingfile" help:"File with a checkpoint that was kept elsewhere: the ledger must still hold it."`
	Receipt     string `type:"existingfile" help:"File with a receipt: check it instead of the ledger."`
	Key         string `help:"Public key of the ledger, from /ledger/TENANT/key: with it a receipt is checked without a database."`
}

// Run verifies, and fails when something is not what was signed.
func (c *ledgerVerify) Run(ctx context.Context) error {
	if c.Receipt != "" && c.Key != "" {
		return c.receipt(c.Key)
	}
	if c.DatabaseURL == "" {
		return errors.New("name the database with --database-url, or a receipt and its key with --receipt and --key")
	}
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	service := ledger.New(db, keys.Ring{}, now)
	if c.Receipt != "" {
		key, err := service.Key(ctx, tenant.ID(c.Tenant))
		if err != nil {
			return err
		}
		return c.receipt(key)
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
	return nil
}

func (c *ledgerVerify) receipt(key string) error {
	content, err := os.ReadFile(c.Receipt)
	if err != nil {
		return err
	}
	proven, err := ledger.VerifyReceipt(string(content), key)
	if err != nil {
		return err
	}
	fmt.Printf("The receipt holds: entry %d of %d in %s.\n%s\n", proven.Index, proven.Size, proven.Origin, proven.Payload)
	return nil
}
