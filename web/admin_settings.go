package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/admin"
	"portico/internal/brand"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/valid"
	"portico/views/components"
	"portico/views/pages"
)

const settingsPath = "/admin/settings"

// The fields that stand for several: one for each language, and two for each attribute.
const (
	fieldLocale   = "locale."
	fieldHome     = "default_locale"
	fieldAccess   = "access."
	fieldRequired = "required."
	fieldTry      = "try"
)

func (s *Server) settingsRoutes() []route {
	return []route{
		{open, http.MethodGet, "/brand/:colour", s.brandSheet, false},
		{admins, http.MethodGet, settingsPath, s.showSettings, false},
		{admins, http.MethodGet, settingsPath + "/contrast", s.tryColour, false},
		{adminsFresh, http.MethodPost, settingsPath, s.saveSettings, false},
	}
}

// brandURL is the address of the style sheet with a company's colour. It names the colour, so it never has to be asked again.
func brandURL(colour string) string {
	if colour == "" {
		return ""
	}
	return "/brand/" + strings.TrimPrefix(colour, "#") + ".css"
}

func (s *Server) brandSheet(c echo.Context) error {
	colour, err := brand.Parse("#" + strings.TrimSuffix(c.Param("colour"), ".css"))
	if err != nil {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", []byte(colour.CSS()))
}

func (s *Server) showSettings(c echo.Context) error {
	ctx := c.Request().Context()
	settings, version, err := s.Admin.Settings(ctx, tenant.From(ctx).ID)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, pages.Settings(s.settingsForm(c, settings, version, nil)))
}

// saveSettings saves the settings, or shows what their colour does when that is what was asked.
func (s *Server) saveSettings(c echo.Context) error {
	ctx, form := c.Request().Context(), c.Request().PostForm
	typed, version := typedSettings(form), form.Get(fieldVersion)
	if form.Get(fieldTry) != "" {
		view := s.settingsForm(c, typed, version, nil)
		view.Brand = brandURL(typed.Brand)
		return s.render(c, http.StatusOK, pages.Settings(view))
	}
	err := s.Admin.SaveSettings(ctx, session.User(ctx), version, typed)
	status, refused := http.StatusUnprocessableEntity, valid.Errors(nil)
	if errors.Is(err, admin.ErrStaleSettings) {
		if _, version, err = s.Admin.Settings(ctx, tenant.From(ctx).ID); err != nil {
			return err
		}
		status, refused = http.StatusConflict, valid.Errors{{Key: "settings.stale"}}
	} else if wrong, ok := errors.AsType[valid.Errors](err); ok {
		refused = wrong
	}
	if refused != nil {
		return s.render(c, status, pages.Settings(s.settingsForm(c, typed, version, refused)))
	}
	if err != nil {
		return err
	}
	s.Tenants.Forget()
	return s.done(c, "settings.saved", settingsPath)
}

// typedSettings reads the form. What is no number is none that is allowed.
func typedSettings(form url.Values) tenant.Settings {
	number := func(field string) int {
		n, err := strconv.Atoi(strings.TrimSpace(form.Get(field)))
		if err != nil {
			return -1
		}
		return n
	}
	text := func(field string) string { return strings.TrimSpace(form.Get(field)) }
	typed := tenant.Settings{
		Product: text(admin.FieldProduct), SupportEmail: text(admin.FieldSupportEmail), SupportURL: text(admin.FieldSupportURL),
		Brand:        strings.ToLower(text(admin.FieldColour)),
		Verification: tenant.Verification{Mode: form.Get(admin.FieldVerification), Days: number(admin.FieldDays)},
		MinPassword:  number(admin.FieldMinPassword), ResetMinutes: number(admin.FieldReset), GraceDays: new(number(admin.FieldGrace)), Metadata: json.RawMessage(text(admin.FieldSchema)),
		VerifyHours: number(admin.FieldVerify), UndoDays: number(admin.FieldUndo), LettersPerMinute: number(admin.FieldLetterRate), Withdrawal: form.Has(admin.FieldWithdrawal),
		Age:          typedAge(form),
		EmbedOrigins: strings.Fields(form.Get(admin.FieldEmbed)), Attributes: map[string]tenant.AttributePolicy{},
	}
	if typed.Brand == brand.Default {
		typed.Brand = ""
	}
	if home := form.Get(fieldHome); form.Has(fieldLocale + home) {
		typed.Locales = append(typed.Locales, home)
	}
	for _, l := range i18n.Shipped() {
		if form.Has(fieldLocale+l.Tag) && l.Tag != form.Get(fieldHome) && len(typed.Locales) > 0 {
			typed.Locales = append(typed.Locales, l.Tag)
		}
	}
	for _, name := range profile.Attributes() {
		policy := tenant.AttributePolicy{Access: tenant.Access(form.Get(fieldAccess + name)), Required: form.Has(fieldRequired + name)}
		switch policy.Access {
		case tenant.Hide, tenant.ReadOnly, tenant.ReadWrite:
			typed.Attributes[name] = policy
		}
	}
	return typed
}

// settingsForm is the page of the settings: what is saved, or what was typed.
func (s *Server) settingsForm(c echo.Context, v tenant.Settings, version string, refused valid.Errors) pages.SettingsPage {
	ctx, sent := c.Request().Context(), c.Request().PostForm
	f := s.form(c, refused)
	field := func(name, label, hint, value string) components.FieldModel {
		if sent.Has(name) {
			value = sent.Get(name)
		}
		m := components.FieldModel{Name: name, Label: i18n.T(ctx, label), Value: value, Error: f.problem(name), Autocomplete: "off"}
		if hint != "" {
			m.Hint = i18n.T(ctx, hint)
		}
		return m
	}
	number := func(name, label, hint string, value int) components.FieldModel {
		m := field(name, label, hint, strconv.Itoa(value))
		m.InputMode, m.LTR = "numeric", true
		return m
	}
	view := pages.SettingsPage{
		Page: s.adminPage(c, "settings.title"), Token: f.token, Refusals: f.summary(), Version: version,
		Product:      field(admin.FieldProduct, "settings.product", "", v.Product),
		SupportEmail: field(admin.FieldSupportEmail, "settings.support.email", "", v.SupportEmail),
		SupportURL:   field(admin.FieldSupportURL, "settings.support.url", "", v.SupportURL),
		Colour:       field(admin.FieldColour, "settings.colour", "settings.colour.hint", firstNonEmpty(v.Brand, brand.Default)),
		Days:         number(admin.FieldDays, "settings.verification.days", "", v.Verification.Days),
		MinPassword:  number(admin.FieldMinPassword, "settings.min", "settings.min.hint", v.MinPassword),
		Reset:        number(admin.FieldReset, "settings.reset", "settings.reset.hint", int(v.ResetLifetime().Minutes())),
		Grace:        number(admin.FieldGrace, "settings.grace", "settings.grace.hint", int(v.Grace().Hours()/24)),
		Verify:       number(admin.FieldVerify, "settings.verify", "settings.verify.hint", int(v.VerifyLifetime().Hours())),
		Undo:         number(admin.FieldUndo, "settings.undo", "settings.undo.hint", int(v.UndoLifetime().Hours())/24),
		LetterRate:   number(admin.FieldLetterRate, "settings.rate", "settings.rate.hint", v.LetterRate()),
		Schema:       field(admin.FieldSchema, "settings.metadata.schema", "settings.metadata.hint", pretty(v.Metadata)),
		Embed:        field(admin.FieldEmbed, "settings.embed", "settings.embed.hint", strings.Join(v.EmbedOrigins, "\n")),
		Contrast:     contrastOf(c, v.Brand), LocalesError: f.problem(admin.FieldLocales),
		Withdrawal: components.CheckModel{Name: admin.FieldWithdrawal, Label: i18n.T(ctx, "settings.withdrawal.on"), Checked: v.Withdrawal},
	}
	view.Refused = len(refused) > 0
	view.SupportEmail.Optional, view.SupportEmail.LTR, view.SupportURL.Optional, view.SupportURL.LTR = true, true, true, true
	view.Colour.LTR, view.Schema.Optional, view.Embed.Optional = true, true, true
	view.Schema.Rows, view.Schema.Mono, view.Embed.Rows, view.Embed.Mono = 10, true, 3, true
	s.settingsChoices(f, &view, v, sent)
	view.Age = settingsAge(f, v.Age)
	return view
}

// settingsChoices fills in what is chosen from lists.
func (s *Server) settingsChoices(f form, view *pages.SettingsPage, v tenant.Settings, sent url.Values) {
	home, posted := sent.Get(fieldHome), sent.Has(fieldHome)
	if !posted && len(v.Locales) > 0 {
		home = v.Locales[0]
	}
	view.Home = components.SelectModel{Name: fieldHome, Label: i18n.T(f.ctx, "settings.default")}
	enabled := map[string]bool{}
	for _, tag := range v.Locales {
		enabled[tag] = true
	}
	for _, l := range i18n.Shipped() {
		view.Home.Options = append(view.Home.Options, components.Option{Value: l.Tag, Text: l.Name, Lang: l.Tag, Selected: l.Tag == home})
		checked := enabled[l.Tag]
		if posted {
			checked = sent.Has(fieldLocale + l.Tag)
		}
		view.Locales = append(view.Locales, components.CheckModel{Name: fieldLocale + l.Tag, Label: l.Name, Checked: checked})
	}
	view.Mode = components.SelectModel{
		Name: admin.FieldVerification, Label: i18n.T(f.ctx, "settings.verification.mode"), Error: f.problem(admin.FieldVerification),
	}
	for _, mode := range []string{tenant.VerifyAllow, tenant.VerifyRemind, tenant.VerifyRequire} {
		view.Mode.Options = append(view.Mode.Options, components.Option{
			Value: mode, Text: i18n.T(f.ctx, "settings.verification."+mode), Selected: mode == v.Verification.Mode,
		})
	}
	for _, name := range profile.Attributes() {
		policy := v.Policy(name)
		row := pages.AttributeRow{
			Label: i18n.T(f.ctx, profileLabels[name]), Access: components.SelectModel{Name: fieldAccess + name},
			Required: components.CheckModel{Name: fieldRequired + name, Checked: policy.Required},
		}
		for _, access := range []tenant.Access{tenant.ReadWrite, tenant.ReadOnly, tenant.Hide} {
			row.Access.Options = append(row.Access.Options, components.Option{
				Value: string(access), Text: i18n.T(f.ctx, "settings.access."+string(access)), Selected: access == policy.Access,
			})
		}
		view.Attributes = append(view.Attributes, row)
	}
}

// contrastOf says how well text in a colour can be read: one that is none is shown as the portal's own.
func contrastOf(c echo.Context, text string) pages.Contrast {
	ctx := c.Request().Context()
	colour, err := brand.Parse(firstNonEmpty(text, brand.Default))
	if err != nil {
		colour, _ = brand.Parse(brand.Default)
	}
	ratio := func(n float64) string { return fmt.Sprintf("%.1f", n) }
	view := pages.Contrast{
		Verdict: i18n.T(ctx, "settings.verdict", "ratio", ratio(colour.Weakest().Contrast), "least", ratio(brand.Least)),
	}
	pairs := colour.Pairs()
	for i, p := range pairs[:len(pairs)/2] {
		view.Rows = append(view.Rows, pages.ContrastRow{
			ID: p.Name, Label: i18n.T(ctx, "settings.pair."+p.Name), Day: ratio(p.Contrast), Night: ratio(pairs[i+len(pairs)/2].Contrast),
		})
	}
	return view
}

// tryColour tells the script of the settings what a colour does, while it is being chosen.
func (s *Server) tryColour(c echo.Context) error {
	text := strings.ToLower(c.QueryParam(admin.FieldColour))
	if _, err := brand.Parse(text); err != nil {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	view, cells := contrastOf(c, text), map[string]string{}
	for _, row := range view.Rows {
		cells[row.ID+"-day"], cells[row.ID+"-night"] = row.Day, row.Night
	}
	return c.JSON(http.StatusOK, map[string]any{"sheet": brandURL(text), "verdict": view.Verdict, "cells": cells})
}
