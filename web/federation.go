package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/views/components"
	"portico/views/pages"
)

// providerRoutes lead to identity providers and back. A provider that answers with a form posts across sites, so nothing
// is known of the session there: the answer is only carried on to the page where it is.
func (s *Server) providerRoutes() []route {
	return []route{
		{anyone, http.MethodPost, "/login/with/:connection", s.goTo(idp.SignIn), false},
		{anyone, http.MethodGet, "/login/callback/:connection", s.arrive, false},
		{open, http.MethodPost, "/login/callback/:connection", s.carryAnswer, false},
		{open, http.MethodPost, "/login/backchannel/:connection", s.noticed, false},
		{exempt, http.MethodPost, "/reauth/with/:connection", s.goTo(idp.Reauth), false},
	}
}

// wayPaths are where a trip begins, and where one goes back to who turned around, by its purpose.
var wayPaths = map[idp.Purpose]struct{ begin, back string }{
	idp.SignIn: {"/login/with/", "/login"},
	idp.Reauth: {"/reauth/with/", "/reauth"},
	idp.Link:   {connectingPath, linkingPath},
}

// offered are the buttons of the providers that this tenant has.
func (s *Server) offered(c echo.Context) ([]components.ProviderModel, error) {
	connections, err := s.Providers.Offered(c.Request().Context())
	return providerButtons(idp.SignIn, connections), err
}

func providerButtons(purpose idp.Purpose, connections []idp.Connection) []components.ProviderModel {
	var buttons []components.ProviderModel
	for _, one := range connections {
		buttons = append(buttons, components.ProviderModel{Action: wayPaths[purpose].begin + one.ID, Name: one.Name})
	}
	return buttons
}

// waysToConfirm are the providers by which who is signed in can prove it again, and whether they have no password.
func (s *Server) waysToConfirm(c echo.Context) ([]components.ProviderModel, bool, error) {
	ctx := c.Request().Context()
	ways, err := s.Providers.WaysOf(ctx, session.From(ctx))
	return providerButtons(idp.Reauth, ways.Connections), !ways.Password && len(ways.Connections) > 0, err
}

// goTo sends the browser to a provider. The answer is a page and no redirect, because the policy for forms would have to
// name every address that the provider may lead on to (security.md row 56).
func (s *Server) goTo(purpose idp.Purpose) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		s.knowDevice(c)
		trip, err := s.Providers.Begin(ctx, idp.Beginning{
			Connection: c.Param("connection"), Purpose: purpose, Browser: s.browser(c), User: session.User(ctx),
			ReturnTo: s.safeReturnOr(c.Request().PostFormValue("return_to"), ""),
		})
		if failed, ok := errors.AsType[idp.Failure](err); ok {
			arrival := idp.Arrival{Connection: trip.Connection, Purpose: purpose, ReturnTo: c.Request().PostFormValue("return_to")}
			return s.providerTrouble(c, arrival, failed)
		}
		if err != nil {
			return err
		}
		return s.going(c, "provider.going", trip)
	}
}

// going leads on to a provider; the messages begin with key.
func (s *Server) going(c echo.Context, key string, trip idp.Trip) error {
	ctx, name := c.Request().Context(), trip.Connection.Name
	c.Response().Header().Set("Refresh", "0; url="+trip.Address)
	return s.render(c, http.StatusOK, pages.Going(pages.GoingPage{
		Page: s.titled(c, i18n.T(ctx, key+".title", "provider", name)), Lead: i18n.T(ctx, key+".body", "provider", name), Address: trip.Address,
		Link: i18n.T(ctx, key+".link", "provider", name),
	}))
}

// noticed ends sessions because a provider says that somebody signed out there (Back-Channel Logout 1.0, section 2.8).
func (s *Server) noticed(c echo.Context) error {
	err := s.Providers.Notice(c.Request().Context(), c.Param("connection"), c.Request().PostFormValue("logout_token"))
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	switch _, down := errors.AsType[idp.Failure](err); {
	case errors.Is(err, idp.ErrNotFound):
		return echo.ErrNotFound
	case errors.Is(err, idp.ErrNotice), down:
		s.Log.Warn("provider", "id", requestID(c), "notice", c.Param("connection"), "error", err.Error())
		return c.JSON(http.StatusBadRequest, map[string]string{"error": "invalid_request"})
	case err != nil:
		return err
	}
	return c.NoContent(http.StatusOK)
}

// answerCookie carries the answer of a provider that posted it, for the moment until the next page.
const answerCookie = "answer"

// maxAnswer is how much of an answer fits into a cookie, in bytes.
const maxAnswer = 2500

func (s *Server) carryAnswer(c echo.Context) error {
	r := c.Request()
	answer := idp.Answer{
		State: r.PostFormValue("state"), Code: r.PostFormValue("code"), Issuer: r.PostFormValue("iss"), Refusal: r.PostFormValue("error"),
		Beside: r.PostFormValue("user"),
	}
	if size := len(answer.State) + len(answer.Code) + len(answer.Issuer) + len(answer.Refusal); size > maxAnswer {
		return echo.NewHTTPError(http.StatusBadRequest)
	} else if size+len(answer.Beside) > maxAnswer {
		answer.Beside = ""
	}
	if err := s.seal(c, answerCookie, answer, flashLifetime); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/login/callback/"+url.PathEscape(c.Param("connection")))
}

// answered reads what a browser brings back from a provider.
func (s *Server) answered(c echo.Context) idp.Answer {
	var answer idp.Answer
	if s.unseal(c, answerCookie, &answer) {
		s.setCookie(c, answerCookie, "", 0)
	}
	if q := c.QueryParams(); q.Has("state") {
		answer = idp.Answer{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Refusal: q.Get("error")}
	}
	answer.Connection, answer.Browser = c.Param("connection"), s.browser(c)
	return answer
}

func (s *Server) arrive(c echo.Context) error {
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	arrival, err := s.Providers.Arrive(c.Request().Context(), s.answered(c))
	if err != nil {
		return s.notAdmitted(c, arrival, err)
	}
	switch arrival.Purpose {
	case idp.Reauth:
		return s.confirmed(c, arrival)
	case idp.Link:
		return s.weighed(c, arrival)
	default:
		return s.admit(c, arrival)
	}
}

// admit signs in whom a provider vouches for.
func (s *Server) admit(c echo.Context, arrival idp.Arrival) error {
	opened, err := s.Providers.Enter(c.Request().Context(), arrival, s.knowDevice(c))
	if err != nil {
		return s.notAdmitted(c, arrival, err)
	}
	return s.enter(c, opened, arrival.ReturnTo)
}

// confirmed goes on with what waited until who is signed in proved it again.
func (s *Server) confirmed(c echo.Context, arrival idp.Arrival) error {
	ctx := c.Request().Context()
	renewed, err := s.Providers.Reconfirm(ctx, arrival, session.From(ctx))
	if err != nil {
		return s.notAdmitted(c, arrival, err)
	}
	if err := s.Cookies.Give(c.Request(), c.Response(), renewed); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.safeReturn(arrival.ReturnTo))
}

// notAdmitted says why nobody came in, and what to do.
func (s *Server) notAdmitted(c echo.Context, arrival idp.Arrival, err error) error {
	ctx := c.Request().Context()
	if blocked, ok := errors.AsType[signin.Blocked](err); ok {
		return s.blockedPage(c, blocked.User, blocked.Message)
	}
	if failed, ok := errors.AsType[idp.Failure](err); ok {
		return s.providerTrouble(c, arrival, failed)
	}
	view := pages.TroublePage{Link: "/login", Button: i18n.T(ctx, "provider.start")}
	if why, ok := errors.AsType[idp.Unlinkable](err); ok {
		view.Page, view.Body = s.page(c, "linking.refused.title"), i18n.T(ctx, "linking.refused."+string(why))
		view.Link, view.Button = linkingPath, i18n.T(ctx, "linking.title")
		return s.render(c, http.StatusConflict, pages.Trouble(view))
	}
	switch {
	case errors.Is(err, idp.ErrCancelled):
		back := wayPaths[arrival.Purpose].back
		if arrival.ReturnTo != "" {
			back += "?return_to=" + url.QueryEscape(arrival.ReturnTo)
		}
		return s.done(c, "provider.cancelled", back)
	case errors.Is(err, idp.ErrNoAccount):
		view.Page, view.Body = s.page(c, "provider.none.title"), i18n.T(ctx, "provider.none.body", "provider", arrival.Connection.Name)
		view.Button = i18n.T(ctx, "provider.other")
		return s.render(c, http.StatusForbidden, pages.Trouble(view))
	case errors.Is(err, idp.ErrNotAsked):
		view.Page, view.Body = s.page(c, "provider.old.title"), i18n.T(ctx, "provider.old.body")
		if arrival.Purpose == idp.Link {
			view.Link, view.Button = linkingPath, i18n.T(ctx, "linking.title")
		} else if session.From(ctx).SignedIn() {
			view.Link, view.Button = "/account", i18n.T(ctx, "err.start")
		}
		return s.render(c, http.StatusGone, pages.Trouble(view))
	}
	return err
}

// providerTrouble says calmly that a provider is down or talks rubbish: the other ways in work as before.
func (s *Server) providerTrouble(c echo.Context, arrival idp.Arrival, failed idp.Failure) error {
	ctx, name := c.Request().Context(), arrival.Connection.Name
	s.Log.Warn("provider", "id", requestID(c), "connection", arrival.Connection.ID, "error", failed.Error())
	key, status := "provider.wrong", http.StatusBadGateway
	switch {
	case failed.Down():
		key, status = "provider.down", http.StatusServiceUnavailable
		c.Response().Header().Set("Retry-After", "30")
	case failed.Reason == idp.NotFresh:
		key, status = "provider.fresh", http.StatusForbidden
	}
	way := wayPaths[arrival.Purpose]
	view := pages.TroublePage{
		Page: s.titled(c, i18n.T(ctx, key+".title", "provider", name)), Body: i18n.T(ctx, key+".body", "provider", name), Token: s.token(c),
		ReturnTo: arrival.ReturnTo, Again: way.begin + arrival.Connection.ID, Link: way.back, Button: i18n.T(ctx, "provider.other"), ID: requestID(c),
	}
	if arrival.Purpose == idp.Link {
		view.Button = i18n.T(ctx, "linking.title")
		if failed.Down() {
			view.Body = i18n.T(ctx, "provider.down.link", "provider", name)
		}
	}
	return s.render(c, status, pages.Trouble(view))
}
