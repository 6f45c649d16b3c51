// Package web is what a browser can ask: routes, gates and handlers. Echo is known here and nowhere else.
//
// A handler parses, calls one method of the domain, chooses the answer and renders. Everything that is the same for many
// routes is middleware; who may come through is a gate in the route map.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/age"
	"portico/internal/audit"
	"portico/internal/idp"
	"portico/internal/keys"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/password"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/retention"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/internal/signup"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/internal/verification"
)

// Config is what the server needs to do its work. Secure says that people reach it over TLS. Proxies are the networks
// whose X-Forwarded-For is believed (security.md row 53). Mailbox is set in the demonstration alone. Ready says whether the process can serve.
type Config struct {
	Tenants      *tenant.Directory
	Ring         keys.Ring
	Cookies      *session.Cookies
	Sessions     *session.Service
	SignUp       *signup.Service
	SignIn       *signin.Service
	Verification *verification.Service
	Passwords    *password.Service
	Profiles     *profile.Service
	Providers    *idp.Service
	Terms        *terms.Service
	Consents     *terms.Consents
	Ledger       *ledger.Service
	Admin        *admin.Service
	Privacy      *privacy.Service
	Retention    *retention.Service
	Exports      *privacy.Exports
	Closings     *privacy.Closings
	Ages         *age.Service
	Audit        *audit.Log
	Letters      *mail.Office
	Mailbox      *mail.Mailbox
	Secure       bool
	Proxies      []netip.Prefix
	Ready        func(ctx context.Context) error
	Log          *slog.Logger
	Now          func() time.Time
}

// Server answers requests.
type Server struct {
	Config
	crossOrigin *http.CrossOriginProtection
	routes      []route
	contents    contents
}

// New returns the handler of everything the product serves.
func New(config Config) http.Handler {
	s := &Server{Config: config, crossOrigin: http.NewCrossOriginProtection()}
	e := echo.New()
	e.HTTPErrorHandler = s.fail
	e.IPExtractor = s.ipExtractor()
	s.routes = s.routeMap()
	s.register(e)
	return e
}

func (s *Server) ipExtractor() echo.IPExtractor {
	if len(s.Proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, proxy := range s.Proxies {
		options = append(options, echo.TrustIPRange(ipNet(proxy)))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}
