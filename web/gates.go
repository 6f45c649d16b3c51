package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
)

// gate says who may come through to a route.
type gate string

// The gates, from the widest to the narrowest.
const (
	open        gate = "open"      // everybody, and no session is read: public documents, static files
	anyone      gate = "anyone"    // everybody; who is signed in is known
	exempt      gate = "exempt"    // signed in and not blocked, whatever else is owed (terms.md, rule T-5)
	rights      gate = "rights"    // exempt, and has proven who they are within 15 minutes: privacy rights
	member      gate = "member"    // signed in, nothing owed
	sensitive   gate = "sensitive" // member, and has proven who they are within 15 minutes (row 42)
	admins      gate = "admin"     // administrator; for everybody else the page does not exist
	adminsFresh gate = "admin+"    // administrator who has proven who they are within 15 minutes
)

// passes leads through a gate, or to the page that stands before it. The order is fixed (rule T-2): blocked, restricted, closing,
// password to change, age, terms, verification, profile.
func (s *Server) passes(g gate, next echo.HandlerFunc) echo.HandlerFunc {
	switch g {
	case open:
		return next
	case anyone:
		return s.asVisitorWhenBlocked(next)
	}
	return func(c echo.Context) error {
		live := session.From(c.Request().Context())
		switch {
		case !live.SignedIn():
			return s.signInFirst(c, g)
		case live.Person.IsBlocked(s.Now()):
			return s.endBlocked(c, live)
		case g.admin() && live.Person.Role != profile.RoleAdmin:
			return echo.ErrNotFound
		case live.Person.Restricted && !g.free():
			return c.Redirect(http.StatusSeeOther, dataPath) // only the pages of rights (rule G-5)
		}
		before, err := s.before(c, g, live)
		if err != nil {
			return err
		}
		if wantsJSON(c.Request()) {
			switch before {
			case agePath:
				return s.refuseUntilAged(c)
			case acceptPath:
				return s.refuseUntilAccepted(c)
			}
		}
		if before != "" {
			return s.detour(c, before)
		}
		if err := s.seesBanner(c, g, live); err != nil {
			return err
		}
		return next(c)
	}
}

// acceptPath is where one decides about terms.
const acceptPath = "/terms/accept"

// admin reports whether the gate is for administrators.
func (g gate) admin() bool { return g == admins || g == adminsFresh }

// fresh reports whether the gate is for who has proven who they are within 15 minutes.
func (g gate) fresh() bool { return g == sensitive || g == rights || g == adminsFresh }

// free reports whether the gate stands open whatever is owed.
func (g gate) free() bool { return g == exempt || g == rights }

// before is the path of the page that stands before this one, or nothing.
func (s *Server) before(c echo.Context, g gate, live session.Live) (string, error) {
	if !live.Person.ClosesAt.IsZero() && !whileClosing(c.Path()) {
		return closingPath, nil
	}
	if within(acceptPath, c.Path()) && asksAge(c.Request().Context()) {
		return agePath, nil // nobody accepts before it is known that they may (case 10)
	}
	if !g.free() {
		owed, err := s.owed(c.Request().Context(), live)
		if err != nil || owed != "" && !deals(owed, c.Path()) {
			return owed, err
		}
	}
	if g.fresh() && !live.Fresh(s.Now()) {
		return "/reauth", nil
	}
	return "", nil
}

// asVisitorWhenBlocked lets everybody through; who was blocked meanwhile comes as a visitor.
func (s *Server) asVisitorWhenBlocked(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if live := session.From(c.Request().Context()); live.SignedIn() && live.Person.IsBlocked(s.Now()) {
			if err := s.asVisitor(c, live); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// owed is the path of the page that must be dealt with before anything else, or nothing.
func (s *Server) owed(ctx context.Context, live session.Live) (string, error) {
	t := tenant.From(ctx)
	switch {
	case live.Person.MustChange:
		return "/account/security/password", nil
	case owesAge(t, live.Person):
		return agePath, nil
	case live.Person.TermsOwed:
		return acceptPath, nil
	case s.mustVerify(t, live.Person) && live.Person.Email == "":
		return "/account/email", nil
	case s.mustVerify(t, live.Person):
		return "/verify", nil
	}
	if lacking, err := s.incomplete(ctx, t, live); err != nil || !lacking {
		return "", err
	}
	return startPath, nil
}

// deals reports whether the page at path is where one deals with what is owed: the very page, and for who cannot prove the
// address because it is a wrong one, the page that changes it.
func deals(owed, path string) bool {
	return path == owed || owed == "/verify" && within("/account/email", path)
}

// mustVerify reports whether the tenant's policy keeps a person with an unverified address out (rule V-7).
func (s *Server) mustVerify(t tenant.Tenant, p session.Person) bool {
	if p.EmailVerified || t.Verification.Mode != tenant.VerifyRequire {
		return false
	}
	return s.Now().Sub(p.CreatedAt) >= time.Duration(t.Verification.Days)*24*time.Hour
}

// detour leads to a page that stands before the wanted one, which gets its turn afterwards: a page by its address, a sent
// form by being kept for ten minutes.
func (s *Server) detour(c echo.Context, before string) error {
	r := c.Request()
	back := r.URL.RequestURI()
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
	case within(agePath, r.URL.Path):
		back = agePath // a date of birth and a guardian's address are kept nowhere
	default:
		if err := s.park(c, r.URL.Path, r.PostForm); err != nil {
			return err
		}
		back = "/resume"
	}
	return c.Redirect(http.StatusSeeOther, before+"?return_to="+url.QueryEscape(back))
}

// signInFirst leads to sign-in. Administrators' pages do not exist for strangers.
func (s *Server) signInFirst(c echo.Context, g gate) error {
	if g.admin() {
		return echo.ErrNotFound
	}
	return s.detour(c, "/login")
}

// asVisitor makes who was blocked meanwhile a visitor: what is open to everybody stays open to them, and nothing of the
// account is.
func (s *Server) asVisitor(c echo.Context, live session.Live) error {
	ctx := c.Request().Context()
	if _, err := s.Sessions.EndAll(ctx, live.User, ""); err != nil {
		return err
	}
	visitor := session.Live{Past: live.User}
	visitor.ID = live.ID
	ctx = audit.WithActor(session.With(ctx, visitor), audit.Actor{Kind: audit.ByNobody})
	c.SetRequest(c.Request().WithContext(ctx))
	return nil
}

// endBlocked ends every session of somebody who was blocked meanwhile and says so (rule B-2).
func (s *Server) endBlocked(c echo.Context, live session.Live) error {
	ctx := c.Request().Context()
	if _, err := s.Sessions.EndAll(ctx, live.User, ""); err != nil {
		return err
	}
	if err := s.Cookies.Take(c.Request(), c.Response()); err != nil {
		return err
	}
	return s.blockedPage(c, live.User, live.Person.BlockMessage)
}
