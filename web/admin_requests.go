package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

const requestsPath = "/admin/requests"

// answeredState is the value of the filter that lists what is answered.
const answeredState = "answered"

func (s *Server) showRequests(c echo.Context) error {
	ctx := c.Request().Context()
	filter := privacy.Filter{After: c.QueryParam("after"), Closed: c.QueryParam("state") == answeredState, Limit: listRows + 1}
	if kind := privacy.Kind(c.QueryParam("kind")); slices.Contains(privacy.Kinds(), kind) {
		filter.Kind = kind
	}
	found, err := s.Privacy.Search(ctx, tenant.From(ctx).ID, filter)
	if err != nil {
		return err
	}
	view := pages.RequestsPage{
		Page:  s.adminPage(c, "admin.requests"),
		Kinds: components.SelectModel{Name: "kind", Label: i18n.T(ctx, "cases.kind"), Options: []components.Option{{Text: i18n.T(ctx, "admin.state.all")}}},
		States: components.SelectModel{Name: "state", Label: i18n.T(ctx, "admin.states"), Options: []components.Option{
			{Text: i18n.T(ctx, "cases.state.open")}, {Value: answeredState, Text: i18n.T(ctx, "cases.state.answered"), Selected: filter.Closed},
		}},
	}
	for _, kind := range privacy.Kinds() {
		view.Kinds.Options = append(view.Kinds.Options, components.Option{
			Value: string(kind), Text: i18n.T(ctx, "cases.kind."+string(kind)), Selected: kind == filter.Kind,
		})
	}
	if len(found) > listRows {
		found = found[:listRows]
		view.Pager.Older = withQuery(c, "after", found[listRows-1].Cursor(), "before")
	}
	for _, r := range found {
		view.Requests = append(view.Requests, s.requestRow(ctx, r))
	}
	return s.render(c, http.StatusOK, pages.Requests(view))
}

// requestRow is a request as administrators see it.
func (s *Server) requestRow(ctx context.Context, r privacy.Request) pages.RequestRow {
	row := pages.RequestRow{
		What: i18n.T(ctx, "cases.kind."+string(r.Kind)), URL: requestsPath + "/" + r.ID, Who: r.User.ID, WhoURL: personURL(r.User.ID, ""),
		At: utc(r.At), Due: utc(r.DueAt), State: i18n.T(ctx, "cases.state.open"), Tone: components.Info,
	}
	if r.User.IsZero() {
		row.Who, row.WhoURL = r.Contact, ""
	}
	if !r.ExtendedAt.IsZero() {
		row.State = i18n.T(ctx, "cases.state.extended")
	}
	if !r.Open() {
		row.State, row.Tone = i18n.T(ctx, "cases.state."+outcomeOf(r)), outcomeTones[r.Outcome]
		return row
	}
	left := r.DueAt.Sub(s.Now())
	days := int(left / (24 * time.Hour))
	switch {
	case left <= 0:
		row.State, row.Tone = i18n.T(ctx, "admin.requests.late"), components.Danger
		row.Left = i18n.T(ctx, "cases.late", "count", -days)
	case days < 7:
		row.Tone = components.Warn
		fallthrough
	default:
		row.Left = i18n.T(ctx, "cases.left", "count", days)
	}
	return row
}

func (s *Server) showRequest(c echo.Context) error { return s.requestPage(c, nil) }

func (s *Server) requestPage(c echo.Context, refused valid.Errors) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	r, err := s.Privacy.Find(ctx, tenant.From(ctx).ID, c.Param("id"))
	if errors.Is(err, privacy.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.RequestPage{
		Page: s.titledAdmin(c, i18n.T(ctx, "cases.kind."+string(r.Kind))), Token: f.token, Refusals: f.summary(), Self: requestsPath + "/" + r.ID,
		Row: s.requestRow(ctx, r), Decidable: r.Decidable(), Facts: []pages.Row{
			{Label: i18n.T(ctx, "cases.asked"), Value: utc(r.At), LTR: true}, {Label: i18n.T(ctx, "cases.due"), Value: utc(r.DueAt), LTR: true},
		},
	}
	view.Facts = append(view.Facts, s.caseValues(ctx, r)...)
	if r.Contact != "" {
		view.Facts = append(view.Facts, pages.Row{Label: i18n.T(ctx, "profile.email"), Value: r.Contact, LTR: true})
	}
	view.Story = caseStory(r, func(_, text string, at time.Time) pages.Said { return pages.Said{When: utc(at), Text: text} })
	if r.Open() {
		view.Answer = &components.FieldModel{
			Name: privacy.FieldAnswer, Label: i18n.T(ctx, "admin.requests.answer"), Rows: 4, Value: form.Get(privacy.FieldAnswer), Error: f.problem(privacy.FieldAnswer),
		}
		if r.Decidable() {
			view.Effect = i18n.T(ctx, "cases.effect."+string(r.Kind))
		}
	}
	if r.MayExtend(s.Now()) {
		view.Reason = &components.FieldModel{
			Name: privacy.FieldReason, Label: i18n.T(ctx, "cases.extend.reason"), Rows: 3, Value: form.Get(privacy.FieldReason), Error: f.problem(privacy.FieldReason),
		}
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Request(view))
}

// settleRequest answers a request, or gives it more time.
func (s *Server) settleRequest(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	me, id := session.User(ctx), c.Param("id")
	var err error
	if outcome := form.Get("outcome"); outcome == "extend" {
		err = s.Privacy.Extend(ctx, me, id, form.Get(privacy.FieldReason))
	} else {
		err = s.Privacy.Answer(ctx, me, id, form.Get(privacy.FieldAnswer), privacy.Outcome(outcome))
	}
	if errors.Is(err, privacy.ErrTooLate) {
		err = valid.Errors{{Key: "err.extend"}}
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.requestPage(c, refused)
	}
	if errors.Is(err, privacy.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.done", requestsPath)
}
