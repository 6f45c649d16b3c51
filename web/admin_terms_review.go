package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// fieldSubmitted says which submission a second person looked at.
const fieldSubmitted = "submitted"

// approvalView says whether publishing takes a second person; of what was submitted it shows the plan, and to whom may
// approve it the form.
func (s *Server) approvalView(c echo.Context, f form, view *pages.PublishPage, v terms.Version) error {
	ctx := c.Request().Context()
	setting, admins, err := s.Terms.Approval(ctx, tenant.From(ctx).ID)
	if err != nil {
		return err
	}
	view.Submit = i18n.T(ctx, "adminterms.publish")
	if setting.Needs(v.Materiality, admins) {
		view.Submit, view.Why = i18n.T(ctx, "adminterms.submit"), i18n.T(ctx, "adminterms.submit.why")
	}
	if v.SubmittedAt.IsZero() {
		return nil
	}
	view.Waits, view.Submitted = true, v.SubmittedAt.Format(time.RFC3339Nano)
	view.Title = i18n.T(ctx, "adminterms.review.title", "key", v.Document, "n", v.Number)
	view.SentBack = f.reason(c)
	view.SentBack.Optional = true
	names, err := s.Admin.Names(ctx, tenant.From(ctx).ID, v.SubmittedBy)
	if err != nil {
		return err
	}
	view.Plan = []pages.PlanRow{
		{Label: i18n.T(ctx, "terms.state.review"), Value: i18n.T(ctx, "adminterms.review.by", "time", utc(v.SubmittedAt), "who", firstNonEmpty(names[v.SubmittedBy], v.SubmittedBy))},
		{Label: i18n.T(ctx, "adminterms.publish.announce"), Value: firstNonEmpty(dayOf(v.AnnounceAt), i18n.T(ctx, "adminterms.review.once"))},
		{Label: i18n.T(ctx, "adminterms.publish.date"), Value: dayOf(v.EffectiveAt)},
		{Label: i18n.T(ctx, "adminterms.publish.enforce"), Value: dayOf(v.EnforceAt)},
	}
	if v.Reason != "" {
		view.Plan = append(view.Plan, pages.PlanRow{Label: i18n.T(ctx, "adminterms.publish.reason"), Value: v.Reason})
	}
	if v.Wrote(session.User(ctx)) {
		view.Own = i18n.T(ctx, "adminterms.review.own")
		if admins < 2 {
			view.Own = i18n.T(ctx, "adminterms.review.alone")
		}
	}
	return nil
}

func (s *Server) approveVersion(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	_, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	submitted, _ := time.Parse(time.RFC3339Nano, form.Get(fieldSubmitted))
	err = s.Terms.Approve(ctx, session.User(ctx), v.Document, v.Number, submitted, form.Get(terms.FieldNumber))
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.publishPage(c, onPage(refused), "")
	}
	if errors.Is(err, terms.ErrOwn) {
		return s.publishPage(c, valid.Errors{{Key: "adminterms.review.own"}}, "")
	}
	if terms.Undone(err) {
		return s.publishPage(c, nil, i18n.T(ctx, "adminterms.undone"))
	}
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.published", "/admin/terms/"+v.Document)
}

// onPage are refusals of a plan that stands on the page without fields: it has to be sent back and made anew.
func onPage(refused valid.Errors) valid.Errors {
	all := slices.Clone(refused)
	for i := range all {
		if all[i].Field != terms.FieldNumber {
			all[i].Field = ""
		}
	}
	return all
}

func (s *Server) sendBack(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	_, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	submitted, _ := time.Parse(time.RFC3339Nano, form.Get(fieldSubmitted))
	err = s.Terms.SendBack(ctx, session.User(ctx), v.Document, v.Number, submitted, form.Get(terms.FieldReason))
	if terms.Undone(err) {
		return s.publishPage(c, nil, i18n.T(ctx, "adminterms.undone"))
	}
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.review.sent", versionURL(v))
}

// waitingVersions are what waits for a second person.
func waitingVersions(ctx context.Context, library terms.Library) []pages.WaitingVersion {
	var all []pages.WaitingVersion
	for _, v := range library.Waiting() {
		all = append(all, pages.WaitingVersion{
			Text: i18n.T(ctx, "adminterms.waiting", "key", v.Document, "n", v.Number), URL: versionURL(v) + "/publish",
		})
	}
	return all
}

// approvalChoice is who approves versions.
func (s *Server) approvalChoice(c echo.Context) (components.SelectModel, error) {
	ctx := c.Request().Context()
	setting, _, err := s.Terms.Approval(ctx, tenant.From(ctx).ID)
	m := components.SelectModel{Name: "approval", Label: i18n.T(ctx, "adminterms.approval"), Hint: i18n.T(ctx, "adminterms.approval.hint")}
	for _, a := range terms.Approvals {
		key := firstNonEmpty(string(a), "usual")
		m.Options = append(m.Options, components.Option{Value: string(a), Text: i18n.T(ctx, "adminterms.approval."+key), Selected: a == setting})
	}
	return m, err
}

func (s *Server) saveApproval(c echo.Context) error {
	ctx := c.Request().Context()
	setting := terms.Approval(c.Request().PostFormValue("approval"))
	if !slices.Contains(terms.Approvals, setting) {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	if err := s.Terms.SetApproval(ctx, session.User(ctx), setting); err != nil {
		return err
	}
	return s.done(c, "admin.saved", "/admin/terms")
}

// noticeChoice is how long before its effect the law wants a change of a document announced.
func noticeChoice(ctx context.Context, d terms.Document) components.SelectModel {
	m := components.SelectModel{Name: terms.FieldNoticeDays, Label: i18n.T(ctx, "adminterms.notice"), Hint: i18n.T(ctx, "adminterms.notice.hint")}
	for _, days := range terms.Notices {
		value := strconv.Itoa(days)
		m.Options = append(m.Options, components.Option{Value: value, Text: i18n.T(ctx, "adminterms.notice."+value), Selected: days == d.NoticeDays})
	}
	return m
}

// personalChoice is whether a change waits for everybody to be told.
func personalChoice(ctx context.Context, d terms.Document) components.CheckModel {
	return components.CheckModel{
		Name: terms.FieldPersonalNotice, Label: i18n.T(ctx, "adminterms.personal"), Hint: i18n.T(ctx, "adminterms.personal.hint"), Checked: d.PersonalNotice,
	}
}

func (s *Server) saveNotice(c echo.Context) error {
	ctx := c.Request().Context()
	days, err := strconv.Atoi(c.Request().PostFormValue(terms.FieldNoticeDays))
	if err != nil {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	key := c.Param("doc")
	err = s.Terms.SetNotice(ctx, session.User(ctx), key, days, c.Request().PostFormValue(terms.FieldPersonalNotice) == "on")
	if _, refused := errors.AsType[valid.Errors](err); refused {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", "/admin/terms/"+key)
}
