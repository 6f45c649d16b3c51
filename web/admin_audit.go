package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/tenant"
	"portico/views/components"
	"portico/views/pages"
)

func adminRows(ctx context.Context, events []audit.Event) []pages.AdminEvent {
	rows := make([]pages.AdminEvent, len(events))
	for i, e := range events {
		rows[i] = pages.AdminEvent{
			Time: utc(e.At), What: i18n.T(ctx, "event."+string(e.Type)), Who: i18n.T(ctx, "admin.actor."+string(e.Actor.Kind)),
			WhoURL: personURL(e.Actor.ID, ""), Whom: e.User.ID, WhomURL: personURL(e.User.ID, ""), Detail: detail(e),
		}
		if e.Actor.ID == "" {
			rows[i].WhoURL = ""
		}
		if e.Origin.IP.IsValid() {
			rows[i].IP = e.Origin.IP.String()
		}
	}
	return rows
}

func detail(e audit.Event) string {
	words := append([]string(nil), e.Fields...)
	for _, key := range sortedKeys(e.Detail) {
		words = append(words, key+"="+e.Detail[key])
	}
	return strings.Join(words, ", ")
}

// showAudit searches the record of who did what.
func (s *Server) showAudit(c echo.Context) error {
	ctx := c.Request().Context()
	filter := audit.Filter{User: c.QueryParam("user"), Actor: c.QueryParam("actor")}
	if kind := c.QueryParam("type"); kind != "" {
		filter.Types = []audit.Type{audit.Type(kind)}
	}
	events, pager, err := s.eventPage(c, tenant.From(ctx).ID, filter)
	if err != nil {
		return err
	}
	view := pages.AuditPage{
		Page: s.adminPage(c, "admin.audit"), Events: adminRows(ctx, events), Pager: pager,
		User:  components.FieldModel{Name: "user", Label: i18n.T(ctx, "admin.audit.user"), Value: filter.User, LTR: true, Optional: true},
		Actor: components.FieldModel{Name: "actor", Label: i18n.T(ctx, "admin.audit.actor"), Value: filter.Actor, LTR: true, Optional: true},
		Types: components.SelectModel{
			Name: "type", Label: i18n.T(ctx, "admin.audit.type"), Optional: true,
			Options: []components.Option{{Value: "", Text: i18n.T(ctx, "admin.state.all")}},
		},
	}
	for _, kind := range audit.Types() {
		view.Types.Options = append(view.Types.Options, components.Option{
			Value: string(kind), Text: i18n.T(ctx, "event."+string(kind)), Selected: c.QueryParam("type") == string(kind),
		})
	}
	return s.render(c, http.StatusOK, pages.Audit(view))
}
