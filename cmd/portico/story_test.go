package main

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

var sixDigits = regexp.MustCompile(`\b\d{3}[\x{00a0} ]?\d{3}\b`)

// codeIn is the code in the text of a letter, and pathIn the link that begins with prefix.
func codeIn(t *testing.T, letter map[string]any) string {
	t.Helper()
	found := sixDigits.FindString(letter["text"].(string))
	if found == "" {
		t.Fatalf("no code in %s", letter["text"])
	}
	return found
}

func pathIn(t *testing.T, letter map[string]any, prefix string) string {
	t.Helper()
	for field := range strings.FieldsSeq(letter["text"].(string)) {
		if u, err := url.Parse(field); err == nil && strings.HasPrefix(u.Path, prefix) {
			return u.Path
		}
	}
	t.Fatalf("no link %s in %s", prefix, letter["text"])
	return ""
}

// choose selects an option of a list.
func (b *tab) choose(name, value string) {
	b.t.Helper()
	set := fmt.Sprintf(`document.querySelector('main [name="%s"]').value = %q`, name, value)
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](set)); err != nil {
		b.t.Fatalf("choose %s at %s: %v", name, b.at(), err)
	}
}

// in fails the test unless the page is in the language.
func (b *tab) in(lang string) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.documentElement.lang + " " + document.documentElement.dir`))
	want := lang + " ltr"
	if lang == "ar" {
		want = "ar rtl"
	}
	if err != nil || got != want {
		b.t.Errorf("%s: got %q, %v, want a page in %q", b.at(), got, err, want)
	}
}

// is reports what an expression says of the page.
func (b *tab) is(expression string) bool {
	b.t.Helper()
	is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return is
}

// TestStory is the main job in a real browser: a person signs up, proves the address, edits the profile, picks the language
// of letters, changes the address, forgets the password, and is blocked and unblocked.
func TestStory(t *testing.T) {
	t.Parallel()
	parent := browser(t)
	demo := startDemo(t)
	for _, l := range []look{{width: 1280, lang: "en", script: true}, {width: 360, lang: "de", script: true}, {width: 360, lang: "ar"}} {
		t.Run(fmt.Sprintf("%s, scripts %v", l.lang, l.script), func(t *testing.T) {
			b := demo.tab(t, parent, l)
			email, fresh := "story-"+l.lang+"@example.org", "new-"+l.lang+"@example.org"

			b.open("/signup")
			b.in(l.lang)
			b.fill("email", email)
			b.fill("password", "a lantern on the quay")
			b.run(chromedp.Click(`#terms`))
			b.submit("/signup")
			b.want("/verify", email)
			letter := demo.letter(t, email, "verify_email")
			if letter["language"] != l.lang {
				t.Errorf("got a letter in %v, want %s", letter["language"], l.lang)
			}
			b.fill("code", codeIn(t, letter))
			b.submit("/verify")
			b.want("/start", "")
			b.in(l.lang)
			b.open("/account")
			b.want("/account", email)

			b.open("/account/profile")
			b.fill("name", "Sofía O’Brien")
			b.choose("ui_lang", l.lang)
			b.choose("lang", "fr")
			b.submit("/account/profile")
			b.want("/account/profile", "Français")

			b.open("/account/email")
			b.fill("new_email", fresh)
			b.submit("/account/email")
			letter = demo.letter(t, fresh, "email_change_confirm")
			if letter["language"] != "fr" {
				t.Errorf("got a letter in %v, want the chosen language", letter["language"])
			}
			b.open(pathIn(t, letter, "/email/confirm/"))
			b.submit("/email/confirm")
			b.open(pathIn(t, demo.letter(t, email, "email_change_notice"), "/email/approve/"))
			b.submit("/email/approve")
			b.want("/email/approve", fresh)

			b.open("/account")
			if l.width < 960 {
				b.run(chromedp.Evaluate[chromedp.Void](`document.getElementById("nav").showPopover?.()`))
			}
			b.press(`form[action="/logout"] button`)
			b.want("/signed-out", "")
			b.open("/password/forgot")
			b.fill("email", fresh)
			b.submit("/password/forgot")
			b.open(pathIn(t, demo.letter(t, fresh, "reset_email"), "/password/reset/"))
			b.fill("password", "two ferries and a gull")
			b.submit("/password/reset")
			b.signIn(fresh, "two ferries and a gull")
			b.want("/account", fresh)

			admin := demo.tab(t, parent, look{width: 1280, lang: "en", script: l.script})
			admin.signIn(demo.people[2].Email, demo.people[2].Password)
			admin.open("/admin/users?q=" + fresh)
			admin.press(`table a`)
			admin.press(`.tabs a:last-child`)
			admin.fill("reason", "A story.")
			admin.press(`main button[value="block"]`)
			b.open("/account")
			b.want("/login", "")
			b.signIn(fresh, "two ferries and a gull")
			b.in(l.lang)
			admin.fill("reason", "The story goes on.")
			admin.press(`main button[value="unblock"]`)
			b.signIn(fresh, "two ferries and a gull")
			b.want("/account", fresh)
			admin.open("/admin")
			admin.want("/admin", "A story.")
			if admin.is(`document.querySelector("main .wrap").scrollWidth > document.querySelector("main .wrap").clientWidth`) {
				t.Error("what administrators did last has to be moved sideways")
			}
			b.clean()
			admin.clean()
		})
	}
	t.Run("new terms stand before everything, and are accepted", func(t *testing.T) {
		b := demo.tab(t, parent, look{width: 360, lang: "ar"})
		b.signIn(demo.people[0].Email, demo.people[0].Password)
		b.want("/terms/accept", "")
		b.open("/account/profile")
		b.want("/terms/accept", "30")
		b.press(`main button[value="accept"]`)
		b.want("/account/profile", "")
	})
}

// TestRobotConfirmsNothing opens everything in a letter, and sends every form behind it, before the person does.
func TestRobotConfirmsNothing(t *testing.T) {
	t.Parallel()
	parent := browser(t)
	demo := startDemo(t)
	b := demo.tab(t, parent, look{width: 1280, script: true})
	const email = "robot@example.org"
	b.open("/signup")
	b.fill("email", email)
	b.fill("password", "a lantern on the quay")
	b.run(chromedp.Click(`#terms`))
	b.submit("/signup")
	letter := demo.letter(t, email, "verify_email")

	robot := demo.tab(t, parent, look{width: 1280, script: true})
	robot.open(pathIn(t, letter, "/verify/"))
	robot.submit("/verify/link")
	robot.submit("/verify/link")
	robot.clean()
	b.open(pathIn(t, letter, "/verify/"))
	b.submit("/verify/link")
	b.want("/start", "")
}
