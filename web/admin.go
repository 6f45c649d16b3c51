package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/views/layouts"
)

// adminPages is the navigation of the administration.
var adminPages = []navPage{
	{key: "admin.title", path: "/admin"},
	{key: "admin.users", path: "/admin/users"},
	{key: "admin.blocks", path: "/admin/blocks"},
	{key: "emails.title", path: "/admin/emails"},
	{key: "adminterms.title", path: "/admin/terms"},
	{key: "connections.title", path: connectionsPath, along: connectPath},
	{key: "admin.requests", path: "/admin/requests"},
	{key: "retention.title", path: retentionPath},
	{key: "admin.audit", path: "/admin/audit"},
	{key: "settings.title", path: settingsPath},
}

// adminPage is page for the administration.
func (s *Server) adminPage(c echo.Context, key string) layouts.Page {
	return s.titledAdmin(c, i18n.T(c.Request().Context(), key))
}

// titledAdmin is adminPage with a title that is no message.
func (s *Server) titledAdmin(c echo.Context, title string) layouts.Page {
	p := s.titled(c, title)
	p.Admin, p.Nav = true, nav(c.Request().Context(), c.Path(), adminPages)
	return p
}

// adminRoutes are the administrators' pages about people; every write asks who it is again (security.md row 75).
func (s *Server) adminRoutes() []route {
	get := func(path string, h echo.HandlerFunc) route { return route{admins, http.MethodGet, path, h, false} }
	post := func(path string, h echo.HandlerFunc) route {
		return route{adminsFresh, http.MethodPost, path, h, false}
	}
	return []route{
		get("/admin", s.showAdmin), get("/admin/users", s.showPeople), get("/admin/audit", s.showAudit),
		{adminsFresh, http.MethodGet, auditFile, s.downloadAudit, false},
		get(requestsPath, s.showRequests), get(requestsPath+"/:id", s.showRequest), post(requestsPath+"/:id", s.settleRequest),
		get("/admin/users/new", s.showNewPerson), post("/admin/users/new", s.createPerson),
		get(selectedPath, s.showSelected), post(selectedPath, s.doSelected),
		get("/admin/users/:id", s.showPerson), post("/admin/users/:id", s.savePerson),
		get("/admin/users/:id/email", s.showPersonEmail), post("/admin/users/:id/email", s.savePersonEmail),
		get("/admin/users/:id/metadata", s.showMetadata),
		{adminsFresh, http.MethodPost, "/admin/users/:id/metadata", s.saveMetadata, true},
		get("/admin/users/:id/security", s.showPersonSecurity), get("/admin/users/:id/activity", s.showPersonActivity),
		get("/admin/users/:id/actions", s.showActions), post("/admin/users/:id/actions", s.act),
	}
}
