package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"portico/internal/admin"
	"portico/internal/age"
	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/retention"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/internal/signup"
	"portico/internal/store"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/ticket"
	"portico/internal/verification"
	"portico/web"
)

// portal is everything that serves, built by hand from one database and one ring of keys.
type portal struct {
	db      *store.DB
	tenants *tenant.Directory
	log     *slog.Logger
	config  web.Config
	letters *mail.Worker
	outbox  *mail.Outbox
	auditor string
	resets  *password.Service
	changes *verification.Service
	guesses *guard.Service
	erased  erasedList
	only    tenant.ID

	replaying atomic.Bool                     // whether people who were erased may be back
	around    func(http.Handler) http.Handler // answers beside the portal, in the demonstration alone
}

// parts is what a portal is built from.
type parts struct {
	db      *store.DB
	ring    keys.Ring
	origin  string
	secure  bool
	proxies []netip.Prefix
	sender  mail.Sender
	mailbox *mail.Mailbox // the sender of the demonstration, whose letters can be read in the browser
	log     *slog.Logger
	now     func() time.Time
	auditor string // address that is told the checkpoints of the ledgers
	erased  erasedList
	only    tenant.ID // whose letters are sent; tests share a database, each with a tenant of its own
}

func build(p parts) *portal {
	log := audit.New(p.db, p.now)
	tenants := tenant.NewDirectory(p.db, p.origin, p.now)
	letters := mail.NewWorker(mail.Config{
		Store: p.db, Ring: p.ring, Tenants: tenants.ByID, Sender: p.sender, Held: p.db.IsRestricted,
		Log: p.log, Now: p.now, Only: p.only,
	})
	outbox := mail.NewOutbox(p.db, p.ring, p.now, letters.Wake)
	tickets := ticket.New(p.db, p.ring, p.now)
	sessions := session.New(p.db, p.now)
	guesses := guard.New(p.db, p.now)
	hasher := password.NewHasher()
	passwords := password.New(p.db, tenants, hasher, guesses, tickets, sessions, outbox, log, p.now)
	verifications := verification.New(p.db, tickets, guesses, outbox, sessions, passwords, log, p.now)
	documents := terms.New(p.db, outbox, log, p.now)
	letters.Render, letters.Failed = render(p.db, documents), letterFailed(log, documents)
	consents := terms.NewConsents(documents, p.db, tickets)
	proofs := ledger.New(p.db, p.ring, p.now)
	documents.PromiseBy(proofs)
	entrance := signin.New(p.db, hasher, guesses, tickets, sessions, outbox, log, p.now)
	client := idp.NewClient(!p.secure, p.now)
	providers := idp.New(p.db, p.ring, client, guesses, entrance, sessions, tickets, outbox, log, p.now)
	closings := privacy.NewClosings(privacy.ClosingConfig{
		Store: p.db, Ring: p.ring, Ledger: proofs, Guard: guesses, Tickets: tickets, Sessions: sessions, Outbox: outbox, Log: log,
		Beside: beside(p.mailbox), Now: p.now,
	})
	kept := retention.New(p.db, pruning(closings, tenants.ByID), log, p.now)
	closings.Periods = kept.List
	ages := age.New(age.Config{
		Store: p.db, Terms: documents, Closings: closings, Tickets: tickets, Guard: guesses, Outbox: outbox, Log: log, Now: p.now,
	})
	files := exportsOf(p, tenants, documents, proofs, kept, outbox, log)
	built := &portal{
		erased: p.erased, only: p.only,
		db: p.db, tenants: tenants, log: p.log, letters: letters, outbox: outbox, auditor: p.auditor, resets: passwords, changes: verifications, guesses: guesses,
		config: web.Config{
			Tenants: tenants, Ring: p.ring, Cookies: session.NewCookies(sessions, p.ring, p.secure), Sessions: sessions,
			SignUp: signup.New(p.db, hasher, guesses, documents, verifications, outbox, log, p.now),
			SignIn: entrance, Providers: providers,
			Verification: verifications, Passwords: passwords, Profiles: profile.New(p.db, outbox, log, p.now), Terms: documents,
			Consents: consents, Retention: kept, Ledger: proofs, Audit: log,
			Privacy: privacy.New(p.db, consents, sessions, guesses, outbox, log, p.now), Exports: files,
			Closings: closings, Ages: ages,
			Admin:  admin.New(p.db, tickets, sessions, guesses, verifications, passwords, ages, outbox, log, p.now),
			Secure: p.secure, Proxies: p.proxies, Log: p.log, Now: p.now, Mailbox: p.mailbox,
			Letters: mail.NewOffice(p.db, letters.Wake),
		},
	}
	built.config.Ready = built.ready
	return built
}

// Limits of the server (security.md row 54).
const (
	readHeader = 5 * time.Second
	readBody   = 20 * time.Second
	write      = 40 * time.Second
	idle       = 2 * time.Minute
	drain      = 20 * time.Second
	maxHeader  = 16 << 10
)

// serve answers on listener until ctx ends, then lets what is under way finish: no request is cut, no letter is lost.
func (p *portal) serve(ctx context.Context, listener net.Listener) error {
	handler := web.New(p.config)
	if p.around != nil {
		handler = p.around(handler)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeader, ReadTimeout: readBody, WriteTimeout: write,
		IdleTimeout: idle, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	p.replaying.Store(true)
	background, end := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() {
		p.replay(background) // first: nobody is written to who was erased and came back with a backup
		for _, run := range []func(context.Context){p.letters.Run, p.answerResets, p.sequence, p.watchLedgers, p.tell, p.config.Exports.Run, p.minutely} {
			work.Go(func() { run(background) })
		}
	})
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		stopped <- server.Shutdown(limit)
	}()
	err := server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		err = <-stopped
	}
	end() // after the last request, so that what it queued is still taken up or stays in the database
	work.Wait()
	return err
}

func (p *portal) answerResets(ctx context.Context) {
	p.resets.Run(ctx, func(err error) { p.log.Error("password resets", "error", err) })
}

// sequence gives the entries of the ledgers their places, a second after they were written at the latest.
func (p *portal) sequence(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := p.config.Ledger.Sequence(ctx, p.tenants.ByID); err != nil && ctx.Err() == nil {
			p.log.Error("ledger", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tellOften is how often letters to many people are looked for.
const tellOften = 5 * time.Second

// tell queues letters to many people, a few at a time.
func (p *portal) tell(ctx context.Context) {
	tick := time.NewTicker(tellOften)
	defer tick.Stop()
	for {
		if err := p.config.Terms.Tell(ctx, p.tenants.ByID, p.only); err != nil && ctx.Err() == nil {
			p.log.Error("letters to many", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// expire ends consents whose time is over.
func (p *portal) expire(ctx context.Context, id tenant.ID) error {
	t, err := p.tenants.ByID(ctx, id)
	if err != nil {
		return err
	}
	_, err = p.config.Consents.Expire(tenant.With(ctx, t), id)
	return err
}

// pruning erases accounts that nobody has proven, in the words of their tenant.
func pruning(closings *privacy.Closings, find privacy.Finder) retention.Prune {
	return func(ctx context.Context, id tenant.ID, days int) (int, error) {
		t, err := find(ctx, id)
		if err != nil {
			return 0, err
		}
		return closings.Prune(i18n.With(tenant.With(ctx, t), t.Locales[0], nil), days)
	}
}

// tidy removes what is kept no longer, ends consents whose time is over, and seals the secrets of providers with the newest key.
func (p *portal) tidy(ctx context.Context) error {
	tenants, err := p.everywhere(ctx)
	for _, t := range tenants {
		err = errors.Join(err, p.config.Retention.Run(ctx, t), p.expire(ctx, t), p.config.Providers.Reseal(ctx, t))
	}
	return err
}

// lapse closes the accounts of people whose guardian has not answered in time.
func (p *portal) lapse(ctx context.Context) error {
	tenants, err := p.everywhere(ctx)
	return errors.Join(err, p.config.Ages.Lapse(ctx, tenants, p.tenants.ByID))
}

// due does what was waiting for its time.
func (p *portal) due(ctx context.Context) error {
	return errors.Join(p.erase(ctx), p.lapse(ctx), p.changes.ApplyDue(ctx, p.tenants.ByID), p.tidy(ctx))
}

// minutely does what waits for a time to come: accounts that are erased, changes of address that take effect, sessions and counters that are over.
func (p *portal) minutely(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := p.due(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("minutely work", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
