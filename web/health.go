package web

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/static"
)

// healthy says that the process runs.
func (s *Server) healthy(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// ready says that the process can serve: its database answers. A ledger that does not verify is a warning: it keeps nobody
// from signing in.
func (s *Server) ready(c echo.Context) error {
	if err := s.Ready(c.Request().Context()); err != nil {
		s.Log.Warn("not ready", "error", err)
		return c.String(http.StatusServiceUnavailable, "not ready\n")
	}
	if err := s.Ledger.Alarm(); err != nil {
		s.Log.Error("ALARM: the record of assent", "error", err)
		return c.String(http.StatusOK, "ready\nwarning: the ledger does not verify\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

func (s *Server) favicon(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return c.Blob(http.StatusOK, "image/svg+xml; charset=utf-8", static.Content("favicon.svg"))
}

// cspReport logs what a browser refused to load on one of our pages.
func (s *Server) cspReport(c echo.Context) error {
	report, err := io.ReadAll(io.LimitReader(c.Request().Body, 4<<10))
	if err != nil {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	s.Log.Warn("content policy", "report", string(report))
	return c.NoContent(http.StatusNoContent)
}
