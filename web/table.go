package web

import (
	"encoding/csv"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// table is a list that may be long, as a file of comma-separated values (RFC 4180). It is written while it is read.
type table struct {
	s    *Server
	c    echo.Context
	csv  *csv.Writer
	name string
	head []string
}

func (s *Server) table(c echo.Context, name string, head ...string) *table {
	return &table{s, c, csv.NewWriter(c.Response()), name, head}
}

// begin sends the names of the columns. From here on the answer can only be finished or cut off.
func (t *table) begin() {
	out := t.c.Response()
	// A long file over a slow line takes more time than a page may; what is sent is bounded by its length.
	_ = http.NewResponseController(out).SetWriteDeadline(time.Time{})
	out.Header().Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	out.Header().Set(echo.HeaderContentDisposition, `attachment; filename="`+t.name+`.csv"`)
	out.WriteHeader(http.StatusOK)
	_ = t.csv.Write(t.head)
}

// row adds a line.
func (t *table) row(cells ...string) error {
	for i := range cells {
		cells[i] = cell(cells[i])
	}
	return t.csv.Write(cells)
}

// end finishes the file. When err stopped it on its way the connection breaks: half a file must not look like a whole one.
func (t *table) end(err error) error {
	if err == nil {
		t.csv.Flush()
		return nil
	}
	if t.c.Response().Committed {
		t.s.Log.ErrorContext(t.c.Request().Context(), "a list as a file", "id", requestID(t.c), "error", err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// cell is a text that no spreadsheet takes for a formula (ASVS 1.2.10).
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\x00", rune(s[0])) {
		return "'" + s
	}
	return s
}
