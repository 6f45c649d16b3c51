package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/ledger"
	"portico/internal/session"
	"portico/internal/tenant"
)

// ledgerRoutes show everybody the checkpoints of the ledger, and people the proofs of what they decided (terms.md 5).
func (s *Server) ledgerRoutes() []route {
	get := func(g gate, path string, h echo.HandlerFunc) route { return route{g, http.MethodGet, path, h, false} }
	return []route{
		get(open, "/ledger/:tenant/checkpoint", s.ledgerText(func(c echo.Context, t tenant.ID) (string, error) {
			return s.Ledger.Checkpoint(c.Request().Context(), t)
		})),
		get(open, "/ledger/:tenant/key", s.ledgerText(func(c echo.Context, t tenant.ID) (string, error) {
			key, err := s.Ledger.Key(c.Request().Context(), t)
			return key + "\n", err
		})),
		get(open, "/ledger/:tenant/consistency", s.ledgerText(s.consistency)),
		get(exempt, "/account/terms/:event/receipt", s.showReceipt),
	}
}

// ledgerText answers with a text that anybody may read, and keep for a second.
func (s *Server) ledgerText(text func(c echo.Context, t tenant.ID) (string, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		t := tenant.From(c.Request().Context())
		if c.Param("tenant") != string(t.ID) {
			return echo.ErrNotFound
		}
		said, err := text(c, t.ID)
		if errors.Is(err, ledger.ErrNone) {
			return echo.ErrNotFound
		}
		if err != nil {
			return err
		}
		h := c.Response().Header()
		h.Set("Cache-Control", "public, max-age=1")
		h.Set("Access-Control-Allow-Origin", "*")
		return c.String(http.StatusOK, said)
	}
}

// consistency proves that one tree is the beginning of another: ?from= and ?to= are their sizes.
func (s *Server) consistency(c echo.Context, t tenant.ID) (string, error) {
	from, fromErr := strconv.ParseInt(c.QueryParam("from"), 10, 64)
	to, toErr := strconv.ParseInt(c.QueryParam("to"), 10, 64)
	if fromErr != nil || toErr != nil {
		return "", echo.NewHTTPError(http.StatusBadRequest)
	}
	proof, err := s.Ledger.Consistency(c.Request().Context(), t, from, to)
	return strings.Join(append(proof, ""), "\n"), err
}

// showReceipt is the proof of one decision, as a file.
func (s *Server) showReceipt(c echo.Context) error {
	ctx := c.Request().Context()
	receipt, err := s.Ledger.Receipt(ctx, session.User(ctx), c.Param("event"))
	if errors.Is(err, ledger.ErrNone) {
		return echo.ErrNotFound
	}
	if errors.Is(err, ledger.ErrWaiting) {
		return s.done(c, "history.waiting", "/account/terms")
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+c.Param("event")+`.tlog-proof"`)
	return c.String(http.StatusOK, receipt)
}
