package main

import (
	"net/http"
	"strings"
	"testing"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// ux.md 1.1: after sign-up come two questions that can be skipped, and then what the tenant requires.
func TestStart(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.visitor(t)
		p := ana.send(ana.get("/signup"), "/signup", map[string]string{"email": "ana@example.org", "password": goodPassword})
		p = ana.send(p, "/verify", map[string]string{"code": code(t, w.letter(t, "ana@example.org", mail.VerifyEmail))})
		p = ana.want(p, http.StatusOK, "/start", "Your email address is confirmed.")
		ana.want(p, http.StatusOK, "/start", "What is your full name?")
		p = ana.want(ana.send(p, "/start", map[string]string{"name": ""}), http.StatusUnprocessableEntity, "/start", "Enter your full name")
		p = ana.want(ana.send(p, "/start", map[string]string{"name": "Ana Ferreira"}), http.StatusOK, "/start", "Which language do you read?")
		p = ana.send(p, "/start", map[string]string{"ui_lang": "pt"})
		ana.want(p, http.StatusOK, "/account", "As suas respostas estão guardadas.")
		found, err := f.DB.FindProfile(t.Context(), w.user(t, "ana@example.org"))
		if err != nil || found.Name != "Ana Ferreira" || found.UserMetadata.Text(profile.FieldLang) != "pt" {
			t.Errorf("got %q in %s, %v, want what was answered", found.Name, found.UserMetadata.JSON(), err)
		}
		ana.want(ana.get("/start?step=name"), http.StatusOK, "/account", "Ana") // nothing is asked twice
	})
}

func TestStartCanBeSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	p := ana.want(ana.get("/start?step=name&return_to=%2Faccount%2Fsecurity"), http.StatusOK, "/start", "Skip for now")
	for _, step := range []string{"step=language", "step=required"} {
		_, rest, _ := strings.Cut(p.body, `class="btn wide" href="`)
		skip, _, _ := strings.Cut(rest, `"`)
		skip = strings.ReplaceAll(skip, "&amp;", "&")
		if !strings.Contains(skip, step) {
			t.Fatalf("got %q, want a way past the question to %s", skip, step)
		}
		p = ana.get(skip)
	}
	ana.want(p, http.StatusOK, "/account/security", "Sign-in and security")
}

const requiredMetadata = `{"type":"object","required":["size"],"properties":{"size":{"type":"string","enum":["s","m"],"x-label":{"en":"Shirt size"}}}}`

// Rules P-4, P-8, T-2: what the tenant requires is asked for once, after everything else that stands before the account.
func TestRequiredAttributesAreAskedForOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := w.visitor(t)
		p := ana.send(ana.get("/signup"), "/signup", map[string]string{"email": "ana@example.org", "password": goodPassword})
		ana.send(p, "/verify", map[string]string{"code": code(t, w.letter(t, "ana@example.org", mail.VerifyEmail))})
		form := ana.want(ana.get("/account/email"), http.StatusOK, "/start", "Shirt size")
		if strings.Contains(form.text(), "Skip for now") || strings.Contains(form.text(), "full name") {
			t.Errorf("got %s, want only what is required", form.text())
		}
		bad := ana.send(form, "/start", map[string]string{"phone_number": "12", "user_metadata.size": ""})
		ana.want(bad, http.StatusUnprocessableEntity, "/start", "Enter a phone number with its country code")
		ana.want(bad, http.StatusUnprocessableEntity, "/start", "Shirt size: enter a value")
		done := ana.send(bad, "/start", map[string]string{"phone_number": "+351 912 345 678", "user_metadata.size": "m"})
		ana.want(done, http.StatusOK, "/account/email", "Change your email address")
		ana.want(ana.get("/account"), http.StatusOK, "/account", "Hello")
	}, func(s *tenant.Settings) {
		s.Attributes = map[string]tenant.AttributePolicy{profile.FieldPhone: {Required: true}}
		s.Metadata = []byte(requiredMetadata)
	})
}

// Rule P-4: what is hidden or read-only cannot be filled in, so nobody is kept out for the lack of it.
func TestWhatCannotBeFilledInIsNotAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t, func(s *tenant.Settings) {
		s.Attributes = map[string]tenant.AttributePolicy{
			profile.FieldPhone: {Access: tenant.ReadOnly, Required: true}, profile.FieldGivenName: {Access: tenant.Hide, Required: true},
		}
	}))
	ana := w.member(t)
	p := ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "This cannot be changed here.")
	if strings.Contains(p.body, `name="given_name"`) {
		t.Error("a hidden attribute is shown")
	}
}
