package main

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// settingsSent sends the form of the settings with some fields changed; a nil one is left out.
func settingsSent(t *testing.T, v *visitor, p page, changed map[string]any) page {
	t.Helper()
	form := formOf(t, p, "/admin/settings")
	for name, value := range changed {
		if text, ok := value.(string); ok {
			form.Set(name, text)
		} else {
			form.Del(name)
		}
	}
	return v.do(http.MethodPost, "/admin/settings", form)
}

func TestAdministratorsChangeTheSettings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		const path = "/admin/settings"
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		p := settingsSent(t, mara, mara.get(path), nil)
		p = mara.want(p, http.StatusOK, path, "The settings are saved.")
		p = settingsSent(t, mara, p, map[string]any{
			"product": "Quay Books", "support_email": "help@quay.example", "support_url": "https://quay.example/help", "colour": "#7A1F5C",
			"default_locale": "de", "locale.ja": nil, "locale.ar": nil, "verification": "require", "verification_days": "0", "min_password": "20",
			"reset_minutes": "30", "access.phone_number": "hide", "required.nickname": "on",
			"metadata_schema": `{"type": "object", "properties": {"shoe": {"type": "string", "x-label": {"en": "Shoe size"}}}}`,
			"embed_origins":   "https://quay.example\r\nhttps://shop.quay.example",
		})
		p = mara.want(p, http.StatusOK, path, "Quay Books")
		saved, err := f.DB.FindSettings(t.Context(), f.Tenant.ID, false)
		if err != nil || saved.Brand != "#7a1f5c" || strings.Join(saved.Locales, " ") != "de en es fr pt pl" || saved.ResetMinutes != 30 ||
			saved.Attributes["phone_number"].Access != tenant.Hide || len(saved.EmbedOrigins) != 2 {
			t.Errorf("got %+v, %v, want what was sent", saved, err)
		}
		if n := w.recorded(t, tenant.User{Tenant: f.Tenant.ID}, audit.SettingsChanged); n != 2 {
			t.Errorf("got %d entries in the record, want one for each change", n)
		}
		sheet := mara.get("/brand/7a1f5c.css")
		if !strings.Contains(p.body, `href="/brand/7a1f5c.css"`) || !strings.Contains(sheet.body, "--brand:") || sheet.header.Get("Set-Cookie") != "" {
			t.Errorf("got %s, want the page in the colour", sheet.body)
		}
		ana.lang = "ja"
		short := ana.get("/signup")
		if !strings.Contains(short.body, `lang="de"`) || !strings.Contains(short.body, "Quay Books") || !strings.Contains(short.body, "20") {
			t.Errorf("got %s, want the new name, language and least length", short.text())
		}
		ana.lang = "en"
		p = ana.send(ana.get("/signup"), "/signup", map[string]string{"email": "ana@example.org", "password": "six quiet lanterns in fog", "terms": "on"})
		ana.want(p, http.StatusOK, "/verify", "")
		letter := w.letter(t, "ana@example.org", mail.VerifyEmail)
		if strings.Contains(letter.HTML, "#0a5a4d") || !strings.Contains(letter.HTML, "Quay Books") {
			t.Error("the letter is not in the colour of the brand")
		}
		ana.send(p, "/verify", map[string]string{"code": code(t, letter)})
		profile := ana.want(ana.get("/account/profile"), http.StatusOK, "/account/profile", "Shoe size")
		if strings.Contains(profile.body, `name="phone_number"`) {
			t.Error("a hidden attribute is asked for")
		}
		p = ana.send(profile, "/account/profile", map[string]string{"nickname": ""})
		ana.want(p, http.StatusUnprocessableEntity, "/account/profile", "Fill in this field")
	})
}

func TestWrongSettingsAreRefusedAndKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	const path = "/admin/settings"
	mara := w.administrator(t, "mara@example.org")
	before, err := w.DB.FindSettings(t.Context(), w.Tenant.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	for field, c := range map[string]struct {
		value any
		says  string
	}{
		"product":            {" ", "Fill in this field"},
		"support_email":      {"help", "name@example.org"},
		"support_url":        {"javascript:alert(1)", "begins with https://"},
		"colour":             {"red", "like #0a5a4d"},
		"default_locale":     {"xx", "Choose at least one language"},
		"locale.en":          {nil, "the default among them"},
		"verification":       {"x", "Fill in this field"},
		"verification_days":  {"-1", "from 0 to 365"},
		"min_password":       {"8", "from 15 to 64"},
		"reset_minutes":      {"an hour", "from 5 to 1440"},
		"verify_hours":       {"25", "from 1 to 24"},
		"undo_days":          {"31", "from 1 to 30"},
		"letters_per_minute": {"0", "from 1 to 6000"},
		"metadata_schema":    {`{"type": 7}`, "not a JSON Schema"},
		"embed_origins":      {"https://shop.example.org/frame", "without a path"},
	} {
		sent := map[string]any{"support_url": "https://kept.example"}
		sent[field] = c.value
		p := settingsSent(t, mara, mara.get(path), sent)
		p = mara.want(p, http.StatusUnprocessableEntity, path, c.says)
		kept := formOf(t, p, path)
		if text, ok := c.value.(string); ok && field != "default_locale" && field != "verification" && kept.Get(field) != text {
			t.Errorf("%s: got %q, want what was typed", field, kept.Get(field))
		}
		if field != "support_url" && kept.Get("support_url") != "https://kept.example" {
			t.Errorf("%s: what was typed elsewhere is lost", field)
		}
	}
	after, err := w.DB.FindSettings(t.Context(), w.Tenant.ID, false)
	if err != nil || !maps.Equal(before.Attributes, after.Attributes) || after.Product != before.Product {
		t.Errorf("got %+v, %v, want nothing changed", after, err)
	}
}

func TestSettingsOfTwoAdministratorsMeet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	const path = "/admin/settings"
	mara, bo := w.administrator(t, "mara@example.org"), w.administrator(t, "bo@example.org")
	open := bo.get(path)
	settingsSent(t, mara, mara.get(path), map[string]any{"product": "Quay Books"})
	p := settingsSent(t, bo, open, map[string]any{"product": "Pier Books"})
	p = bo.want(p, http.StatusConflict, path, "Somebody saved other settings meanwhile")
	if got := formOf(t, p, path).Get("product"); got != "Pier Books" {
		t.Errorf("got %q, want what was typed", got)
	}
	bo.want(settingsSent(t, bo, p, nil), http.StatusOK, path, "Pier Books")
}

func TestAColourIsTriedBeforeItIsSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	const path = "/admin/settings"
	mara := w.administrator(t, "mara@example.org")
	p := settingsSent(t, mara, mara.get(path), map[string]any{"colour": "#ffee00", "try": "yes"})
	p = mara.want(p, http.StatusOK, path, "The weakest contrast is")
	if !strings.Contains(p.body, "/brand/ffee00.css") || formOf(t, p, path).Get("colour") != "#ffee00" {
		t.Error("the page does not show the colour that is tried")
	}
	if saved, err := w.DB.FindSettings(t.Context(), w.Tenant.ID, false); err != nil || saved.Brand != "" {
		t.Errorf("got %q, %v, want nothing saved", saved.Brand, err)
	}
	live := mara.get(path + "/contrast?colour=" + url.QueryEscape("#ffee00"))
	if live.status != http.StatusOK || !strings.Contains(live.body, `"sheet":"/brand/ffee00.css"`) {
		t.Errorf("got %d %s, want the figures for the script", live.status, live.body)
	}
	for _, wrong := range []string{path + "/contrast?colour=red", "/brand/red.css", "/brand/7a1f5c%7D.css"} {
		if p := mara.get(wrong); p.status != http.StatusBadRequest && p.status != http.StatusNotFound {
			t.Errorf("%s: got %d, want it refused", wrong, p.status)
		}
	}
}
