package web

import (
	"github.com/labstack/echo/v4"

	"portico/views/layouts"
)

// adminPages is the navigation of the administration.
var adminPages = []navPage{
	{"emails.title", "/admin/emails"},
}

// adminPage is page for the administration.
func (s *Server) adminPage(c echo.Context, key string) layouts.Page {
	p := s.page(c, key)
	p.Admin, p.Nav = true, nav(c.Request().Context(), c.Path(), adminPages)
	return p
}
