package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"portico/internal/i18n"
)

// longWords makes every word of a page a third longer, as a language would that nobody has translated to yet. What is
// written in fixed-width letters are codes and addresses, which no language makes longer.
const longWords = `for (const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walker.nextNode();) {
  const node = walker.currentNode;
  if (!node.parentElement.closest("script, pre, code, textarea")) {
    node.data = node.data.replace(/\p{L}{4,}/gu, (word) => word + word.slice(0, Math.ceil(word.length / 3)));
  }
}`

// widest is what stands out of the page, to say where to look.
const widest = `[...document.querySelectorAll("body *")].filter((e) => {
  const r = e.getBoundingClientRect();
  return r.width && (r.right > innerWidth + 1 || r.left < -1) && !e.closest(".wrap, .vh, [popover]");
}).slice(-2).map((e) => e.outerHTML.slice(0, 120)).join(" | ")`

// TestNoPageScrollsSideways opens every page on the narrowest of telephones (WCAG 2.2, 1.4.10): in every language, with words
// that are longer still, and for somebody whose names have no end.
func TestNoPageScrollsSideways(t *testing.T) {
	t.Parallel()
	parent := browser(t)
	demo := startDemo(t)
	endless := demo.tab(t, parent, look{width: 1280, lang: "en", script: true})
	endless.signIn(demo.people[1].Email, demo.people[1].Password)
	endless.open("/account/profile")
	endless.fill("name", strings.Repeat("Wolfeschlegelsteinhausenbergerdorff", 4))
	endless.fill("nickname", strings.Repeat("W", 350))
	endless.submit("/account/profile")
	endless.want("/account/profile", "saved")
	endless.open("/account/email")
	endless.fill("new_email", strings.Repeat("w", 64)+"@"+strings.Repeat("www.", 40)+"example.org")
	endless.submit("/account/email")

	for _, language := range i18n.Shipped() {
		t.Run(language.Tag, func(t *testing.T) {
			t.Parallel()
			b := demo.tab(t, parent, look{width: 320, lang: language.Tag, script: true})
			visit := func(pages ...string) {
				for _, path := range pages {
					b.open(path)
					b.narrow(path)
					if language.Tag == "en" {
						b.run(chromedp.Evaluate[chromedp.Void](longWords))
						b.narrow(path + " with longer words")
					}
				}
			}
			visit(strangersPages...)
			visit("/dev/mailbox")
			b.signIn(demo.people[1].Email, demo.people[1].Password)
			visit(peoplesPages...)
			b = demo.tab(t, parent, look{width: 320, lang: language.Tag, script: true})
			b.signIn(demo.people[2].Email, demo.people[2].Password)
			visit(adminsPages...)
			b.open("/admin/users?q=ben")
			person, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("table a").getAttribute("href")`))
			if err != nil {
				t.Fatal(err)
			}
			visit(person, person+"/metadata", person+"/security", person+"/activity", person+"/actions")
		})
	}
}

// narrow reports a page that has to be moved sideways.
func (b *tab) narrow(what string) {
	b.t.Helper()
	if !b.wide() {
		return
	}
	where, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](widest))
	b.t.Error(fmt.Sprintf("%s has to be moved sideways: %s", what, where), err)
}

// strangersPages, peoplesPages and adminsPages are the pages that must not scroll sideways.
var (
	strangersPages = []string{
		"/login", "/signup", "/password/forgot", "/help", "/language", "/blocked", "/signed-out", "/terms", "/terms/terms", "/terms/terms/1",
		"/terms/terms/versions", "/terms/terms/compare?from=1&to=3", "/nowhere", "/verify/unknown", "/password/reset/unknown",
	}
	peoplesPages = []string{
		"/account", "/account/profile", "/account/email", "/account/security", "/account/security/sessions", "/account/connections",
		"/account/security/activity", "/account/security/password", "/account/terms", "/account/consents", "/account/data", "/reauth",
	}
	adminsPages = []string{
		"/admin", "/admin/users", "/admin/users?q=nobody", "/admin/users/new", "/admin/settings", "/admin/requests", "/admin/audit", "/admin/emails", "/admin/emails/outbox",
		"/admin/connections", "/admin/connect/apple", "/admin/connections/demo",
		"/admin/terms", "/admin/terms/terms", "/admin/terms/terms/1", "/admin/terms/terms/1/preview", "/admin/blocks", "/dev/mailbox",
	}
)
