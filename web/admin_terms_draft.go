package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// fieldBase says what a form was made from, so that two people who write at once lose nothing.
const fieldBase = "base"

func materialities(ctx context.Context, chosen terms.Materiality) components.SelectModel {
	m := components.SelectModel{Name: "materiality", Label: i18n.T(ctx, "adminterms.materiality")}
	for _, one := range changes {
		m.Options = append(m.Options, components.Option{Value: string(one), Text: i18n.T(ctx, "adminterms.materiality."+string(one)), Selected: one == chosen})
	}
	return m
}

// changes are the kinds of change, the most common choice first.
var changes = []terms.Materiality{terms.Material, terms.Minor, terms.Correction}

// newDraft begins a version with the texts of the newest one.
func (s *Server) newDraft(c echo.Context) error {
	ctx := c.Request().Context()
	m := terms.Materiality(c.Request().PostFormValue("materiality"))
	if !slices.Contains(changes, m) {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	key := c.Param("doc")
	number, err := s.Terms.Begin(ctx, session.User(ctx), key, m)
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.documentAdminPage(c, withoutLocales(refused))
	}
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.begun", fmt.Sprintf("/admin/terms/%s/%d", key, number))
}

// locale is the language whose text is edited: the one in the address, or the governing one.
func (s *Server) locale(c echo.Context, library terms.Library, v terms.Version) string {
	t := tenant.From(c.Request().Context())
	if wanted := c.Request().FormValue("locale"); slices.Contains(t.Locales, wanted) {
		return wanted
	}
	d, _ := library.Document(v.Document)
	return d.GoverningLocale
}

// textIn is the text of a version in exactly this language, or an empty one.
func textIn(library terms.Library, v terms.Version, locale string) terms.Text {
	text, _ := library.Text(v.Document, v.Number, locale)
	if text.Locale != locale {
		return terms.Text{Locale: locale}
	}
	return text
}

func (s *Server) showDraft(c echo.Context) error {
	library, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	text := textIn(library, v, s.locale(c, library, v))
	return s.draftPage(c, library, v, editing{text: text, summary: terms.FormatSummary(text.Summary), base: text.Fingerprint()}, nil)
}

// editing is a text on the page that edits it. The summary is kept as it was typed. Note says why it cannot be saved.
type editing struct {
	text    terms.Text
	summary string
	base    string
	note    string
	stale   *terms.Stale
}

// draftPage is the editor of a version, as it was opened, refused, or overtaken by somebody else.
func (s *Server) draftPage(c echo.Context, library terms.Library, v terms.Version, e editing, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	d, _ := library.Document(v.Document)
	view := pages.DraftPage{
		Page: s.titledAdmin(c, i18n.T(ctx, "adminterms.version", "key", v.Document, "n", v.Number)), Token: f.token, Self: versionURL(v),
		Document: "/admin/terms/" + v.Document, Locale: e.text.Locale, Dir: direction(e.text.Locale), Base: e.base, Note: e.note,
		Editable: !v.Published() && v.SubmittedAt.IsZero() && e.note == "" && !d.Retired(), Waits: !v.Published() && !v.SubmittedAt.IsZero() && !d.Retired(),
		Tabs: localeTabs(ctx, library, v, e.text.Locale), Reason: f.reason(c), Audience: s.audienceForm(c, f, library, v),
	}
	if err := s.standing(c, &view, library, v); err != nil {
		return err
	}
	view.Fields = textFields(f, e, !view.Editable)
	if e.stale != nil {
		if err := s.overtaken(c, &view, e); err != nil {
			return err
		}
	}
	view.Refusals = s.form(c, withoutLocales(refused)).summary()
	view.Refused = len(refused) > 0
	status := f.status()
	if e.note != "" || e.stale != nil {
		status = http.StatusConflict
	}
	return s.render(c, status, pages.EditDraft(view))
}

// standing says where a version stands, who wrote it last, and what is missing before it can be published.
func (s *Server) standing(c echo.Context, view *pages.DraftPage, library terms.Library, v terms.Version) error {
	ctx := c.Request().Context()
	d, now, err := s.documentOf(ctx, library, v)
	if err != nil {
		return err
	}
	names, err := s.Admin.Names(ctx, d.Tenant, v.EditedBy, v.SubmittedBy)
	if err != nil {
		return err
	}
	view.State = i18n.T(ctx, "terms.state."+string(library.Stage(v, now)))
	view.Edited = i18n.T(ctx, "adminterms.edited", "time", utc(v.EditedAt), "who", firstNonEmpty(names[v.EditedBy], v.EditedBy, "–"))
	switch {
	case d.Retired():
		view.Fixed = i18n.T(ctx, "terms.retired", "date", utc(d.RetiredAt))
	case v.Published():
		view.Fixed = i18n.T(ctx, "adminterms.fixed")
		if v.Materiality == terms.Material && d.Assent.Gates() {
			view.Rollout = versionURL(v) + "/rollout"
		}
	case view.Waits:
		view.Fixed = i18n.T(ctx, "adminterms.review.waits", "time", utc(v.SubmittedAt), "who", firstNonEmpty(names[v.SubmittedBy], v.SubmittedBy))
	default:
		view.Gaps = gaps(ctx, library, v)
	}
	if v.Published() && v.WithdrawnAt.IsZero() {
		view.Ends = "adminterms.withdraw"
		if now.Before(v.EffectiveAt) {
			view.Ends = "adminterms.cancel"
		}
		if view.Locale != d.GoverningLocale {
			view.Correct = versionURL(v) + "/correct?locale=" + view.Locale
		}
	}
	return nil
}

// gaps lists what is missing before a version can be published, with the languages where to write it.
func gaps(ctx context.Context, library terms.Library, v terms.Version) []pages.Gap {
	var all []pages.Gap
	for _, p := range library.Unready(v) {
		row := pages.Gap{Text: i18n.T(ctx, p.Key, p.Args...)}
		if field := withoutLocale(p.Field); field != p.Field {
			row.URL = versionURL(v) + "?locale=" + p.Field[len(field)+1:] + "#" + field
		}
		all = append(all, row)
	}
	return all
}

func localeTabs(ctx context.Context, library terms.Library, v terms.Version, current string) []pages.Tab {
	have := library.Locales(v.Document, v.Number)
	var tabs []pages.Tab
	for _, o := range localeOptions(tenant.From(ctx), current) {
		tab := pages.Tab{Text: o.Text, URL: versionURL(v) + "?locale=" + o.Value, Current: o.Selected}
		if slices.Contains(have, o.Value) {
			tab.Text += " ✓"
		}
		tabs = append(tabs, tab)
	}
	return tabs
}

// textFields are the fields of one language.
func textFields(f form, e editing, fixed bool) []components.FieldModel {
	field := func(name, value string, rows int, hint bool) components.FieldModel {
		m := components.FieldModel{
			Name: name, Label: i18n.T(f.ctx, textLabels[name]), Value: value, Rows: rows, Error: f.problem(name + "." + e.text.Locale), ReadOnly: fixed,
		}
		if hint {
			m.Hint = i18n.T(f.ctx, textLabels[name]+".hint", "anchor", "{#returns}")
		}
		return m
	}
	return []components.FieldModel{
		field(terms.FieldTitle, e.text.Title, 0, false), field(terms.FieldSource, e.text.Source, 20, true),
		field(terms.FieldSummary, e.summary, 4, true), field(terms.FieldNote, e.text.ChangeNote, 0, true),
	}
}

var textLabels = map[string]string{
	terms.FieldTitle: "adminterms.text.title", terms.FieldSource: "adminterms.text.source",
	terms.FieldSummary: "adminterms.text.summary", terms.FieldNote: "adminterms.text.note",
}

// withoutLocale is "field.locale" without its language.
func withoutLocale(field string) string {
	if i := strings.LastIndexByte(field, '.'); i >= 0 {
		return field[:i]
	}
	return field
}

// withoutLocales are refusals for a page that shows one language.
func withoutLocales(refused valid.Errors) valid.Errors {
	all := slices.Clone(refused)
	for i := range all {
		all[i].Field = withoutLocale(all[i].Field)
	}
	return all
}

func (s *Server) saveDraft(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	library, v, _, err := s.version(c)
	if err != nil {
		return s.draftGone(c, err)
	}
	saved := textIn(library, v, s.locale(c, library, v))
	e := typedText(form, saved)
	err = s.Terms.Write(ctx, session.User(ctx), v.Document, v.Number, e.text, e.base)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.draftPage(c, library, v, e, refused)
	}
	if stale, ok := errors.AsType[*terms.Stale](err); ok {
		e.stale, e.base = stale, stale.Saved.Fingerprint()
		return s.draftPage(c, library, v, e, nil)
	}
	if terms.Undone(err) {
		e.note = i18n.T(ctx, "adminterms.locked")
		return s.draftPage(c, library, v, e, nil)
	}
	if errors.Is(err, terms.ErrNotFound) {
		return s.draftGone(c, echo.ErrNotFound)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", versionURL(v)+"?locale="+saved.Locale)
}

func (s *Server) showDeleteDraft(c echo.Context) error {
	ctx := c.Request().Context()
	_, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	if v.Published() || !v.SubmittedAt.IsZero() {
		return echo.ErrNotFound
	}
	return s.render(c, http.StatusOK, pages.DeleteDraft(pages.DeleteDraftPage{
		Page:  s.titledAdmin(c, i18n.T(ctx, "adminterms.delete.title", "key", v.Document, "n", v.Number)),
		Token: s.token(c), Self: versionURL(v), Body: i18n.T(ctx, "adminterms.delete.body", "n", v.Number),
	}))
}

func (s *Server) deleteDraft(c echo.Context) error {
	ctx := c.Request().Context()
	_, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	err = s.Terms.Erase(ctx, session.User(ctx), v.Document, v.Number)
	if terms.Undone(err) {
		return echo.NewHTTPError(http.StatusConflict)
	}
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.deleted", "/admin/terms/"+v.Document)
}
