package web

import (
	"context"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

const peoplePath = "/admin/users"

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
	return s.peoplePage(c, c.Request().URL.Query(), nil)
}

// peoplePage is the list that the parameters of an address ask for.
func (s *Server) peoplePage(c echo.Context, asked url.Values, refused valid.Errors) error {
	ctx := c.Request().Context()
	query := admin.Query{
		Text: asked.Get("q"), State: admin.State(asked.Get("state")), After: asked.Get("after"), Before: asked.Get("before"), Limit: listRows,
	}
	found, err := s.Admin.Search(ctx, tenant.From(ctx).ID, query)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.PeoplePage{
		Page: s.adminPage(c, "admin.users"), Query: query.Text, State: string(query.State), States: stateTabs(ctx, query), Examples: searches(ctx),
		Token: f.token, Refusals: f.summary(), Back: peopleURL(asked, "", ""), Deeds: deedButtons(ctx),
	}
	for i, p := range found.People {
		view.People = append(view.People, pages.PersonRow{
			Name: p.Name, Email: p.Email, ID: p.User.ID, URL: personURL(p.User.ID, ""), Created: utc(p.CreatedAt), Last: utc(p.LastLogin),
			Tags: s.personTags(ctx, p), Field: chosenField(i), Tick: i18n.T(ctx, "bulk.tick", "name", firstNonEmpty(p.Name, p.Email, p.User.ID)),
		})
	}
	if found.Next != "" {
		view.Pager.Older = peopleURL(asked, "after", found.Next)
	}
	if found.Previous != "" {
		view.Pager.Newer = peopleURL(asked, "before", found.Previous)
	}
	if query.Text != "" {
		view.None = i18n.T(ctx, "admin.none", "q", query.Text)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.People(view))
}

// peopleURL is the address of a list: what asked narrows it to, on the same page, or on the one that a cursor leads to.
func peopleURL(asked url.Values, cursor, value string) string {
	values := url.Values{}
	for _, name := range []string{"q", "state", "after", "before"} {
		if asked.Get(name) != "" && (cursor == "" || name != "after" && name != "before") {
			values.Set(name, asked.Get(name))
		}
	}
	if cursor != "" {
		values.Set(cursor, value)
	}
	return (&url.URL{Path: peoplePath, RawQuery: values.Encode()}).String()
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
		tabs = append(tabs, pages.Tab{
			Text: i18n.T(ctx, "admin.state."+firstNonEmpty(string(state), "all")), Current: state == q.State,
			URL: peopleURL(url.Values{"q": {q.Text}, "state": {string(state)}}, "", ""),
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
	switch {
	case p.Email == "":
		tags = append(tags, pages.PersonTag{Tone: components.Warn, Text: i18n.T(ctx, "admin.tag.noemail")})
	case !p.EmailVerified:
		tags = append(tags, pages.PersonTag{Tone: components.Warn, Text: i18n.T(ctx, "profile.unverified")})
	}
	if p.Role == profile.RoleAdmin {
		tags = append(tags, pages.PersonTag{Text: i18n.T(ctx, "app.admin")})
	}
	return tags
}
