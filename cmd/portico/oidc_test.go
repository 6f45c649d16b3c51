package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// What the real provider knows us by.
const (
	realClient = "portico-demo"
	realSecret = "a secret of forty characters, and two more"
)

// realProvider starts oidc-provider, a certified implementation, and returns its issuer.
func realProvider(t *testing.T, base string) string {
	t.Helper()
	tools := os.Getenv("PORTICO_TEST_TOOLS")
	if tools == "" {
		tools = filepath.Join("..", "..", ".tools")
	}
	module, err := filepath.Abs(filepath.Join(tools, "oidc", "node_modules", "oidc-provider", "lib", "index.js"))
	if err == nil {
		_, err = os.Stat(module)
	}
	if err != nil {
		t.Fatalf("oidc-provider is installed by make test: %v", err)
	}
	settings, err := json.Marshal(map[string]any{"port": freePort(t), "clients": []any{map[string]any{
		"client_id": realClient, "client_secret": realSecret, "redirect_uris": []string{base + "/login/callback/real", base + "/login/callback/posted"},
		"post_logout_redirect_uris": []string{base + "/signed-out"}, "backchannel_logout_uri": base + "/login/backchannel/real",
		"backchannel_logout_session_required": true,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Port int `json:"port"`
	}
	if err := json.Unmarshal(settings, &set); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command("node", filepath.Join("testdata", "provider.mjs"))
	process.Env = append(os.Environ(), "OIDC_MODULE="+module, "OIDC_SETTINGS="+string(settings))
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
		if written, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("the provider said:\n%s", written)
		}
	})
	issuer := fmt.Sprintf("http://127.0.0.1:%d", set.Port)
	for range 400 {
		if reachable(issuer + "/.well-known/openid-configuration") {
			return issuer
		}
		time.Sleep(25 * time.Millisecond)
	}
	written, _ := os.ReadFile(log.Name())
	t.Fatalf("the provider does not answer:\n%s", written)
	return ""
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// until waits until the tab shows an address that begins with one of the beginnings and has been read as a whole.
func (b *tab) until(beginnings ...string) string {
	b.t.Helper()
	var address string
	for started := time.Now(); time.Since(started) < patience; time.Sleep(50 * time.Millisecond) {
		var err error
		address, err = chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? location.href : ""`))
		if err != nil {
			continue // between two pages
		}
		for _, beginning := range beginnings {
			if strings.HasPrefix(address, beginning) {
				return address
			}
		}
	}
	b.t.Fatalf("got %s, want one of %v", address, beginnings)
	return ""
}

// click presses what the selector finds and waits for nothing.
func (b *tab) click(selector string) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	if err := chromedp.Do(ctx, chromedp.Click(selector)); err != nil {
		b.t.Fatalf("click %s at %s: %v", selector, b.at(), err)
	}
}

// signInAt signs in on the provider's own pages, as often as it asks, and comes back.
func (b *tab) signInAt(issuer, login string) {
	b.t.Helper()
	b.until(issuer + "/interaction/")
	for range 4 {
		address := b.until(issuer+"/interaction/", b.demo.base+"/account", b.demo.base+"/terms", b.demo.base+"/login/callback")
		if strings.HasPrefix(address, b.demo.base) {
			return
		}
		asks, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelector("[name=login]") !== null`))
		if err != nil {
			b.t.Fatal(err)
		}
		if asks {
			b.run(chromedp.SendKeys("[name=login]", login), chromedp.SendKeys("[name=password]", "any"))
		}
		b.click("button[type=submit]")
		b.leftFrom(address)
	}
	b.t.Fatalf("the provider asks without end, at %s", b.at())
}

// signOutAt signs out on the provider's own pages, which ends the session here too.
func (b *tab) signOutAt(issuer string) {
	b.t.Helper()
	b.run(chromedp.Navigate(issuer + "/session/end"))
	b.click(`button[name="logout"]`)
	b.until(issuer + "/session/end/success")
	for started := time.Now(); b.at() != "/login" && time.Since(started) < patience; time.Sleep(100 * time.Millisecond) {
		b.open("/account/profile") // the provider tells us behind the browser's back, in its own time
	}
	b.want("/login", "")
}

// leftFrom waits until the tab is somewhere else.
func (b *tab) leftFrom(address string) {
	b.t.Helper()
	for started := time.Now(); time.Since(started) < patience; time.Sleep(50 * time.Millisecond) {
		now, err := chromedp.Run(b.ctx, chromedp.Location())
		if err == nil && now != address {
			return
		}
	}
	b.t.Fatalf("still at %s", address)
}

// connectReal has the administrator connect the real provider on their pages, and test it: once as any other, once as one
// that answers by a form, as Apple does.
func (b *tab) connectReal(issuer string) {
	b.t.Helper()
	admin := b.demo.people[2]
	b.signIn(admin.Email, admin.Password)
	b.connect("oidc", "real", "Real ID", issuer, "#trust_email", "#sign_out")
	b.connect("apple", "posted", "Posted ID", issuer)
}

// connect writes a connection down, ticks the boxes, and has it tested.
func (b *tab) connect(preset, id, name, issuer string, boxes ...string) {
	b.t.Helper()
	b.open("/admin/connect/" + preset)
	for field, value := range map[string]string{
		"connection": id, "connection_name": name, "issuer": issuer, "client_id": realClient, "client_secret": realSecret, "scopes": "openid profile email",
	} {
		b.fill(field, value)
	}
	for _, box := range boxes {
		b.run(chromedp.Click(box))
	}
	b.press(`main form[action="/admin/connect/` + preset + `"] button.primary`)
	b.want("/admin/connections/"+id, name)
	b.submit("/admin/connections/" + id + "/test")
	b.want("/admin/connections/"+id+"/test", "Works")
	if said, err := chromedp.Run(b.ctx, chromedp.Text("main")); err != nil || strings.Contains(said, "Does not work") {
		b.t.Fatalf("the test of the connection: %v\n%s", err, said)
	}
}

// TestRealProvider goes the whole way with a certified provider: connect it, sign up by it, come back, link it.
func TestRealProvider(t *testing.T) {
	root := browser(t)
	demo := startDemo(t)
	issuer := realProvider(t, demo.base)
	desk := look{width: 1280, script: true}
	demo.tab(t, root, desk).connectReal(issuer)

	nora := demo.tab(t, root, desk)
	nora.open("/login")
	nora.click(`main form[action="/login/with/real"] button`)
	nora.signInAt(issuer, "nora")
	nora.until(demo.base + "/terms/accept")
	nora.accept()
	nora.open("/account/profile")
	nora.want("/account/profile", "nora@id.example")
	nora.want("/account/profile", "Real ID")
	again := demo.tab(t, root, desk)
	again.open("/login")
	again.click(`main form[action="/login/with/real"] button`)
	again.signInAt(issuer, "nora")
	again.until(demo.base + "/account") // known here: nothing is asked but there

	nora.click(`form[action="/logout"] button`)
	nora.until(issuer + "/session/end")
	nora.click(`button[name="logout"]`)
	nora.until(demo.base + "/signed-out")

	again.signOutAt(issuer)
	quiet := demo.tab(t, root, desk)
	quiet.open("/login")
	quiet.click(`main form[action="/login/with/real"] button`)
	quiet.signInAt(issuer, "quiet")
	quiet.until(demo.base + "/terms/accept")
	quiet.signOutAt(issuer) // which tells us the session, and not the person

	ana := demo.tab(t, root, look{width: 1280}) // without scripts
	ana.signIn(demo.people[0].Email, demo.people[0].Password)
	ana.accept()
	ana.open("/account/connections")
	ana.click(`main form[action="/account/connections/with/real"] button`)
	ana.signInAt(issuer, "ana")
	ana.until(demo.base + "/account/connections/join")
	ana.want("/account/connections/join", "Ana of Demo")
	ana.submit("/account/connections/join")
	ana.want("/account/connections", "ana@id.example")
}

// TestRealProviderThatPosts comes back by a form that another site sends, as from Apple: no cookie of ours comes with it.
func TestRealProviderThatPosts(t *testing.T) {
	root := browser(t)
	demo := startDemo(t)
	issuer := realProvider(t, demo.base)
	desk := look{width: 1280, script: true}
	demo.tab(t, root, desk).connectReal(issuer)
	otto := demo.tab(t, root, desk)
	otto.open("/login?return_to=/account/profile")
	otto.click(`main form[action="/login/with/posted"] button`)
	otto.signInAt(issuer, "otto")
	otto.until(demo.base + "/terms/accept")
	otto.accept()
	otto.want("/account/profile", "otto@id.example")
}

// accept accepts the terms that are shown, one after the other.
func (b *tab) accept() {
	b.t.Helper()
	for range 4 {
		if b.at() != "/terms/accept" {
			return
		}
		b.press(`main button[value="accept"]`)
	}
	b.t.Fatalf("asked for more and more, at %s", b.at())
}
