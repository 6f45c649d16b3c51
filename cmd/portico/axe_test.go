package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// unseen are routes that show no page of their own, or none that the walk below can come to, with the reason.
var unseen = map[string]string{
	"/":                                         "leads on",
	"/resume":                                   "leads on, to the form that was kept",
	"/privacy":                                  "leads to a document",
	"/.well-known/change-password":              "leads on",
	"/unblock/:ticket":                          "leads to /unblock",
	"/guardian/:ticket":                         "leads to /guardian",
	"/verify/:ticket":                           "leads to /verify/link",
	"/password/reset/:ticket":                   "leads to /password/reset",
	"/email/confirm/:ticket":                    "leads to /email/confirm",
	"/email/approve/:ticket":                    "leads to /email/approve",
	"/email/undo/:ticket":                       "leads to /email/undo",
	"/consents/confirm/:ticket":                 "leads to /consents/confirm",
	"/terms/sha256/:hash":                       "is a text, named by its hash",
	"/terms/:doc/upcoming":                      "leads to the version that is announced, or is not there",
	"/terms/:doc/as-of/:date":                   "leads to the version of that day",
	"/ledger/:tenant/checkpoint":                "is a text for programs",
	"/ledger/:tenant/key":                       "is a text for programs",
	"/ledger/:tenant/keys":                      "is a text for programs",
	"/ledger/:tenant/inclusion":                 "is a text for programs",
	"/ledger/:tenant/consistency":               "is a text for programs",
	"/account/terms/:event/promise":             "is a file",
	"/admin/terms/:doc/:n/rollout.csv":          "is a file",
	"/admin/audit.csv":                          "is a file",
	"/admin/users/:id/consents/proofs":          "is a file",
	"/account/stay":                             "answers the script that keeps a session",
	"/closing/:ticket":                          "leads to /closing",
	"/close/:ticket":                            "leads to /close",
	"/account/terms/:event/receipt":             "is a file",
	"/account/letter":                           "is a letter in a frame",
	"/admin/emails/:kind/preview/html":          "is a letter in a frame",
	"/dev/mailbox/:id/html":                     "is a letter in a frame",
	"/admin/settings/contrast":                  "answers the script of the settings",
	"/brand/:colour":                            "is a style sheet",
	"/terms/:doc/embed":                         "is a document without a frame of its own, for other sites",
	"/account/security/connections":             "is the former address of a page",
	"/account/connections/join":                 "needs a second account of an identity provider: linking_test",
	"/account/connections/disconnect/:identity": "needs an identity of a provider: linking_test",
}

// seen is the walk of somebody with a browser, and which routes it has been at.
type seen struct {
	*tab
	axe   string
	pages map[string]bool
	all   []walked
}

// matches reports whether a path is one of the route.
func (r walked) matches(path string) bool {
	want, got := strings.Split(r.path, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], ":") {
			return false
		}
	}
	return true
}

// looks are how each page is looked at: narrow and wide, by day and by night.
var looks = []look{{width: 360}, {width: 360, dark: true}, {width: 1280}, {width: 1280, dark: true}}

// check has axe look at the page that is open, in each of the looks, and sees that nothing stands out of it.
func (s *seen) check(what string) {
	s.t.Helper()
	at, best := s.at(), ""
	for _, r := range s.all {
		if r.method == http.MethodGet && r.matches(at) && (best == "" || strings.Count(r.path, ":") < strings.Count(best, ":")) {
			best = r.path
		}
	}
	s.pages[best] = true
	for _, violation := range s.tab.axe(s.axe, looks...) {
		s.t.Errorf("%s, %s", what, violation)
	}
}

// look opens an address and checks what is there.
func (s *seen) look(path string) { s.open(path); s.check(path) }

// refuse sends the form of the page that is open as it is, which is not good enough, and checks what comes back.
func (s *seen) refuse(action string) {
	s.submit(action)
	s.check(action + ", refused")
}

// selecting does something to everybody on a page of the list, from nobody being ticked to what became of them.
func selecting(s *seen) {
	s.open("/admin/users")
	s.press(`main button[value="block"]`)
	s.check("nobody is selected")
	s.run(chromedp.Click(`main [data-all] button[type="button"]`))
	s.press(`main button[value="block"]`)
	s.check("whom a block concerns")
	s.press(`main button[name="confirmed"]`)
	s.check("a block of many without a reason")
	s.open("/admin/users")
	s.run(chromedp.Click(`main [data-all] button[type="button"]`))
	s.press(`main button[value="end"]`)
	s.press(`main button[name="confirmed"]`)
	s.check("what became of those who were selected")
}

// TestEveryPageIsAccessible takes the route map: a page that is in it is looked at, or stands above with a reason. What only
// shows on the way, such as a refused form, a spent link or two versions of one profile, is come to as people come to it.
func TestEveryPageIsAccessible(t *testing.T) {
	t.Parallel()
	parent := browser(t)
	demo, axe, pages, all := startDemo(t), axeSource(t), map[string]bool{}, routes(t)
	as := func(t *testing.T, lang string, person int) *seen {
		s := &seen{demo.tab(t, parent, look{width: 1280, lang: lang, script: true}), axe, pages, all}
		s.t = t
		if person >= 0 {
			s.signIn(demo.people[person].Email, demo.people[person].Password)
		}
		return s
	}
	t.Run("on the way in", func(t *testing.T) { wayIn(as(t, "en", -1), as(t, "ar", -1)) })
	t.Run("at the gate of terms", func(t *testing.T) {
		ana := as(t, "en", 0)
		ana.check("terms that wait")
		ana.look("/terms/declined")
	})
	t.Run("a person", func(t *testing.T) { onesOwn(as(t, "en", 1), as(t, "en", 1)) })
	admin := as(t, "en", 2)
	var person string
	t.Run("an administrator", func(t *testing.T) { admin.t = t; person = administration(admin, as(t, "ar", -1)) })
	t.Run("somebody who is too young", func(t *testing.T) { admin.t = t; tooYoung(admin, as(t, "en", -1), as(t, "ar", -1)) })
	parameters := map[string]string{"id": person, "n": "1", "kind": "verify_email", "preset": "apple", "connection": "demo"}
	t.Run("every other route", func(t *testing.T) {
		ben, stranger := as(t, "en", 1), as(t, "en", -1)
		admin.t = t
		for _, r := range all {
			if r.method != http.MethodGet || unseen[r.path] != "" || pages[r.path] {
				continue
			}
			v := stranger
			if strings.HasPrefix(r.gate, "admin") {
				v = admin
			} else if !r.public() {
				v = ben
			}
			v.route(r, r.with(parameters))
		}
	})
	t.Run("nobody forgets a page", func(t *testing.T) {
		for path := range unseen {
			if !slices.ContainsFunc(all, func(r walked) bool { return r.method == http.MethodGet && r.path == path }) {
				t.Errorf("%s is excused but is no route", path)
			}
			if pages[path] {
				t.Errorf("%s is excused but shows a page", path)
			}
		}
		for _, r := range all {
			if r.method == http.MethodGet && !pages[r.path] && unseen[r.path] == "" {
				t.Errorf("%s is a page that nothing here has looked at: come to it above, or say why not in unseen", r.path)
			}
		}
	})
}

// route opens one route. What is no page, such as a feed, counts as seen.
func (s *seen) route(r walked, path string) {
	s.t.Helper()
	response, err := chromedp.RunResponse(s.ctx, chromedp.Navigate(s.demo.base+path))
	if err != nil {
		s.t.Errorf("%s: %v", path, err)
		return
	}
	if response.MimeType != "text/html" {
		s.pages[r.path] = true
		return
	}
	s.run(chromedp.WaitReady("main"))
	s.check(path)
}

// wayIn is what strangers meet: forms, refusals, letters, and links that no longer work.
func wayIn(s, arabic *seen) {
	for _, path := range []string{"/signup", "/password/forgot"} {
		s.look(path)
		s.refuse(path)
	}
	s.look("/login")
	s.signIn("nobody@example.org", "not the right one at all")
	s.check("a refused sign-in")
	s.look("/nowhere")
	withdrawing(s, "rui@example.org")
	withdrawing(arabic, "rania@example.org")
	arabic.look("/login")
	arabic.look("/signup")

	const email = "axe@example.org"
	s.open("/signup")
	s.fill("email", email)
	s.fill("password", "a lantern on the quay")
	s.run(chromedp.Click(`#terms`))
	s.submit("/signup")
	s.check("/verify")
	s.fill("code", "000000")
	s.refuse("/verify")
	verify := pathIn(s.t, s.demo.letter(s.t, email, "verify_email"), "/verify/")
	s.look(verify)
	s.submit("/verify/link")
	s.look("/start?step=name")
	s.look("/account")
	s.look(verify)
	s.open("/account/email")
	s.fill("new_email", "axe-new@example.org")
	s.submit("/account/email")
	s.check("a change of address that waits")
	notice := s.demo.letter(s.t, email, "email_change_notice")
	s.look(pathIn(s.t, s.demo.letter(s.t, "axe-new@example.org", "email_change_confirm"), "/email/confirm/"))
	s.look(pathIn(s.t, notice, "/email/approve/"))
	s.look(pathIn(s.t, notice, "/email/undo/"))

	arabic.open("/password/forgot")
	arabic.fill("email", email)
	arabic.submit("/password/forgot")
	arabic.check("/password/forgot/sent")
	reset := pathIn(s.t, s.demo.letter(s.t, email, "reset_email"), "/password/reset/")
	arabic.look(reset)
	arabic.fill("password", "short")
	arabic.refuse("/password/reset")
	arabic.fill("password", "two ferries and a gull")
	arabic.submit("/password/reset")
	arabic.look(reset)
	for _, spent := range []string{"/unblock/x", "/consents/confirm/x", "/unsubscribe/x"} {
		arabic.look(spent)
	}

	s.signIn(email, "two ferries and a gull")
	s.look("/account/data/close")
	s.refuse("/account/data/close")
	s.fill("confirm", email)
	s.submit("/account/data/close")
	s.check("what is said when an account is to close")
	s.signIn(email, "two ferries and a gull")
	s.check("an account that closes")
	arabic.look(pathIn(s.t, s.demo.letter(s.t, email, "account_closing"), "/closing/"))
}

// withdrawing is the withdrawal function: refused, shown once more, and received.
func withdrawing(s *seen, email string) {
	s.look("/withdraw")
	s.fill("email", "rui")
	s.refuse("/withdraw")
	s.fill("name", "Rui Costa")
	s.fill("reference", "Order 4711")
	s.fill("email", email)
	s.submit("/withdraw")
	s.check("a withdrawal that is not sent yet")
	s.submit("/withdraw/confirm")
	s.check("a withdrawal that was received")
}

// onesOwn is what people meet in their account, and the two versions of a profile that two windows saved.
func onesOwn(s, other *seen) {
	s.look("/account/profile")
	other.open("/account/profile")
	other.fill("nickname", "Benny")
	other.submit("/account/profile")
	s.fill("nickname", "Benjamin")
	s.submit("/account/profile")
	s.check("two versions of a profile")
	s.open("/account/profile")
	s.fill("name", "")
	s.refuse("/account/profile")
	s.open("/account/security/password")
	s.refuse("/account/security/password")
	s.open("/account/email")
	s.refuse("/account/email")
	s.look("/account/security/sessions")
	s.look("/admin/users")
	s.clean()
}

// administration is what administrators meet, and whom they block. It returns the id of a person.
func administration(s, blocked *seen) string {
	const email = "axe-blocked@example.org"
	s.look("/admin/users?q=nobody")
	s.look("/admin/users/new")
	s.refuse("/admin/users/new")
	s.fill("email", email)
	s.fill("name", "Åse Ålesund")
	s.submit("/admin/users/new")
	s.check("somebody who was created")
	person := s.at()
	selecting(s)
	s.look(person + "/metadata")
	s.fill("app_metadata", `{"plan": }`)
	s.press(`main form button.primary`)
	s.check("metadata that cannot be read")
	s.fill("app_metadata", `{"plan": "gold"}`)
	s.press(`main form button.primary`)
	s.check("what changes in the metadata")
	blocked.open(pathIn(s.t, s.demo.letter(s.t, email, "user_invitation"), "/password/reset/"))
	blocked.fill("password", "two ferries and a gull")
	blocked.fill("code", codeIn(s.t, s.demo.letter(s.t, email, "user_invitation")))
	blocked.submit("/password/reset")
	s.open(person + "/actions")
	s.press(`main button[value="block"]`)
	s.check("a block without a reason")
	s.fill("reason", "Chargebacks")
	s.press(`main button[value="block"]`)
	s.check("somebody who is blocked")
	blocked.signIn(email, "two ferries and a gull")
	blocked.check("a blocked person who signs in")
	blocked.press(`main a[href^="/blocked/close"]`)
	blocked.check("a blocked person who wants to leave")
	blocked.submit("/blocked/close")
	blocked.look(pathIn(s.t, s.demo.letter(s.t, email, "close_link"), "/close/"))
	s.open("/admin/terms/terms")
	s.submit("/admin/terms/terms")
	s.check("a draft that was begun")
	s.look(s.at() + "/publish")
	s.look("/admin/blocks")
	s.look("/admin/settings")
	s.fill("product", "")
	s.fill("colour", "red")
	s.press(`main .btn.primary`)
	s.check("settings, refused")
	s.look("/admin/audit?from=x")
	s.clean()
	id, _ := url.PathUnescape(strings.TrimPrefix(person, "/admin/users/"))
	return id
}

// tooYoung is what people meet where their age is asked, and a guardian whom a letter leads here, who refuses. Afterwards
// nobody is asked any more.
func tooYoung(admin, s, guardian *seen) {
	const email, parent = "axe-young@example.org", "axe-parent@example.net"
	turn := func() {
		admin.open("/admin/settings")
		admin.run(chromedp.Click("#age_ask"))
		admin.press(`main .btn.primary`)
	}
	turn()
	s.look("/signup")
	s.fill("email", email)
	s.fill("password", "a lantern on the quay")
	s.submit("/signup")
	s.fill("code", codeIn(s.t, s.demo.letter(s.t, email, "verify_email")))
	s.submit("/verify")
	s.check("the question for the age")
	s.refuse("/age")
	s.fill("birth_day", "30")
	s.fill("birth_month", "2")
	s.fill("birth_year", "2018")
	s.fill("country", "Sweden")
	s.refuse("/age")
	s.fill("birth_day", "20")
	s.submit("/age")
	s.check("who has to name a guardian")
	s.refuse("/age/guardian")
	s.fill("guardian_email", parent)
	s.submit("/age/guardian")
	s.check("who waits for a guardian")
	letter := s.demo.letter(s.t, parent, "guardian_request")
	guardian.look(pathIn(s.t, letter, "/guardian/"))
	guardian.press(`main button[value="approve"]`)
	guardian.check("a guardian without the code")
	guardian.fill("code", codeIn(s.t, letter))
	guardian.press(`main button[value="refuse"]`)
	guardian.check("a guardian who has refused")
	guardian.look(pathIn(s.t, letter, "/guardian/"))
	s.signIn(email, "a lantern on the quay")
	s.check("whose account closes")
	s.look("/account/data")
	admin.open("/admin/users?q=axe-young")
	admin.press(`main td a, main th a`)
	admin.look(admin.at() + "/actions")
	turn()
	s.clean()
	guardian.clean()
}
