package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/views/components"
	"portico/views/pages"
)

const (
	linkingPath    = "/account/connections"
	connectingPath = linkingPath + "/with/"
)

// joiningCookie carries which comparison a browser looks at.
const joiningCookie = "joining"

// linkingRoutes are where people connect further identities to their account, and take them off.
func (s *Server) linkingRoutes() []route {
	return []route{
		{member, http.MethodGet, linkingPath, s.showLinking, false},
		{open, http.MethodGet, "/account/security/connections", s.toLinking, false},
		{sensitive, http.MethodPost, connectingPath + ":connection", s.goTo(idp.Link), false},
		{sensitive, http.MethodGet, linkingPath + "/join", s.showJoin, false},
		{sensitive, http.MethodPost, linkingPath + "/join", s.join, false},
		{sensitive, http.MethodGet, linkingPath + "/disconnect/:identity", s.showDisconnect, false},
		{sensitive, http.MethodPost, linkingPath + "/disconnect/:identity", s.disconnect, false},
	}
}

// toLinking leads from where the page was first.
func (s *Server) toLinking(c echo.Context) error {
	return c.Redirect(http.StatusMovedPermanently, linkingPath)
}

func (s *Server) showLinking(c echo.Context) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	attached, err := s.Providers.AttachedTo(ctx, live.User)
	if err != nil {
		return err
	}
	ways, err := s.Providers.WaysOf(ctx, live)
	if err != nil {
		return err
	}
	offered, err := s.Providers.Offered(ctx)
	if err != nil {
		return err
	}
	view := pages.LinkingPage{
		Page: s.page(c, "linking.title"), Token: s.token(c), Password: ways.Password, Email: live.Person.Email, Connect: providerButtons(idp.Link, offered),
	}
	for _, one := range attached {
		view.Rows = append(view.Rows, attachedRow(ctx, one))
	}
	if view.Hints, err = s.linkingHints(ctx, attached, offered); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, pages.Linking(view))
}

func attachedRow(ctx context.Context, a idp.Attached) pages.AttachedRow {
	row := pages.AttachedRow{
		Provider: firstNonEmpty(a.Connection.Name, a.Linked.Connection), Disconnect: linkingPath + "/disconnect/" + a.Mark(), Main: a.Main,
		Email: firstNonEmpty(a.Email, a.Nickname), Sync: syncWords(ctx, a), Since: i18n.T(ctx, "linking.since", "time", i18n.Date(ctx, a.CreatedAt)),
		Seen: i18n.T(ctx, "linking.seen", "time", i18n.DateTime(ctx, a.SeenAt)),
	}
	switch {
	case errors.Is(a.Bound, idp.ErrMain):
		row.Why = i18n.T(ctx, "linking.main.why")
	case errors.Is(a.Bound, idp.ErrLastWay):
		row.Why = i18n.T(ctx, "linking.last.why")
	}
	return row
}

// syncWords say what of the profile follows the provider (rule N-6).
func syncWords(ctx context.Context, a idp.Attached) string {
	switch {
	case !a.Main:
		return ""
	case a.Connection.Sync == idp.FirstLogin:
		return i18n.T(ctx, "linking.sync.first", "provider", a.Connection.Name)
	default:
		return i18n.T(ctx, "linking.sync.each", "provider", a.Connection.Name)
	}
}

// linkingHints say by which other ways somebody seems to have another account here. A hint leads nowhere by itself.
func (s *Server) linkingHints(ctx context.Context, attached []idp.Attached, offered []idp.Connection) ([]string, error) {
	suggested, err := s.Providers.Suggested(ctx, session.From(ctx))
	var hints []string
	for _, id := range suggested {
		if id == profile.Database && len(attached) > 0 {
			hints = append(hints, i18n.T(ctx, "linking.suggest.password", "provider", attached[0].Connection.Name))
		}
		for _, one := range offered {
			if one.ID == id {
				hints = append(hints, i18n.T(ctx, "linking.suggest", "provider", one.Name))
			}
		}
	}
	return hints, err
}

// weighed shows what linking whom a provider vouches for would do.
func (s *Server) weighed(c echo.Context, arrival idp.Arrival) error {
	ctx := c.Request().Context()
	token, err := s.Providers.Weigh(ctx, arrival, session.User(ctx), s.browser(c))
	if err != nil {
		return s.notAdmitted(c, arrival, err)
	}
	if err := s.seal(c, joiningCookie, token, idp.LinkLifetime); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, linkingPath+"/join")
}

// joining is the token of the comparison that this browser looks at.
func (s *Server) joining(c echo.Context) string {
	var token string
	s.unseal(c, joiningCookie, &token)
	return token
}

func (s *Server) showJoin(c echo.Context) error {
	ctx := c.Request().Context()
	if !s.Providers.JustProven(session.From(ctx)) {
		return s.detour(c, "/reauth") // linking wants a fresher proof than the gate (rule I-2)
	}
	found, err := s.Providers.Compare(ctx, session.User(ctx), s.joining(c), s.browser(c))
	if err != nil {
		return s.notAdmitted(c, idp.Arrival{Purpose: idp.Link}, err)
	}
	return s.render(c, http.StatusOK, pages.Join(s.joinPage(c, found)))
}

func (s *Server) joinPage(c echo.Context, found idp.Comparison) pages.JoinPage {
	ctx, name := c.Request().Context(), found.Connection.Name
	view := pages.JoinPage{Token: s.token(c), Sides: []pages.SideModel{{Title: i18n.T(ctx, "linking.here"), Facts: accountFacts(ctx, found.Primary)}}}
	if found.Secondary.User.IsZero() {
		view.Page, view.Lead = s.titled(c, i18n.T(ctx, "linking.confirm.add.title", "provider", name)), i18n.T(ctx, "linking.confirm.add.body", "provider", name)
		view.Button = i18n.T(ctx, "linking.connect", "provider", name)
		view.Sides = append(view.Sides, pages.SideModel{Title: name, Facts: stated([]pages.Row{
			{Label: i18n.T(ctx, "profile.name"), Value: found.Identity.Name}, {Label: i18n.T(ctx, "profile.email"), Value: found.Identity.Email, LTR: true},
		})})
		return view
	}
	view.Page, view.Button = s.page(c, "linking.confirm.title"), i18n.T(ctx, "linking.join")
	view.Sides = append(view.Sides, pages.SideModel{Title: i18n.T(ctx, "linking.there", "provider", name), Facts: accountFacts(ctx, found.Secondary)})
	view.Effects = []string{i18n.T(ctx, "linking.effect.both"), i18n.T(ctx, "linking.effect.gone"), i18n.T(ctx, "linking.effect.terms")}
	if len(found.Free) > 0 {
		view.Copy = &components.CheckModel{Name: "copy", Label: i18n.T(ctx, "linking.copy", "keys", s.settingNames(ctx, found.Free)), Checked: true}
	}
	if len(found.Taken) > 0 {
		view.Lost = i18n.T(ctx, "linking.lost", "provider", name, "keys", s.settingNames(ctx, found.Taken))
	}
	return view
}

// settingLabels name the settings that every person may have.
var settingLabels = map[string]string{
	profile.FieldLang: "linking.setting.lang", profile.FieldPageLang: "linking.setting.ui_lang", profile.FieldZone: "profile.zone",
}

// settingNames lists settings as people know them; those that they cannot set go by their key.
func (s *Server) settingNames(ctx context.Context, keys []string) string {
	schema := s.Profiles.Schema(tenant.From(ctx))
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key
		if label, ok := settingLabels[key]; ok {
			names[i] = i18n.T(ctx, label)
		}
		if p, ok := schema.Field(key); ok {
			names[i] = p.Label(i18n.Current(ctx).Tag)
		}
	}
	return strings.Join(names, ", ")
}

// accountFacts are what tells two accounts of one person apart.
func accountFacts(ctx context.Context, p profile.Profile) []pages.Row {
	last := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return i18n.DateTime(ctx, t)
	}
	return stated([]pages.Row{
		{Label: i18n.T(ctx, "profile.name"), Value: p.Name},
		{Label: i18n.T(ctx, "profile.nickname"), Value: p.Nickname},
		{Label: i18n.T(ctx, "profile.email"), Value: p.Email, LTR: true},
		{Label: i18n.T(ctx, "linking.created"), Value: i18n.Date(ctx, p.CreatedAt)},
		{Label: i18n.T(ctx, "linking.last"), Value: last(p.LastLogin)},
	})
}

// stated leaves out what is not known.
func stated(rows []pages.Row) []pages.Row {
	return slices.DeleteFunc(rows, func(r pages.Row) bool { return r.Value == "" })
}

func (s *Server) join(c echo.Context) error {
	ctx := c.Request().Context()
	joined, err := s.Providers.Join(ctx, session.From(ctx), s.joining(c), s.browser(c), c.Request().PostForm.Has("copy"))
	if errors.Is(err, idp.ErrProofTooOld) {
		return s.detour(c, "/reauth")
	}
	if err != nil {
		return s.notAdmitted(c, idp.Arrival{Purpose: idp.Link, Connection: joined}, err)
	}
	s.setCookie(c, joiningCookie, "", 0)
	return s.done(c, "linking.done", linkingPath)
}

// removable finds the identity of the address among those that can be taken off, or returns idp.ErrNotFound.
func (s *Server) removable(c echo.Context) (idp.Attached, error) {
	ctx := c.Request().Context()
	attached, err := s.Providers.AttachedTo(ctx, session.User(ctx))
	if err != nil {
		return idp.Attached{}, err
	}
	for _, one := range attached {
		if one.Bound == nil && one.Mark() == c.Param("identity") {
			return one, nil
		}
	}
	return idp.Attached{}, idp.ErrNotFound
}

// bound leads back to the page that says what is possible, and why the rest is not.
func (s *Server) bound(c echo.Context, err error) error {
	if errors.Is(err, idp.ErrNotFound) || errors.Is(err, idp.ErrMain) || errors.Is(err, idp.ErrLastWay) {
		return c.Redirect(http.StatusSeeOther, linkingPath)
	}
	return err
}

func (s *Server) showDisconnect(c echo.Context) error {
	ctx := c.Request().Context()
	one, err := s.removable(c)
	if err != nil {
		return s.bound(c, err)
	}
	row := attachedRow(ctx, one)
	return s.render(c, http.StatusOK, pages.Disconnect(pages.DisconnectPage{
		Page: s.titled(c, i18n.T(ctx, "linking.remove.title", "provider", row.Provider)), Token: s.token(c), Row: row, Effects: []string{
			i18n.T(ctx, "linking.remove.effect.own", "provider", row.Provider), i18n.T(ctx, "linking.remove.effect.terms"), i18n.T(ctx, "linking.remove.effect.sessions", "provider", row.Provider),
		},
	}))
}

func (s *Server) disconnect(c echo.Context) error {
	ctx := c.Request().Context()
	one, err := s.removable(c)
	if err == nil {
		err = s.Providers.Unlink(ctx, session.User(ctx), one.Linked.Connection, one.Subject)
	}
	if err != nil {
		return s.bound(c, err)
	}
	return s.done(c, "linking.removed", linkingPath)
}

// signsInBy names the providers that lead to an account, with a dash when none does yet, and says why there is no password
// when there is none. Without any provider to choose there is nothing to name.
func (s *Server) signsInBy(ctx context.Context, live session.Live) (names, noPassword string, err error) {
	ways, err := s.Providers.WaysOf(ctx, live)
	if err != nil {
		return "", "", err
	}
	var all []string
	for _, one := range ways.Connections {
		all = append(all, one.Name)
	}
	names = strings.Join(all, ", ")
	if !ways.Password {
		return names, i18n.T(ctx, "security.nopassword", "provider", names), nil
	}
	offered, err := s.Providers.Offered(ctx)
	if names == "" && len(offered) > 0 {
		names = "–"
	}
	return names, "", err
}
