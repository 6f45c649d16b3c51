package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portico/internal/admin"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// explained is how the database goes about a statement.
func explained(t *testing.T, f storetest.Fixture, statement string) string {
	t.Helper()
	how := "EXPLAIN QUERY PLAN "
	if f.DB.Dialect() == "mysql" {
		how = "EXPLAIN "
	}
	rows, err := f.SQL(t).QueryContext(t.Context(), how+statement)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			fmt.Fprintf(&plan, "%s=%v ", columns[i], v)
		}
		plan.WriteString("\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// Counting a million people is one walk along an index: the database says that it looks into no table and sorts nothing.
func TestWhoWouldBeAskedIsCountedAlongAnIndex(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		for i := range 30 {
			f.NewUser(t, fmt.Sprintf("p%d@example.org", i), func(p *profile.Profile) {
				p.UserMetadata = profile.Metadata{"lang": []byte(`"de"`), "country": fmt.Appendf(nil, `"C%d"`, i%3)}
			})
		}
		var statements []string
		f.Trace.Watch(func(_ context.Context, statement string) { statements = append(statements, statement) })
		groups, err := f.DB.CountAsked(t.Context(), f.Tenant.ID, terms.Version{Document: "terms", Number: 1}, profile.FacetCountry, nil)
		f.Trace.Watch(nil)
		if diff := cmp.Diff(map[string]int64{"C0": 10, "C1": 10, "C2": 10}, groups); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if len(statements) != 1 {
			t.Fatalf("got %d statements, want one", len(statements))
		}
		plan := explained(t, f, statements[0])
		want, never := "USING COVERING INDEX user_facets_value", []string{"SCAN", "TEMP B-TREE"}
		if f.DB.Dialect() == "mysql" {
			want, never = "key=user_facets_value", []string{"type=ALL", "filesort", "temporary"}
		}
		for _, word := range never {
			if strings.Contains(plan, word) || !strings.Contains(plan, want) {
				t.Errorf("got %s, want %s and no %s", plan, want, word)
			}
		}
	})
}

func TestFacetsFollowTheProfile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		u := f.NewUser(t, "ana@example.org", func(p *profile.Profile) {
			p.UserMetadata = profile.Metadata{
				"country": []byte(`" DE "`), "gift": []byte(`true`), "age": []byte(`23`), "tags": []byte(`["a"]`), "none": []byte(`null`),
				"long": fmt.Appendf(nil, `"%s"`, strings.Repeat("ü", 65)), "empty": []byte(`""`),
			}
			p.AppMetadata = profile.Metadata{"plan": []byte(`"gold"`), "terms": []byte(`"old"`)}
		})
		want := func(facets map[string]string) {
			t.Helper()
			got, err := f.DB.Facets(t.Context(), u)
			if diff := cmp.Diff(facets, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		}
		want(map[string]string{
			"user_metadata.country": "DE", "user_metadata.gift": "true", "user_metadata.age": "23",
			"app_metadata.plan": "gold", "app_metadata.terms": "old",
		})
		save := func(change func(p *profile.Profile)) {
			t.Helper()
			p, err := f.DB.FindProfile(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			change(&p)
			if err := f.DB.InTx(t.Context(), func(ctx context.Context) error { return f.DB.SaveMetadata(ctx, p) }); err != nil {
				t.Fatal(err)
			}
		}
		save(func(p *profile.Profile) {
			p.UserMetadata = profile.Metadata{"country": []byte(`"AT"`), "gift": []byte(`true`)}
		})
		want(map[string]string{"user_metadata.country": "AT", "user_metadata.gift": "true", "app_metadata.plan": "gold", "app_metadata.terms": "old"})
		mirror := func(ctx context.Context) error {
			return f.DB.MirrorAssent(ctx, u, func(profile.Metadata) profile.Metadata {
				return profile.Metadata{"terms": []byte(`{"terms":{"accepted":1}}`)}
			})
		}
		if err := f.DB.InTx(t.Context(), mirror); err != nil {
			t.Fatal(err)
		}
		want(map[string]string{"user_metadata.country": "AT", "user_metadata.gift": "true", "app_metadata.plan": "gold"})
		if got, err := f.DB.Facets(t.Context(), tenant.User{Tenant: "other", ID: u.ID}); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v for another tenant's user, want nothing", got, err)
		}
	})
}

// TestSearchSortsNobody looks at how a page of a search is read: in the order of the index, so that a page costs the same among
// ten people and among ten million.
func TestSearchSortsNobody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		for n := range 120 {
			f.NewUser(t, fmt.Sprintf("person%03d@example.org", n), func(p *profile.Profile) { p.Name = "Person Somebody" })
		}
		var pages []string
		f.Trace.Watch(func(_ context.Context, statement string) {
			if strings.Contains(statement, "user_words w") {
				pages = append(pages, statement)
			}
		})
		first, err := f.DB.SearchProfiles(t.Context(), f.Tenant.ID, admin.Query{Text: "person", Limit: 50})
		if err == nil {
			_, err = f.DB.SearchProfiles(t.Context(), f.Tenant.ID, admin.Query{Text: "person", Limit: 50, After: first.Next})
		}
		f.Trace.Watch(nil)
		if err != nil || len(pages) < 2 {
			t.Fatalf("got %d statements, %v, want two pages", len(pages), err)
		}
		for _, page := range pages {
			plan := explained(t, f, page)
			if !strings.Contains(page, "STRAIGHT_JOIN users") && !strings.Contains(page, "CROSS JOIN users") { // a few people do not show it in the plan
				t.Errorf("%s may begin with the people", page)
			}
			if strings.Contains(plan, "filesort") || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "temporary") {
				t.Errorf("%s\nis sorted:\n%s", page, plan)
			}
		}
	})
}
