// Command portico is a self-service account portal: one binary that serves people, their administrators and the public
// pages of a company's terms.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// commands are the sub-commands, as kong reads and explains them.
type commands struct {
	Serve      serveCommand      `cmd:"" help:"Serve the portal."`
	Demo       demoCommand       `cmd:"" help:"Serve a demonstration with its own database, people and readable mailbox."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the database up to date (serve does so too)."`
	Admin      adminCommand      `cmd:"" help:"Administrators."`
	Tenant     tenantCommand     `cmd:"" help:"Tenants."`
	Connection connectionCommand `cmd:"" help:"Identity providers."`
	Ledger     ledgerCommand     `cmd:"" help:"The signed record of assent."`
	Erased     erasedCommand     `cmd:"" help:"The list of erasures, which outlives the restoring of a backup."`
	Key        keyCommand        `cmd:"" help:"Make a new secret key."`
	Version    versionCommand    `cmd:"" help:"Say which version this is."`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "portico:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	parser, err := parser()
	if err != nil {
		return err
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	chosen.BindTo(ctx, (*context.Context)(nil))
	chosen.Bind(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	return chosen.Run()
}

// parser reads the command line.
func parser(more ...kong.Option) (*kong.Kong, error) {
	options := []kong.Option{
		kong.Name("portico"), kong.Description("Self-service account portal."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	}
	return kong.New(&commands{}, append(options, more...)...)
}

// now is the process's clock: UTC, to the microsecond that databases keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
