package mail_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/store/storetest"
)

// server is a mail server in a process of its own, Mailpit, whose letters can be read over HTTP.
type server struct {
	smtp, api string
	roots     *x509.CertPool
	dir       string
	process   *exec.Cmd
}

// newServer prepares a server with a certificate of its own and the account portico / "p@ssword"; start starts it.
func newServer(t *testing.T) *server {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a mail server")
	}
	s := &server{smtp: freePort(t), api: freePort(t), dir: t.TempDir()}
	s.roots = s.certificate(t)
	if err := os.WriteFile(filepath.Join(s.dir, "accounts"), []byte("portico:p@ssword\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// mailpit is where the program is: in the folder PORTICO_TEST_TOOLS names, or in .tools of the top folder.
func mailpit(t *testing.T) string {
	t.Helper()
	tools := os.Getenv("PORTICO_TEST_TOOLS")
	if tools == "" {
		tools = filepath.Join("..", "..", ".tools")
	}
	path := filepath.Join(tools, "mailpit")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no mail server: %v (make parts installs it; -short goes without)", err)
	}
	return path
}

func (s *server) start(t *testing.T, flags ...string) {
	t.Helper()
	flags = append([]string{
		"--smtp", s.smtp, "--listen", s.api, "--database", filepath.Join(s.dir, "mail.db"), "--disable-version-check",
		"--smtp-tls-cert", filepath.Join(s.dir, "cert.pem"), "--smtp-tls-key", filepath.Join(s.dir, "key.pem"), "--quiet",
	}, flags...)
	s.process = exec.Command(mailpit(t), flags...)
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	for range 200 {
		response, err := http.Get("http://" + s.api + "/readyz")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the mail server does not start")
}

func (s *server) stop() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
		s.process = nil
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// certificate writes a certificate for 127.0.0.1 that vouches for itself, and returns the pool that believes it.
func (s *server) certificate(t *testing.T) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail server of a test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, content := range map[string][]byte{
		"cert.pem": certificate, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	return pool
}

// sender is how Portico sends over the server. account is such as "user:password@", or empty.
func (s *server) sender(t *testing.T, scheme, account, query string) *mail.SMTP {
	t.Helper()
	sender, err := mail.NewSMTP(scheme+"://"+account+s.smtp+query, "Portico <account@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	sender.Trust(s.roots)
	return sender
}

// received are the letters the server got, newest first.
func (s *server) received(t *testing.T) []letter {
	t.Helper()
	var list struct {
		Messages []struct{ ID string }
	}
	s.read(t, "/api/v1/messages", &list)
	letters := make([]letter, len(list.Messages))
	for i, m := range list.Messages {
		s.read(t, "/api/v1/message/"+m.ID, &letters[i])
		s.read(t, "/api/v1/message/"+m.ID+"/headers", &letters[i].Headers)
	}
	return letters
}

type letter struct {
	MessageID, Subject, Text, HTML string
	From                           struct{ Name, Address string }
	To                             []struct{ Name, Address string }
	Headers                        map[string][]string `json:"-"`
}

func (s *server) read(t *testing.T, path string, into any) {
	t.Helper()
	response, err := http.Get("http://" + s.api + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v in %s", path, err, content)
	}
}

var greeting = mail.Message{
	ID: "01a20a14-6173-72eb-a194-b4de01e357f7", FromName: "Hafenbücher", To: "ana@example.org", Subject: "Bestätigen Sie Ihre Adresse",
	Text: "Hallo\n.\nhttps://account.example.org/verify/" + strings.Repeat("x", 120) + "\n", HTML: "<p>Hällo</p>", Language: "de",
	SentAt: time.Date(2026, 11, 21, 7, 58, 0, 0, time.UTC),
}

func TestSMTPWithSTARTTLSAndPassword(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start(t, "--smtp-require-starttls", "--smtp-auth-file", filepath.Join(s.dir, "accounts"))

	if err := s.sender(t, "smtp", "portico:wrong@", "").Send(t.Context(), greeting); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v with the wrong password, want an error that does not repeat it", err)
	}
	if err := s.sender(t, "smtp", "", "?starttls=off").Send(t.Context(), greeting); err == nil {
		t.Error("got a letter sent in the clear to a server that forbids it")
	}
	untrusting := s.sender(t, "smtp", "portico:p%40ssword@", "")
	untrusting.Trust(x509.NewCertPool())
	if err := untrusting.Send(t.Context(), greeting); err == nil {
		t.Error("got a letter sent to a server that nobody vouches for")
	}
	if got := s.received(t); len(got) != 0 {
		t.Fatalf("got %d letters, want none yet", len(got))
	}
	if err := s.sender(t, "smtp", "portico:p%40ssword@", "").Send(t.Context(), greeting); err != nil {
		t.Fatal(err)
	}
	got := s.received(t)
	if len(got) != 1 {
		t.Fatalf("got %d letters, want 1", len(got))
	}
	l := got[0]
	if l.Subject != greeting.Subject || l.From.Name != "Hafenbücher" || l.From.Address != "account@example.org" || l.To[0].Address != "ana@example.org" {
		t.Errorf("got %+v", l)
	}
	if strings.ReplaceAll(l.Text, "\r\n", "\n") != greeting.Text || !strings.Contains(l.HTML, greeting.HTML) {
		t.Errorf("got the text %q and the HTML %q", l.Text, l.HTML)
	}
	for name, want := range map[string]string{
		"Message-Id": "<" + greeting.ID + "@example.org>", "Auto-Submitted": "auto-generated", "Content-Language": "de",
		"Date": "Sat, 21 Nov 2026 07:58:00 +0000",
	} {
		if header := strings.Join(l.Headers[name], ""); header != want {
			t.Errorf("%s: got %q, want %q", name, header, want)
		}
	}
}

func TestSMTPWithTLSFromTheStart(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.start(t, "--smtp-require-tls")
	if err := s.sender(t, "smtps", "", "").Send(t.Context(), greeting); err != nil {
		t.Fatal(err)
	}
	if got := s.received(t); len(got) != 1 {
		t.Errorf("got %d letters, want 1", len(got))
	}
}

func TestLettersWaitForTheMailServer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		s := newServer(t)
		ring := newRing(t)
		send(t, f, mail.NewOutbox(f.DB, ring, f.Clock.Now, nil), "ana@example.org")
		w := mail.NewWorker(configOf(f, ring, s.sender(t, "smtp", "", "")))
		runUntil(t, w, func() bool { e := only(t, f); return e.State == mail.Waiting && e.Attempts == 1 && e.Error != "" })
		s.start(t)
		f.Clock.Advance(5 * time.Minute)
		runUntil(t, w, func() bool { return only(t, f).State == mail.Sent })
		s.stop()
		s.start(t)
		if got := s.received(t); len(got) != 1 || got[0].Subject != "verify_email" {
			t.Errorf("got %d letters, want 1", len(got))
		}
	})
}

func TestNothingIsSmuggledIntoHeaders(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	sender, err := mail.NewSMTP("smtp://"+l.Addr().String()+"?starttls=off", "account@example.org")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(m *mail.Message){
		"to":       func(m *mail.Message) { m.To = "ana@example.org\r\nBcc: all@example.org" },
		"two":      func(m *mail.Message) { m.To = "ana@example.org, ben@example.org" },
		"subject":  func(m *mail.Message) { m.Subject = "Hello\nBcc: all@example.org" },
		"name":     func(m *mail.Message) { m.FromName = "Harbour\r\n\r\nBooks" },
		"language": func(m *mail.Message) { m.Language = "en\r\nX: y" },
		"id":       func(m *mail.Message) { m.ID = "1>\r\nX: y" },
	} {
		m := greeting
		change(&m)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := sender.Send(ctx, m); !errors.Is(err, mail.ErrRefused) {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
		cancel()
	}
}

func TestAddressOfTheMailServer(t *testing.T) {
	t.Parallel()
	for address, right := range map[string]bool{
		"smtp://host": true, "smtp://user:p%40ss@host:587": true, "smtps://host:465": true, "smtp://host?starttls=off": true,
		"smtp://host?starttls=opportunistic": true, "smtp://host?starttls=maybe": false, "http://host": false, "host:25": false, "smtp://": false, "": false,
	} {
		if _, err := mail.NewSMTP(address, "account@example.org"); (err == nil) != right {
			t.Errorf("%s: got %v", address, err)
		}
	}
	if _, err := mail.NewSMTP("smtp://host", "nobody"); err == nil {
		t.Error("got a sender without an address")
	}
	if _, err := mail.NewSMTP("smtp://user:secret@host:port", "a@example.org"); err == nil || strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("got %v, want an error without the password", err)
	}
}
