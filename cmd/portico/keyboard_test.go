package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused says where the keyboard is: the name of the field, or the text of the link or button; and whether it is seen.
const focused = `(() => {
  const e = document.activeElement, s = getComputedStyle(e);
  const seen = e.matches(":focus-visible") && (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none");
  return (seen ? "" : "unseen ") + (e.name || e.innerText || e.id || e.tagName).trim();
})()`

func (b *tab) focused() string {
	b.t.Helper()
	where, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](focused))
	if err != nil {
		b.t.Fatal(err)
	}
	return where
}

// tabTo goes on with the tab key until it is at a control, and returns what it came by.
func (b *tab) tabTo(target string) []string {
	b.t.Helper()
	var passed []string
	for range 30 {
		b.run(chromedp.KeyEvent(kb.Tab))
		where := b.focused()
		if strings.HasPrefix(where, "unseen ") {
			b.t.Errorf("at %s: the keyboard is at %q, and nobody sees it", b.at(), strings.TrimPrefix(where, "unseen "))
			where = strings.TrimPrefix(where, "unseen ")
		}
		if where == target {
			return passed
		}
		passed = append(passed, where)
	}
	b.t.Fatalf("at %s: the keyboard does not come to %q, only to %q", b.at(), target, passed)
	return nil
}

// enter presses the key and waits for the page that follows.
func (b *tab) enter() {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
		b.t.Fatalf("enter at %s: %v", b.at(), err)
	}
	b.run(chromedp.WaitReady("main"))
}

// TestKeyboardAlone signs in, is refused, changes a name and signs out without a mouse, with scripts and without.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	parent := browser(t)
	demo := startDemo(t)
	for name, script := range map[string]bool{"with scripts": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			b := demo.tab(t, parent, look{width: 1280, lang: "en", script: script})
			b.open("/login")
			b.run(chromedp.KeyEvent(kb.Tab))
			if where := b.focused(); where != "Skip to main content" {
				t.Errorf("got %q first, want the way around the navigation", where)
			}
			b.tabTo("email")
			b.run(chromedp.KeyEvent(demo.people[1].Email))
			between := b.tabTo("password")
			if len(between) > 1 {
				t.Errorf("got %q between address and password, want at most the way out for who forgot", between)
			}
			b.run(chromedp.KeyEvent("not the right one"))
			b.enter()
			b.want("/login", "The email address or password is not right")
			if where := b.focused(); script && !strings.Contains(where, "email address or password is not right") {
				t.Errorf("got the keyboard at %q, want it at what is wrong", where)
			}
			b.tabTo("password")
			b.run(chromedp.KeyEvent(demo.people[1].Password))
			b.tabTo("Sign in")
			b.enter()
			b.want("/account", "Hello")

			b.tabTo("Personal info")
			b.enter()
			b.tabTo("name")
			b.run(chromedp.KeyEvent("x"))
			passed := b.tabTo("Save changes")
			for _, field := range []string{"given_name", "family_name", "nickname", "phone_number", "ui_lang", "lang"} {
				if !slices.Contains(passed, field) {
					t.Errorf("the keyboard does not come by %s, only by %q", field, passed)
				}
			}
			b.enter()
			b.want("/account/profile", "Your personal info is saved.")
			b.tabTo("Sign out")
			b.enter()
			b.want("/signed-out", "You are signed out")
			b.clean()
		})
	}
}

// TestPolicyIsNoticed shows that the journeys would notice what the content policy forbids (security.md row 56).
func TestPolicyIsNoticed(t *testing.T) {
	t.Parallel()
	parent := browser(t)
	demo := startDemo(t)
	b := demo.tab(t, parent, look{width: 1280, lang: "en", script: true})
	b.open("/login")
	b.clean()
	b.run(chromedp.Evaluate[chromedp.Void](`document.body.setAttribute("style", "color: red")`))
	until(t, "a complaint about an inline style", func() bool {
		return slices.ContainsFunc(b.complaints(), func(s string) bool { return strings.Contains(s, "style") })
	})
	if color, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`getComputedStyle(document.body).color`)); color == "rgb(255, 0, 0)" {
		t.Error("an inline style has effect")
	}
}
