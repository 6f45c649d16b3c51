package main

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestZZShots(t *testing.T) {
	root := browser(t)
	demo := startDemo(t)
	for name, l := range map[string]look{"wide": {width: 1280, script: true}, "dark": {width: 360, dark: true, script: true}, "ar": {width: 360, lang: "ar", script: true}, "wdark": {width: 1280, dark: true, script: true}} {
		shot := func(b *tab, what string) {
			png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			_ = os.WriteFile("/tmp/shots/"+what+"-"+name+".png", png, 0o600)
		}
		kim := demo.tab(t, root, l)
		kim.open("/login")
		shot(kim, "login")
		kim.by(`main form[action="/login/with/demo"] button`, "ana", "Ana Ferreira")
		for what, path := range map[string]string{"overview": "/account", "profile": "/account/profile", "connections-main": "/account/connections", "security": "/account/security"} {
			kim.open(path)
			shot(kim, what)
		}
		if name == "ar" || name == "wdark" {
			continue
		}
		b := demo.tab(t, root, l)
		b.signIn(demo.people[1].Email, demo.people[1].Password)
		b.accept()
		b.open("/account/connections")
		shot(b, "ben-connections")
		b.click(`main form[action="/account/connections/with/demo"] button`)
		b.until(b.demo.base + demoIDPath + "/authorize")
		shot(b, "demoid")
		b.click(`form:has([id="name-kim"]) button`)
		b.until(b.demo.base + "/account")
		shot(b, "join")
		if b.at() == "/account/connections/join" {
			b.submit("/account/connections/join")
		}
		shot(b, "joined")
		if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`location.href=document.querySelector("a[href*=disconnect]").href; true`)); err == nil {
			b.until(b.demo.base + "/account/connections/disconnect")
			shot(b, "disconnect")
			if name == "wide" {
				b.press("main form button.danger")
				shot(b, "disconnected")
			}
		}
		a := demo.tab(t, root, l)
		a.signIn(demo.people[2].Email, demo.people[2].Password)
		for what, path := range map[string]string{"adm-list": "/admin/connections", "adm-apple": "/admin/connect/apple", "adm-ms": "/admin/connect/microsoft"} {
			a.open(path)
			shot(a, what)
		}
		a.open("/admin/connections/demo")
		a.fill("sample", `{"sub":"77","name":"Octo Cat","email":"o@example.org","email_verified":true,"shoe":{"size":39}}`)
		a.press(`main button[value="preview"]`)
		shot(a, "adm-preview")
		a.open("/admin/connections/demo")
		a.submit("/admin/connections/demo/test")
		shot(a, "adm-test")
	}
}
