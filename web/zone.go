package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// zonePath is where one chooses the time zone from a list, which would be too long for the profile.
const zonePath = "/account/profile/zone"

func (s *Server) zoneRoutes() []route {
	return []route{{member, http.MethodGet, zonePath, s.showZone, false}, {member, http.MethodPost, zonePath, s.saveZone, false}}
}

func (s *Server) showZone(c echo.Context) error {
	ctx := c.Request().Context()
	if tenant.From(ctx).Policy(profile.FieldZone).Access != tenant.ReadWrite {
		return echo.ErrNotFound
	}
	_, _, chosen := profile.Preferences(session.From(ctx).Person.UserMetadata)
	return s.zonePage(c, chosen, nil)
}

// zonePage lists every zone with the time that it is there, by continents and oceans.
func (s *Server) zonePage(c echo.Context, chosen string, refused valid.Errors) error {
	f := s.form(c, refused)
	view := pages.ZonePage{Page: s.page(c, "profile.zone"), Token: f.token, Refusals: f.summary(), Error: f.problem(profile.FieldZone)}
	now := s.Now()
	for _, name := range profile.Zones() {
		zone, err := profile.Zone(name)
		if err != nil {
			return err
		}
		region, place, _ := strings.Cut(name, "/")
		if last := len(view.Groups) - 1; last < 0 || view.Groups[last].Region != region {
			view.Groups = append(view.Groups, pages.ZoneGroup{Region: region})
		}
		group := &view.Groups[len(view.Groups)-1]
		text := strings.ReplaceAll(place, "_", " ") + ", " + now.In(zone).Format("15:04")
		group.Options = append(group.Options, components.Option{Value: name, Text: text, Selected: name == chosen})
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Zone(view))
}

func (s *Server) saveZone(c echo.Context) error {
	ctx, zone := c.Request().Context(), c.Request().PostFormValue(profile.FieldZone)
	p, err := s.Profiles.Find(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	err = s.Profiles.Edit(ctx, p.User, profile.Edit{Version: p.Version, Values: map[string]string{profile.FieldZone: zone}})
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.zonePage(c, zone, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "profile.saved", "/account/profile")
}
