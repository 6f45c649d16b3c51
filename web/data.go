package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// showData is where people take their data along or close their account: open whatever else they owe (rule T-5).
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
	view.Close = pages.CloseModel{Token: view.Token, Closes: s.closes(c)}
	for _, r := range requests {
		row := pages.DataRequest{
			What: i18n.T(ctx, "data."+string(r.Kind)), At: i18n.DateTime(ctx, r.At), Answer: r.Answer,
			State: i18n.T(ctx, "data.waits", "date", i18n.Date(ctx, r.DueAt)),
		}
		if !r.AnsweredAt.IsZero() {
			row.State = i18n.T(ctx, "data.answered", "time", i18n.DateTime(ctx, r.AnsweredAt))
		}
		view.Requests = append(view.Requests, row)
	}
	return s.render(c, status, pages.Data(view))
}

func (s *Server) showRequests(c echo.Context) error { return s.requestsPage(c, "", nil) }

// requestsPage lists what waits for an answer. id is the request whose answer was refused.
func (s *Server) requestsPage(c echo.Context, id string, refused valid.Errors) error {
	ctx := c.Request().Context()
	open, err := s.Privacy.Open(ctx, tenant.From(ctx).ID, c.QueryParam("after"), listRows+1)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.RequestsPage{Page: s.adminPage(c, "admin.requests"), Token: f.token}
	if len(open) > listRows {
		open = open[:listRows]
		view.Pager.Older = withQuery(c, "after", open[listRows-1].ID, "before")
	}
	for _, r := range open {
		row := pages.OpenRequest{
			ID: r.ID, What: i18n.T(ctx, "data."+string(r.Kind)), Who: r.User.ID, WhoURL: personURL(r.User.ID, ""), At: utc(r.At), Due: utc(r.DueAt),
			Late:   s.Now().After(r.DueAt),
			Answer: components.FieldModel{Name: privacy.FieldAnswer, ID: privacy.FieldAnswer + "-" + r.ID, Label: i18n.T(ctx, "admin.requests.answer"), Rows: 3},
		}
		if r.ID == id {
			row.Answer.Error, row.Answer.Value = f.problem(privacy.FieldAnswer), c.Request().PostFormValue(privacy.FieldAnswer)
		}
		view.Requests = append(view.Requests, row)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Requests(view))
}

func (s *Server) answerRequest(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	err := s.Privacy.Answer(ctx, session.User(ctx), form.Get("id"), form.Get(privacy.FieldAnswer))
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.requestsPage(c, form.Get("id"), refused)
	}
	if errors.Is(err, privacy.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.done", "/admin/requests")
}
