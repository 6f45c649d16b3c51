package web

import (
	"net/http"
	"slices"
	"testing"

	"portico/internal/terms"
)

// TestDocumentsLeadToPagesThatAre holds the list of pages that documents may link to against the route map.
func TestDocumentsLeadToPagesThatAre(t *testing.T) {
	routes := (&Server{}).routeMap()
	for _, path := range terms.Pages {
		if !slices.ContainsFunc(routes, func(r route) bool { return r.method == http.MethodGet && r.path == path }) {
			t.Errorf("documents may link to %s, which no route answers", path)
		}
	}
}
