package web

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/views/components"
	"portico/views/pages"
)

const dataPath = "/account/data"

// showData is where people take their data along, have it corrected, or close their account: open whatever else they owe (rule T-5).
func (s *Server) showData(c echo.Context) error { return s.dataPage(c, http.StatusOK, "") }

// dataPage says in note why a file was not made.
func (s *Server) dataPage(c echo.Context, status int, note string) error {
	ctx := c.Request().Context()
	requests, err := s.Privacy.List(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	view := pages.DataPage{Page: s.page(c, "nav.data"), Token: s.token(c)}
	if view.Export, err = s.exportPart(c, note); err != nil {
		return err
	}
	if view.Export.Underway {
		view.Refresh = "/account/data"
	}
	view.Close = pages.CloseModel{Token: view.Token, Lead: closeLead(ctx), Closes: s.closes(c)}
	if view.Close.Closes != "" {
		view.Close.Young = tooYoung(c)
	}
	if view.Restricted, err = s.restricted(c); err != nil {
		return err
	}
	for _, r := range requests {
		view.Requests = append(view.Requests, s.dataRequest(ctx, r))
	}
	return s.render(c, status, pages.Data(view))
}

// dataRequest is a request as the person sees it.
func (s *Server) dataRequest(ctx context.Context, r privacy.Request) pages.DataRequest {
	row := pages.DataRequest{What: i18n.T(ctx, "cases.kind."+string(r.Kind)), At: i18n.DateTime(ctx, r.At), Values: s.caseValues(ctx, r)}
	row.State, row.Tone = i18n.T(ctx, "data.waits", "date", i18n.Date(ctx, r.DueAt)), components.Info
	if !r.Open() {
		row.State, row.Tone = i18n.T(ctx, "cases.state."+outcomeOf(r)), outcomeTones[r.Outcome]
	}
	row.Story = caseStory(r, func(key, text string, at time.Time) pages.Said {
		return pages.Said{When: i18n.T(ctx, "cases.said."+key, "time", i18n.DateTime(ctx, at)), Text: text}
	})
	return row
}

// restricted says that the account is restricted, since when, and whether its person may end that.
func (s *Server) restricted(c echo.Context) (*pages.RestrictedModel, error) {
	ctx := c.Request().Context()
	live := session.From(ctx)
	if !live.Person.Restricted {
		return nil, nil
	}
	p, err := s.Profiles.Find(ctx, live.User)
	if err != nil {
		return nil, err
	}
	m := &pages.RestrictedModel{
		Since: i18n.Date(ctx, p.Restriction.At), Waive: p.Restriction.By == profile.ByRequest, Why: i18n.T(ctx, "restricted.admin"),
	}
	if m.Waive {
		m.Why = i18n.T(ctx, "restricted.request")
	}
	return m, nil
}

// waive ends the restriction that the person's own request brought.
func (s *Server) waive(c echo.Context) error {
	ctx := c.Request().Context()
	if err := s.Privacy.Waive(ctx, session.User(ctx)); err != nil {
		return err
	}
	return s.done(c, "restricted.waived", dataPath)
}
