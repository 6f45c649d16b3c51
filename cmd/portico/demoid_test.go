package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// by signs in with Demo ID as somebody whose name is changed to name on the way, and ends where that leads.
func (b *tab) by(button, person, name string) {
	b.t.Helper()
	b.click(button)
	b.until(b.demo.base + demoIDPath + "/authorize")
	field := `[id="name-` + person + `"]`
	b.run(chromedp.SetValue(field, name))
	b.click(`form:has(` + field + `) button`)
	b.until(b.demo.base+"/account", b.demo.base+"/terms/accept")
	b.accept()
}

// measures compares a length on the page, in pixels, with the most that it may be.
func (b *tab) measures(script string, most float64) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](script))
	if err != nil || got > most || got < -most {
		b.t.Errorf("at %s: got %.1f and %v, want at most %.0f pixels", b.at(), got, err, most)
	}
}

// TestDemoID sees a profile filled, synced and linked, as a newcomer would, with and without scripts.
func TestDemoID(t *testing.T) {
	root := browser(t)
	demo := startDemo(t)
	axe := axeSource(t)
	const signIn = `main form[action="/login/with/demo"] button`
	kim := demo.tab(t, root, look{width: 360, lang: "ar"})
	kim.open("/login")
	kim.by(signIn, "kim", "Kim Berg")
	kim.open("/account/profile")
	kim.want("/account/profile", "kim@id.example")
	kim.want("/account/profile", demoIDName)
	kim.open("/account/connections")
	kim.measures(`(() => { // an address is read from the left and stands at the start of its line
		const text = document.createRange(); text.selectNodeContents(document.querySelector("main .panel p[dir=ltr]"));
		return document.querySelector("main .panel h2").getBoundingClientRect().right - text.getBoundingClientRect().right })()`, 1)
	again := demo.tab(t, root, look{width: 1280, script: true})
	again.open("/login")
	again.by(signIn, "kim", "Kim Lund")
	kim.open("/account")
	kim.want("/account", "Kim Lund")

	// Ana has a password here and comes by Demo ID as well: two accounts with one address, until she joins them.
	other := demo.tab(t, root, look{width: 1280, script: true})
	other.open("/login")
	other.by(signIn, "ana", "Ana Ferreira")
	ana := demo.tab(t, root, look{width: 360, script: true})
	ana.signIn(demo.people[0].Email, demo.people[0].Password)
	ana.accept()
	ana.open("/account/connections")
	ana.want("/account/connections", "outra conta") // her pages are in Portuguese
	ana.by(`main form[action="/account/connections/with/demo"] button`, "ana", "Ana Ferreira")
	ana.until(demo.base + "/account/connections/join")
	if found := ana.axe(axe); len(found) > 0 {
		t.Errorf("the comparison: %v", found)
	}
	ana.submit("/account/connections/join")
	ana.want("/account/connections", demoIDName)
	other.open("/account")
	other.want("/login", "")
	other.click(signIn)
	other.until(demo.base + demoIDPath + "/authorize")
	if found := other.axe(axe); len(found) > 0 {
		t.Errorf("the page of Demo ID: %v", found)
	}
	mara := demo.tab(t, root, look{width: 1280, script: true})
	mara.signIn(demo.people[2].Email, demo.people[2].Password)
	mara.open("/admin/connections")
	mara.want("/admin/connections", demoIDName)
	mara.measures(`(() => { // a short page is not stretched to the height of the navigation
		const heading = document.querySelector("main section.panel h2"), text = document.createRange(); text.selectNodeContents(heading);
		return heading.getBoundingClientRect().height - text.getBoundingClientRect().height })()`, 8)
	for _, b := range []*tab{kim, again, ana, other, mara} {
		b.clean()
	}
}
