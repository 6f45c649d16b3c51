package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/i18n"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

func (s *Server) showActions(c echo.Context) error { return s.actionsPage(c, nil) }

func (s *Server) actionsPage(c echo.Context, refused valid.Errors) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	p, err := s.Admin.Find(ctx, session.User(ctx), u)
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.PersonActionsPage{
		PersonPage: s.personPage(c, p, "actions"), Refusals: f.summary(), IsAdmin: p.Role == profile.RoleAdmin,
		Verified: p.EmailVerified, HasEmail: p.Email != "", HasPassword: p.ManagedBy == "", Effect: i18n.T(ctx, "admin.block.effect", "name", firstNonEmpty(p.Name, p.Email)),
		Reason: components.FieldModel{
			Name: admin.FieldReason, Label: i18n.T(ctx, "admin.block.reason"), Value: form.Get(admin.FieldReason), Error: f.problem(admin.FieldReason),
		},
		Message: components.FieldModel{
			Name: admin.FieldMessage, Label: i18n.T(ctx, "admin.block.public"), Value: form.Get(admin.FieldMessage), Optional: true, Rows: 3, Error: f.problem(admin.FieldMessage),
		},
		Until: components.FieldModel{
			Name: admin.FieldUntil, Label: i18n.T(ctx, "admin.block.until"), Hint: i18n.T(ctx, "admin.block.until.hint"), Type: "date", Value: form.Get(admin.FieldUntil),
			Optional: true, LTR: true, Error: f.problem(admin.FieldUntil),
		},
		BlockReason: p.Block.Reason, BlockedAt: utc(p.Block.At), Why: components.FieldModel{
			Name: fieldWhy, Label: i18n.T(ctx, "admin.block.reason"), Value: form.Get(fieldWhy), Error: f.problem(fieldWhy),
		},
	}
	if p.Email == "" {
		view.Cannot = append(view.Cannot, i18n.T(ctx, "admin.noemail"))
	}
	if !view.HasPassword {
		view.Cannot = append(view.Cannot, i18n.T(ctx, "admin.nopassword", "provider", p.ManagedBy))
	}
	if p.Restriction.On {
		view.Restricted = i18n.T(ctx, "restrict.since", "time", utc(p.Restriction.At)) + " " + p.Restriction.Reason
	}
	view.Age = ageResult(ctx, p)
	view.AgeWhy = components.FieldModel{
		Name: fieldAgeWhy, Label: i18n.T(ctx, "admin.block.reason"), Value: form.Get(fieldAgeWhy), Error: f.problem(fieldAgeWhy),
	}
	view.Token = s.token(c)
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.PersonActions(view))
}

// act does one of the actions on somebody's page.
func (s *Server) act(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	u, err := s.person(c)
	if err != nil {
		return err
	}
	me := session.User(ctx)
	switch form.Get("action") {
	case "verify":
		err = s.Admin.SendVerification(ctx, me, u)
	case "reset":
		err = s.Admin.SendReset(ctx, me, u)
	case "change":
		err = s.Admin.RequirePasswordChange(ctx, me, u)
	case "end":
		err = s.Admin.EndSessions(ctx, me, u)
	case "lift":
		err = s.Admin.LiftAutomatic(ctx, me, u)
	case "promote":
		err = s.Admin.SetRole(ctx, me, u, profile.RoleAdmin)
	case "demote":
		err = s.Admin.SetRole(ctx, me, u, profile.RoleNone)
	case "unblock":
		err = s.Admin.Unblock(ctx, me, u, form.Get(admin.FieldReason))
	case "restrict":
		err = whyFor(fieldWhy, s.Privacy.Restrict(ctx, me, u, form.Get(fieldWhy)))
	case "unrestrict":
		err = whyFor(fieldWhy, s.Privacy.Lift(ctx, me, u, form.Get(fieldWhy)))
	case "age":
		err = whyFor(fieldAgeWhy, s.Admin.ClearAge(ctx, me, u, form.Get(fieldAgeWhy)))
	case "block":
		err = s.block(c, me, u)
	default:
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	if errors.Is(err, privacy.ErrAdministrator) {
		return s.actionsPage(c, valid.Errors{{Key: "restrict.administrator"}})
	}
	if errors.Is(err, admin.ErrLast) {
		return s.actionsPage(c, valid.Errors{{Key: "admin.self"}})
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.actionsPage(c, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "admin.done", personURL(u.ID, "actions"))
}

// The fields of the reasons for a restriction and for asking somebody's age again, beside that of a block.
const (
	fieldWhy    = "why"
	fieldAgeWhy = "age_why"
)

// whyFor puts what is wrong with a reason at its field.
func whyFor(field string, err error) error {
	refused, ok := errors.AsType[valid.Errors](err)
	if !ok {
		return err
	}
	for i := range refused {
		refused[i].Field = field
	}
	return refused
}

func (s *Server) block(c echo.Context, me, u tenant.User) error {
	b, err := blockingOf(c.Request().PostForm)
	if err != nil {
		return err
	}
	return s.Admin.Block(c.Request().Context(), me, u, b)
}
