package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/web"
)

// world is a portal on one tenant's database, as the program itself builds it, with the letters it sends.
type world struct {
	storetest.Fixture
	portal  *portal
	server  *httptest.Server
	mailbox *mail.Mailbox
	ring    keys.Ring
	log     *written
}

// written is what the program logs.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *written) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *written) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newWorld(t *testing.T, f storetest.Fixture) *world {
	t.Helper()
	ring, err := keys.New(keys.Generate())
	if err != nil {
		t.Fatal(err)
	}
	return worldWith(t, f, ring)
}

func worldWith(t *testing.T, f storetest.Fixture, ring keys.Ring) *world {
	t.Helper()
	w := &world{Fixture: f, mailbox: &mail.Mailbox{}, ring: ring, log: &written{}}
	w.portal = build(parts{
		db: f.DB, ring: ring, origin: "http://portico.example", sender: w.mailbox, mailbox: w.mailbox,
		log: slog.New(slog.NewJSONHandler(w.log, nil)), now: f.Clock.Now, only: f.Tenant.ID,
	})
	w.server = httptest.NewServer(web.New(w.portal.config))
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.portal.letters.Run(ctx); close(done) }()
	t.Cleanup(func() { end(); <-done; w.server.Close() })
	return w
}

// letter waits for the newest letter to an address, of a kind.
func (w *world) letter(t *testing.T, to string, kind mail.Kind) mail.Message {
	t.Helper()
	for range 200 {
		for _, m := range w.mailbox.Messages() {
			if m.To == to && m.Kind == kind {
				return m
			}
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("no letter %s to %s", kind, to)
	return mail.Message{}
}

// link returns the path in a letter that begins with prefix.
func link(t *testing.T, m mail.Message, prefix string) string {
	t.Helper()
	for field := range strings.FieldsSeq(m.Text) {
		if u, err := url.Parse(field); err == nil && strings.HasPrefix(u.Path, prefix) {
			return u.Path
		}
	}
	t.Fatalf("no link %s in %q", prefix, m.Text)
	return ""
}

// code returns the six digits of a letter.
func code(t *testing.T, m mail.Message) string {
	t.Helper()
	for field := range strings.FieldsSeq(strings.ReplaceAll(m.Text, "\u00a0", "")) {
		if digits := strings.Trim(field, ".,:"); len(digits) == 6 && strings.Trim(digits, "0123456789") == "" {
			return digits
		}
	}
	t.Fatalf("no code in %q", m.Text)
	return ""
}

// visitor is a browser without scripts.
type visitor struct {
	t      *testing.T
	world  *world
	client *http.Client
	lang   string
	header http.Header // what the browser says besides
}

func (w *world) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, world: w, client: &http.Client{Jar: jar}, lang: "en"}
}

// page is an answer: where the redirects ended, its status and its content.
type page struct {
	path   string
	status int
	body   string
	header http.Header
}

func (v *visitor) do(method, path string, form url.Values) page {
	v.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.world.server.URL+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Host = v.world.Host
	maps.Copy(r.Header, v.header)
	r.Header.Set("Accept-Language", v.lang)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	v.client.CheckRedirect = func(next *http.Request, _ []*http.Request) error {
		next.Host = v.world.Host
		return nil
	}
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	return read(v.t, response)
}

func read(t *testing.T, response *http.Response) page {
	t.Helper()
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page{response.Request.URL.Path, response.StatusCode, string(content), response.Header}
}

func (v *visitor) get(path string) page { v.t.Helper(); return v.do(http.MethodGet, path, nil) }

// send fills in the form of a page whose action is action, and sends it.
func (v *visitor) send(p page, action string, fields map[string]string) page {
	v.t.Helper()
	values := formOf(v.t, p, action)
	for name, value := range fields {
		values.Set(name, value)
	}
	return v.do(http.MethodPost, action, values)
}

// formOf returns what a form holds before anybody types.
func formOf(t *testing.T, p page, action string) url.Values {
	t.Helper()
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" && attribute(n, "action") == action {
			return fieldsOf(n)
		}
	}
	t.Fatalf("%s (%d) has no form %s:\n%s", p.path, p.status, action, p.text())
	return nil
}

func fieldsOf(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		switch n.Data {
		case "input":
			box := attribute(n, "type") == "checkbox" || attribute(n, "type") == "radio"
			if !box || has(n, "checked") {
				values.Set(name, attribute(n, "value"))
			}
		case "select":
			for o := range n.Descendants() {
				if o.Data == "option" && has(o, "selected") {
					values.Set(name, attribute(o, "value"))
				}
			}
		case "textarea":
			if n.FirstChild != nil {
				values.Set(name, n.FirstChild.Data)
			}
		}
	}
	return values
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// text is what the page says.
func (p page) text() string {
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return p.body
	}
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" {
			b.WriteString(strings.TrimSpace(n.Data) + " ")
		}
	}
	return b.String()
}

// want fails the test unless the page is where and what it should be.
func (v *visitor) want(p page, status int, path, text string) page {
	v.t.Helper()
	if p.status != status || p.path != path || !strings.Contains(p.text(), text) {
		v.t.Fatalf("got %d %s, want %d %s with %q:\n%s", p.status, p.path, status, path, text, p.text())
	}
	return p
}

const goodPassword = "seven quiet lanterns"

// signUp creates an account, proves its address by code, and skips what people are asked at the start.
func (v *visitor) signUp(email string) page {
	v.t.Helper()
	p := v.send(v.get("/signup"), "/signup", map[string]string{"email": email, "password": goodPassword, "terms": "on"})
	p = v.want(p, http.StatusOK, "/verify", email)
	p = v.send(p, "/verify", map[string]string{"code": code(v.t, v.world.letter(v.t, email, mail.VerifyEmail))})
	if p.path == "/start" {
		return v.get("/account")
	}
	return p
}

// signIn signs in.
func (v *visitor) signIn(email, password string) page {
	v.t.Helper()
	return v.send(v.get("/login"), "/login", map[string]string{"email": email, "password": password})
}
