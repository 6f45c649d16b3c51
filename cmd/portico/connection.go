package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/keys"
	"portico/internal/store"
	"portico/internal/tenant"
	"portico/internal/valid"
)

type connectionCommand struct {
	Add  connectionAdd  `cmd:"" help:"Connect an identity provider. Reads the client secret, or Apple's private key, from standard input."`
	Test connectionTest `cmd:"" help:"Try everything about a connection that needs no person."`
}

// connected is the settings of the commands about identity providers.
type connected struct {
	database
	BaseURL string `name:"base-url" env:"PORTICO_BASE_URL" required:"" help:"Where people reach the portal, as for serve."`
	Keys    string `env:"PORTICO_KEYS" required:"" help:"Secret keys, as for serve."`
	Tenant  string `default:"default" help:"The tenant whose people come by it."`
}

// open returns the service, and ctx with the tenant in it.
func (c connected) open(ctx context.Context) (context.Context, *store.DB, *idp.Service, error) {
	ring, err := keys.Parse(c.Keys)
	if err != nil {
		return ctx, nil, nil, fmt.Errorf("PORTICO_KEYS: %w", err)
	}
	db, err := openMigrated(ctx, c.DatabaseURL)
	if err != nil {
		return ctx, nil, nil, err
	}
	t, err := tenant.NewDirectory(db, c.BaseURL, now).ByID(ctx, tenant.ID(c.Tenant))
	if err != nil {
		return ctx, nil, nil, errors.Join(err, db.Close())
	}
	p := build(parts{db: db, ring: ring, origin: c.BaseURL, secure: strings.HasPrefix(c.BaseURL, "https://"), now: now})
	return i18n.With(tenant.With(ctx, t), "en", nil), db, p.config.Providers, nil
}

type connectionAdd struct {
	connected
	Preset    string `arg:"" enum:"google,microsoft,apple,github,oidc" help:"What it is: google, microsoft, apple, github or oidc."`
	ID        string `name:"id" help:"Short name that stands in addresses and never changes; that of the preset if it has one."`
	Name      string `help:"Name on the button; that of the preset if it has one."`
	Issuer    string `help:"Address under which the provider describes itself."`
	Directory string `help:"Microsoft: the ID of the directory, or consumers for personal accounts."`
	ClientID  string `name:"client-id" required:"" help:"What the provider knows us by."`
	TeamID    string `name:"team-id" help:"Apple: the ID of the team."`
	KeyID     string `name:"key-id" help:"Apple: the ID of the private key."`
	Scopes    string `help:"Scopes, separated by spaces; those of the preset."`
	Mapping   string `type:"existingfile" help:"File with a mapping of claims, in JSON."`
	Sync      string `name:"set-user-root-attributes" enum:"on_each_login,on_first_login" default:"on_each_login" help:"When names and picture follow the provider: on_each_login or on_first_login."`
	Trust     *bool  `name:"trust-email" negatable:"" help:"Believe the provider about verified addresses; as the preset does."`
	RoundTrip *bool  `name:"round-trip" negatable:"" help:"Accept the trip there and back as a fresh proof, for providers that never say when a person signed in; as the preset does."`
	NoSignUp  bool   `name:"no-sign-up" help:"Let nobody in who has no account yet."`
	SignOut   bool   `name:"sign-out" help:"Signing out signs out at the provider too."`
	Public    bool   `help:"There is no client secret; nothing is read from standard input."`
}

// Run adds the connection and says how a first test went.
func (c *connectionAdd) Run(ctx context.Context) error {
	setup, err := c.setup()
	if err != nil {
		return err
	}
	ctx, db, providers, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	made, err := providers.Add(ctx, tenant.User{}, setup)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return refusal(ctx, refused)
	}
	if err != nil {
		return err
	}
	fmt.Printf("Connection %s is made. Register this address at the provider:\n  %s\n", made.ID, tenant.From(ctx).URL(made.CallbackPath()))
	_, err = report(ctx, providers, made.ID)
	return err
}

// setup is what the flags say over what the preset says.
func (c *connectionAdd) setup() (idp.Setup, error) {
	preset, _ := idp.PresetOf(c.Preset)
	u := idp.SetupOf(preset.From(""))
	if !strings.Contains(c.Issuer, "://") && c.Issuer != "" {
		return u, errors.New("the issuer must be an address such as https://id.example.org")
	}
	for to, value := range map[*string]string{&u.ID: c.ID, &u.Name: c.Name, &u.Issuer: c.Issuer, &u.Scopes: c.Scopes} {
		if value != "" {
			*to = value
		}
	}
	u.Directory, u.ClientID, u.TeamID, u.KeyID = c.Directory, c.ClientID, c.TeamID, c.KeyID
	u.Sync, u.SignUp, u.SignOut = idp.Sync(c.Sync), !c.NoSignUp, c.SignOut
	if c.Trust != nil {
		u.Trust = *c.Trust
	}
	if c.RoundTrip != nil {
		u.RoundTrip = *c.RoundTrip
	}
	if c.Mapping != "" {
		content, err := os.ReadFile(c.Mapping)
		if err != nil {
			return u, err
		}
		u.Mapping = string(content)
	}
	if c.Public {
		return u, nil
	}
	if in, err := os.Stdin.Stat(); err == nil && in.Mode()&os.ModeCharDevice != 0 { // somebody types
		fmt.Fprint(os.Stderr, "Client secret, then end of input: ")
	}
	content, err := io.ReadAll(io.LimitReader(os.Stdin, idp.MaxSecret+2))
	u.Secret = strings.TrimSpace(string(content))
	if err == nil && u.Secret == "" {
		err = errors.New("no secret on standard input (use --public when there is none)")
	}
	return u, err
}

func refusal(ctx context.Context, refused valid.Errors) error {
	lines := make([]error, len(refused))
	for i, p := range refused {
		lines[i] = fmt.Errorf("%s: %s", p.Field, i18n.T(ctx, p.Key, p.Args...))
	}
	return errors.Join(lines...)
}

type connectionTest struct {
	connected
	ID string `arg:"" help:"Its short name."`
}

// Run tests the connection.
func (c *connectionTest) Run(ctx context.Context) error {
	ctx, db, providers, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	works, err := report(ctx, providers, c.ID)
	if err == nil && !works {
		err = errors.New("the connection does not work")
	}
	return err
}

// report says what works of a connection, and what to do about the rest. A provider that keeps quiet about PKCE may work.
func report(ctx context.Context, providers *idp.Service, id string) (works bool, err error) {
	tried, err := providers.Test(ctx, id)
	works = err == nil
	for _, one := range tried {
		words := i18n.T(ctx, "connections.works")
		if one.Reason != "" {
			works = works && one.Step == idp.StepPKCE
			words = i18n.T(ctx, "connections.fails") + ". " + i18n.T(ctx, "connections.reason."+string(one.Reason))
		}
		fmt.Printf("%s: %s\n", i18n.T(ctx, "connections.step."+string(one.Step)), words)
	}
	return works, err
}
