package web

import (
	"encoding/csv"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/session"
)

// auditFile is the address of the record as a file.
const auditFile = "/admin/audit.csv"

// downloadAudit writes what the filter finds as a file, row by row: a record of any length takes no memory. A filter that cannot
// be read is shown again, with what is wrong.
func (s *Server) downloadAudit(c echo.Context) error {
	ctx := c.Request().Context()
	filter, refused := auditFilter(c)
	if len(refused) > 0 {
		return s.showAudit(c)
	}
	out := c.Response()
	w := csv.NewWriter(out)
	head := []string{"time", "event_id", "type", "actor_kind", "actor_id", "user_id", "ip", "user_agent", "request_id", "detail"}
	begin := func() {
		// A long file over a slow line takes more time than a page may; what is sent is bounded by its length.
		_ = http.NewResponseController(out).SetWriteDeadline(time.Time{})
		out.Header().Set(echo.HeaderContentType, "text/csv; charset=utf-8")
		out.Header().Set(echo.HeaderContentDisposition, `attachment; filename="audit-`+s.Now().UTC().Format(time.DateOnly)+`.csv"`)
		out.WriteHeader(http.StatusOK)
		_ = w.Write(head)
	}
	more, err := s.Audit.Each(ctx, session.User(ctx), filter, begin, func(e audit.Event) error { return w.Write(auditCells(e)) })
	if err != nil && out.Committed {
		s.Log.ErrorContext(ctx, "record as a file", "id", requestID(c), "error", err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
	if more {
		last := make([]string, len(head))
		last[0] = i18n.T(ctx, "record.cut", "most", number(audit.MaxExported))
		_ = w.Write(last)
	}
	w.Flush()
	return err
}

func auditCells(e audit.Event) []string {
	ip := ""
	if e.Origin.IP.IsValid() {
		ip = e.Origin.IP.String()
	}
	cells := []string{
		e.At.UTC().Format(time.RFC3339Nano), e.ID, string(e.Type), string(e.Actor.Kind), e.Actor.ID, e.User.ID, ip, e.Origin.UserAgent, e.Origin.RequestID,
		detail(e),
	}
	for i := range cells {
		cells[i] = cell(cells[i])
	}
	return cells
}
