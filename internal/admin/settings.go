package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"portico/internal/age"
	"portico/internal/audit"
	"portico/internal/brand"
	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// ErrStaleSettings says that somebody else saved settings since the form was made.
var ErrStaleSettings = errors.New("settings were changed meanwhile")

// The form fields of the settings.
const (
	FieldProduct      = "product"
	FieldSupportEmail = "support_email"
	FieldSupportURL   = "support_url"
	FieldColour       = "colour"
	FieldLocales      = "locales"
	FieldVerification = "verification"
	FieldDays         = "verification_days"
	FieldMinPassword  = "min_password"
	FieldReset        = "reset_minutes"
	FieldGrace        = "grace_days"
	FieldVerify       = "verify_hours"
	FieldUndo         = "undo_days"
	FieldLetterRate   = "letters_per_minute"
	FieldWithdrawal   = "withdrawal"
	FieldSchema       = "metadata_schema"
	FieldEmbed        = "embed_origins"
	FieldAge          = "age_ask"
	FieldUnder        = "age_under"
	FieldCountry      = "age_country"
)

// Limits of the settings: characters of a product's name, days before an address must be confirmed, characters of the least
// password (security.md row 1), minutes of a reset link (row 14), hours of a link that proves an address (row 25), days in which
// a change of address can be undone (row 27), and letters to many people that are queued a minute.
const (
	MaxProduct     = 60
	MaxDays        = 365
	MaxMinPassword = 64
	MinReset       = 5
	MaxReset       = 24 * 60
	MaxVerify      = 24
	MaxUndo        = 30
	MaxLetterRate  = 6000
)

// Settings returns the settings of a tenant as they are saved, and their version for SaveSettings.
func (s *Service) Settings(ctx context.Context, t tenant.ID) (tenant.Settings, string, error) {
	saved, err := s.store.FindSettings(ctx, t, false)
	return saved.WithDefaults(), versionOf(saved), err
}

// versionOf tells one state of the settings from another.
func versionOf(s tenant.Settings) string {
	content, _ := json.Marshal(s) // only texts, numbers and checked JSON
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// SaveSettings replaces the settings that administrators have a form for; others stay as they are. version is that of the
// settings the form was made from. It returns valid.Errors and ErrStaleSettings.
func (s *Service) SaveSettings(ctx context.Context, actor tenant.User, version string, wanted tenant.Settings) error {
	if err := CheckSettings(wanted).Err(); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		saved, err := s.store.FindSettings(ctx, actor.Tenant, true)
		if err != nil {
			return err
		}
		if versionOf(saved) != version {
			return ErrStaleSettings
		}
		merged := saved
		merged.Product, merged.SupportEmail, merged.SupportURL, merged.Brand = wanted.Product, wanted.SupportEmail, wanted.SupportURL, wanted.Brand
		merged.Locales, merged.Verification, merged.MinPassword = wanted.Locales, wanted.Verification, wanted.MinPassword
		merged.ResetMinutes, merged.Attributes, merged.Metadata = wanted.ResetMinutes, wanted.Attributes, wanted.Metadata
		merged.EmbedOrigins, merged.GraceDays = wanted.EmbedOrigins, wanted.GraceDays
		merged.VerifyHours, merged.UndoDays, merged.Withdrawal = wanted.VerifyHours, wanted.UndoDays, wanted.Withdrawal
		merged.LettersPerMinute = wanted.LettersPerMinute
		merged.Age = wanted.Age
		fields := changed(saved, merged)
		if len(fields) == 0 {
			return nil
		}
		if err := s.store.SaveSettings(ctx, actor.Tenant, merged); err != nil {
			return err
		}
		return s.record(ctx, actor, tenant.User{Tenant: actor.Tenant}, audit.Event{Type: audit.SettingsChanged, Fields: fields})
	})
}

// changed names the settings that differ, as the database has them.
func changed(before, after tenant.Settings) []string {
	read := func(s tenant.Settings) map[string]json.RawMessage {
		content, _ := json.Marshal(s)
		all := map[string]json.RawMessage{}
		_ = json.Unmarshal(content, &all)
		return all
	}
	was, is := read(before), read(after)
	names := map[string]bool{}
	for name := range was {
		names[name] = string(was[name]) != string(is[name])
	}
	for name := range is {
		names[name] = string(was[name]) != string(is[name])
	}
	maps.DeleteFunc(names, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(names))
}

// CheckSettings says what is wrong with settings that an administrator wants.
func CheckSettings(s tenant.Settings) valid.Errors {
	refused := checkIdentity(s)
	between := func(field string, n, least, most int) {
		if n < least || n > most {
			refused.Add(field, "err.number", "min", least, "max", most)
		}
	}
	if len(s.Locales) == 0 || slices.ContainsFunc(s.Locales, func(tag string) bool { _, shipped := i18n.Find(tag); return !shipped }) {
		refused.Add(FieldLocales, "err.locales")
	}
	if !slices.Contains([]string{tenant.VerifyAllow, tenant.VerifyRemind, tenant.VerifyRequire}, s.Verification.Mode) {
		refused.Add(FieldVerification, "err.required")
	}
	between(FieldDays, s.Verification.Days, 0, MaxDays)
	between(FieldMinPassword, s.MinPassword, tenant.DefaultMinPassword, MaxMinPassword)
	between(FieldReset, s.ResetMinutes, MinReset, MaxReset)
	if s.GraceDays != nil {
		between(FieldGrace, *s.GraceDays, 0, tenant.MostGraceDays)
	}
	between(FieldVerify, s.VerifyHours, 1, MaxVerify)
	between(FieldUndo, s.UndoDays, 1, MaxUndo)
	between(FieldLetterRate, s.LettersPerMinute, 1, MaxLetterRate)
	if schema, err := profile.ParseSchema(s.Metadata); err != nil || (len(s.Metadata) > 0 && len(schema.Properties) == 0) {
		refused.Add(FieldSchema, "err.schema")
	}
	if !slices.Contains([]string{"", tenant.AgeGuardian, tenant.AgeClose}, s.Age.Under) || s.Age.Ask && s.Age.Under == "" {
		refused.Add(FieldUnder, "err.required")
	}
	if s.Age.Country != "" && s.Age.Country != age.Elsewhere && !age.Known(s.Age.Country) {
		refused.Add(FieldCountry, "err.country")
	}
	for _, origin := range s.EmbedOrigins {
		if !tenant.IsOrigin(origin) {
			refused.Add(FieldEmbed, "err.origin")
			break
		}
	}
	return refused
}

func checkIdentity(s tenant.Settings) valid.Errors {
	var refused valid.Errors
	switch {
	case strings.TrimSpace(s.Product) == "":
		refused.Add(FieldProduct, "err.required")
	case utf8.RuneCountInString(s.Product) > MaxProduct:
		refused.Add(FieldProduct, "err.name.long", "max", MaxProduct)
	case strings.ContainsFunc(s.Product, unicode.IsControl):
		refused.Add(FieldProduct, "err.name.control")
	}
	if problems := profile.CheckEmail(s.SupportEmail); s.SupportEmail != "" && len(problems) > 0 {
		refused.Add(FieldSupportEmail, "err.email.form")
	}
	if page, err := url.Parse(s.SupportURL); s.SupportURL != "" && (err != nil || page.Scheme != "https" || page.Host == "" || page.User != nil) {
		refused.Add(FieldSupportURL, "err.url")
	}
	if s.Brand == "" {
		return refused
	}
	colour, err := brand.Parse(s.Brand)
	switch {
	case err != nil:
		refused.Add(FieldColour, "err.colour")
	case !colour.Readable():
		refused.Add(FieldColour, "err.colour.contrast", "ratio", fmt.Sprintf("%.1f", colour.Weakest().Contrast), "least", brand.Least)
	}
	return refused
}
