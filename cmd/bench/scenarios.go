package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"portico/internal/store"
)

// bench is a run on one database: the bare limit, Portico, perhaps a peer, and the people who use them.
type bench struct {
	options
	bare, portico *child
	peer          *peer
	database      int // process of the database server, 0 for an embedded one
	people        []*visitor
}

const connections = 16

// measure seeds a database, starts the servers and runs every scenario.
func measure(ctx context.Context, o options, name, address string) (*report, error) {
	r := &report{Database: name, Size: o.size}
	if err := starts(ctx, o, r, address); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "%s: seeding %d people\n", name, o.size)
	db, err := store.Open(address)
	if err != nil {
		return nil, err
	}
	err = seed(ctx, db, o.size)
	_ = db.Close()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &bench{options: o}
	if name == "mysql" {
		b.database = server()
	}
	if b.bare, err = start(ctx, "/hello", nil, self, "limit", "-database", address, "-addr", "ADDRESS"); err != nil {
		return nil, err
	}
	defer b.bare.stop()
	if b.portico, err = start(ctx, "/healthz", settings(address), o.program, "serve"); err != nil {
		return nil, err
	}
	defer b.portico.stop()
	if b.peer, err = openPeer(o.peer); err != nil {
		return nil, err
	}
	return r, b.all(ctx, r)
}

// all runs the scenarios in order. Memory at rest comes first, under load last.
func (b *bench) all(ctx context.Context, r *report) error {
	now, _ := resident(b.portico.pid())
	r.add(result{Scenario: "memory at rest", Goal: goal{"P9", 0, 25}, Value: float64(now) / (1 << 20), Unit: "MiB"})
	for i := range connections {
		v, err := signIn(ctx, b.portico.base, i)
		if err != nil {
			return err
		}
		b.people = append(b.people, v)
	}
	for _, scenario := range []struct {
		name string
		run  func(context.Context, *report) error
	}{
		{"profile", b.profile},
		{"save", b.save},
		{"document", b.document},
		{"signin", b.signIns},
		{"timing", b.timing},
		{"search", b.search},
		{"visit", b.firstVisit},
	} {
		if !b.wants(scenario.name) {
			continue
		}
		if err := scenario.run(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// wants reports whether a scenario was asked for.
func (o options) wants(scenario string) bool {
	return o.part == "" || slices.Contains(strings.Split(o.part, ","), scenario)
}

// versus measures Portico against the limit, round by round, the order changing.
func (b *bench) versus(ctx context.Context, r *report, name string, aim goal, n int, limit, portico, peer request) error {
	fmt.Fprintln(os.Stderr, " ", name)
	one := result{Scenario: name, Goal: aim}
	wrong := 0
	for i, again := 0, 0; i < b.rounds; i++ {
		var turn round
		steps := []func() error{
			func() (err error) {
				turn.Limit, err = load(ctx, n, b.length, limit, b.bare.pid(), b.database)
				return err
			},
			func() (err error) {
				turn.Portico, err = load(ctx, n, b.length, portico, b.portico.pid(), b.database)
				return err
			},
		}
		if peer != nil {
			steps = append(steps, func() (err error) { turn.Peer, err = load(ctx, n, b.length, peer); return err })
		}
		for k := range steps {
			if err := steps[(k+i)%len(steps)](); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if again < 3 && max(turn.Limit.Outsiders, turn.Portico.Outsiders) > 0.1 {
			again, i = again+1, i-1
			continue
		}
		wrong += turn.Portico.Wrong
		one.Rounds = append(one.Rounds, turn)
	}
	if wrong > 0 {
		one.Note = fmt.Sprintf("(%d refused)", wrong)
	}
	r.add(one)
	return nil
}

func status(code int) func(*http.Response) bool {
	return func(r *http.Response) bool { return r.StatusCode == code }
}

// bareGet asks the limit for a page of one of the seeded people.
func (b *bench) bareGet(path string) request {
	v := &visitor{base: b.bare.base}
	return func(i, n int) (*http.Request, func(*http.Response) bool) {
		u := person((i*7919 + n*31) % signers).User
		query := url.Values{"tenant": {string(u.Tenant)}, "user": {u.ID}}
		return v.request(http.MethodGet, path+"?"+query.Encode(), nil), status(http.StatusOK)
	}
}

// profile is the page that is looked at most: P1.
func (b *bench) profile(ctx context.Context, r *report) error {
	ask := func(i, _ int) (*http.Request, func(*http.Response) bool) {
		return b.people[i].request(http.MethodGet, "/account/profile", nil), status(http.StatusOK)
	}
	if err := b.versus(ctx, r, "profile page", goal{"P1", 0.65, 0}, connections, b.bareGet("/select"), ask, b.peer.page()); err != nil {
		return err
	}
	now, _ := resident(b.portico.pid()) // its peak is that of the passwords that were hashed before
	r.add(result{Scenario: "memory under page load", Goal: goal{"P9", 0, 50}, Value: float64(now) / (1 << 20), Unit: "MiB"})
	return nil
}

// save is the change of a profile: session, token, checks, record, one transaction: P3.
func (b *bench) save(ctx context.Context, r *report) error {
	versions := make([]int, connections)
	for i, v := range b.people {
		if err := v.open("/account/profile", "/account/profile"); err != nil {
			return err
		}
		versions[i], _ = strconv.Atoi(v.form.Get("version"))
	}
	ask := func(i, n int) (*http.Request, func(*http.Response) bool) {
		form := url.Values{}
		for name, values := range b.people[i].form {
			form[name] = values
		}
		form.Set("version", strconv.Itoa(versions[i]))
		form.Set("nickname", fmt.Sprint("Nick ", n))
		return b.people[i].request(http.MethodPost, "/account/profile", form), func(r *http.Response) bool {
			if r.StatusCode == http.StatusSeeOther {
				versions[i]++
				return true
			}
			return false
		}
	}
	v := &visitor{base: b.bare.base}
	bare := func(i, n int) (*http.Request, func(*http.Response) bool) {
		u := person(100 + i).User
		form := url.Values{"nickname": {fmt.Sprint("Nick ", n)}, "tenant": {string(u.Tenant)}, "user": {u.ID}}
		return v.request(http.MethodPost, "/update", form), status(http.StatusSeeOther)
	}
	return b.versus(ctx, r, "profile update", goal{"P3", 0.30, 0}, connections, bare, ask, b.peer.update())
}

// document is a public page, fresh and as a browser asks that has it already: P5.
func (b *bench) document(ctx context.Context, r *report) error {
	v := &visitor{base: b.portico.base}
	ask := func(int, int) (*http.Request, func(*http.Response) bool) {
		return v.request(http.MethodGet, "/terms/terms", nil), status(http.StatusOK)
	}
	if err := b.versus(ctx, r, "public document", goal{"P5", 0.80, 0}, connections, b.bareGet("/page"), ask, nil); err != nil {
		return err
	}
	response, err := client(1).Do(v.request(http.MethodGet, "/terms/terms", nil))
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	again := func(int, int) (*http.Request, func(*http.Response) bool) {
		q := v.request(http.MethodGet, "/terms/terms", nil)
		q.Header.Set("If-None-Match", response.Header.Get("ETag"))
		return q, status(http.StatusNotModified)
	}
	return b.versus(ctx, r, "public document, unchanged", goal{"P5", 0.80, 0}, connections, b.bareGet("/hello"), again, nil)
}

// signIns are bursts of right passwords, each of another person from another address: P4.
func (b *bench) signIns(ctx context.Context, r *report) error {
	form := &visitor{base: b.portico.base}
	if err := form.open("/login", "/login"); err != nil {
		return err
	}
	at := 0
	bare := &visitor{base: b.bare.base}
	hash := func(int, int) (*http.Request, func(*http.Response) bool) {
		return bare.request(http.MethodPost, "/hash", url.Values{"password": {secret}}), status(http.StatusSeeOther)
	}
	for _, n := range []int{16, 64} {
		at += 100_000
		base := at
		ask := func(i, k int) (*http.Request, func(*http.Response) bool) {
			who := connections + (i+k*n)%(blocked-connections)
			return b.attempt(form, "/login", email(who), secret, base+i+k*n), status(http.StatusSeeOther)
		}
		if err := b.versus(ctx, r, fmt.Sprintf("sign-in, %d at a time", n), goal{"P4", 0.97, 0}, n, hash, ask, nil); err != nil {
			return err
		}
	}
	stopped := func(i, k int) (*http.Request, func(*http.Response) bool) {
		return b.attempt(form, "/login", email(blocked), secret, 300_000+i+k*connections), status(http.StatusForbidden)
	}
	if err := b.versus(ctx, r, "sign-in of somebody who is blocked", goal{}, connections, hash, stopped, nil); err != nil {
		return err
	}
	_, peak := resident(b.portico.pid())
	r.add(result{Scenario: "memory in a burst of sign-ins", Goal: goal{"P4", 0, 200}, Value: float64(peak) / (1 << 20), Unit: "MiB"})
	return nil
}

func (b *bench) attempt(form *visitor, path, address, password string, from int) *http.Request {
	values := url.Values{}
	for name, v := range form.form {
		values[name] = v
	}
	values.Set("email", address)
	values.Set("password", password)
	r := form.request(http.MethodPost, path, values)
	fromEverywhere(r, from)
	return r
}
