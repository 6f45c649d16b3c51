package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

// fieldVersion is the version of the profile that a form was made from (rule P-6).
const fieldVersion = "version"

func (s *Server) showProfile(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.Profiles.Find(ctx, session.User(ctx))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, pages.Profile(s.profileForm(c, p, nil, nil)))
}

func (s *Server) saveProfile(c echo.Context) error {
	ctx := c.Request().Context()
	edit := s.profileEdit(tenant.From(ctx), c.Request().PostForm)
	err := s.Profiles.Edit(ctx, session.User(ctx), edit)
	if stale, ok := errors.AsType[profile.Stale](err); ok {
		return s.render(c, http.StatusConflict, pages.Conflict(s.conflict(c, stale.Current, edit)))
	}
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		p, err := s.Profiles.Find(ctx, session.User(ctx))
		if err != nil {
			return err
		}
		return s.render(c, http.StatusUnprocessableEntity, pages.Profile(s.profileForm(c, p, &edit, refused)))
	}
	if err != nil {
		return err
	}
	return s.done(c, "profile.saved", "/account/profile")
}

// profileEdit reads the fields that the form offers; any other is forged.
func (s *Server) profileEdit(t tenant.Tenant, sent url.Values) profile.Edit {
	version, _ := strconv.ParseInt(sent.Get(fieldVersion), 10, 64)
	edit := profile.Edit{Version: version, Values: map[string]string{}, Metadata: map[string]string{}}
	editable, schema := profile.Editable(t), s.Profiles.Schema(t)
	for _, name := range sortedKeys(flat(sent)) {
		key, declared := strings.CutPrefix(name, profile.MetadataField(""))
		property, known := schema.Field(key)
		switch {
		case name == fieldToken || name == fieldVersion:
		case slices.Contains(editable, name):
			edit.Values[name] = sent.Get(name)
		case declared && known && !property.ReadOnly:
			edit.Metadata[key] = sent.Get(name)
		default:
			edit.Forged = append(edit.Forged, name)
		}
	}
	for _, p := range schema.Properties {
		if _, there := edit.Metadata[p.Key]; !there && p.Type == "boolean" && !p.ReadOnly && sent.Has(fieldVersion) {
			edit.Metadata[p.Key] = "false" // a box that is not ticked is not sent
		}
	}
	return edit
}

func flat(values url.Values) map[string]string {
	all := make(map[string]string, len(values))
	for name := range values {
		all[name] = values.Get(name)
	}
	return all
}

// profileForm is the page of a profile: what is saved, and over it what was typed.
func (s *Server) profileForm(c echo.Context, p profile.Profile, typed *profile.Edit, refused valid.Errors) pages.ProfilePage {
	ctx := c.Request().Context()
	f := profileFields{s.form(c, refused), tenant.From(ctx), p, typed}
	view := pages.ProfilePage{
		Page: s.page(c, "profile.title"), Token: f.token, Refusals: f.summary(), Version: strconv.FormatInt(p.Version, 10),
		Initials: profile.Initials(p.Name, p.Email), Email: p.Email, Verified: p.EmailVerified,
		Name:     f.usual(profile.FieldName),
		Names:    append(f.usual(profile.FieldGivenName), f.usual(profile.FieldFamilyName)...),
		Nickname: append(f.usual(profile.FieldNickname), f.usual(profile.FieldUsername)...),
		Phone:    f.usual(profile.FieldPhone),
		Zone:     f.usual(profile.FieldZone),
		Declared: f.declared(s.Profiles.Schema(tenant.From(ctx))),
		Edited:   i18n.T(ctx, "profile.edited", "time", i18n.DateTime(ctx, p.EditedAt)),
		Preview:  s.letterPreview(c, p),
	}
	view.Languages = f.languages(profile.FieldPageLang, "profile.lang.ui")
	if p.Email != "" { // without an address there are no letters (rule N-9)
		view.Languages = append(view.Languages, f.languages(profile.FieldLang, "profile.lang.mail")...)
	}
	if pending := session.From(ctx).Person.PendingEmail; pending != "" {
		view.Pending = i18n.T(ctx, "email.add.pending", "email", pending)
	}
	if typed != nil {
		view.Version = strconv.FormatInt(typed.Version, 10)
	}
	if zone, err := profile.Zone(p.UserMetadata.Text(profile.FieldZone)); err == nil && len(view.Zone) > 0 {
		view.Zone[0].Hint = i18n.T(ctx, "profile.zone.hint", "time", s.Now().In(zone).Format("15:04"))
	}
	view.Refused = len(refused) > 0
	return view
}

// profileFields makes the fields of the form: hidden, read-only or open, as the tenant's policy says (rule P-4).
type profileFields struct {
	form
	tenant tenant.Tenant
	saved  profile.Profile
	typed  *profile.Edit
}

func (f profileFields) value(name string) string {
	if f.typed != nil {
		if value, sent := f.typed.Values[name]; sent {
			return value
		}
	}
	return f.saved.Value(name)
}

// usual is text with the label that the field has everywhere.
func (f profileFields) usual(name string) []components.FieldModel {
	return f.text(name, profileLabels[name], autocompletes[name])
}

func (f profileFields) text(name, label, autocomplete string) []components.FieldModel {
	policy := f.tenant.Policy(name)
	if policy.Access == tenant.Hide {
		return nil
	}
	m := components.FieldModel{
		Name: name, Label: i18n.T(f.ctx, label), Value: f.value(name), Autocomplete: autocomplete, Error: f.problem(name),
		Optional: !policy.Required && name != profile.FieldName, ReadOnly: policy.Access == tenant.ReadOnly,
	}
	switch name {
	case profile.FieldNickname:
		m.Hint = i18n.T(f.ctx, "profile.nickname.hint")
	case profile.FieldUsername:
		m.Hint, m.LTR = i18n.T(f.ctx, "profile.username.hint", "max", profile.MaxUsername), true
	case profile.FieldPhone:
		m.Hint, m.Type, m.InputMode, m.LTR = i18n.T(f.ctx, "profile.phone.hint"), "tel", "tel", true
	case profile.FieldZone:
		m.LTR = true
	}
	if f.saved.IsManaged(name) {
		m.Value, m.Hint = f.saved.Value(name), i18n.T(f.ctx, "profile.managed", "provider", f.saved.ManagedBy)
		m.ReadOnly, m.Optional = true, false
	} else if m.ReadOnly {
		m.Hint, m.Optional = i18n.T(f.ctx, "profile.readonly"), false
	}
	return []components.FieldModel{m}
}

func (f profileFields) languages(name, label string) []components.SelectModel {
	if f.tenant.Policy(name).Access != tenant.ReadWrite {
		return nil
	}
	chosen := f.value(name)
	m := components.SelectModel{
		Name: name, Label: i18n.T(f.ctx, label), Error: f.problem(name), Autocomplete: "language",
		Options: []components.Option{{Value: "", Text: i18n.T(f.ctx, "profile.lang.auto"), Selected: chosen == ""}},
	}
	for _, tag := range f.tenant.Locales {
		language, _ := i18n.Find(tag)
		m.Options = append(m.Options, components.Option{Value: tag, Text: language.Name, Lang: tag, Selected: tag == chosen})
	}
	return []components.SelectModel{m}
}

// declared makes a field for each key of user_metadata that the tenant declares (rule M-7).
func (f profileFields) declared(schema profile.Schema) []pages.DeclaredField {
	var fields []pages.DeclaredField
	lang := i18n.Current(f.ctx).Tag
	for _, p := range schema.Properties {
		name, value := profile.MetadataField(p.Key), p.Show(f.saved.UserMetadata.Value(p.Key))
		if f.typed != nil {
			if typed, sent := f.typed.Metadata[p.Key]; sent {
				value = typed
			}
		}
		switch {
		case p.ReadOnly:
			fields = append(fields, pages.DeclaredField{Text: &components.FieldModel{
				Name: name, Label: p.Label(lang), Hint: strings.TrimSpace(p.Hint(lang) + " " + i18n.T(f.ctx, "profile.readonly")),
				Value: p.Say(f.ctx, p.Show(f.saved.UserMetadata.Value(p.Key))), ReadOnly: true,
			}})
		case p.Type == "boolean":
			fields = append(fields, pages.DeclaredField{Box: &components.CheckModel{
				Name: name, Label: p.Label(lang), Hint: p.Hint(lang), Value: "true", Checked: value == "true", Error: f.problem(name),
			}})
		case len(p.Enum) > 0:
			m := components.SelectModel{
				Name: name, Label: p.Label(lang), Hint: p.Hint(lang), Optional: !p.Required, Error: f.problem(name),
				Options: []components.Option{{Value: "", Text: "–", Selected: value == ""}},
			}
			for _, one := range p.Enum {
				m.Options = append(m.Options, components.Option{Value: one, Text: p.ValueLabel(lang, one), Selected: one == value})
			}
			fields = append(fields, pages.DeclaredField{Choice: &m})
		default:
			m := components.FieldModel{
				Name: name, Label: p.Label(lang), Hint: p.Hint(lang), Value: value, Optional: !p.Required, Error: f.problem(name),
			}
			if p.Type == "integer" || p.Type == "number" {
				m.InputMode, m.LTR = "decimal", true
			}
			fields = append(fields, pages.DeclaredField{Text: &m})
		}
	}
	return fields
}

// letterPreview says in which language a letter would be written now, and why (rule L-2).
func (s *Server) letterPreview(c echo.Context, p profile.Profile) pages.LetterPreview {
	ctx := c.Request().Context()
	lang, reason := profile.LetterLanguage(tenant.From(ctx), p, i18n.Current(ctx).Tag)
	language, _ := i18n.Find(lang)
	return pages.LetterPreview{
		URL: "/account/letter?lang=" + lang, Language: language.Name, Lang: lang, Reason: i18n.T(ctx, "letter.because."+string(reason)),
	}
}

// conflict is the page that chooses between what was typed and what somebody saved meanwhile; it loses nothing.
func (s *Server) conflict(c echo.Context, saved profile.Profile, typed profile.Edit) pages.ConflictPage {
	ctx := c.Request().Context()
	view := pages.ConflictPage{
		Page: s.page(c, "conflict.title"), Token: s.token(c), Version: strconv.FormatInt(saved.Version, 10),
		Body: i18n.T(ctx, "conflict.body", "time", i18n.DateTime(ctx, saved.EditedAt)),
	}
	add := func(name, label, yours, now string) {
		if yours == now {
			view.Same = append(view.Same, pages.ResumeValue{Name: name, Value: yours})
			return
		}
		view.Differences = append(view.Differences, pages.Difference{Name: name, Label: label, Yours: yours, Saved: now})
	}
	for _, name := range sortedKeys(typed.Values) {
		add(name, i18n.T(ctx, profileLabels[name]), strings.TrimSpace(typed.Values[name]), saved.Value(name))
	}
	for _, p := range s.Profiles.Schema(tenant.From(ctx)).Properties {
		if yours, sent := typed.Metadata[p.Key]; sent {
			add(profile.MetadataField(p.Key), p.Label(i18n.Current(ctx).Tag), yours, p.Show(saved.UserMetadata.Value(p.Key)))
		}
	}
	return view
}

var autocompletes = map[string]string{
	profile.FieldName: "name", profile.FieldGivenName: "given-name", profile.FieldFamilyName: "family-name",
	profile.FieldNickname: "nickname", profile.FieldUsername: "username", profile.FieldPhone: "tel",
}

var profileLabels = map[string]string{
	profile.FieldName: "profile.name", profile.FieldGivenName: "profile.given", profile.FieldFamilyName: "profile.family",
	profile.FieldNickname: "profile.nickname", profile.FieldUsername: "profile.username", profile.FieldPhone: "profile.phone", profile.FieldPageLang: "profile.lang.ui.row",
	profile.FieldLang: "profile.lang.mail.row", profile.FieldZone: "profile.zone",
}
