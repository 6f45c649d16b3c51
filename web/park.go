package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/session"
	"portico/internal/tenant"
)

// parkedFor is how long a sent form is kept while something else comes first.
const parkedFor = 10 * time.Minute

// contentParked is the key under which a session remembers a parked form.
const contentParked = "parked"

// parked is a form that was sent but must wait: for sign-in, re-authentication, or terms to be accepted. User is the id of
// who sent it, as far as that is known: nobody else who signs in here gets to see it.
type parked struct {
	Path   string            `json:"path"`
	Values map[string]string `json:"values"`
	At     time.Time         `json:"at"`
	User   string            `json:"user,omitempty"`
}

// secretFields are never kept: the person types them again.
func secretField(name string) bool {
	return strings.Contains(name, "password") || strings.Contains(name, "code") || strings.Contains(name, "secret") || name == fieldToken ||
		strings.HasPrefix(name, "birth") || strings.HasPrefix(name, "guardian")
}

func keepable(form url.Values) map[string]string {
	values := map[string]string{}
	for name := range form {
		if !secretField(name) {
			values[name] = form.Get(name)
		}
	}
	return values
}

// park keeps a sent form in the session until it can be sent again.
func (s *Server) park(c echo.Context, path string, form url.Values) error {
	live := session.From(c.Request().Context())
	owner := live.User
	if owner.IsZero() {
		owner = live.Past
	}
	content, err := json.Marshal(parked{path, keepable(form), s.Now(), owner.ID})
	if err != nil {
		return err
	}
	return s.remember(c, contentParked, string(content))
}

// remember keeps a value in the session; an empty value forgets it.
func (s *Server) remember(c echo.Context, key, value string) error {
	ctx := c.Request().Context()
	live := session.From(ctx)
	content := map[string]string{}
	for k, v := range live.Content {
		content[k] = v
	}
	if value == "" {
		delete(content, key)
	} else {
		content[key] = value
	}
	if err := s.giveCookie(c); err != nil {
		return err
	}
	live.Content = content
	c.SetRequest(c.Request().WithContext(session.With(ctx, live)))
	return s.Sessions.Remember(ctx, tenant.From(ctx).ID, live.ID, content)
}

// giveCookie makes a visitor's browser carry the session's id from now on, if it does not yet.
func (s *Server) giveCookie(c echo.Context) error {
	current, _, err := s.Cookies.Current(c.Request())
	if err != nil || !current.IsNew {
		return err
	}
	current.IsNew = false
	return current.Save(c.Request(), c.Response())
}

// waiting returns the parked form of this session, if there is one and it is not too old.
func (s *Server) waiting(c echo.Context) (parked, bool) {
	var p parked
	live := session.From(c.Request().Context())
	if json.Unmarshal([]byte(live.Content[contentParked]), &p) != nil || s.Now().Sub(p.At) > parkedFor {
		return parked{}, false
	}
	return p, p.User == "" || p.User == live.User.ID
}

// safeReturn is where to go on after a detour: a page of our own, or the overview (ux.md §2 return_to).
func (s *Server) safeReturn(target string) string { return s.safeReturnOr(target, "/account") }

func (s *Server) safeReturnOr(target, fallback string) string {
	if len(target) > 512 || len(target) < 1 || target[0] != '/' ||
		strings.HasPrefix(target, "//") || strings.HasPrefix(target, `/\`) ||
		strings.ContainsFunc(target, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return fallback
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || !s.isPage(u.Path) {
		return fallback
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// isPage reports whether path is one of our own pages.
func (s *Server) isPage(path string) bool {
	for _, r := range s.routes {
		if r.method == http.MethodGet && matches(r.path, path) {
			return true
		}
	}
	return false
}

// matches reports whether path is an address of the route pattern, whose parameters begin with a colon.
func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && (!strings.HasPrefix(want[i], ":") || got[i] == "") {
			return false
		}
	}
	return true
}
