package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"portico/internal/config"
	"portico/internal/mail"
	"portico/internal/store"
	"portico/internal/tenant"
)

type serveCommand struct{ config.Serve }

// Run serves the portal until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, log *slog.Logger) error {
	checked, err := c.Check()
	if err != nil {
		return fmt.Errorf("the settings are not right:\n%w", err)
	}
	sender, err := mail.NewSMTP(c.SMTPURL, c.MailFrom)
	if err != nil {
		return fmt.Errorf("the settings are not right:\nPORTICO_SMTP_URL: %w", err)
	}
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := c.ensureDefault(ctx, db); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return err
	}
	p := build(parts{
		db: db, ring: checked.Ring, origin: c.BaseURL, secure: checked.Secure, proxies: checked.Proxies, sender: sender, log: log, now: now,
		auditor: c.Auditor,
		erased:  erasedList(c.ErasedList),
	})
	log.Info("serving", "address", listener.Addr().String(), "base_url", c.BaseURL, "database", db.Dialect())
	return p.serve(ctx, listener)
}

// ensureDefault makes the default tenant at the first start, with the settings of the process: it needs no set-up of its own.
// From then on its settings are what its administrators make them.
func (c *serveCommand) ensureDefault(ctx context.Context, db *store.DB) error {
	_, err := db.FindSettings(ctx, tenant.Default, false)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	settings := tenant.Settings{Product: c.Product, SupportEmail: c.Support, Locales: c.Locales}
	err = db.AddTenant(ctx, tenant.Tenant{ID: tenant.Default, Settings: settings}, nil)
	if errors.Is(err, tenant.ErrTaken) {
		return nil // another replica was faster
	}
	return err
}

func openMigrated(ctx context.Context, address string) (*store.DB, error) {
	db, err := store.Open(address)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
