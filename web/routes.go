package web

import (
	"maps"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"portico/static"
)

// route is one line of the route map: who may come through, and who answers. A form that carries a document may be large.
type route struct {
	gate   gate
	method string
	path   string
	handle echo.HandlerFunc
	large  bool
}

// routeMap is everything a browser can ask, grouped by gate.
func (s *Server) routeMap() []route {
	get := func(g gate, path string, h echo.HandlerFunc) route { return route{g, http.MethodGet, path, h, false} }
	post := func(g gate, path string, h echo.HandlerFunc) route { return route{g, http.MethodPost, path, h, false} }
	routes := []route{
		get(anyone, "/", s.home),
		get(anyone, "/help", s.showHelp), get(anyone, "/accessibility", s.showAccessibility),
		get(anyone, "/language", s.showLanguage), post(anyone, "/language", s.saveLanguage),
		get(anyone, "/resume", s.resume),

		get(anyone, "/signup", s.showSignUp), post(anyone, "/signup", s.signUp),
		get(anyone, "/login", s.showSignIn), post(anyone, "/login", s.signIn),
		post(anyone, "/logout", s.signOut),
		get(anyone, "/signed-out", s.showSignedOut),
		get(anyone, "/blocked", s.showBlocked),
		get(anyone, "/unblock/:ticket", s.openUnblock), get(anyone, "/unblock", s.showUnblock), post(anyone, "/unblock", s.unblock),

		get(anyone, "/verify", s.showVerify), post(anyone, "/verify", s.verifyByCode), post(anyone, "/verify/again", s.verifyAgain),
		get(anyone, "/verify/link", s.showVerifyLink), post(anyone, "/verify/link", s.verifyByLink),
		get(anyone, "/verify/:ticket", s.openVerify),

		get(anyone, "/password/forgot", s.showForgot), post(anyone, "/password/forgot", s.forgot),
		get(anyone, "/password/forgot/sent", s.showForgotSent),
		get(anyone, "/password/reset/:ticket", s.openReset),
		get(anyone, "/password/reset", s.showReset), post(anyone, "/password/reset", s.reset),
		get(sensitive, "/account/security/password", s.showChangePassword),
		post(sensitive, "/account/security/password", s.changePassword),

		get(open, "/privacy", s.toPrivacy),
		get(open, "/terms", s.public(keepCurrent, s.indexContent)), get(open, "/terms/:doc", s.public(keepCurrent, s.currentContent)),
		get(open, "/terms/:doc/versions", s.public(keepCurrent, s.historyContent)),
		get(open, "/terms/:doc/upcoming", s.public(keepCurrent, s.upcomingContent)),
		get(open, "/terms/:doc/embed", s.public(keepCurrent, s.embedContent)),
		get(open, "/terms/:doc/as-of/:date", s.public(keepCurrent, s.asOfContent)), get(open, "/terms/sha256/:hash", s.public(keepForever, s.bytesContent)),
		get(open, "/terms/feed.atom", s.public(keepCurrent, s.feedContent)), get(open, "/terms/:doc/feed.atom", s.public(keepCurrent, s.feedContent)),
		get(open, "/sitemap.xml", s.public(keepCurrent, s.siteMapContent)),
		get(open, "/terms/:doc/compare", s.public(keepVersion, s.compareContent)), get(open, "/terms/:doc/:n", s.public(keepVersion, s.versionContent)),
		get(exempt, "/terms/accept", s.showTerms), post(exempt, "/terms/accept", s.decideTerms),
		get(exempt, "/terms/declined", s.showDeclined),
		get(exempt, "/account/terms", s.showHistory),

		get(exempt, "/reauth", s.showReauth), post(exempt, "/reauth", s.reauth),
		get(member, "/account", s.showOverview),
		get(member, "/account/profile", s.showProfile), post(member, "/account/profile", s.saveProfile),
		get(member, "/account/letter", s.showLetter),
		get(sensitive, "/account/email", s.showEmail), post(sensitive, "/account/email", s.saveEmail),
		post(sensitive, "/account/email/code", s.codeEmail), post(sensitive, "/account/email/cancel", s.cancelEmail),
		get(member, "/account/security", s.showSecurity),
		get(member, "/account/security/sessions", s.showSessions), post(member, "/account/security/sessions/end", s.endSession),
		post(sensitive, "/account/security/sessions/end-others", s.endOtherSessions),
		get(member, "/account/security/activity", s.showActivity),
	}
	for _, l := range s.changeLinks() {
		routes = append(routes, get(anyone, l.path+"/:ticket", s.openChange(l)), get(anyone, l.path, s.showChange(l)),
			post(anyone, l.path, s.redeemChange(l)))
	}
	routes = append(routes, s.startRoutes()...)
	routes = append(routes, s.secureRoutes()...)
	routes = append(routes, s.zoneRoutes()...)
	routes = append(routes, s.wellKnownRoutes()...)
	routes = append(routes, s.providerRoutes()...)
	routes = append(routes, s.linkingRoutes()...)
	routes = append(routes, s.adminRoutes()...)
	routes = append(routes, s.blockRoutes()...)
	routes = append(routes, s.settingsRoutes()...)
	routes = append(routes, s.termsRoutes()...)
	routes = append(routes, s.consentRoutes()...)
	routes = append(routes, s.rightsRoutes()...)
	routes = append(routes, s.withdrawalRoutes()...)
	routes = append(routes, s.retentionRoutes()...)
	routes = append(routes, s.ledgerRoutes()...)
	routes = append(routes, s.proofRoutes()...)
	routes = append(routes, s.exportRoutes()...)
	routes = append(routes, s.connectionRoutes()...)
	routes = append(routes, s.emailRoutes()...)
	routes = append(routes, s.closeRoutes()...)
	routes = append(routes, s.ageRoutes()...)
	return append(routes, s.mailboxRoutes()...)
}

// register puts the routes and what stands before them in place. Static files and health answer without a tenant.
func (s *Server) register(e *echo.Echo) {
	e.Use(identify, s.access, recovered, s.headers)
	e.GET(static.Prefix+"*", echo.WrapHandler(static.Handler()))
	e.GET("/favicon.ico", s.favicon)
	e.GET("/healthz", s.healthy)
	e.GET("/readyz", s.ready)
	e.POST("/csp-reports", s.cspReport)
	e.RouteNotFound("/*", s.unknown, s.withTenant, s.withSession)
	for _, r := range s.routes {
		chain := []echo.MiddlewareFunc{limited(bodyLimit), s.withTenant}
		if r.large {
			chain[0] = limited(textLimit)
		}
		if r.gate != open {
			chain = append(chain, s.withSession, s.guarded)
		}
		gate := func(next echo.HandlerFunc) echo.HandlerFunc { return s.passes(r.gate, next) }
		e.Add(r.method, r.path, r.handle, append(chain, gate)...)
		if r.method == http.MethodGet {
			e.Add(http.MethodHead, r.path, r.handle, append(chain, gate)...)
		}
	}
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
