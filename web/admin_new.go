package web

import (
	"errors"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

func (s *Server) showNewPerson(c echo.Context) error {
	return s.newPersonForm(c, admin.Newcomer{Language: tenant.From(c.Request().Context()).Locales[0]}, nil)
}

// newPersonForm asks for whom an account is created.
func (s *Server) newPersonForm(c echo.Context, typed admin.Newcomer, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := s.form(c, refused)
	view := pages.NewPersonPage{
		Page: s.adminPage(c, "people.new"), Token: f.token, Refusals: f.summary(),
		Email: components.FieldModel{
			Name: profile.FieldEmail, Label: i18n.T(ctx, "profile.email"), Type: "email", Value: typed.Email, LTR: true,
			Autocomplete: "off", Error: f.problem(profile.FieldEmail),
		},
		Name: components.FieldModel{
			Name: profile.FieldName, Label: i18n.T(ctx, "profile.name"), Value: typed.Name, Optional: true,
			Autocomplete: "off", Error: f.problem(profile.FieldName),
		},
		Language: components.SelectModel{
			Name: profile.FieldLang, Label: i18n.T(ctx, "people.new.lang"), Error: f.problem(profile.FieldLang),
			Options: languageOptions(tenant.From(ctx).Locales, typed.Language),
		},
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.NewPerson(view))
}

// languageOptions are languages in their own names.
func languageOptions(tags []string, chosen string) []components.Option {
	options := make([]components.Option, len(tags))
	for i, tag := range tags {
		language, _ := i18n.Find(tag)
		options[i] = components.Option{Value: tag, Text: language.Name, Lang: tag, Selected: tag == chosen}
	}
	return options
}

func (s *Server) createPerson(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	typed := admin.Newcomer{Email: form.Get(profile.FieldEmail), Name: form.Get(profile.FieldName), Language: form.Get(profile.FieldLang)}
	created, err := s.Admin.Create(ctx, session.User(ctx), typed)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.newPersonForm(c, typed, refused)
	}
	if err != nil {
		return err
	}
	return s.done(c, "people.new.done", personURL(created.ID, ""))
}
