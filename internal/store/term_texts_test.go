package store_test

import (
	"context"
	"strings"
	"testing"

	"portico/internal/store/storetest"
	"portico/internal/terms"
)

// TestLongTextsAreReadOnce reads a library twice: what a hash names does not come from the database again, but what is new does.
func TestLongTextsAreReadOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		add := func(revision int, source string) {
			t.Helper()
			text := terms.Text{
				Document: "terms", Number: 1, Locale: "en", Revision: revision, Title: "Terms", Source: source, HTML: "<p>" + source,
				SourceSHA256: strings.Repeat("a", 63) + source, HTMLSHA256: strings.Repeat("b", 63) + source,
			}
			if err := f.DB.AddText(t.Context(), f.Tenant.ID, text); err != nil {
				t.Fatal(err)
			}
		}
		read := func(want string, whole int) {
			t.Helper()
			statements := 0
			f.Trace.Watch(func(_ context.Context, statement string) {
				if strings.Contains(statement, "SELECT * FROM `term_texts`") {
					statements++
				}
			})
			library, err := f.DB.Library(t.Context(), f.Tenant.ID)
			f.Trace.Watch(nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, text := range library.Texts {
				got = append(got, text.Source+text.HTML)
			}
			if strings.Join(got, " ") != want || statements != whole {
				t.Errorf("got %q with %d readings of everything, want %q with %d", got, statements, want, whole)
			}
		}
		add(1, "1")
		read("1<p>1", 1)
		read("1<p>1", 0)
		add(2, "2")
		read("1<p>1 2<p>2", 1)
		read("1<p>1 2<p>2", 0)
	})
}
