package web

import (
	"context"
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
		get(open, "/ledger/:tenant/keys", s.ledgerText(s.ledgerKeys)),
		get(open, "/ledger/:tenant/inclusion", s.ledgerText(s.inclusion)),
		get(open, "/ledger/:tenant/consistency", s.ledgerText(s.consistency)),
		get(exempt, "/account/terms/:event/receipt", s.showReceipt),
		get(exempt, "/account/terms/:event/promise", s.showPromise),
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
	from, to, err := twoNumbers(c, "from", "to")
	if err != nil {
		return "", err
	}
	proof, err := s.Ledger.Consistency(c.Request().Context(), t, from, to)
	return strings.Join(append(proof, ""), "\n"), err
}

// inclusion proves that an entry is in a tree: ?index= is its place, ?size= that of the tree. It says nothing of the entry.
func (s *Server) inclusion(c echo.Context, t tenant.ID) (string, error) {
	index, size, err := twoNumbers(c, "index", "size")
	if err != nil {
		return "", err
	}
	proof, err := s.Ledger.Inclusion(c.Request().Context(), t, index, size)
	return strings.Join(append(proof, ""), "\n"), err
}

func twoNumbers(c echo.Context, first, second string) (a, b int64, err error) {
	a, errA := strconv.ParseInt(c.QueryParam(first), 10, 64)
	b, errB := strconv.ParseInt(c.QueryParam(second), 10, 64)
	if errA != nil || errB != nil {
		return 0, 0, echo.NewHTTPError(http.StatusBadRequest)
	}
	return a, b, nil
}

// ledgerKeys are the keys that signed and sign, the newest first, one a line; then the statements by which they followed
// each other, each after an empty line.
func (s *Server) ledgerKeys(c echo.Context, t tenant.ID) (string, error) {
	keys, statements, err := s.Ledger.Keys(c.Request().Context(), t)
	return strings.Join(keys, "\n") + "\n" + strings.Join(append([]string{""}, statements...), "\n"), err
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
	return download(c, c.Param("event")+".tlog-proof", receipt)
}

func download(c echo.Context, name, content string) error {
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	return c.String(http.StatusOK, content)
}

// showPromise is what a person holds while their entry waits for its place, and may keep: an entry that was dropped
// afterwards is missing from a tree that was promised to hold it.
func (s *Server) showPromise(c echo.Context) error {
	ctx := c.Request().Context()
	promise, err := s.promise(ctx, session.User(ctx), c.Param("event"))
	if errors.Is(err, ledger.ErrNone) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return download(c, c.Param("event")+".promise", promise)
}

func (s *Server) promise(ctx context.Context, u tenant.User, id string) (string, error) {
	return s.Ledger.Promise(ctx, tenant.From(ctx), u, id)
}
