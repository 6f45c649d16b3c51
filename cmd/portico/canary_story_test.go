package main

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/idp/idptest"
	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/store/storetest"
)

// TestSecretsAreNotWrittenDown lives through the main story and then looks for every secret that passed by in the log, in
// every column of every table, and the ones that no letter needs in the letters (security.md row 70).
func TestSecretsAreNotWrittenDown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		key := keys.Generate()
		ring, err := keys.New(key)
		if err != nil {
			t.Fatal(err)
		}
		w := worldWith(t, f, ring)
		c := &canaries{found: map[string]string{idptest.Secret: "client secret"}}
		c.add("key", string(key))
		c.add("key in base64", base64.StdEncoding.EncodeToString(key))
		w.liveThrough(t, c)
		if len(c.found) < 40 {
			t.Fatalf("got %d secrets, want all that passed by: %v", len(c.found), c.found)
		}

		w.keepsNone(t, c)
		for _, m := range w.mailbox.Messages() {
			for _, seen := range c.in(m.Text + m.HTML) {
				if !strings.HasPrefix(seen, "link") && !strings.HasPrefix(seen, "field code") {
					t.Errorf("the letter %s holds the %s", m.Kind, seen)
				}
			}
		}
		w.breakDown(t, c)
		log := w.log.String()
		if strings.Count(log, "\n") < 60 || !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "/password/reset/:ticket") {
			t.Errorf("got %s, want a line for every request and for the failure", log)
		}
		for line := range strings.Lines(log) {
			for _, seen := range c.in(line) {
				t.Errorf("the log holds the %s: %s", seen, line)
			}
		}
	})
}

// keepsNone looks for the secrets in the database.
func (w *world) keepsNone(t *testing.T, c *canaries) {
	t.Helper()
	places, known := 0, 0
	dump(t, w.Fixture, func(place, text string) {
		places++
		if strings.Contains(text, "ana@example.org") {
			known++
		}
		for _, seen := range c.in(text) {
			t.Errorf("%s holds the %s", place, seen)
		}
	})
	if places < 300 || known < 3 {
		t.Errorf("got %d places, %d with an address, want the whole database", places, known)
	}
}

// secretive is a visitor whose secrets are noted.
func (w *world) secretive(t *testing.T, c *canaries) *visitor {
	v := w.visitor(t)
	v.client.Transport = c
	return v
}

// liveThrough is the main story: everything that takes a secret in or gives one out, refused and accepted.
func (w *world) liveThrough(t *testing.T, c *canaries) {
	t.Helper()
	ana, robot := w.secretive(t, c), w.secretive(t, c)
	ana.send(ana.get("/signup"), "/signup", map[string]string{"email": "ana@example.org", "password": "canary1"})
	ana.signUp("ana@example.org")
	robot.get(link(t, w.letter(t, "ana@example.org", mail.VerifyEmail), "/verify/"))
	robot.signIn("ana@example.org", "canary two in the mine")
	robot.signIn("nobody@example.org", "canary three in the mine")
	again := w.secretive(t, c)
	again.signUpAgain("ana@example.org", "canary four in the mine")

	w.Clock.Advance(16 * time.Minute)
	change := ana.send(ana.get("/account/profile"), "/account/profile", map[string]string{"name": "Ana"})
	form := formOf(t, change, "/account/profile")
	form.Set("current_password", goodPassword)
	form.Set("password", "canary five in the mine")
	asked := ana.do(http.MethodPost, "/account/security/password", form) // kept until she has proven who she is
	w.keepsNone(t, c)
	asked = ana.send(asked, "/reauth", map[string]string{"password": "canary six in the mine"})
	ana.want(ana.send(asked, "/reauth", map[string]string{"password": goodPassword}), http.StatusOK, "/resume", "")
	const path = "/account/security/password"
	ana.send(ana.get(path), path, map[string]string{"current_password": "canary seven in the mine", "password": "canary eight in the mine"})
	ana.send(ana.get(path), path, map[string]string{"current_password": goodPassword, "password": "canary nine in the mine"})

	ana.send(ana.get("/account/email"), "/account/email", map[string]string{"new_email": "new@example.org"})
	confirm := w.letter(t, "new@example.org", mail.EmailChangeConfirm)
	p := robot.get(link(t, confirm, "/email/confirm/"))
	robot.send(p, "/email/confirm", map[string]string{"code": "000001"})
	robot.send(p, "/email/confirm", map[string]string{"code": code(t, confirm)})
	notice := w.letter(t, "ana@example.org", mail.EmailChangeNotice)
	ana.send(ana.get(link(t, notice, "/email/approve/")), "/email/approve", nil)
	changed := w.letter(t, "ana@example.org", mail.EmailChanged)
	p = robot.get(link(t, changed, "/email/undo/"))
	robot.want(robot.send(p, "/email/undo", map[string]string{"code": code(t, changed)}), http.StatusOK, "/email/undo", "secured")

	letter := w.letter(t, "ana@example.org", mail.ResetEmail)
	p = robot.get(link(t, letter, "/password/reset/"))
	robot.send(p, "/password/reset", map[string]string{"code": code(t, letter), "password": "canary0"})
	robot.send(p, "/password/reset", map[string]string{"code": code(t, letter), "password": "canary ten in the mine"})
	ana.want(ana.signIn("ana@example.org", "canary ten in the mine"), http.StatusOK, "/account", "Ana")

	provider := w.connect(t, "demo", "Demo ID")
	kim := w.secretive(t, c)
	kim.by(provider, kim.get("/login"), "/login/with/demo")
	for range 11 {
		robot.signIn("ana@example.org", "canary eleven in the mine")
		w.Clock.Advance(2 * time.Minute)
	}
	blocked := w.letter(t, "ana@example.org", mail.BlockedAccount)
	p = robot.get(link(t, blocked, "/unblock/"))
	robot.send(p, "/unblock", map[string]string{"code": code(t, blocked)})
	ana.send(ana.get("/account/profile"), "/logout", nil)
}

// signUpAgain signs up with an address that somebody has.
func (v *visitor) signUpAgain(email, password string) {
	v.t.Helper()
	v.send(v.get("/signup"), "/signup", map[string]string{"email": email, "password": password, "terms": "on"})
}

// breakDown takes the database away and goes on, so that what went wrong is logged.
func (w *world) breakDown(t *testing.T, c *canaries) {
	t.Helper()
	v := w.secretive(t, c)
	login := v.get("/login")
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	v.send(login, "/login", map[string]string{"email": "ana@example.org", "password": "canary twelve in the mine"})
	v.still(http.MethodGet, "/password/reset/"+strings.Repeat("canary", 8), nil)
	v.still(http.MethodGet, "/login/callback/demo?code=canary-thirteen&state=canary-fourteen", nil)
}
