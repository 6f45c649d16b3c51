package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// person is whom the address names: of this tenant, or the page does not exist.
func (s *Server) person(c echo.Context) (tenant.User, error) {
	id, err := url.PathUnescape(c.Param("id"))
	if err != nil || id == "" {
		return tenant.User{}, echo.ErrNotFound
	}
	return tenant.User{Tenant: tenant.From(c.Request().Context()).ID, ID: id}, nil
}

// personTabs are the pages about one person.
var personTabs = []string{"", "metadata", "security", "consents", "activity", "actions"}

// personPage is what the pages about one person have in common.
func (s *Server) personPage(c echo.Context, p profile.Profile, tab string) pages.PersonPage {
	ctx := c.Request().Context()
	view := pages.PersonPage{
		Page: s.adminPage(c, "admin.users"), Token: s.formToken(c), Name: firstNonEmpty(p.Name, p.Email, p.User.ID), ID: p.User.ID,
		PersonInitials: profile.Initials(p.Name, p.Email), Tags: s.personTags(ctx, p), Self: personURL(p.User.ID, ""),
		Blocked: p.Block.Blocked,
	}
	view.Title = view.Name
	for _, name := range personTabs {
		view.Tabs = append(view.Tabs, pages.Tab{
			Text: i18n.T(ctx, "admin.tab."+firstNonEmpty(name, "profile")), URL: personURL(p.User.ID, name), Current: name == tab,
		})
	}
	return view
}

func (s *Server) showPerson(c echo.Context) error {
	ctx := c.Request().Context()
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Look(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	return s.personForm(c, p, nil, nil)
}

func (s *Server) personForm(c echo.Context, p profile.Profile, typed map[string]string, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	view := pages.PersonProfilePage{
		PersonPage: s.personPage(c, p, ""), Refusals: f.summary(), Version: strconv.FormatInt(p.Version, 10), Email: p.Email,
		Verified: p.EmailVerified,
		Facts: []pages.Row{
			{Label: i18n.T(ctx, "admin.created"), Value: utc(p.CreatedAt), LTR: true},
			{Label: i18n.T(ctx, "admin.updated"), Value: utc(p.UpdatedAt), LTR: true},
			{Label: i18n.T(ctx, "admin.last"), Value: utc(p.LastLogin), LTR: true},
			{Label: i18n.T(ctx, "admin.count"), Value: strconv.FormatInt(p.LoginsCount, 10), LTR: true},
			{Label: i18n.T(ctx, "admin.connection"), Value: p.Connection, LTR: true},
			{Label: i18n.T(ctx, "profile.lang.mail.row"), Value: firstNonEmpty(p.UserMetadata.Text(profile.FieldLang), "–"), LTR: true},
		},
	}
	for _, name := range profile.Correctable(tenant.From(ctx), p) {
		value, sent := typed[name]
		if !sent {
			value = p.Value(name)
		}
		field := components.FieldModel{
			Name: name, Label: i18n.T(ctx, profileLabels[name]), Value: value, Error: f.problem(name), Optional: name != profile.FieldName,
			LTR: name == profile.FieldPhone || name == profile.FieldUsername, Autocomplete: "off",
		}
		if p.IsManaged(name) { // rule P-3
			field.Value, field.ReadOnly, field.Optional, field.Hint = p.Value(name), true, false, i18n.T(ctx, "admin.managed", "provider", p.ManagedBy)
		}
		view.Fields = append(view.Fields, field)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.PersonProfile(view))
}

func (s *Server) savePerson(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	typed := map[string]string{}
	for name, value := range flat(form) {
		if _, known := profileLabels[name]; known {
			typed[name] = value
		}
	}
	version, _ := strconv.ParseInt(form.Get(fieldVersion), 10, 64)
	err = s.Admin.Correct(ctx, session.User(ctx), u, version, typed)
	refused, isRefused := errors.AsType[valid.Errors](err)
	if _, stale := errors.AsType[profile.Stale](err); stale {
		refused, isRefused = valid.Errors{{Key: "admin.stale"}}, true
	}
	if isRefused {
		p, err := s.Admin.Find(ctx, session.User(ctx), u)
		if err != nil {
			return err
		}
		return s.personForm(c, p, typed, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", personURL(u.ID, ""))
}

func (s *Server) showPersonSecurity(c echo.Context) error {
	ctx := c.Request().Context()
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Look(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	sessions, err := s.Sessions.List(ctx, u)
	if err != nil {
		return err
	}
	view := pages.PersonSecurityPage{PersonPage: s.personPage(c, p, "security"), Devices: s.devices(c, sessions, session.From(ctx))}
	if view.Identities, err = s.identityModels(ctx, u); err != nil {
		return err
	}
	for i, one := range sessions {
		view.Devices[i].Since, view.Devices[i].Seen = utc(one.CreatedAt), utc(one.SeenAt)
	}
	view.Token = s.token(c)
	return s.render(c, http.StatusOK, pages.PersonSecurity(view))
}

func (s *Server) showPersonActivity(c echo.Context) error {
	ctx := c.Request().Context()
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Look(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	events, pager, err := s.eventPage(c, u.Tenant, audit.Filter{User: u.ID})
	if err != nil {
		return err
	}
	view := pages.PersonActivityPage{PersonPage: s.personPage(c, p, "activity"), Events: adminRows(ctx, events), Pager: pager}
	return s.render(c, http.StatusOK, pages.PersonActivity(view))
}
