package web

import (
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// TestHalfAFileIsNone reads a list whose source fails on the way, and one that comes whole.
func TestHalfAFileIsNone(t *testing.T) {
	t.Parallel()
	s := &Server{Config: Config{Log: slog.New(slog.DiscardHandler)}}
	for name, fails := range map[string]error{"whole": nil, "broken": errors.New("the database went away")} {
		e := echo.New()
		e.GET("/", func(c echo.Context) error {
			list := s.table(c, "people", "name")
			list.begin()
			_ = list.row("=1+1")
			return list.end(fails)
		})
		server := httptest.NewServer(e)
		t.Cleanup(server.Close)
		var content []byte
		response, err := server.Client().Get(server.URL)
		if err == nil {
			content, err = io.ReadAll(response.Body)
			_ = response.Body.Close()
		}
		if (err == nil) != (fails == nil) {
			t.Errorf("%s: got %q and %v", name, content, err)
		}
		if fails == nil && !strings.Contains(string(content), "'=1+1") {
			t.Errorf("got %q, want a cell that is no formula", content)
		}
	}
}
