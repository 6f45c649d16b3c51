package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// startPath is where people begin, and where they fill in what the tenant requires of them (ux.md 1.1, rule P-8).
const startPath = "/start"

// The steps of the start, each with one question, in their order. The last one asks for what is required, and only that
// cannot be skipped.
const (
	stepName     = "name"
	stepLanguage = "language"
	stepRequired = "required"
)

var steps = []string{stepName, stepLanguage, stepRequired}

func (s *Server) startRoutes() []route {
	return []route{
		{member, http.MethodGet, startPath, s.showStart, false},
		{member, http.MethodPost, startPath, s.saveStart, false},
	}
}

// nextStep is the first step from this one on that still has something to ask of p, or nothing.
func (s *Server) nextStep(t tenant.Tenant, p profile.Profile, from string) string {
	for _, step := range steps[max(0, slices.Index(steps, from)):] {
		if s.asks(t, p, step) {
			return step
		}
	}
	return ""
}

// asks reports whether a step has something to ask: never again for what the person or a provider has said already.
func (s *Server) asks(t tenant.Tenant, p profile.Profile, step string) bool {
	open := func(name string) bool { return t.Policy(name).Access == tenant.ReadWrite && !p.IsManaged(name) }
	switch step {
	case stepName:
		return open(profile.FieldName) && (p.Name == p.Email || p.Name == "")
	case stepLanguage:
		return len(t.Locales) > 1 && open(profile.FieldPageLang) && p.UserMetadata.Text(profile.FieldPageLang) == ""
	default:
		return len(s.Profiles.Missing(t, p)) > 0
	}
}

// showStart asks the next question. Without a step in the address it asks for what is required.
func (s *Server) showStart(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.Profiles.Find(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	step, returnTo := firstNonEmpty(c.QueryParam("step"), stepRequired), c.QueryParam("return_to")
	if step = s.nextStep(tenant.From(ctx), p, step); step == "" {
		return c.Redirect(http.StatusSeeOther, s.safeReturn(returnTo))
	}
	return s.startPage(c, p, step, returnTo, nil, nil)
}

// saveStart keeps an answer and goes on to the next question, or to where the person wanted to go.
func (s *Server) saveStart(c echo.Context) error {
	ctx, sent := c.Request().Context(), c.Request().PostForm
	t, step, returnTo := tenant.From(ctx), sent.Get("step"), sent.Get("return_to")
	p, err := s.Profiles.Find(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	edit := s.answer(t, p, step, sent)
	err = s.Profiles.Edit(ctx, session.User(ctx), edit)
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return s.startPage(c, p, step, returnTo, &edit, refused)
	}
	if err != nil {
		return err
	}
	if p, err = s.Profiles.Find(ctx, session.User(ctx)); err != nil {
		return err
	}
	if step = s.nextStep(t, p, after(step)); step == "" {
		return s.done(c, "start.done", s.safeReturn(returnTo))
	}
	return c.Redirect(http.StatusSeeOther, stepAddress(step, returnTo))
}

// after is the step that follows; what is required is asked for until it is there.
func after(step string) string { return steps[min(slices.Index(steps, step)+1, len(steps)-1)] }

func stepAddress(step, returnTo string) string {
	query := url.Values{"step": {step}}
	if returnTo != "" {
		query.Set("return_to", returnTo)
	}
	return startPath + "?" + query.Encode()
}

// answer is what a step changes in the profile. The language that somebody reads is the one we write to them in.
func (s *Server) answer(t tenant.Tenant, p profile.Profile, step string, sent url.Values) profile.Edit {
	edit := profile.Edit{Version: p.Version, Values: map[string]string{}, Metadata: map[string]string{}}
	switch step {
	case stepName:
		edit.Values[profile.FieldName] = sent.Get(profile.FieldName)
	case stepLanguage:
		lang := sent.Get(profile.FieldPageLang)
		edit.Values[profile.FieldPageLang], edit.Values[profile.FieldLang] = lang, lang
	default:
		for _, name := range s.Profiles.Missing(t, p) {
			if key, declared := strings.CutPrefix(name, profile.MetadataField("")); declared {
				edit.Metadata[key] = sent.Get(name)
			} else {
				edit.Values[name] = sent.Get(name)
			}
		}
	}
	return edit
}

func (s *Server) startPage(c echo.Context, p profile.Profile, step, returnTo string, typed *profile.Edit, refused valid.Errors) error {
	ctx := c.Request().Context()
	f := profileFields{s.form(c, refused), tenant.From(ctx), p, typed}
	view := pages.StartPage{
		Page: s.page(c, "start.title"), Token: f.token, Refusals: f.summary(), Body: i18n.T(ctx, "start.lead"), Step: step, ReturnTo: returnTo,
	}
	switch step {
	case stepName:
		if typed == nil {
			f.typed = &profile.Edit{Values: map[string]string{profile.FieldName: ""}}
		}
		view.Fields = asked(f.text(profile.FieldName, "start.name", "name"))
	case stepLanguage:
		if typed == nil {
			f.typed = &profile.Edit{Values: map[string]string{profile.FieldPageLang: i18n.Current(ctx).Tag}}
		}
		for _, choice := range f.languages(profile.FieldPageLang, "start.language") {
			choice.Options = choice.Options[1:] // here one answers
			view.Fields = append(view.Fields, pages.DeclaredField{Choice: &choice})
		}
	default:
		view.Page, view.Body = s.page(c, "start.required.title"), i18n.T(ctx, "start.required.lead", "product", tenant.From(ctx).Product)
		view.Fields = s.requiredFields(f)
	}
	if step != stepRequired {
		view.Skip = stepAddress(after(step), returnTo)
	}
	view.Refused = len(refused) > 0
	return s.render(c, f.status(), pages.Start(view))
}

func asked(models []components.FieldModel) []pages.DeclaredField {
	fields := make([]pages.DeclaredField, len(models))
	for i := range models {
		models[i].Optional = false
		fields[i].Text = &models[i]
	}
	return fields
}

// requiredFields are the fields of what is missing.
func (s *Server) requiredFields(f profileFields) []pages.DeclaredField {
	missing := s.Profiles.Missing(f.tenant, f.saved)
	var fields []pages.DeclaredField
	for _, name := range missing {
		if label, attribute := profileLabels[name]; attribute {
			fields = append(fields, asked(f.text(name, label, autocompletes[name]))...)
		}
	}
	schema := s.Profiles.Schema(f.tenant)
	schema.Properties = slices.DeleteFunc(slices.Clone(schema.Properties), func(p profile.Property) bool {
		return !slices.Contains(missing, profile.MetadataField(p.Key))
	})
	return append(fields, f.declared(schema)...)
}

// incomplete reports whether the person lacks something that the tenant requires and that they can fill in. Most tenants
// require nothing, so that it costs a query only for who seems to lack something.
func (s *Server) incomplete(ctx context.Context, t tenant.Tenant, live session.Live) (bool, error) {
	if !s.Profiles.Requires(t) || len(s.Profiles.Missing(t, profileOf(live.Person))) == 0 {
		return false, nil
	}
	p, err := s.Profiles.Find(ctx, live.User)
	return err == nil && len(s.Profiles.Missing(t, p)) > 0, err
}

// profileOf is what a session knows of a person's profile.
func profileOf(p session.Person) profile.Profile {
	known := profile.Profile{
		Email: p.Email, Name: p.Name, GivenName: p.GivenName, FamilyName: p.FamilyName, Nickname: p.Nickname, Username: p.Username,
		PhoneNumber: p.PhoneNumber,
	}
	_ = json.Unmarshal([]byte(p.UserMetadata), &known.UserMetadata) // what cannot be read is as good as missing
	return known
}
