package idp_test

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/ticket"
)

// desk is the service with everything it stands on, for one tenant.
type desk struct {
	*testing.T
	storetest.Fixture
	*idp.Service
	sessions *session.Service
	tickets  *ticket.Service
	ring     keys.Ring
	ctx      context.Context
	tray     *tray
}

// tray takes letters in.
type tray struct {
	mu      sync.Mutex
	letters []string
}

// QueueLetter notes what a letter is about and where it goes.
func (t *tray) QueueLetter(_ context.Context, q mail.Queued) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.letters = append(t.letters, string(q.Kind)+" to "+q.To)
	return nil
}

// mailed compares the letters since the last time, in their order.
func (d *desk) mailed(want ...string) {
	d.Helper()
	d.tray.mu.Lock()
	defer d.tray.mu.Unlock()
	if !slices.Equal(d.tray.letters, want) {
		d.Errorf("got letters %q, want %q", d.tray.letters, want)
	}
	d.tray.letters = nil
}

// PreviousAddresses are none.
func (*tray) PreviousAddresses(context.Context, tenant.User, time.Time) ([]string, error) {
	return nil, nil
}

func newDesk(t *testing.T, f storetest.Fixture) *desk {
	t.Helper()
	ring, err := keys.New(keys.Generate())
	if err != nil {
		t.Fatal(err)
	}
	return newDeskWith(t, f, ring)
}

// with is the same desk with other keys.
func (d *desk) with(ring keys.Ring) *desk {
	d.Helper()
	return newDeskWith(d.T, d.Fixture, ring)
}

func newDeskWith(t *testing.T, f storetest.Fixture, ring keys.Ring) *desk {
	t.Helper()
	return newDeskOn(t, f, ring, true)
}

// newDeskOn is a desk that talks to providers of this very machine, or not.
func newDeskOn(t *testing.T, f storetest.Fixture, ring keys.Ring, loopback bool) *desk {
	t.Helper()
	db, now, letters := f.DB, f.Clock.Now, &tray{}
	log, sessions, tickets, outbox := audit.New(db, now), session.New(db, now), ticket.New(db, ring, now), mail.NewOutbox(letters, ring, now, nil)
	guesses := guard.New(db, now)
	entrance := signin.New(db, password.NewHasher(), guesses, tickets, sessions, outbox, log, now)
	client := idp.NewClient(loopback, now)
	t.Cleanup(client.Close)
	ctx := i18n.With(tenant.With(t.Context(), f.Tenant), "en", nil)
	return &desk{t, f, idp.New(db, ring, client, guesses, entrance, sessions, tickets, outbox, log, now), sessions, tickets, ring, ctx, letters}
}

// connect sets up a connection to a provider.
func (d *desk) connect(p *idptest.Provider, id string, changes ...func(*idp.Connection)) idp.Connection {
	d.Helper()
	preset, _ := idp.PresetOf(idp.Custom)
	c := preset.From(d.Tenant.ID)
	c.ID, c.Name, c.Issuer, c.ClientID, c.Trust = id, "Demo "+id, p.Issuer, idptest.ClientID, true
	c.CreatedAt, c.UpdatedAt = d.Clock.Now(), d.Clock.Now()
	c.SealSecret(d.ring, idptest.Secret)
	for _, change := range changes {
		change(&c)
	}
	if refused := c.Check(true); len(refused) > 0 {
		d.Fatal(refused)
	}
	if err := d.DB.AddConnection(d.ctx, c); err != nil {
		d.Fatal(err)
	}
	return c
}

const laptop = "browser-1"

// begin sends a browser to a provider and returns the answer it comes back with.
func (d *desk) begin(p *idptest.Provider, b idp.Beginning) idp.Answer {
	d.Helper()
	b.Browser = laptop
	if b.Purpose == "" {
		b.Purpose = idp.SignIn
	}
	trip, err := d.Begin(d.ctx, b)
	if err != nil {
		d.Fatal(err)
	}
	return answer(b.Connection, p.Visit(trip.Address))
}

func answer(connection string, back *url.URL) idp.Answer {
	q := back.Query()
	return idp.Answer{Connection: connection, State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Refusal: q.Get("error"), Browser: laptop}
}

// arrive goes to a provider and back.
func (d *desk) arrive(p *idptest.Provider, connection string) (idp.Arrival, error) {
	d.Helper()
	return d.Arrive(d.ctx, d.begin(p, idp.Beginning{Connection: connection}))
}

// enter signs in by a provider.
func (d *desk) enter(p *idptest.Provider, connection string) (session.Session, error) {
	d.Helper()
	a, err := d.arrive(p, connection)
	if err != nil {
		d.Fatal(err)
	}
	return d.Enter(d.ctx, a, "device")
}

func (d *desk) mustEnter(p *idptest.Provider, connection string) session.Session {
	d.Helper()
	opened, err := d.enter(p, connection)
	if err != nil {
		d.Fatal(err)
	}
	d.Clock.Advance(time.Second)
	return opened
}

func onEach(t *testing.T, test func(d *desk, p *idptest.Provider)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		p := idptest.New(t)
		p.Now = f.Clock.Now
		test(newDesk(t, f), p)
	})
}
