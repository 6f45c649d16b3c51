package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/browser"
	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/views/components"
	"portico/views/pages"
)

// How many rows a list shows at once.
const (
	recentRows = 10
	listRows   = 50
)

func (s *Server) showSecurity(c echo.Context) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	sessions, err := s.Sessions.List(ctx, live.User)
	if err != nil {
		return err
	}
	events, err := s.Audit.Search(ctx, live.User.Tenant, audit.Filter{User: live.User.ID, Limit: recentRows})
	if err != nil {
		return err
	}
	view := pages.SecurityPage{
		Page: s.page(c, "security.title"), Token: s.formToken(c), Email: live.Person.Email,
		Devices: s.devices(c, sessions, live), Events: eventRows(ctx, events),
	}
	if view.Providers, view.NoPassword, err = s.signsInBy(ctx, live); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, pages.Security(view))
}

func (s *Server) showSessions(c echo.Context) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	sessions, err := s.Sessions.List(ctx, live.User)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, pages.Sessions(pages.SessionsPage{
		Page: s.page(c, "security.where"), Token: s.formToken(c), Devices: s.devices(c, sessions, live),
	}))
}

func (s *Server) devices(c echo.Context, sessions []session.Session, live session.Live) []pages.Device {
	ctx := c.Request().Context()
	rows := make([]pages.Device, len(sessions))
	for i, one := range sessions {
		rows[i] = pages.Device{
			Name: browserName(ctx, one.UserAgent), Since: i18n.DateTime(ctx, one.CreatedAt), Seen: i18n.DateTime(ctx, one.SeenAt),
			Hash: one.Hash, Current: one.Hash == live.Hash,
		}
		if one.IP.IsValid() {
			rows[i].IP = one.IP.String()
		}
	}
	return rows
}

// browserName says which browser on which system a User-Agent header (RFC 9110 §10.1.5) claims to be.
func browserName(ctx context.Context, agent string) string {
	browser, system := browser.Of(agent)
	switch {
	case browser != "" && system != "":
		return i18n.T(ctx, "security.device", "browser", browser, "system", system)
	case browser+system != "":
		return browser + system
	default:
		return i18n.T(ctx, "security.device.unknown")
	}
}

// endSession ends one session of the person. Ending this very one is signing out.
func (s *Server) endSession(c echo.Context) error {
	ctx := c.Request().Context()
	live, hash := session.From(ctx), c.Request().PostFormValue("session")
	if hash == live.Hash {
		return s.signOut(c)
	}
	if err := s.Sessions.End(ctx, live.User, hash); err != nil && !errors.Is(err, session.ErrNone) {
		return err
	}
	if err := s.Audit.Record(ctx, audit.Event{Type: audit.SessionEnded, User: live.User}); err != nil {
		return err
	}
	return s.done(c, "security.end.done", "/account/security/sessions")
}

func (s *Server) endOtherSessions(c echo.Context) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	if _, err := s.Sessions.EndAll(ctx, live.User, live.Hash); err != nil {
		return err
	}
	if err := s.Audit.Record(ctx, audit.Event{Type: audit.SessionsEnded, User: live.User}); err != nil {
		return err
	}
	return s.done(c, "security.endall.done", "/account/security/sessions")
}

// showActivity lists what happened to the account, newest first.
func (s *Server) showActivity(c echo.Context) error {
	ctx := c.Request().Context()
	user := session.User(ctx)
	events, pager, err := s.eventPage(c, user.Tenant, audit.Filter{User: user.ID})
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, pages.Activity(pages.ActivityPage{
		Page: s.page(c, "activity.title"), Events: eventRows(ctx, events), Pager: pager,
	}))
}

// eventPage finds one page of the record and the way to its neighbours (keyset paging by the id of an event).
func (s *Server) eventPage(c echo.Context, t tenant.ID, f audit.Filter) ([]audit.Event, components.PagerModel, error) {
	f.Before, f.After, f.Limit = c.QueryParam("before"), c.QueryParam("after"), listRows+1
	events, err := s.Audit.Search(c.Request().Context(), t, f)
	if err != nil {
		return nil, components.PagerModel{}, err
	}
	var pager components.PagerModel
	more := len(events) > listRows
	if more && f.After != "" {
		events = events[1:]
	} else if more {
		events = events[:listRows]
	}
	if len(events) == 0 {
		return events, pager, nil
	}
	if more || f.After != "" {
		pager.Older = withQuery(c, "before", events[len(events)-1].ID, "after")
	}
	if f.Before != "" || (more && f.After != "") {
		pager.Newer = withQuery(c, "after", events[0].ID, "before")
	}
	return events, pager, nil
}

// withQuery is the address of this page with one parameter set and another dropped.
func withQuery(c echo.Context, name, value, drop string) string {
	query := c.Request().URL.Query()
	query.Set(name, value)
	query.Del(drop)
	return (&url.URL{Path: c.Request().URL.Path, RawQuery: query.Encode()}).String()
}

// eventRows says in words what happened.
func eventRows(ctx context.Context, events []audit.Event) []pages.EventRow {
	rows := make([]pages.EventRow, len(events))
	for i, e := range events {
		rows[i] = pages.EventRow{
			Time: i18n.DateTime(ctx, e.At), What: i18n.T(ctx, "event."+string(e.Type)), Who: i18n.T(ctx, "actor."+string(e.Actor.Kind)),
			Browser: browserName(ctx, e.Origin.UserAgent), Detail: strings.Join(e.Fields, ", "),
		}
		if e.Origin.IP.IsValid() {
			rows[i].IP = e.Origin.IP.String()
		}
		if e.Actor.Kind == audit.ByAdmin || e.Actor.Kind == audit.BySystem {
			rows[i].IP, rows[i].Browser = "", "" // where others were is not the person's to know (row 68)
		}
	}
	return rows
}
