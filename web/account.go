package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/views/components"
	"portico/views/pages"
)

// showOverview is the start of the account: what waits, and what one would want to look at. Everything on it came with
// the session, so it asks the database nothing unless new terms are announced.
func (s *Server) showOverview(c echo.Context) error {
	ctx := c.Request().Context()
	person := session.From(ctx).Person
	lang, letters, _ := profile.Preferences(person.UserMetadata)
	tasks, err := s.tasks(c)
	if err != nil {
		return err
	}
	view := pages.OverviewPage{
		Page: s.titled(c, i18n.T(ctx, "home.title", "nickname", firstNonEmpty(person.Nickname, person.Name, person.Email))), Initials: profile.Initials(person.Name, person.Email),
		Email: person.Email, Tasks: tasks,
		Rows: []pages.Row{
			{Label: i18n.T(ctx, "profile.name"), Value: person.Name, Link: "/account/profile"},
			s.emailRow(c, person),
			{Label: i18n.T(ctx, "profile.lang.ui.row"), Value: languageName(tenant.From(ctx), firstNonEmpty(lang, letters, i18n.Current(ctx).Tag)), Link: "/account/profile#language"},
		},
	}
	if person.Email != "" { // without an address there are no letters (rule N-9)
		view.Rows = append(view.Rows, pages.Row{
			Label: i18n.T(ctx, "profile.lang.mail.row"), Value: languageName(tenant.From(ctx), firstNonEmpty(letters, tenant.From(ctx).Locales[0])), Link: "/account/profile#language",
		})
	}
	if person.Role == profile.RoleAdmin {
		view.AdminURL = "/admin"
	}
	return s.render(c, http.StatusOK, pages.Overview(view))
}

func (s *Server) emailRow(c echo.Context, person session.Person) pages.Row {
	ctx := c.Request().Context()
	row := pages.Row{Label: i18n.T(ctx, "profile.email"), Value: person.Email, LTR: true, Link: "/account/email"}
	if person.Email == "" {
		row.Value, row.LTR, row.None = i18n.T(ctx, "security.noemail"), false, true
		return row
	}
	if person.EmailVerified {
		row.Tag, row.Tone = i18n.T(ctx, "profile.verified"), components.OK
	} else {
		row.Tag, row.Tone = i18n.T(ctx, "profile.unverified"), components.Warn
	}
	return row
}

// tasks are what waits for the person, the most urgent first.
func (s *Server) tasks(c echo.Context) ([]pages.Task, error) {
	ctx := c.Request().Context()
	person := session.From(ctx).Person
	var tasks []pages.Task
	if person.Email == "" {
		tasks = append(tasks, pages.Task{
			Tone: components.Warn, Text: i18n.T(ctx, "home.noemail"), Link: "/account/email", Button: i18n.T(ctx, "email.add.title"),
		})
	} else if said, _ := s.toProve(c); said != "" {
		tasks = append(tasks, pages.Task{Tone: components.Warn, Text: said, Link: "/verify", Button: i18n.T(ctx, "verify.submit")})
	}
	if person.PendingEmail != "" {
		tasks = append(tasks, pages.Task{
			Text: i18n.T(ctx, "email.add.pending", "email", person.PendingEmail), Link: "/account/email", Button: i18n.T(ctx, "home.pending.button"),
		})
	}
	twins, err := s.Providers.Suggested(ctx, session.From(ctx))
	if err != nil {
		return nil, err
	}
	if len(twins) > 0 {
		tasks = append(tasks, pages.Task{Text: i18n.T(ctx, "home.twin"), Link: linkingPath, Button: i18n.T(ctx, "linking.title")})
	}
	if said, link, _ := s.announced(c); said != "" {
		tasks = append(tasks, pages.Task{Text: said, Link: link, Button: i18n.T(ctx, "home.terms.button")})
	}
	return tasks, nil
}

func firstNonEmpty(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// languageName is a language in its own words.
func languageName(t tenant.Tenant, tag string) string {
	if found, ok := i18n.MatchTag(t.Locales, tag); ok {
		tag = found
	}
	language, _ := i18n.Find(tag)
	return language.Name
}

func (s *Server) showHelp(c echo.Context) error {
	t := tenant.From(c.Request().Context())
	return s.render(c, http.StatusOK, pages.Help(pages.HelpPage{
		Page: s.page(c, "help.title"), SupportEmail: t.SupportEmail, SupportURL: t.SupportURL,
	}))
}

func (s *Server) showLanguage(c echo.Context) error {
	ctx := c.Request().Context()
	view := pages.LanguagePage{Page: s.page(c, "language.title"), Token: s.token(c), ReturnTo: c.QueryParam("return_to")}
	view.Page.Path = "/"
	for _, tag := range tenant.From(ctx).Locales {
		language, ok := i18n.Find(tag)
		if !ok {
			continue
		}
		view.Languages = append(view.Languages, components.Option{
			Value: tag, Text: language.Name, Lang: tag, Selected: tag == i18n.Current(ctx).Tag,
		})
	}
	return s.render(c, http.StatusOK, pages.Language(view))
}

// saveLanguage keeps the language of pages: in the profile of who is signed in, else in this browser.
func (s *Server) saveLanguage(c echo.Context) error {
	ctx := c.Request().Context()
	lang, ok := i18n.MatchTag(tenant.From(ctx).Locales, c.Request().PostFormValue("lang"))
	if !ok {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	s.setCookie(c, languageChoice, lang, 365*24*time.Hour)
	if live := session.From(ctx); live.SignedIn() {
		if err := s.Profiles.ChooseLanguage(ctx, live.User, lang); err != nil {
			return err
		}
	}
	return c.Redirect(http.StatusSeeOther, s.safeReturnOr(c.Request().PostFormValue("return_to"), "/"))
}
