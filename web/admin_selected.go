package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// selectedPath is where something is done to the people who are ticked in the list.
const selectedPath = "/admin/users/selected"

// The fields of that form, beside those of package admin: the list it comes from, and what is done.
const (
	fieldBack   = "back"
	fieldAction = "action"
)

// chosenField and leftField name the i-th of whom something is done to, and of who is left out: no parameter comes twice
// (security.md row 62).
func chosenField(i int) string { return "user." + strconv.Itoa(i) }
func leftField(i int) string   { return "left." + strconv.Itoa(i) }

// idsOf reads the ids in the fields of a form that name names, at most a page of the list.
func idsOf(form url.Values, name func(int) string) []string {
	var ids []string
	for i := range admin.MaxMany {
		if id := form.Get(name(i)); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// deedKeys are the words on the buttons.
var deedKeys = map[admin.Deed]string{
	admin.DeedBlock: "bulk.block", admin.DeedUnblock: "admin.blocks.lift", admin.DeedEnd: "admin.end", admin.DeedVerify: "admin.verify", admin.DeedReset: "admin.reset",
}

func deedButtons(ctx context.Context) []components.Option {
	var buttons []components.Option
	for _, d := range admin.Deeds() {
		buttons = append(buttons, components.Option{Value: string(d), Text: i18n.T(ctx, deedKeys[d])})
	}
	return buttons
}

// back is the list that a form came from, or the whole one.
func (s *Server) back(form url.Values) *url.URL {
	list, err := url.Parse(s.safeReturnOr(form.Get(fieldBack), peoplePath))
	if err != nil || list.Path != peoplePath {
		return &url.URL{Path: peoplePath}
	}
	return list
}

// doSelected first shows whom it concerns and what will happen, and does it when that page is sent.
func (s *Server) doSelected(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	d := admin.Deed(form.Get(fieldAction))
	if _, known := deedKeys[d]; !known {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	if form.Get("confirmed") == "" {
		return s.selectedPage(c, form, nil)
	}
	b, err := blockingOf(form)
	var chosen []admin.Chosen
	if err == nil {
		chosen, err = s.Admin.Many(ctx, session.User(ctx), d, idsOf(form, chosenField), b)
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.selectedPage(c, form, refused)
	}
	if err != nil {
		return err
	}
	if err := s.noteOutcome(c, d, chosen, form); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, selectedPath)
}

// blockingOf reads what is to be said of a block. It returns valid.Errors for a day that is none.
func blockingOf(form url.Values) (admin.Blocking, error) {
	b := admin.Blocking{Reason: form.Get(admin.FieldReason), Message: form.Get(admin.FieldMessage)}
	if typed := form.Get(admin.FieldUntil); typed != "" {
		day, err := time.Parse(time.DateOnly, typed)
		if err != nil {
			return b, valid.Errors{{Field: admin.FieldUntil, Key: "err.until"}}
		}
		b.Until = day
	}
	return b, nil
}

// refillSelected shows the page again whose sending waited for something else.
func (s *Server) refillSelected(c echo.Context, typed url.Values) error {
	if _, known := deedKeys[admin.Deed(typed.Get(fieldAction))]; !known {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	return s.selectedPage(c, typed, nil)
}

// selectedPage names everybody something is about to be done to, and who is left out and why. Only those named are sent on, so
// that nobody joins them who was not seen here.
func (s *Server) selectedPage(c echo.Context, form url.Values, refused valid.Errors) error {
	ctx := c.Request().Context()
	d := admin.Deed(form.Get(fieldAction))
	chosen, err := s.Admin.Choose(ctx, session.User(ctx), d, idsOf(form, chosenField))
	if err != nil {
		return err
	}
	left, err := s.Admin.Choose(ctx, session.User(ctx), d, idsOf(form, leftField))
	if err != nil {
		return err
	}
	if len(chosen)+len(left) == 0 {
		return s.peoplePage(c, s.back(form).Query(), valid.Errors{{Field: chosenField(0), Key: "bulk.none"}})
	}
	f := s.form(c, refused)
	view := pages.SelectedPage{
		Page: s.titledAdmin(c, i18n.T(ctx, deedKeys[d])), Token: f.token, Refusals: f.summary(), Action: string(d), Back: s.back(form).String(),
		Effect: i18n.T(ctx, "bulk.effect."+string(d)), Danger: d == admin.DeedBlock,
	}
	for _, one := range chosen {
		if one.Out == "" {
			view.Whom = append(view.Whom, s.selectedRow(ctx, one, chosenField(len(view.Whom))))
		} else {
			left = append(left, one)
		}
	}
	for i, one := range left {
		if one.Out == "" {
			one.Out = admin.ChangedSince
		}
		view.Left = append(view.Left, s.selectedRow(ctx, one, leftField(i)))
	}
	view.Count = i18n.T(ctx, "bulk.count", "count", len(view.Whom))
	if d.Reasoned() {
		view.Fields = blockFields(f, form, d == admin.DeedBlock)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Selected(view))
}

func (s *Server) selectedRow(ctx context.Context, one admin.Chosen, field string) pages.SelectedRow {
	row := pages.SelectedRow{
		Name: firstNonEmpty(one.Person.Name, one.Person.Email, one.Person.User.ID), URL: personURL(one.Person.User.ID, ""), Email: one.Person.Email,
		ID: one.Person.User.ID, Field: field, Tags: s.personTags(ctx, one.Person),
	}
	if one.Out != "" {
		row.Why = i18n.T(ctx, "bulk.why."+string(one.Out))
	}
	return row
}

// blockFields ask why somebody is blocked or no longer, and for a block what they are told and until when.
func blockFields(f form, sent url.Values, whole bool) []components.FieldModel {
	fields := []components.FieldModel{{
		Name: admin.FieldReason, Label: i18n.T(f.ctx, "admin.block.reason"), Value: sent.Get(admin.FieldReason), Error: f.problem(admin.FieldReason),
	}}
	if !whole {
		return fields
	}
	return append(fields, components.FieldModel{
		Name: admin.FieldMessage, Label: i18n.T(f.ctx, "bulk.message"), Value: sent.Get(admin.FieldMessage), Optional: true, Rows: 3,
		Error: f.problem(admin.FieldMessage),
	}, components.FieldModel{
		Name: admin.FieldUntil, Label: i18n.T(f.ctx, "admin.block.until"), Hint: i18n.T(f.ctx, "admin.block.until.hint"), Type: "date",
		Value: sent.Get(admin.FieldUntil), Optional: true, LTR: true, Error: f.problem(admin.FieldUntil),
	})
}

// contentOutcome is the key under which a session remembers what became of those who were selected last.
const contentOutcome = "selected"

// outcome is what became of people: the ids of those it was done to, and why it was not done to others, by their ids.
type outcome struct {
	Deed admin.Deed      `json:"deed"`
	Done []string        `json:"done,omitempty"`
	Left []outcomeReason `json:"left,omitempty"`
	Back string          `json:"back"`
}

type outcomeReason struct {
	ID  string          `json:"id"`
	Why admin.Exception `json:"why"`
}

// noteOutcome keeps in the session what became of everybody, for the page after this one, and logs what went wrong.
func (s *Server) noteOutcome(c echo.Context, d admin.Deed, chosen []admin.Chosen, form url.Values) error {
	o := outcome{Deed: d, Back: s.back(form).String()}
	for _, one := range chosen {
		if one.Err != nil {
			s.Log.ErrorContext(c.Request().Context(), "one of many", "id", requestID(c), "action", string(d), "user", one.Person.User.ID, "error", one.Err)
		}
		if one.Out == "" {
			o.Done = append(o.Done, one.Person.User.ID)
		} else {
			o.Left = append(o.Left, outcomeReason{one.Person.User.ID, one.Out})
		}
	}
	content, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return s.remember(c, contentOutcome, string(content))
}

// showSelected tells what became of those who were selected last.
func (s *Server) showSelected(c echo.Context) error {
	ctx := c.Request().Context()
	var o outcome
	if json.Unmarshal([]byte(session.From(ctx).Content[contentOutcome]), &o) != nil {
		return c.Redirect(http.StatusSeeOther, peoplePath)
	}
	ids := append([]string(nil), o.Done...)
	for _, one := range o.Left {
		ids = append(ids, one.ID)
	}
	names, err := s.Admin.Names(ctx, tenant.From(ctx).ID, ids...)
	if err != nil {
		return err
	}
	row := func(id, why string) pages.SelectedRow {
		return pages.SelectedRow{Name: firstNonEmpty(names[id], id), URL: personURL(id, ""), ID: id, Why: why}
	}
	view := pages.SelectedDonePage{
		Page: s.titledAdmin(c, i18n.T(ctx, deedKeys[o.Deed])), Count: i18n.T(ctx, "bulk.done", "count", len(o.Done)), Back: o.Back,
	}
	for _, id := range o.Done {
		view.Done = append(view.Done, row(id, ""))
	}
	for _, one := range o.Left {
		view.Left = append(view.Left, row(one.ID, i18n.T(ctx, "bulk.why."+string(one.Why))))
	}
	return s.render(c, http.StatusOK, pages.SelectedDone(view))
}
