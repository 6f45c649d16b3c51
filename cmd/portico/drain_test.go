package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"portico/internal/keys"
	"portico/internal/mail/mailtest"
	"portico/internal/store/storetest"
)

// service is `portico serve` as a process of its own, with a database and keys that outlive it.
type service struct {
	program, folder, addr string
	environment           []string
	process               *exec.Cmd
	log                   *os.File
}

// newService builds the program and settles where it will serve.
func newService(t *testing.T, smtp string) *service {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the program")
	}
	s := &service{folder: t.TempDir()}
	s.program = filepath.Join(s.folder, "portico")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", s.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	_ = listener.Close()
	s.environment = []string{
		"PORTICO_ADDR=" + s.addr, "PORTICO_BASE_URL=http://" + s.addr, "PORTICO_DATABASE_URL=sqlite:" + filepath.Join(s.folder, "portico.db"),
		"PORTICO_KEYS=" + base64.StdEncoding.EncodeToString(keys.Generate()), "PORTICO_SMTP_URL=" + smtp, "PORTICO_MAIL_FROM=account@example.org",
	}
	return s
}

// start starts the process and waits until it can serve.
func (s *service) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(s.program, "serve")
	process.Env, process.Stdout, process.Stderr = s.environment, log, log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	s.process, s.log = process, log
	t.Cleanup(func() { _ = process.Process.Kill(); _ = log.Close() })
	for range 400 {
		if reachable("http://" + s.addr + "/readyz") {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("the service does not answer:\n%s", s.written())
}

func (s *service) written() string {
	content, _ := os.ReadFile(s.log.Name())
	return string(content)
}

// ends waits until the process has ended and fails the test unless it did so in time and without complaint.
func (s *service) ends(t *testing.T, within time.Duration) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- s.process.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("got %v, want it to end with 0:\n%s", err, s.written())
		}
	case <-time.After(within):
		t.Fatalf("it still runs %v after it was told to stop:\n%s", within, s.written())
	}
}

// world is the service as visitors see it.
func (s *service) world() *world {
	return &world{Fixture: storetest.Fixture{Host: s.addr}, server: &httptest.Server{URL: "http://" + s.addr}}
}

// slowly sends a form whose last byte only comes when the returned function is called, which returns the answer.
func (s *service) slowly(t *testing.T, path string, form []byte, cookies []*http.Cookie) (finish func() *http.Response) {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	var head strings.Builder
	fmt.Fprintf(&head, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", path, s.addr, len(form))
	for _, cookie := range cookies {
		fmt.Fprintf(&head, "Cookie: %s=%s\r\n", cookie.Name, cookie.Value)
	}
	head.WriteString("\r\n")
	last := len(form) - 1
	if _, err := io.WriteString(connection, head.String()+string(form[:last])); err != nil {
		t.Fatal(err)
	}
	// Who comes later is let in later: once this one is, the request is under way.
	next := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := next.Get("http://" + s.addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return func() *http.Response {
		t.Helper()
		if _, err := connection.Write(form[last:]); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatalf("the request under way got %v, want its answer\n%s", err, s.written())
		}
		return response
	}
}

// until waits for something to come about.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 400 {
		if done() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}

// TestStopping tells the running program to stop while a form is on its way, letters are in the air and others wait.
func TestStopping(t *testing.T) {
	t.Parallel()
	post := mailtest.New(t, func(s *mailtest.Server) { s.Hold = make(chan struct{}) })
	s := newService(t, post.URL())
	s.start(t)
	w := s.world()
	want := make([]string, 0, 7)
	for n := range 6 {
		email := fmt.Sprintf("ana%d@example.org", n)
		want = append(want, email)
		v := w.visitor(t)
		v.want(v.send(v.get("/signup"), "/signup", map[string]string{"email": email, "password": goodPassword, "terms": "on"}), http.StatusOK, "/verify", email)
	}
	late := w.visitor(t)
	form := formOf(t, late.get("/signup"), "/signup")
	form.Set("email", "late@example.org")
	form.Set("password", goodPassword)
	form.Set("terms", "on")
	request, _ := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "http://"+s.addr, nil)
	finish := s.slowly(t, "/signup", []byte(form.Encode()), late.client.Jar.Cookies(request.URL))
	until(t, "letters in the air", func() bool { return post.Waiting() == 4 })

	_ = s.process.Process.Signal(syscall.SIGTERM)
	until(t, "no new requests", func() bool { return !reachable("http://" + s.addr + "/readyz") })
	if answer := finish(); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the request under way: got %d, want it done", answer.StatusCode)
	}
	time.Sleep(1500 * time.Millisecond) // in which the worker notices that it is over, or takes letters up that it should not
	close(post.Hold)
	s.ends(t, 25*time.Second)
	if n := len(post.Letters()); n != 4 {
		t.Errorf("got %d letters sent before the end, want the 4 in the air", n)
	}

	s.start(t)
	want = append(want, "late@example.org")
	until(t, "all letters", func() bool { return len(post.Letters()) >= len(want) })
	_ = s.process.Process.Signal(syscall.SIGTERM)
	s.ends(t, 5*time.Second)
	var got []string
	for _, l := range post.Letters() {
		got = append(got, l.To)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got letters to %v, want one to each of %v", got, want)
	}
}

// TestStoppingDoesNotWaitForever: a mail server that hangs keeps no process from ending, and no letter is lost by it.
func TestStoppingDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	post := mailtest.New(t, func(s *mailtest.Server) { s.Hold = make(chan struct{}) })
	s := newService(t, post.URL())
	s.start(t)
	v := s.world().visitor(t)
	v.send(v.get("/signup"), "/signup", map[string]string{"email": "ana@example.org", "password": goodPassword, "terms": "on"})
	until(t, "a letter in the air", func() bool { return post.Waiting() == 1 })
	_ = s.process.Process.Signal(syscall.SIGTERM)
	s.ends(t, 12*time.Second)
	pool, err := sql.Open("sqlite", filepath.Join(s.folder, "portico.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	if kept := texts(t, pool, "SELECT state FROM letters WHERE sealed IS NOT NULL"); len(kept) != 1 || kept[0]["state"] != "queued" {
		t.Errorf("got letters %v, want one that waits", kept)
	}
}
