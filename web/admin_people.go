package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// utc is how the administration shows times: in UTC, to the second.
func utc(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// personURL is the address of a tab of somebody's page.
func personURL(id, tab string) string {
	address := "/admin/users/" + url.PathEscape(id)
	if tab != "" {
		address += "/" + tab
	}
	return address
}

func (s *Server) showPeople(c echo.Context) error {
	ctx := c.Request().Context()
	query := admin.Query{
		Text: c.QueryParam("q"), State: admin.State(c.QueryParam("state")), After: c.QueryParam("after"), Before: c.QueryParam("before"), Limit: listRows,
	}
	found, err := s.Admin.Search(ctx, tenant.From(ctx).ID, query)
	if err != nil {
		return err
	}
	view := pages.PeoplePage{Page: s.adminPage(c, "admin.users"), Query: query.Text, State: string(query.State), States: stateTabs(ctx, query), Examples: searches(ctx)}
	for _, p := range found.People {
		view.People = append(view.People, pages.PersonRow{
			Name: p.Name, Email: p.Email, ID: p.User.ID, URL: personURL(p.User.ID, ""), Created: utc(p.CreatedAt), Last: utc(p.LastLogin),
			Tags: s.personTags(ctx, p),
		})
	}
	if found.Next != "" {
		view.Pager.Older = withQuery(c, "after", found.Next, "before")
	}
	if found.Previous != "" {
		view.Pager.Newer = withQuery(c, "before", found.Previous, "after")
	}
	if query.Text != "" {
		view.None = i18n.T(ctx, "admin.none", "q", query.Text)
	}
	return s.render(c, http.StatusOK, pages.People(view))
}

// searches are examples of what can be looked for: all that admin.Query finds people by.
func searches(ctx context.Context) []pages.PlanRow {
	rows := []pages.PlanRow{
		{Label: "ferr", Value: i18n.T(ctx, "find.word")}, {Label: "ana ferr", Value: i18n.T(ctx, "find.name")}, {Label: "ana@", Value: i18n.T(ctx, "find.email")},
	}
	if tenant.From(ctx).Policy(profile.FieldUsername).Access != tenant.Hide {
		rows = append(rows, pages.PlanRow{Label: "ana.f", Value: i18n.T(ctx, "find.username")})
	}
	return append(rows, pages.PlanRow{Label: "portico|01", Value: i18n.T(ctx, "find.id")})
}

// stateTabs lead to the same search in each state.
func stateTabs(ctx context.Context, q admin.Query) []pages.Tab {
	var tabs []pages.Tab
	for _, state := range []admin.State{admin.Everybody, admin.Blocked, admin.Unverified, admin.Admins, admin.Restricted} {
		values := url.Values{}
		for name, value := range map[string]string{"q": q.Text, "state": string(state)} {
			if value != "" {
				values.Set(name, value)
			}
		}
		tabs = append(tabs, pages.Tab{
			Text: i18n.T(ctx, "admin.state."+firstNonEmpty(string(state), "all")), Current: state == q.State,
			URL: (&url.URL{Path: "/admin/users", RawQuery: values.Encode()}).String(),
		})
	}
	return tabs
}

func (s *Server) personTags(ctx context.Context, p profile.Profile) []pages.PersonTag {
	var tags []pages.PersonTag
	if p.Block.InForce(s.Now()) {
		tags = append(tags, pages.PersonTag{Tone: components.Danger, Text: i18n.T(ctx, "admin.tag.blocked")})
	} else {
		tags = append(tags, pages.PersonTag{Tone: components.OK, Text: i18n.T(ctx, "admin.tag.active")})
	}
	if p.Restriction.On {
		tags = append(tags, pages.PersonTag{Tone: components.Warn, Text: i18n.T(ctx, "admin.state.restricted")})
	}
	if !p.EmailVerified {
		tags = append(tags, pages.PersonTag{Tone: components.Warn, Text: i18n.T(ctx, "profile.unverified")})
	}
	if p.Role == profile.RoleAdmin {
		tags = append(tags, pages.PersonTag{Text: i18n.T(ctx, "app.admin")})
	}
	return tags
}

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
		view.Fields = append(view.Fields, components.FieldModel{
			Name: name, Label: i18n.T(ctx, profileLabels[name]), Value: value, Error: f.problem(name), Optional: name != profile.FieldName,
			LTR: name == profile.FieldPhone || name == profile.FieldUsername, Autocomplete: "off",
		})
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

func (s *Server) showMetadata(c echo.Context) error {
	ctx := c.Request().Context()
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Look(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	m := admin.Metadata{Version: p.Version, User: pretty(p.UserMetadata.JSON()), App: pretty(p.AppMetadata.JSON())}
	return s.metadataForm(c, p, m, nil)
}

func pretty(content []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, content, "", "  ") != nil {
		return string(content)
	}
	return b.String()
}

func (s *Server) metadataForm(c echo.Context, p profile.Profile, m admin.Metadata, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	view := pages.PersonMetadataPage{
		PersonPage: s.personPage(c, p, "metadata"), Refusals: f.summary(), Version: strconv.FormatInt(m.Version, 10),
		User: components.FieldModel{
			Name: admin.FieldUser, Label: "user_metadata", Hint: i18n.T(ctx, "admin.user_metadata.hint"), Value: m.User, Rows: 10, Mono: true, Error: f.problem(admin.FieldUser),
		},
		App: components.FieldModel{
			Name: admin.FieldApp, Label: "app_metadata", Hint: i18n.T(ctx, "admin.app_metadata.hint"), Value: m.App, Rows: 10, Mono: true, Error: f.problem(admin.FieldApp),
		},
		Size: i18n.T(ctx, "admin.size", "user", len(p.UserMetadata.JSON()), "app", len(p.AppMetadata.JSON()), "max", profile.MaxMetadata),
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.PersonMetadata(view))
}

// saveMetadata first shows what would change, and saves it when that page is sent.
func (s *Server) saveMetadata(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Find(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	version, _ := strconv.ParseInt(form.Get(fieldVersion), 10, 64)
	m := admin.Metadata{Version: version, User: form.Get(admin.FieldUser), App: form.Get(admin.FieldApp)}
	user, app, err := m.Check()
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.metadataForm(c, p, m, refused)
	}
	if err != nil {
		return err
	}
	if form.Get("confirmed") == "" {
		view := pages.PersonDiffPage{
			PersonPage: s.personPage(c, p, "metadata"), Version: form.Get(fieldVersion), User: m.User, App: m.App,
			Rows: append(metadataDiff("user_metadata", p.UserMetadata, user), metadataDiff("app_metadata", p.AppMetadata, app)...),
		}
		view.Token = s.token(c)
		return s.render(c, http.StatusOK, pages.PersonDiff(view))
	}
	err = s.Admin.SetMetadata(ctx, session.User(ctx), u, m)
	if _, stale := errors.AsType[profile.Stale](err); stale {
		m.Version = p.Version
		return s.metadataForm(c, p, m, valid.Errors{{Key: "admin.stale"}})
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", personURL(u.ID, "metadata"))
}

// metadataDiff lists what changes between two objects, root key by root key.
func metadataDiff(name string, before, after profile.Metadata) []pages.DiffRow {
	var rows []pages.DiffRow
	for _, key := range after.Changed(before) {
		rows = append(rows, pages.DiffRow{Key: name + "." + key, Before: string(before[key]), After: string(after[key])})
	}
	return rows
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

func (s *Server) showActions(c echo.Context) error { return s.actionsPage(c, nil) }

func (s *Server) actionsPage(c echo.Context, refused valid.Errors) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Find(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.PersonActionsPage{
		PersonPage: s.personPage(c, p, "actions"), Refusals: f.summary(), IsAdmin: p.Role == profile.RoleAdmin,
		IsSelf: u == session.User(ctx), Verified: p.EmailVerified, Effect: i18n.T(ctx, "admin.block.effect", "name", firstNonEmpty(p.Name, p.Email)),
		Reason: components.FieldModel{
			Name: admin.FieldReason, Label: i18n.T(ctx, "admin.block.reason"), Value: form.Get(admin.FieldReason), Error: f.problem(admin.FieldReason),
		},
		Message: components.FieldModel{
			Name: admin.FieldMessage, Label: i18n.T(ctx, "admin.block.public"), Value: form.Get(admin.FieldMessage), Optional: true, Rows: 3, Error: f.problem(admin.FieldMessage),
		},
		Until: components.FieldModel{
			Name: admin.FieldUntil, Label: i18n.T(ctx, "admin.block.until"), Hint: i18n.T(ctx, "admin.block.until.hint"), Type: "date", Value: form.Get(admin.FieldUntil),
			Optional: true, LTR: true, Error: f.problem(admin.FieldUntil),
		},
		BlockReason: p.Block.Reason, BlockedAt: utc(p.Block.At), Why: components.FieldModel{
			Name: fieldWhy, Label: i18n.T(ctx, "admin.block.reason"), Value: form.Get(fieldWhy), Error: f.problem(fieldWhy),
		},
	}
	if p.Restriction.On {
		view.Restricted = i18n.T(ctx, "restrict.since", "time", utc(p.Restriction.At)) + " " + p.Restriction.Reason
	}
	view.Age = ageResult(ctx, p)
	view.AgeWhy = components.FieldModel{
		Name: fieldAgeWhy, Label: i18n.T(ctx, "admin.block.reason"), Value: form.Get(fieldAgeWhy), Error: f.problem(fieldAgeWhy),
	}
	view.Token = s.token(c)
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.PersonActions(view))
}

// act does one of the actions on somebody's page.
func (s *Server) act(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	me := session.User(ctx)
	switch form.Get("action") {
	case "verify":
		err = s.Admin.SendVerification(ctx, me, u)
	case "reset":
		err = s.Admin.SendReset(ctx, me, u)
	case "change":
		err = s.Admin.RequirePasswordChange(ctx, me, u)
	case "end":
		err = s.Admin.EndSessions(ctx, me, u)
	case "lift":
		err = s.Admin.LiftAutomatic(ctx, me, u)
	case "promote":
		err = s.Admin.SetRole(ctx, me, u, profile.RoleAdmin)
	case "demote":
		err = s.Admin.SetRole(ctx, me, u, profile.RoleNone)
	case "unblock":
		err = s.Admin.Unblock(ctx, me, u, form.Get(admin.FieldReason))
	case "restrict":
		err = whyFor(fieldWhy, s.Privacy.Restrict(ctx, me, u, form.Get(fieldWhy)))
	case "unrestrict":
		err = whyFor(fieldWhy, s.Privacy.Lift(ctx, me, u, form.Get(fieldWhy)))
	case "age":
		err = whyFor(fieldAgeWhy, s.Admin.ClearAge(ctx, me, u, form.Get(fieldAgeWhy)))
	case "block":
		err = s.block(c, me, u)
	default:
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	if errors.Is(err, privacy.ErrAdministrator) {
		return s.actionsPage(c, valid.Errors{{Key: "restrict.administrator"}})
	}
	if errors.Is(err, admin.ErrLast) {
		return s.actionsPage(c, valid.Errors{{Key: "admin.self"}})
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.actionsPage(c, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.done", personURL(u.ID, "actions"))
}

// The fields of the reasons for a restriction and for asking somebody's age again, beside that of a block.
const (
	fieldWhy    = "why"
	fieldAgeWhy = "age_why"
)

// whyFor puts what is wrong with a reason at its field.
func whyFor(field string, err error) error {
	refused, ok := errors.AsType[valid.Errors](err)
	if !ok {
		return err
	}
	for i := range refused {
		refused[i].Field = field
	}
	return refused
}

func (s *Server) block(c echo.Context, me, u tenant.User) error {
	form := c.Request().PostForm
	b := admin.Blocking{Reason: form.Get(admin.FieldReason), Message: form.Get(admin.FieldMessage)}
	if typed := form.Get(admin.FieldUntil); typed != "" {
		day, err := time.Parse(time.DateOnly, typed)
		if err != nil {
			return valid.Errors{{Field: admin.FieldUntil, Key: "err.until"}}
		}
		b.Until = day
	}
	return s.Admin.Block(c.Request().Context(), me, u, b)
}
