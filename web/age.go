package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"portico/internal/age"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// agePath is where people are asked how old they are, and wait for a guardian.
const agePath = "/age"

// ageRoutes ask for somebody's age, and their guardian (rule G-6).
func (s *Server) ageRoutes() []route {
	get := func(g gate, path string, h echo.HandlerFunc) route { return route{g, http.MethodGet, path, h, false} }
	post := func(g gate, path string, h echo.HandlerFunc) route { return route{g, http.MethodPost, path, h, false} }
	return []route{
		get(exempt, agePath, s.showAge), post(exempt, agePath, s.answerAge),
		post(exempt, agePath+"/guardian", s.askGuardian), post(exempt, agePath+"/guardian/again", s.askGuardianAgain),
		get(anyone, guardianPath+"/:ticket", s.openGuardian), get(anyone, guardianPath, s.showGuardianAsk), post(anyone, guardianPath, s.decideGuardian),
	}
}

// owesAge reports whether the question of the person's age stands before everything else: where the tenant asks, of everybody
// but administrators, until they are old enough or a guardian approves.
func owesAge(t tenant.Tenant, p session.Person) bool {
	return t.Age.Ask && p.Role != profile.RoleAdmin && p.Age != string(profile.AgeOK)
}

// asksAge is owesAge of who is signed in.
func asksAge(ctx context.Context) bool { return owesAge(tenant.From(ctx), session.From(ctx).Person) }

func (s *Server) showAge(c echo.Context) error {
	ctx := c.Request().Context()
	switch {
	case !asksAge(ctx):
		return c.Redirect(http.StatusSeeOther, s.safeReturn(c.QueryParam("return_to")))
	case session.From(ctx).Person.Age == string(profile.AgeUnknown):
		return s.agePage(c, c.QueryParam("return_to"), nil)
	case session.From(ctx).Person.Age == string(profile.AgePending):
		return s.guardianPage(c, nil)
	}
	return s.render(c, http.StatusOK, pages.TooYoung(pages.TooYoungPage{Page: s.page(c, "age.under")}))
}

// autofill are the names by which browsers know the parts of a birthday (HTML, autofill).
var autofill = map[string]string{age.FieldDay: "bday-day", age.FieldMonth: "bday-month", age.FieldYear: "bday-year"}

// agePage asks, with what was typed where that was refused.
func (s *Server) agePage(c echo.Context, returnTo string, refused valid.Errors) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	f := s.form(c, refused)
	view := pages.AgePage{
		Page: s.page(c, "age.title"), Token: f.token, Refusals: f.summary(), Lead: i18n.T(ctx, "age.lead", "product", tenant.From(ctx).Product),
		ReturnTo: returnTo,
		Birth:    components.DateModel{ID: "birth", Label: i18n.T(ctx, "age.birth"), Hint: i18n.T(ctx, "age.birth.hint")},
	}
	for _, part := range i18n.DateOrder(ctx) {
		name := "birth_" + part
		view.Birth.Parts = append(view.Birth.Parts, components.FieldModel{
			Name: name, Label: i18n.T(ctx, "age.part."+part), Autocomplete: autofill[name], Value: form.Get(name),
		})
		view.Birth.Error = firstNonEmpty(view.Birth.Error, f.problem(name))
	}
	chosen := firstNonEmpty(form.Get(age.FieldCountry), knownCountry(ctx))
	view.Country = countryChoice(ctx, age.FieldCountry, "age.country", chosen, f.problem(age.FieldCountry))
	view.Country.Hint, view.Country.Autocomplete = i18n.T(ctx, "age.country.hint"), "country"
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Age(view))
}

// knownCountry is the country that the profile says, else the tenant's.
func knownCountry(ctx context.Context) string {
	said := profileOf(session.From(ctx).Person).UserMetadata.Text("country")
	if age.Known(said) {
		return said
	}
	return tenant.From(ctx).Age.Country
}

// countryChoice is a choice among the countries that have a rule of their own, and none of them.
func countryChoice(ctx context.Context, name, label, chosen, problem string) components.SelectModel {
	m := components.SelectModel{
		Name: name, Label: i18n.T(ctx, label), Error: problem, Options: []components.Option{{Text: i18n.T(ctx, "age.country.choose")}},
	}
	for _, country := range i18n.Countries(ctx, age.Countries()) {
		m.Options = append(m.Options, components.Option{Value: country.Code, Text: country.Name, Selected: country.Code == chosen})
	}
	m.Options = append(m.Options, components.Option{
		Value: age.Elsewhere, Text: i18n.T(ctx, "age.country.other"), Selected: chosen == age.Elsewhere,
	})
	return m
}

// answerAge keeps the result of an answer, and leads on to where somebody wanted to go, to a guardian, or to the end.
func (s *Server) answerAge(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	if !asksAge(ctx) || session.From(ctx).Person.Age != string(profile.AgeUnknown) {
		return c.Redirect(http.StatusSeeOther, ageAddress(form.Get("return_to")))
	}
	state, err := s.Ages.Answer(ctx, session.User(ctx), age.Answer{
		Day: form.Get(age.FieldDay), Month: form.Get(age.FieldMonth), Year: form.Get(age.FieldYear), Country: form.Get(age.FieldCountry),
	})
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.agePage(c, form.Get("return_to"), refused)
	}
	switch {
	case err != nil:
		return err
	case state == profile.AgeOK:
		return s.done(c, "age.done", s.safeReturn(form.Get("return_to")))
	case state == profile.AgePending:
		return c.Redirect(http.StatusSeeOther, ageAddress(form.Get("return_to")))
	}
	return c.Redirect(http.StatusSeeOther, closingPath)
}

// ageAddress is the page of the question, which leads on to a target afterwards.
func ageAddress(returnTo string) string {
	if returnTo == "" {
		return agePath
	}
	return agePath + "?return_to=" + url.QueryEscape(returnTo)
}

// guardianPage asks for a guardian's address, or waits for their answer.
func (s *Server) guardianPage(c echo.Context, refused valid.Errors) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	g, err := s.Ages.FindGuardian(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	f := s.form(c, refused)
	view := pages.GuardianPage{
		Page: s.page(c, "age.guardian"), Token: f.token, Refusals: f.summary(), Lead: i18n.T(ctx, "age.guardian.lead", "product", tenant.From(ctx).Product),
		Submit: i18n.T(ctx, "age.guardian.submit"),
		Address: components.FieldModel{
			Name: age.FieldGuardian, Label: i18n.T(ctx, "age.guardian.address"), Hint: i18n.T(ctx, "age.guardian.hint"), Type: "email", LTR: true,
			Autocomplete: "off", Value: form.Get(age.FieldGuardian), Error: f.problem(age.FieldGuardian),
		},
	}
	if !g.DueAt.IsZero() {
		view.Until = i18n.T(ctx, "age.guardian.until", "date", i18n.Date(ctx, g.DueAt))
	}
	if g.Address != "" {
		view.Page = s.page(c, "age.guardian.waits")
		view.Sent = i18n.T(ctx, "age.guardian.sent", "email", g.Address, "date", i18n.Date(ctx, g.AskedAt))
		view.Submit, view.Address.Label = i18n.T(ctx, "age.guardian.change"), i18n.T(ctx, "age.guardian.other")
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Guardian(view))
}

func (s *Server) askGuardian(c echo.Context) error {
	typed := c.Request().PostFormValue(age.FieldGuardian)
	if typed == "" {
		return s.guardianOnly(c, func() error {
			return s.guardianPage(c, valid.Errors{{Field: age.FieldGuardian, Key: "err.email.empty"}})
		})
	}
	return s.writeGuardian(c, typed)
}

func (s *Server) askGuardianAgain(c echo.Context) error { return s.writeGuardian(c, "") }

// guardianOnly goes on where a guardian is waited for, and to the page of the question from anywhere else.
func (s *Server) guardianOnly(c echo.Context, fn func() error) error {
	if ctx := c.Request().Context(); !asksAge(ctx) || session.From(ctx).Person.Age != string(profile.AgePending) {
		return c.Redirect(http.StatusSeeOther, agePath)
	}
	return fn()
}

// writeGuardian writes to an address, or to the one from before.
func (s *Server) writeGuardian(c echo.Context, address string) error {
	return s.guardianOnly(c, func() error {
		ctx := c.Request().Context()
		err := s.Ages.AskGuardian(ctx, session.User(ctx), address)
		if refused, ok := errors.AsType[valid.Errors](err); ok {
			return s.guardianPage(c, refused)
		}
		if many, ok := errors.AsType[*guard.TooMany](err); ok {
			retryAfter(c, many.After)
			return s.guardianPage(c, valid.Errors{{Key: "verify.resend.wait", Args: []any{"time", i18n.Duration(ctx, many.After)}}})
		}
		if err != nil && !errors.Is(err, age.ErrSettled) {
			return err
		}
		return s.done(c, "age.guardian.done", agePath)
	})
}

// refuseUntilAged tells a program that its person has to say their age first.
func (s *Server) refuseUntilAged(c echo.Context) error {
	return c.JSON(http.StatusForbidden, map[string]string{"error": "age_required", "url": tenant.From(c.Request().Context()).URL(agePath)})
}
