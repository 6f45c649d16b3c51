package main

import (
	"fmt"
	"testing"

	"portico/internal/i18n"
	"portico/internal/privacy"
)

// follow clicks a link of the page's content and waits for where it leads.
func (b *tab) follow(path string) {
	b.t.Helper()
	b.press(fmt.Sprintf(`main a[href=%q]`, path))
}

// TestDeclineExportCloseKeepInBrowser is the way of somebody who does not agree to new terms, without scripts: they decline,
// take their data along, close the account, and keep it after all. Each page leads to the next one (rules T-5, G-2 and G-4).
func TestDeclineExportCloseKeepInBrowser(t *testing.T) {
	t.Parallel()
	parent := browser(t)
	demo := startDemo(t)
	ana := demo.people[0]
	for _, l := range []look{{width: 1280, lang: "en"}, {width: 360, lang: "ar"}} {
		t.Run(l.lang, func(t *testing.T) {
			says := func(key string, args ...any) string {
				return i18n.T(i18n.With(t.Context(), l.lang, nil), key, args...)
			}
			b := demo.tab(t, parent, l)
			b.signIn(ana.Email, ana.Password)
			b.want("/terms/accept", "")
			b.open("/language?return_to=/terms/accept")
			b.press(fmt.Sprintf(`main button[value=%q]`, l.lang))
			b.want("/terms/accept", says("gate.decline"))
			b.in(l.lang)
			b.narrow(b.at())

			b.press(`main button[value="decline"]`)
			b.want("/terms/declined", says("declined.title"))
			b.in(l.lang)
			b.narrow(b.at())
			b.open("/account/profile")
			b.want("/terms/accept", says("gate.decline")) // nothing else is open
			b.open("/terms/declined")
			b.follow("/account/data")
			b.want("/account/data", says("export.my_data.title"))
			b.in(l.lang)

			b.press(fmt.Sprintf(`main button[value=%q]`, privacy.MyData))
			b.want("/account/data", says("export.asked"))
			link := fmt.Sprintf(`a[download]:has(+ form button[value=%q])`, privacy.MyData)
			b.appears(link) // by itself
			b.narrow(b.at())
			parts := contents(t, b.download(link))
			if parts["index.html"] == "" || parts["consents.json"] == "" {
				t.Errorf("got %d parts, want what there is of ana", len(parts))
			}

			b.follow("/account/data/close")
			b.want("/account/data/close", says("close.goes"))
			b.in(l.lang)
			b.narrow(b.at())
			b.fill("confirm", "somebody@example.org")
			b.submit("/account/data/close")
			b.want("/account/data/close", says("err.close.email"))
			b.fill("confirm", ana.Email)
			b.submit("/account/data/close")
			b.want("/closed", says("close.done.title"))
			b.in(l.lang)
			demo.letter(t, ana.Email, "account_closing")

			b.follow("/login")
			b.fill("email", ana.Email)
			b.fill("password", ana.Password)
			b.submit("/login")
			b.want("/account/closing", says("close.until"))
			b.in(l.lang)
			b.narrow(b.at())
			b.open("/terms/accept")
			b.want("/account/closing", says("close.keep"))
			b.submit("/account/closing")
			b.want("/terms/accept", says("close.kept")) // the account is theirs again, and the question is open still
			b.in(l.lang)
			b.open("/account/terms")
			b.want("/account/terms", says("assent.declined"))
			b.narrow(b.at())
			demo.letter(t, ana.Email, "account_kept")
			b.clean()
		})
	}
}
