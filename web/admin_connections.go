package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/pages"
)

const (
	connectionsPath = "/admin/connections"
	connectPath     = "/admin/connect"
)

// connectionRoutes are where administrators connect identity providers.
func (s *Server) connectionRoutes() []route {
	get := func(path string, h echo.HandlerFunc) route { return route{admins, http.MethodGet, path, h, false} }
	post := func(path string, h echo.HandlerFunc) route { return route{adminsFresh, http.MethodPost, path, h, true} }
	const one = connectionsPath + "/:connection"
	return []route{
		get(connectionsPath, s.showConnections),
		get(connectPath+"/:preset", s.showConnect), post(connectPath+"/:preset", s.connect),
		get(one, s.showConnection), post(one, s.saveConnection),
		post(one+"/test", s.testConnection), post(one+"/remove", s.removeConnection),
	}
}

func (s *Server) showConnections(c echo.Context) error {
	all, err := s.Providers.All(c.Request().Context())
	if err != nil {
		return err
	}
	view := pages.ConnectionsPage{Page: s.adminPage(c, "connections.title")}
	for _, one := range all {
		preset, _ := idp.PresetOf(one.Preset)
		view.Rows = append(view.Rows, pages.ConnectionRow{
			ID: one.ID, Name: one.Name, URL: connectionsPath + "/" + one.ID, Provider: preset.Name, Enabled: one.Enabled,
		})
	}
	for _, preset := range idp.Presets() {
		view.Add = append(view.Add, pages.ConnectLink{Name: preset.Name, URL: connectPath + "/" + preset.Key})
	}
	return s.render(c, http.StatusOK, pages.Connections(view))
}

func (s *Server) showConnect(c echo.Context) error {
	preset, ok := idp.PresetOf(c.Param("preset"))
	if !ok {
		return echo.ErrNotFound
	}
	return s.connectionPage(c, connectionForm{setup: idp.SetupOf(preset.From(tenant.From(c.Request().Context()).ID)), preset: preset})
}

func (s *Server) connect(c echo.Context) error {
	ctx := c.Request().Context()
	preset, ok := idp.PresetOf(c.Param("preset"))
	if !ok {
		return echo.ErrNotFound
	}
	f := connectionForm{setup: readSetup(c), preset: preset}
	f.setup.Preset = preset.Key
	if shown, err := s.instead(c, f); shown {
		return err
	}
	made, err := s.Providers.Add(ctx, session.User(ctx), f.setup)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		f.refused = refused
		return s.connectionPage(c, f)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", connectionsPath+"/"+made.ID)
}

// connection finds the connection of the address.
func (s *Server) connection(c echo.Context) (idp.Connection, error) {
	found, err := s.Providers.Find(c.Request().Context(), c.Param("connection"))
	if errors.Is(err, idp.ErrNotFound) {
		err = echo.ErrNotFound
	}
	return found, err
}

func (s *Server) showConnection(c echo.Context) error {
	known, err := s.connection(c)
	if err != nil {
		return err
	}
	return s.connectionPage(c, formOf(known, idp.SetupOf(known)))
}

func formOf(known idp.Connection, setup idp.Setup) connectionForm {
	preset, ok := idp.PresetOf(known.Preset)
	if !ok {
		preset, _ = idp.PresetOf(idp.Custom)
	}
	setup.ID, setup.Issuer = known.ID, known.Issuer
	return connectionForm{setup: setup, preset: preset, known: true, secret: known.HasSecret()}
}

func (s *Server) saveConnection(c echo.Context) error {
	ctx := c.Request().Context()
	known, err := s.connection(c)
	if err != nil {
		return err
	}
	f := formOf(known, readSetup(c))
	if shown, err := s.instead(c, f); shown {
		return err
	}
	err = s.Providers.Change(ctx, session.User(ctx), known.ID, f.setup)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		f.refused = refused
		return s.connectionPage(c, f)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.saved", connectionsPath+"/"+known.ID)
}

// instead shows the form again when something else was asked than to save it: a preview; or when it waited for a fresh
// proof, because secrets do not wait and must be entered again.
func (s *Server) instead(c echo.Context, f connectionForm) (bool, error) {
	if c.Request().PostFormValue("do") == "preview" {
		return true, s.previewConnection(c, f)
	}
	if !c.Request().PostForm.Has(idp.FieldSecret) {
		return true, s.connectionPage(c, f)
	}
	return false, nil
}

func (s *Server) testConnection(c echo.Context) error {
	ctx := c.Request().Context()
	known, err := s.connection(c)
	if err != nil {
		return err
	}
	tried, err := s.Providers.Test(ctx, known.ID)
	if err != nil {
		return err
	}
	back := connectionsPath + "/" + known.ID
	view := pages.ConnectionTestPage{
		Page: s.titledAdmin(c, i18n.T(ctx, "connections.test.title", "name", known.Name)), Token: s.token(c), Name: known.Name, Back: back, Self: back + "/test",
		Callback: tenant.From(ctx).URL(known.CallbackPath()),
	}
	for _, one := range tried {
		step := pages.TestStep{Step: i18n.T(ctx, "connections.step."+string(one.Step)), OK: one.Reason == ""}
		if !step.OK {
			step.Reason = i18n.T(ctx, "connections.reason."+string(one.Reason))
		}
		view.Steps = append(view.Steps, step)
	}
	return s.render(c, http.StatusOK, pages.ConnectionTest(view))
}

func (s *Server) removeConnection(c echo.Context) error {
	ctx := c.Request().Context()
	known, err := s.connection(c)
	if err != nil {
		return err
	}
	err = s.Providers.Remove(ctx, session.User(ctx), known.ID)
	if errors.Is(err, idp.ErrInUse) {
		f := formOf(known, idp.SetupOf(known))
		f.refused.Add("", "connections.used")
		return s.connectionPage(c, f)
	}
	if err != nil {
		return err
	}
	return s.done(c, "connections.removed", connectionsPath)
}
