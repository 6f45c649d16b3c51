package web_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"portico/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRouteMap holds every route to the gate that was decided for it: a change shows in review as a changed line.
func TestRouteMap(t *testing.T) {
	const golden = "testdata/routes.golden"
	got := strings.Join(web.RouteLines(), "\n") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the route map changed; if it is meant to: go test ./web -run RouteMap -update\n%s", diff)
	}
}
