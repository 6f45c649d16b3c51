package web

import (
	"errors"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

func (s *Server) showPersonClose(c echo.Context) error { return s.personClosePage(c, nil) }

// personClosePage closes somebody's account for a reason, or keeps it.
func (s *Server) personClosePage(c echo.Context, refused valid.Errors) error {
	ctx := c.Request().Context()
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Find(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	closing, err := s.Closings.Find(ctx, u)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.PersonClosePage{
		PersonPage: s.personPage(c, p, "actions"), Refusals: f.summary(), Grace: s.grace(c, "close.admin.grace"), Confirm: s.confirmField(c, p, f, u.ID),
		Button: i18n.T(ctx, "close.admin.submit", "date", i18n.Date(ctx, s.Now().Add(tenant.From(ctx).Grace()))),
		Because: components.FieldModel{
			Name: privacy.FieldBecause, Label: i18n.T(ctx, "admin.block.reason"), Value: c.Request().PostFormValue(privacy.FieldBecause),
			Error: f.problem(privacy.FieldBecause),
		},
	}
	if closing.Pending() {
		view.Closes, view.Why = i18n.T(ctx, "close.closes", "date", utc(closing.DueAt)+" UTC"), closing.Reason
		view.Who = i18n.T(ctx, "close.admin.self")
		switch closing.By {
		case u.ID:
		case privacy.ByAge:
			view.Who = i18n.T(ctx, "age.admin.closes")
		default:
			view.Who = i18n.T(ctx, "close.admin.by", "who", closing.By)
		}
	}
	if view.Identities, err = s.identityNames(ctx, u); err != nil {
		return err
	}
	if view.Stays, err = s.stays(ctx, p); err != nil {
		return err
	}
	view.Token = f.token
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.PersonClose(view))
}

func (s *Server) closePerson(c echo.Context) error {
	return s.decidePerson(c, func(me, u tenant.User) error {
		_, err := s.Closings.CloseFor(c.Request().Context(), me, u, c.Request().PostFormValue(privacy.FieldBecause), s.closing(c))
		return err
	})
}

func (s *Server) keepPerson(c echo.Context) error {
	return s.decidePerson(c, func(me, u tenant.User) error {
		return s.Closings.KeepFor(c.Request().Context(), me, u, c.Request().PostFormValue(privacy.FieldBecause))
	})
}

func (s *Server) decidePerson(c echo.Context, decide func(me, u tenant.User) error) error {
	u, err := s.person(c)
	if err != nil {
		return err
	}
	err = decide(session.User(c.Request().Context()), u)
	if refused, ok := cannotClose(err); ok {
		return s.personClosePage(c, refused)
	}
	if err != nil && !errors.Is(err, privacy.ErrNotClosing) { // somebody was faster, and the page shows it
		return err
	}
	return s.done(c, "admin.done", personURL(u.ID, "close"))
}
