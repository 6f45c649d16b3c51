package web

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

// fieldSample holds what a provider sends for a person; it is read for a preview and never kept.
const fieldSample = "sample"

// connectionForm is a connection as it is being written down. Known says that there is one already, whose id and issuer
// stay; secret that one is kept.
type connectionForm struct {
	setup   idp.Setup
	preset  idp.Preset
	known   bool
	secret  bool
	refused valid.Errors
	preview pages.PreviewModel
}

// readSetup reads what an administrator wrote down.
func readSetup(c echo.Context) idp.Setup {
	form := c.Request().PostForm
	return idp.Setup{
		ID: form.Get(idp.FieldID), Name: form.Get(idp.FieldName), Issuer: form.Get(idp.FieldIssuer), Directory: form.Get(idp.FieldDirectory),
		ClientID: form.Get(idp.FieldClientID), Secret: form.Get(idp.FieldSecret), Scopes: form.Get(idp.FieldScopes), Mapping: form.Get(idp.FieldMapping),
		Sync: idp.Sync(form.Get(idp.FieldSync)), Trust: form.Has(idp.FieldTrust), RoundTrip: form.Has(idp.FieldRoundTrip), SignUp: form.Has(idp.FieldSignUp),
		SignOut: form.Has(idp.FieldSignOut), Enabled: form.Has(idp.FieldEnabled), TeamID: form.Get(idp.FieldTeam), KeyID: form.Get(idp.FieldKey),
	}
}

// previewConnection shows what the mapping that stands in the form makes of a sample.
func (s *Server) previewConnection(c echo.Context, f connectionForm) error {
	identity, err := s.Providers.Preview(f.setup.Mapping, c.Request().PostFormValue(fieldSample), f.setup.Trust)
	bad, ok := errors.AsType[idp.BadMapping](err)
	switch {
	case ok:
		f.refused.Add(idp.FieldMapping, "err.mapping."+bad.Reason, "where", bad.Where)
	case err != nil:
		f.refused.Add(fieldSample, "err.sample")
	default:
		f.preview = previewOf(identity, f.setup.Sync)
		believed, err := s.Providers.Preview(f.setup.Mapping, c.Request().PostFormValue(fieldSample), true)
		f.preview.Untrusted = err == nil && believed.EmailVerified && !identity.EmailVerified
	}
	return s.connectionPage(c, f)
}

func previewOf(i idp.Identity, sync idp.Sync) pages.PreviewModel {
	data, _ := json.MarshalIndent(i.Data, "", "  ")
	managed := idp.Linked{Main: true, Identity: i}.Managed(idp.Connection{Settings: idp.Settings{Sync: sync}})
	m := pages.PreviewModel{Shown: true, Left: i.Left, Data: string(data)}
	for _, fact := range []struct{ name, value string }{
		{idp.AttributeSubject, i.Subject},
		{profile.FieldEmail, i.Email},
		{idp.AttributeEmailVerified, truthOf(i.Email, i.EmailVerified)},
		{profile.FieldName, i.Name},
		{profile.FieldGivenName, i.GivenName},
		{profile.FieldFamilyName, i.FamilyName},
		{profile.FieldNickname, i.Nickname},
		{profile.FieldPicture, i.Picture},
		{profile.FieldPhone, i.PhoneNumber},
		{idp.AttributePhoneVerified, truthOf(i.PhoneNumber, i.PhoneVerified)},
		{idp.AttributeLocale, i.Locale},
	} {
		if fact.value != "" {
			m.Facts = append(m.Facts, pages.AttributeFact{Name: fact.name, Value: fact.value, Owned: slices.Contains(managed, fact.name)})
		}
	}
	return m
}

// truthOf says whether a value is verified, and nothing where there is none.
func truthOf(value string, verified bool) string {
	if value == "" {
		return ""
	}
	return strconv.FormatBool(verified)
}

func (s *Server) connectionPage(c echo.Context, f connectionForm) error {
	ctx := c.Request().Context()
	words := s.form(c, f.refused)
	view := pages.ConnectionPage{
		Token: words.token, Refusals: words.summary(), Self: connectPath + "/" + f.preset.Key, Fields: f.fields(words), Secret: f.secretField(words),
		Checks: f.checks(ctx), Preview: f.preview, Sync: components.SelectModel{
			Name: idp.FieldSync, Label: i18n.T(ctx, "connections.sync"), Error: words.problem(idp.FieldSync), Options: []components.Option{
				{Value: string(idp.EachLogin), Text: i18n.T(ctx, "connections.sync.each"), Selected: f.setup.Sync == idp.EachLogin},
				{Value: string(idp.FirstLogin), Text: i18n.T(ctx, "connections.sync.first"), Selected: f.setup.Sync == idp.FirstLogin},
			},
		},
	}
	title := i18n.T(ctx, "connections.add.title", "provider", f.preset.Name)
	if f.preset.Key == idp.Custom {
		title = i18n.T(ctx, "connections.add")
	}
	if f.known {
		title = f.setup.Name
		view.Self = connectionsPath + "/" + f.setup.ID
		view.Test, view.Remove = view.Self+"/test", view.Self+"/remove"
	}
	if f.known && f.preset.Dialect == idp.OpenID {
		view.SignedOut, view.BackChannel = tenant.From(ctx).URL(idp.SignedOutPath), tenant.From(ctx).URL(idp.Connection{ID: f.setup.ID}.BackChannelPath())
	}
	if f.setup.ID != "" {
		view.Callback = tenant.From(ctx).URL(idp.Connection{ID: f.setup.ID}.CallbackPath())
	}
	view.Page, view.Usual = s.titledAdmin(c, title), idp.DefaultMapping().String()
	view.Mapping = components.FieldModel{
		Name: idp.FieldMapping, Label: i18n.T(ctx, "connections.mapping"), Hint: i18n.T(ctx, "connections.mapping.hint"), Optional: true,
		Value: f.setup.Mapping, Error: words.problem(idp.FieldMapping), Rows: 8, Mono: true,
	}
	view.Sample = components.FieldModel{
		Name: fieldSample, Label: i18n.T(ctx, "connections.sample"), Hint: i18n.T(ctx, "connections.sample.hint"), Optional: true,
		Value: c.Request().PostFormValue(fieldSample), Error: words.problem(fieldSample), Rows: 8, Mono: true,
	}
	return s.render(c, words.status(), pages.Connection(view))
}

// exampleDirectory is what the ID of a directory of Microsoft's looks like.
const exampleDirectory = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"

// fields are those of a connection that take one line, as far as its provider needs them.
func (f connectionForm) fields(words form) []components.FieldModel {
	needsDirectory := !f.known && strings.Contains(f.preset.Issuer, "{directory}")
	var fields []components.FieldModel
	for _, one := range []struct {
		name, key, value  string
		shown, hint, text bool
	}{
		{name: idp.FieldName, key: "connections.name", value: f.setup.Name, shown: true, text: true},
		{name: idp.FieldID, key: "connections.id", value: f.setup.ID, shown: true, hint: true},
		{name: idp.FieldDirectory, key: "connections.directory", value: f.setup.Directory, shown: needsDirectory, hint: true},
		{name: idp.FieldIssuer, key: "connections.issuer", value: f.setup.Issuer, shown: !needsDirectory, hint: true},
		{name: idp.FieldClientID, key: "connections.client", value: f.setup.ClientID, shown: true},
		{name: idp.FieldTeam, key: "connections.team", value: f.setup.TeamID, shown: f.preset.Key == "apple"},
		{name: idp.FieldKey, key: "connections.key", value: f.setup.KeyID, shown: f.preset.Key == "apple"},
		{name: idp.FieldScopes, key: "connections.scopes", value: f.setup.Scopes, shown: true},
	} {
		if !one.shown {
			continue
		}
		field := components.FieldModel{
			Name: one.name, Label: i18n.T(words.ctx, one.key), Value: one.value, Error: words.problem(one.name), LTR: !one.text, Autocomplete: "off",
			ReadOnly: f.known && (one.name == idp.FieldID || one.name == idp.FieldIssuer),
		}
		if one.hint {
			field.Hint = i18n.T(words.ctx, one.key+".hint", "example", exampleDirectory)
		}
		fields = append(fields, field)
	}
	return fields
}

// secretField takes a secret and never shows one.
func (f connectionForm) secretField(words form) components.FieldModel {
	field := components.FieldModel{
		Name: idp.FieldSecret, Label: i18n.T(words.ctx, "connections.secret"), Hint: i18n.T(words.ctx, "connections.secret.hint"),
		Error: words.problem(idp.FieldSecret), Type: "password", Autocomplete: "new-password", LTR: true,
	}
	if f.preset.Key == "apple" {
		field.Type, field.Rows, field.Mono, field.Hint = "", 6, true, i18n.T(words.ctx, "connections.secret.apple")
	}
	if f.secret {
		field.Hint = i18n.T(words.ctx, "connections.secret.keep")
	}
	return field
}

func (f connectionForm) checks(ctx context.Context) []components.CheckModel {
	return []components.CheckModel{
		{Name: idp.FieldEnabled, Label: i18n.T(ctx, "connections.enabled"), Checked: f.setup.Enabled},
		{Name: idp.FieldSignUp, Label: i18n.T(ctx, "connections.signup"), Checked: f.setup.SignUp},
		{Name: idp.FieldTrust, Label: i18n.T(ctx, "connections.trust"), Hint: i18n.T(ctx, "connections.trust.hint"), Checked: f.setup.Trust},
		{Name: idp.FieldRoundTrip, Label: i18n.T(ctx, "connections.roundtrip"), Hint: i18n.T(ctx, "connections.roundtrip.hint"), Checked: f.setup.RoundTrip},
		{Name: idp.FieldSignOut, Label: i18n.T(ctx, "connections.signout"), Checked: f.setup.SignOut},
	}
}
