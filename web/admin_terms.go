package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
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
		post("/admin/terms/approval", s.saveApproval), post("/admin/terms/:doc/notice", s.saveNotice), post("/admin/terms/:doc/retire", s.retireDocument),
		get(version+"/rollout", s.showRollout), post(version+"/remind", s.remind),
		{adminsFresh, http.MethodGet, version + "/rollout.csv", s.downloadUndecided, false},
		get(version, s.showDraft), post(version, s.saveDraft),
		get(version+"/delete", s.showDeleteDraft), post(version+"/delete", s.deleteDraft),
		post(version+"/audience", s.limitDraft),
		get(version+"/preview", s.previewDraft),
		get(version+"/publish", s.showPublish), post(version+"/publish", s.publishDraft),
		post(version+"/approve", s.approveVersion), post(version+"/send-back", s.sendBack),
		get(version+"/correct", s.showCorrect), post(version+"/correct", s.correctText),
		post(version+"/withdraw", s.withdrawVersion),
	}
}

func (s *Server) showTermsAdmin(c echo.Context) error { return s.termsAdminPage(c, nil) }

func (s *Server) termsAdminPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	library, now, err := s.Terms.Read(ctx, tenant.From(ctx).ID)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.TermsAdminPage{
		Waiting: waitingVersions(ctx, library),
		Page:    s.adminPage(c, "adminterms.title"), Token: f.token, Refusals: f.summary(),
		Key: components.FieldModel{
			Name: terms.FieldKey, Label: i18n.T(ctx, "adminterms.key"), Hint: i18n.T(ctx, "adminterms.key.hint"), LTR: true,
			Value: c.Request().PostFormValue(terms.FieldKey), Error: f.problem(terms.FieldKey),
		},
		Assent: components.SelectModel{Name: "assent", Label: i18n.T(ctx, "adminterms.assent")},
		Locale: components.SelectModel{Name: "locale", Label: i18n.T(ctx, "adminterms.governing")},
	}
	view.Boxes, view.Months = purposeBoxes(c), monthsField(c, f)
	if view.Approval, err = s.approvalChoice(c); err != nil {
		return err
	}
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
		if d.Retired() {
			row.State = i18n.T(ctx, "terms.retired", "date", utc(d.RetiredAt))
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
	err := s.Terms.AddDocument(ctx, purposeOf(c, terms.Document{
		Tenant: t.ID, Key: form.Get(terms.FieldKey), Assent: assent, GoverningLocale: form.Get("locale"),
	}))
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
	library, now, err := s.Terms.Read(ctx, tenant.From(ctx).ID)
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

func (s *Server) showDocumentAdmin(c echo.Context) error { return s.documentAdminPage(c, nil) }

func (s *Server) documentAdminPage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	library, d, now, err := s.document(c)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.TermsVersionsPage{
		Page: s.titledAdmin(c, i18n.T(ctx, "adminterms.document", "key", d.Key)), Token: s.token(c), Self: "/admin/terms/" + d.Key, Public: "/terms/" + d.Key,
		Materiality: materialities(ctx, terms.Material), Notice: noticeChoice(ctx, d), Personal: personalChoice(ctx, d), Refusals: f.summary(), Reason: f.reason(c),
	}
	if d.Retired() {
		view.Retired = i18n.T(ctx, "terms.retired", "date", utc(d.RetiredAt))
	}
	view.Refused = len(refused) > 0
	if view.Consenting, err = s.consenting(c, d); err != nil {
		return err
	}
	versions := library.Of(d.Key)
	for i := len(versions) - 1; i >= 0; i-- {
		v := versions[i]
		view.Rows = append(view.Rows, pages.TermsVersionRow{
			Number: v.Number, URL: versionURL(v), State: i18n.T(ctx, "terms.state."+string(library.Stage(v, now))),
			Materiality: i18n.T(ctx, "adminterms.materiality."+string(v.Materiality)), Effective: utc(v.EffectiveAt), Enforce: utc(v.EnforceAt),
		})
	}
	return s.render(c, f.status(), pages.TermsVersions(view))
}
