package web

import (
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
	list := s.table(c, "audit-"+s.Now().UTC().Format(time.DateOnly),
		"time", "event_id", "type", "actor_kind", "actor_id", "user_id", "ip", "user_agent", "request_id", "detail")
	more, err := s.Audit.Each(ctx, session.User(ctx), filter, list.begin, func(e audit.Event) error { return list.row(auditCells(e)...) })
	if more && err == nil {
		last := make([]string, len(list.head))
		last[0] = i18n.T(ctx, "record.cut", "most", number(audit.MaxExported))
		err = list.row(last...)
	}
	return list.end(err)
}

func auditCells(e audit.Event) []string {
	ip := ""
	if e.Origin.IP.IsValid() {
		ip = e.Origin.IP.String()
	}
	return []string{
		e.At.UTC().Format(time.RFC3339Nano), e.ID, string(e.Type), string(e.Actor.Kind), e.Actor.ID, e.User.ID, ip, e.Origin.UserAgent, e.Origin.RequestID,
		detail(e),
	}
}
