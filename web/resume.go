package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/signin"
	"portico/internal/signup"
	"portico/internal/tenant"
	"portico/internal/verification"
	"portico/views/pages"
)

// refills show a form anew with what was typed into it, by the address it is sent to. Forms that are not among them are
// shown as a list of what was typed.
func (s *Server) refills() map[string]func(c echo.Context, typed url.Values) error {
	return map[string]func(echo.Context, url.Values) error{
		"/login": func(c echo.Context, typed url.Values) error {
			return s.signInPage(c, typed.Get(signin.FieldEmail), typed.Has(signin.FieldKeep), typed.Get("return_to"), nil)
		},
		"/signup": func(c echo.Context, typed url.Values) error {
			return s.signUpPage(c, typed.Get(signup.FieldEmail), nil)
		},
		"/password/forgot": func(c echo.Context, typed url.Values) error {
			return s.forgotPage(c, typed.Get(profile.FieldEmail), nil)
		},
		withdrawPath:              s.refillWithdrawal,
		withdrawPath + "/confirm": s.refillWithdrawal,
		"/password/reset":         func(c echo.Context, _ url.Values) error { return s.resetPage(c, nil) },
		"/verify":                 func(c echo.Context, _ url.Values) error { return s.verifyPage(c, nil) },
		"/verify/link":            func(c echo.Context, _ url.Values) error { return s.verifyLinkPage(c, nil) },
		"/reauth":                 func(c echo.Context, typed url.Values) error { return s.reauthPage(c, typed.Get("return_to"), nil) },
		"/account/profile":        s.refillProfile,
		selectedPath:              s.refillSelected,
		"/account/email": func(c echo.Context, typed url.Values) error {
			return s.emailPage(c, typed.Get(verification.FieldNewEmail), nil)
		},
		"/account/security/password": func(c echo.Context, typed url.Values) error {
			return s.changePasswordPage(c, typed.Get("return_to"), nil)
		},
	}
}

func (s *Server) refillProfile(c echo.Context, typed url.Values) error {
	ctx := c.Request().Context()
	p, err := s.Profiles.Find(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	edit := s.profileEdit(tenant.From(ctx), typed)
	return s.render(c, http.StatusOK, pages.Profile(s.profileForm(c, p, &edit, nil)))
}

// offerAgain answers a form whose token is not right, because it was open for too long: what was typed is kept, and one
// click sends it again (ux.md 1.5).
func (s *Server) offerAgain(c echo.Context) error {
	r := c.Request()
	return s.again(c, http.StatusForbidden, "form.old", parked{Path: r.URL.Path, Values: keepable(r.PostForm)})
}

// resume shows a form that waited for something else, to be checked and sent.
func (s *Server) resume(c echo.Context) error {
	p, ok := s.waiting(c)
	if !ok {
		return c.Redirect(http.StatusSeeOther, "/account")
	}
	return s.again(c, http.StatusOK, "form.resume", p)
}

// What again leaves for render: the status of the page, and the notice on it.
const (
	statusKey = "status"
	noticeKey = "notice"
)

func noticeOf(c echo.Context) string {
	notice, _ := c.Get(noticeKey).(string)
	return notice
}

func (s *Server) again(c echo.Context, status int, key string, p parked) error {
	ctx := c.Request().Context()
	if key == "form.resume" && strings.HasPrefix(p.Path, connectingPath) && s.mayRefill(c, connectingPath+":connection") { // a button alone, on a page that has it
		c.Set(statusKey, status)
		c.Set(noticeKey, i18n.T(ctx, "linking.resume"))
		return s.showLinking(c)
	}
	if refill, ok := s.refills()[p.Path]; ok && s.mayRefill(c, p.Path) {
		c.Set(statusKey, status)
		c.Set(noticeKey, i18n.T(ctx, key+".body"))
		typed := url.Values{}
		for name, value := range p.Values {
			typed.Set(name, value)
		}
		return refill(c, typed)
	}
	view := pages.ResumePage{Page: s.page(c, key+".title"), Body: i18n.T(ctx, key+".body"), Token: s.token(c), Action: p.Path}
	for _, name := range sortedKeys(p.Values) {
		one := pages.ResumeValue{Name: name, Value: p.Values[name]}
		switch label, ok := typedLabels[name]; {
		case ok:
			one.Label = i18n.T(ctx, label)
		case within("/admin", p.Path):
			one.Label = name
		}
		view.Values = append(view.Values, one)
	}
	return s.render(c, status, pages.Resume(view))
}

// typedLabels name the fields that people type into, in forms that are shown as a list.
var typedLabels = map[string]string{admin.FieldReason: "admin.block.reason", admin.FieldMessage: "admin.block.public"}

// mayRefill reports whether the form at path may be shown now: everybody's, or that of somebody who may be there.
func (s *Server) mayRefill(c echo.Context, path string) bool {
	live := session.From(c.Request().Context())
	for _, r := range s.routes {
		if r.method == http.MethodPost && r.path == path && r.gate != anyone {
			owed, err := s.owed(c.Request().Context(), live)
			if r.gate.admin() && live.Person.Role != profile.RoleAdmin {
				return false
			}
			return live.SignedIn() && !live.Person.IsBlocked(s.Now()) && owed == "" && err == nil
		}
	}
	return true
}
