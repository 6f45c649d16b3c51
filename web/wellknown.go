package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/tenant"
	"portico/static"
	"portico/views/pages"
)

// dayLong is how long an address that machines ask for may be kept.
const dayLong = "public, max-age=86400"

// wellKnownRoutes are the addresses that programs ask for without being told (ux.md 1.5).
func (s *Server) wellKnownRoutes() []route {
	get := func(path string, h echo.HandlerFunc) route { return route{open, http.MethodGet, path, h, false} }
	return []route{
		get("/robots.txt", s.robots),
		get("/site.webmanifest", s.manifest),
		get("/.well-known/security.txt", s.securityContact),
		get("/.well-known/change-password", s.wellKnownChange),
	}
}

// robots lets search engines see the public documents and nothing else (RFC 9309).
func (s *Server) robots(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", dayLong)
	t := tenant.From(c.Request().Context())
	return c.String(http.StatusOK, "User-agent: *\nDisallow: /\nAllow: /terms\nAllow: /static/\nDisallow: /terms/accept\nDisallow: /terms/declined\n"+
		"Sitemap: "+t.URL("/sitemap.xml")+"\n")
}

// manifest says what a browser shows when somebody keeps the portal on their start screen.
func (s *Server) manifest(c echo.Context) error {
	type icon struct {
		Source string `json:"src"`
		Sizes  string `json:"sizes"`
		Type   string `json:"type"`
	}
	t := tenant.From(c.Request().Context())
	h := c.Response().Header()
	h.Set("Cache-Control", dayLong)
	h.Set(echo.HeaderContentType, "application/manifest+json")
	return c.JSON(http.StatusOK, struct {
		Name    string `json:"name"`
		Lang    string `json:"lang"`
		Start   string `json:"start_url"`
		Scope   string `json:"scope"`
		Display string `json:"display"`
		Icons   []icon `json:"icons"`
	}{t.Product, t.Locales[0], "/account", "/", "minimal-ui", []icon{{static.URL("favicon.svg"), "any", "image/svg+xml"}}})
}

// securityFresh is how long a contact for finders of weaknesses is promised: less than a year (RFC 9116, 2.5.5).
const securityFresh = 180 * 24 * time.Hour

// securityContact says where to report a weakness (RFC 9116). Without a contact there is none.
func (s *Server) securityContact(c echo.Context) error {
	t := tenant.From(c.Request().Context())
	contact := t.SupportURL
	if t.SupportEmail != "" {
		contact = "mailto:" + t.SupportEmail
	}
	if contact == "" {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", dayLong)
	expires := s.Now().Add(securityFresh).UTC().Truncate(24 * time.Hour)
	return c.String(http.StatusOK, fmt.Sprintf("Contact: %s\nExpires: %s\nPreferred-Languages: %s\nCanonical: %s\n",
		contact, expires.Format(time.RFC3339), strings.Join(t.Locales, ", "), t.URL("/.well-known/security.txt")))
}

// unknown answers an address that nothing stands at, in the language and look of the tenant.
func (s *Server) unknown(echo.Context) error { return echo.ErrNotFound }

// showAccessibility says what is done so that everybody can use the portal, and how to report what is not.
func (s *Server) showAccessibility(c echo.Context) error {
	t := tenant.From(c.Request().Context())
	return s.render(c, http.StatusOK, pages.Accessibility(pages.HelpPage{
		Page: s.page(c, "access.title"), SupportEmail: t.SupportEmail, SupportURL: t.SupportURL,
	}))
}
