package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
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

// termsRoutes are where administrators write, preview, schedule, publish and withdraw documents.
func (s *Server) termsRoutes() []route {
	get := func(path string, h echo.HandlerFunc) route { return route{admins, http.MethodGet, path, h, false} }
	post := func(path string, h echo.HandlerFunc) route { return route{adminsFresh, http.MethodPost, path, h, true} }
	const version = "/admin/terms/:doc/:n"
	return []route{
		get("/admin/terms", s.showTermsAdmin), post("/admin/terms", s.addDocument),
		get("/admin/terms/:doc", s.showDocumentAdmin), post("/admin/terms/:doc", s.newDraft),
		{adminsFresh, http.MethodGet, "/admin/terms/:doc/consents", s.downloadConsents, false},
		get(version, s.showDraft), post(version, s.saveDraft),
		post(version+"/audience", s.limitDraft),
		get(version+"/preview", s.previewDraft),
		get(version+"/publish", s.showPublish), post(version+"/publish", s.publishDraft),
		get(version+"/correct", s.showCorrect), post(version+"/correct", s.correctText),
		post(version+"/withdraw", s.withdrawVersion),
	}
}

func (s *Server) showTermsAdmin(c echo.Context) error { return s.termsAdminPage(c, nil) }

func (s *Server) termsAdminPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	library, now, err := s.Terms.Library(ctx, tenant.From(ctx).ID)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.TermsAdminPage{
		Page: s.adminPage(c, "adminterms.title"), Token: f.token, Refusals: f.summary(),
		Key: components.FieldModel{
			Name: terms.FieldKey, Label: i18n.T(ctx, "adminterms.key"), Hint: i18n.T(ctx, "adminterms.key.hint"), LTR: true,
			Value: c.Request().PostFormValue(terms.FieldKey), Error: f.problem(terms.FieldKey),
		},
		Assent: components.SelectModel{Name: "assent", Label: i18n.T(ctx, "adminterms.assent")},
		Locale: components.SelectModel{Name: "locale", Label: i18n.T(ctx, "adminterms.governing")},
	}
	view.Boxes = purposeBoxes(c)
	for _, assent := range assents {
		view.Assent.Options = append(view.Assent.Options, components.Option{Value: string(assent), Text: i18n.T(ctx, "adminterms.assent."+string(assent))})
	}
	view.Locale.Options = localeOptions(tenant.From(ctx), tenant.From(ctx).Locales[0])
	for _, d := range library.Documents {
		row := pages.TermsDocumentRow{Key: d.Key, URL: "/admin/terms/" + d.Key, Assent: i18n.T(ctx, "adminterms.assent."+string(d.Assent))}
		if current, ok := library.Current(d.Key, now); ok {
			text, _ := library.Text(d.Key, current.Number, i18n.Current(ctx).Tag)
			row.Title, row.State = text.Title, i18n.T(ctx, "terms.since", "n", current.Number, "date", utc(current.EffectiveAt))
		}
		view.Documents = append(view.Documents, row)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.TermsAdmin(view))
}

func localeOptions(t tenant.Tenant, chosen string) []components.Option {
	options := make([]components.Option, 0, len(t.Locales))
	for _, tag := range t.Locales {
		language, _ := i18n.Find(tag)
		options = append(options, components.Option{Value: tag, Text: language.Name, Lang: tag, Selected: tag == chosen})
	}
	return options
}

func (s *Server) addDocument(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	t := tenant.From(ctx)
	assent := terms.Assent(form.Get("assent"))
	if !slices.Contains(assents, assent) || !slices.Contains(t.Locales, form.Get("locale")) {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	err := s.Terms.AddDocument(ctx, terms.Document{
		Tenant: t.ID, Key: form.Get(terms.FieldKey), Assent: assent, GoverningLocale: form.Get("locale"),
		Confirms: assent == terms.Consent && form.Get("confirms") == "on", Shares: assent == terms.Consent && form.Get("shares") == "on",
	})
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.termsAdminPage(c, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", "/admin/terms/"+form.Get(terms.FieldKey))
}

// document finds the document of the address.
func (s *Server) document(c echo.Context) (terms.Library, terms.Document, time.Time, error) {
	ctx := c.Request().Context()
	library, now, err := s.Terms.Library(ctx, tenant.From(ctx).ID)
	if err != nil {
		return library, terms.Document{}, now, err
	}
	d, ok := library.Document(c.Param("doc"))
	if !ok {
		return library, d, now, echo.ErrNotFound
	}
	return library, d, now, nil
}

// version finds the version of the address.
func (s *Server) version(c echo.Context) (terms.Library, terms.Version, time.Time, error) {
	library, d, now, err := s.document(c)
	if err != nil {
		return library, terms.Version{}, now, err
	}
	number, _ := strconv.Atoi(c.Param("n"))
	v, ok := library.Version(d.Key, number)
	if !ok {
		return library, v, now, echo.ErrNotFound
	}
	return library, v, now, nil
}

func versionURL(v terms.Version) string {
	return fmt.Sprintf("/admin/terms/%s/%d", v.Document, v.Number)
}

func (s *Server) showDocumentAdmin(c echo.Context) error {
	ctx := c.Request().Context()
	library, d, now, err := s.document(c)
	if err != nil {
		return err
	}
	current, _ := library.Current(d.Key, now)
	view := pages.TermsVersionsPage{
		Page: s.titledAdmin(c, i18n.T(ctx, "adminterms.document", "key", d.Key)), Token: s.token(c), Self: "/admin/terms/" + d.Key, Public: "/terms/" + d.Key,
		Materiality: components.SelectModel{Name: "materiality", Label: i18n.T(ctx, "adminterms.materiality")},
	}
	if view.Consenting, err = s.consenting(c, d); err != nil {
		return err
	}
	for _, m := range []terms.Materiality{terms.Material, terms.Minor, terms.Correction} {
		view.Materiality.Options = append(view.Materiality.Options, components.Option{Value: string(m), Text: i18n.T(ctx, "adminterms.materiality."+string(m))})
	}
	versions := library.Of(d.Key)
	for i := len(versions) - 1; i >= 0; i-- {
		v := versions[i]
		view.Rows = append(view.Rows, pages.TermsVersionRow{
			Number: v.Number, URL: versionURL(v), State: i18n.T(ctx, "terms.state."+stateOf(v, current, now)),
			Materiality: i18n.T(ctx, "adminterms.materiality."+string(v.Materiality)), Effective: utc(v.EffectiveAt), Enforce: utc(v.EnforceAt),
		})
	}
	return s.render(c, http.StatusOK, pages.TermsVersions(view))
}

// newDraft begins a version with the texts of the newest one, so that only what changes has to be written.
func (s *Server) newDraft(c echo.Context) error {
	ctx := c.Request().Context()
	library, d, _, err := s.document(c)
	if err != nil {
		return err
	}
	m := terms.Materiality(c.Request().PostFormValue("materiality"))
	if !slices.Contains([]terms.Materiality{terms.Material, terms.Minor, terms.Correction}, m) {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	draft := terms.Draft{Version: terms.Version{Document: d.Key, Materiality: m, CreatedBy: session.User(ctx).ID}}
	if versions := library.Of(d.Key); len(versions) > 0 {
		newest := versions[len(versions)-1].Number
		draft.Version.ReacceptMonths = versions[len(versions)-1].ReacceptMonths
		for _, locale := range library.Locales(d.Key, newest) {
			text, _ := library.Text(d.Key, newest, locale)
			text.Summary, text.ChangeNote = nil, ""
			draft.Texts = append(draft.Texts, text)
		}
	}
	number, err := s.Terms.SaveDraft(ctx, d.Tenant, draft)
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.begun", fmt.Sprintf("/admin/terms/%s/%d", d.Key, number))
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

func (s *Server) showDraft(c echo.Context) error {
	library, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	locale := s.locale(c, library, v)
	text, _ := library.Text(v.Document, v.Number, locale)
	if text.Locale != locale {
		text = terms.Text{Locale: locale}
	}
	return s.draftPage(c, library, v, text, terms.FormatSummary(text.Summary), nil)
}

func (s *Server) draftPage(c echo.Context, library terms.Library, v terms.Version, text terms.Text, summary string, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	field := func(name, label, hint, value string, rows int) components.FieldModel {
		m := components.FieldModel{Name: name, Label: i18n.T(ctx, label), Value: value, Rows: rows, Error: f.problem(name + "." + text.Locale)}
		if hint != "" {
			m.Hint = i18n.T(ctx, hint, "anchor", "{#returns}")
		}
		m.ReadOnly = v.Published()
		return m
	}
	view := pages.DraftPage{
		Page: s.titledAdmin(c, i18n.T(ctx, "adminterms.version", "key", v.Document, "n", v.Number)), Token: f.token, Self: versionURL(v),
		Document: "/admin/terms/" + v.Document, Locale: text.Locale, Published: v.Published(), Withdrawn: !v.WithdrawnAt.IsZero(), Dir: direction(text.Locale),
		Title2:  field(terms.FieldTitle, "adminterms.text.title", "", text.Title, 0),
		Source:  field(terms.FieldSource, "adminterms.text.source", "adminterms.text.source.hint", text.Source, 20),
		Summary: field(terms.FieldSummary, "adminterms.text.summary", "adminterms.text.summary.hint", summary, 4),
		Note:    field(terms.FieldNote, "adminterms.text.note", "adminterms.text.note.hint", text.ChangeNote, 0),
		Reason:  components.FieldModel{Name: terms.FieldReason, Label: i18n.T(ctx, "adminterms.withdraw.reason"), Error: f.problem(terms.FieldReason)},
	}
	if d, _ := library.Document(v.Document); v.Published() && text.Locale != d.GoverningLocale {
		view.Correct = versionURL(v) + "/correct?locale=" + text.Locale
	}
	view.Audience = s.audienceForm(c, f, library, v)
	for i := range refused { // fields carry their language, the page shows one
		refused[i].Field = withoutLocale(refused[i].Field)
	}
	view.Refusals = s.form(c, refused).summary()
	have := library.Locales(v.Document, v.Number)
	for _, o := range localeOptions(tenant.From(ctx), text.Locale) {
		tab := pages.Tab{Text: o.Text, URL: versionURL(v) + "?locale=" + o.Value, Current: o.Selected}
		if slices.Contains(have, o.Value) {
			tab.Text += " ✓"
		}
		view.Tabs = append(view.Tabs, tab)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.EditDraft(view))
}

// withoutLocale is "field.locale" without its language.
func withoutLocale(field string) string {
	if i := strings.LastIndexByte(field, '.'); i >= 0 {
		return field[:i]
	}
	return field
}

func (s *Server) saveDraft(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	library, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	locale := s.locale(c, library, v)
	text := terms.Text{
		Locale: locale, Title: form.Get(terms.FieldTitle), Source: form.Get(terms.FieldSource), ChangeNote: form.Get(terms.FieldNote),
		Summary: terms.ParseSummary(form.Get(terms.FieldSummary)),
	}
	draft := terms.Draft{Version: v, Texts: []terms.Text{text}}
	for _, other := range library.Locales(v.Document, v.Number) {
		if other != locale {
			kept, _ := library.Text(v.Document, v.Number, other)
			draft.Texts = append(draft.Texts, kept)
		}
	}
	_, err = s.Terms.SaveDraft(ctx, tenant.From(ctx).ID, draft)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.draftPage(c, library, v, text, form.Get(terms.FieldSummary), refused)
	}
	if errors.Is(err, terms.ErrPublished) {
		return echo.NewHTTPError(http.StatusConflict)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", versionURL(v)+"?locale="+locale)
}

// previewDraft shows a version as a person would see it who accepted the one in force, in one language.
func (s *Server) previewDraft(c echo.Context) error {
	ctx := c.Request().Context()
	library, v, now, err := s.version(c)
	if err != nil {
		return err
	}
	locale := s.locale(c, library, v)
	text, ok := library.Text(v.Document, v.Number, locale)
	if !ok {
		return s.done(c, "adminterms.empty", versionURL(v))
	}
	view := pages.TermsPreviewPage{
		Page: s.titledAdmin(c, i18n.T(ctx, "adminterms.preview.title", "key", v.Document, "n", v.Number)), Back: versionURL(v) + "?locale=" + locale,
		Heading: text.Title, HTML: text.HTML, Lang: text.Locale, Dir: direction(text.Locale),
	}
	for _, l := range text.Summary {
		view.Short = append(view.Short, pages.ShortLine{Anchor: l.Anchor, Title: l.Title, Text: l.Text})
	}
	if current, ok := library.Current(v.Document, now); ok && current.Number != v.Number {
		before, _ := library.Text(v.Document, current.Number, text.Locale)
		view.From, view.Changes = current.Number, diffView(s.Terms.Compare(before, text))
	}
	return s.render(c, http.StatusOK, pages.TermsPreview(view))
}

func (s *Server) withdrawVersion(c echo.Context) error {
	ctx := c.Request().Context()
	library, v, _, err := s.version(c)
	if err != nil {
		return err
	}
	err = s.Terms.Withdraw(ctx, session.User(ctx), v.Document, v.Number, c.Request().PostFormValue(terms.FieldReason))
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		text, _ := library.Text(v.Document, v.Number, s.locale(c, library, v))
		return s.draftPage(c, library, v, text, terms.FormatSummary(text.Summary), refused)
	}
	if errors.Is(err, terms.ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.done(c, "adminterms.withdrawn", "/admin/terms/"+v.Document)
}
