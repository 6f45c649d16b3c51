package web

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/tenant"
	"portico/internal/valid"
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

// The fields that narrow the record to days.
const (
	fieldFrom = "from"
	fieldTo   = "to"
)

// showAudit searches the record of who did what.
func (s *Server) showAudit(c echo.Context) error {
	ctx := c.Request().Context()
	filter, refused := auditFilter(c)
	f := s.form(c, refused)
	view := pages.AuditPage{
		Page: s.adminPage(c, "admin.audit"), Refusals: f.summary(),
		User:  components.FieldModel{Name: "user", Label: i18n.T(ctx, "admin.audit.user"), Value: filter.User, LTR: true, Optional: true},
		Actor: components.FieldModel{Name: "actor", Label: i18n.T(ctx, "admin.audit.actor"), Value: filter.Actor, LTR: true, Optional: true},
		From:  dayField(c, f, fieldFrom), To: dayField(c, f, fieldTo), Types: eventTypes(c),
	}
	view.Refused = len(refused) > 0
	if !view.Refused {
		events, pager, err := s.eventPage(c, tenant.From(ctx).ID, filter)
		if err != nil {
			return err
		}
		view.Events, view.Pager = adminRows(ctx, events), pager
		view.File, view.Most = auditFileURL(c), i18n.T(ctx, "record.most", "most", number(audit.MaxExported))
	}
	return s.render(c, f.status(), pages.Audit(view))
}

// auditFileURL is the address of what the list shows as a file, on all its pages.
func auditFileURL(c echo.Context) string {
	values := url.Values{}
	for _, name := range []string{"user", "actor", "type", fieldFrom, fieldTo} {
		if value := c.QueryParam(name); value != "" {
			values.Set(name, value)
		}
	}
	return (&url.URL{Path: auditFile, RawQuery: values.Encode()}).String()
}

// auditFilter reads what to look for. Days are those of UTC, and the last one counts as a whole.
func auditFilter(c echo.Context) (audit.Filter, valid.Errors) {
	f := audit.Filter{User: c.QueryParam("user"), Actor: c.QueryParam("actor")}
	if kind := c.QueryParam("type"); kind != "" {
		f.Types = []audit.Type{audit.Type(kind)}
	}
	var refused valid.Errors
	day := func(field string) time.Time {
		typed := strings.TrimSpace(c.QueryParam(field))
		if typed == "" {
			return time.Time{}
		}
		day, err := time.Parse(time.DateOnly, typed)
		if err != nil {
			refused.Add(field, "err.day")
		}
		return day
	}
	f.Since, f.Until = day(fieldFrom), day(fieldTo)
	if !f.Until.IsZero() {
		if f.Until.Before(f.Since) {
			refused.Add(fieldTo, "err.day.order")
		}
		f.Until = f.Until.AddDate(0, 0, 1)
	}
	return f, refused
}

// dayField is a field for a day. One that cannot be read is shown as it was typed, which a date control would not do.
func dayField(c echo.Context, f form, name string) components.FieldModel {
	m := components.FieldModel{
		Name: name, Label: i18n.T(f.ctx, "admin.audit."+name), Type: "date", Value: c.QueryParam(name), Optional: true, LTR: true,
		Error: f.problem(name),
	}
	if m.Error != "" {
		m.Type = ""
	}
	return m
}

func eventTypes(c echo.Context) components.SelectModel {
	ctx := c.Request().Context()
	m := components.SelectModel{
		Name: "type", Label: i18n.T(ctx, "admin.audit.type"), Optional: true,
		Options: []components.Option{{Value: "", Text: i18n.T(ctx, "admin.state.all")}},
	}
	for _, kind := range audit.Types() {
		m.Options = append(m.Options, components.Option{
			Value: string(kind), Text: i18n.T(ctx, "event."+string(kind)), Selected: c.QueryParam("type") == string(kind),
		})
	}
	return m
}
