package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// lottery draws a tenant with documents, versions, people and what they have decided. Every moment is one of few around now, and
// now itself, so that who is right at the very moment decides.
type lottery struct {
	*rand.Rand
	now time.Time
}

func (l lottery) chance(percent int) bool { return l.IntN(100) < percent }

func (l lottery) moment() time.Time { return l.now.Add(time.Duration(l.IntN(5)-2) * time.Hour) }

func (l lottery) maybe(percent int) *time.Time {
	if !l.chance(percent) {
		return nil
	}
	return new(l.moment())
}

func (l lottery) one(all ...string) string { return all[l.IntN(len(all))] }

// version is published nearly always; often it is limited to some people, withdrawn, exempt, with a notice of their own, or
// says the same as another.
func (l lottery) version(t tenant.ID, document string, number int) versionRow {
	v := versionRow{
		TenantID: string(t), Document: document, Number: number, Materiality: string(terms.Material), CreatedAt: l.now, GoverningSHA256: l.one("same", "same", fmt.Sprint(number)),
		WithdrawnAt: l.maybe(20), JoinedBefore: l.maybe(20), LatestAt: l.maybe(30),
	}
	if l.chance(10) {
		v.Materiality = string(terms.Minor)
	}
	if l.chance(90) {
		v.PublishedAt, v.AnnounceAt, v.EffectiveAt, v.EnforceAt = &l.now, new(l.moment()), new(l.moment()), new(l.moment())
		v.Gates = v.Materiality == string(terms.Material)
	}
	if number > 1 && l.chance(20) {
		v.AudienceNumber, v.AudienceLocale = 1+l.IntN(number-1), l.one("en", "de")
	}
	if l.chance(20) {
		v.AudienceName, v.AudienceValue = profile.FacetCountry, l.one("DE", "FR")
	}
	if l.chance(30) {
		v.Exempt, v.Untranslated = true, l.one(" de ", " fr pt ", "")
	}
	return v
}

// person has an account, a session, and has accepted and heard of some versions.
func (l lottery) person(t *testing.T, ctx context.Context, db *DB, u tenant.User, versions []versionRow) {
	t.Helper()
	add := func(row any) {
		t.Helper()
		if err := db.db(ctx).Create(row).Error; err != nil {
			t.Fatal(err)
		}
	}
	said := profile.Metadata{}
	for key, values := range map[string][]string{"country": {"DE", "FR"}, profile.FieldLang: {"de", "pt-BR", "en"}, profile.FieldPageLang: {"fr", "de_AT", "ja"}} {
		if value := l.one(append(values, "")...); value != "" {
			said[key] = fmt.Appendf(nil, "%q", value)
		}
	}
	joined := l.moment()
	p := profile.Profile{User: u, Connection: profile.Database, UserMetadata: said, CreatedAt: joined, UpdatedAt: joined, EditedAt: joined}
	if err := db.AddProfile(ctx, p); err != nil {
		t.Fatal(err)
	}
	s := session.Session{Hash: session.HashOf(u.ID), User: u, CreatedAt: joined, SeenAt: joined, AuthenticatedAt: joined, IdleAt: joined, ExpiresAt: joined}
	if err := db.AddSession(ctx, s); err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		if l.chance(40) {
			add(&assentRow{v.TenantID, u.ID, v.Document, v.Number, "event", l.one("en", "de"), l.now, l.maybe(40)})
		}
		if l.chance(40) {
			add(&noticeRow{TenantID: v.TenantID, Document: v.Document, Number: v.Number, UserID: u.ID, NoticedAt: l.now, SeenAt: l.maybe(50), DueAt: l.maybe(60)})
		}
	}
}

// unsplit is what one statement says that asks everything of everybody, as it was before most people were spared that.
func unsplit(t *testing.T, ctx context.Context, db *DB, u tenant.User) (owed bool, waits string, looked bool) {
	t.Helper()
	whole := db.statement(`SELECT ` + owes("u.tenant_id", "u.user_id") + `, ` + waiting + `, ` + undecided + `
		FROM users u JOIN sessions s ON s.tenant_id = u.tenant_id AND s.user_id = u.user_id WHERE u.tenant_id = @tenant AND u.user_id = @user`)
	who := map[string]any{"tenant": string(u.Tenant), "user": u.ID}
	if err := db.first(ctx, whole, who, &owed, &waits, &looked); err != nil {
		t.Fatal(err)
	}
	return owed, waits, looked
}

// TestTheGateIsTheSameInTwoSteps draws tenants and people by lot: what FindSession says of the gate, which looks closely at some
// alone, is what the whole conditions say, and whether terms are owed is what the domain says (terms.Library.Satisfies).
func TestTheGateIsTheSameInTwoSteps(t *testing.T) {
	t.Parallel()
	l := lottery{rand.New(rand.NewPCG(11, 26)), utcNow()}
	db, err := Open("sqlite:"+filepath.Join(t.TempDir(), "portico.db"), WithClock(func() time.Time { return l.now }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	err = db.InTx(t.Context(), func(ctx context.Context) error {
		for i := range 80 {
			id := tenant.ID(fmt.Sprintf("t%d", i))
			versions := l.library(t, ctx, db, id)
			library, err := db.Library(ctx, id)
			if err != nil {
				return err
			}
			for n := range 8 {
				u := tenant.User{Tenant: id, ID: fmt.Sprintf("p%d", n)}
				l.person(t, ctx, db, u, versions)
				seen[l.compare(t, ctx, db, library, u)]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"owed", "waits", "owed waits", "looked at for nothing", "spared"} {
		if seen[kind] < 10 {
			t.Errorf("got %d people of the kind %q in %v, want enough to tell", seen[kind], kind, seen)
		}
	}
}

func (l lottery) library(t *testing.T, ctx context.Context, db *DB, id tenant.ID) []versionRow {
	t.Helper()
	var versions []versionRow
	for i, document := range []string{"terms", "privacy"} {
		row := documentRow{TenantID: string(id), Document: document, Assent: l.one("agree", "acknowledge"), GoverningLocale: "en", Position: i}
		if err := db.db(ctx).Create(&row).Error; err != nil {
			t.Fatal(err)
		}
		for number := range 1 + l.IntN(3) {
			versions = append(versions, l.version(id, document, number+1))
		}
	}
	if err := db.db(ctx).Create(&versions).Error; err != nil {
		t.Fatal(err)
	}
	return versions
}

// compare says of what kind a person is.
func (l lottery) compare(t *testing.T, ctx context.Context, db *DB, library terms.Library, u tenant.User) string {
	t.Helper()
	owed, waits, looked := unsplit(t, ctx, db, u)
	live, err := db.FindSession(ctx, u.Tenant, session.HashOf(u.ID))
	if err != nil {
		t.Fatal(err)
	}
	if live.Person.TermsOwed != owed || live.Person.TermsWaiting != waits {
		t.Errorf("%v: got %v %q, want %v %q as the whole conditions say", u, live.Person.TermsOwed, live.Person.TermsWaiting, owed, waits)
	}
	party, err := db.Party(ctx, u)
	if err != nil {
		t.Fatal(err)
	}
	satisfied := library.Satisfies("terms", party, l.now) && library.Satisfies("privacy", party, l.now)
	if satisfied == owed {
		t.Errorf("%v: the statement says that terms are owed: %v; the domain that they are satisfied: %v", u, owed, satisfied)
	}
	var kind []string
	if owed {
		kind = append(kind, "owed")
	}
	if waits != "" {
		kind = append(kind, "waits")
	}
	switch {
	case len(kind) > 0:
		return strings.Join(kind, " ")
	case looked:
		return "looked at for nothing"
	}
	return "spared"
}
