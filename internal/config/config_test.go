package config_test

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"

	"portico/internal/config"
	"portico/internal/keys"
)

// right are settings that nothing is wrong with.
func right() config.Serve {
	return config.Serve{
		Addr: ":8080", BaseURL: "https://account.example.org", DatabaseURL: "sqlite:portico.db",
		Keys:    base64.StdEncoding.EncodeToString(keys.Generate()),
		SMTPURL: "smtp://user:p%40ss@mail.example.org:587", MailFrom: "Harbour Books <account@example.org>",
		Product: "Harbour Books", Support: "help@example.org", Locales: []string{"en", "de"}, Proxies: []string{"10.0.0.0/8", "fd00::/8"},
	}
}

func TestRightSettings(t *testing.T) {
	t.Parallel()
	got, err := right().Check()
	if err != nil {
		t.Fatal(err)
	}
	if !got.Secure || len(got.Proxies) != 2 || got.Proxies[0] != netip.MustParsePrefix("10.0.0.0/8") {
		t.Errorf("got %+v, want it secure behind two networks", got)
	}
	if !got.Ring.Verify("test", []byte("x"), got.Ring.MAC("test", []byte("x"))) {
		t.Error("got a ring that does not know its own work")
	}
	for name, change := range map[string]func(*config.Serve){
		"a server of MySQL":          func(s *config.Serve) { s.DatabaseURL = "mysql://user:password@db:3306/portico" },
		"SMTP over TLS":              func(s *config.Serve) { s.SMTPURL = "smtps://mail.example.org" },
		"no support":                 func(s *config.Serve) { s.Support = "" },
		"no proxies":                 func(s *config.Serve) { s.Proxies = nil },
		"a bare sender":              func(s *config.Serve) { s.MailFrom = "account@example.org" },
		"a slash at the end":         func(s *config.Serve) { s.BaseURL = "https://account.example.org/" },
		"this machine without TLS":   func(s *config.Serve) { s.BaseURL = "http://127.0.0.1:8080" },
		"this machine, by its name":  func(s *config.Serve) { s.BaseURL = "http://localhost:8080" },
		"this machine, by version 6": func(s *config.Serve) { s.BaseURL = "http://[::1]:8080" },
		"one address to listen on":   func(s *config.Serve) { s.Addr = "127.0.0.1:0" },
		"two keys":                   func(s *config.Serve) { s.Keys += "," + s.Keys },
	} {
		s := right()
		change(&s)
		if _, err := s.Check(); err != nil {
			t.Errorf("%s: got %v, want it right", name, err)
		}
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		setting string
		change  func(*config.Serve)
		says    string
	}{
		{"PORTICO_ADDR", func(s *config.Serve) { s.Addr = "8080" }, "must look like :8080"},
		{"PORTICO_ADDR", func(s *config.Serve) { s.Addr = "" }, "must look like :8080"},
		{"PORTICO_BASE_URL", func(s *config.Serve) { s.BaseURL = "" }, "is missing"},
		{"PORTICO_BASE_URL", func(s *config.Serve) { s.BaseURL = "account.example.org" }, "must look like"},
		{"PORTICO_BASE_URL", func(s *config.Serve) { s.BaseURL = "ftp://account.example.org" }, "must look like"},
		{"PORTICO_BASE_URL", func(s *config.Serve) { s.BaseURL = "https://%zz" }, "must look like"},
		{"PORTICO_BASE_URL", func(s *config.Serve) { s.BaseURL = "http://account.example.org" }, "must begin with https://"},
		{"PORTICO_BASE_URL", func(s *config.Serve) { s.BaseURL = "http://localhost.example.org" }, "must begin with https://"},
		{"PORTICO_BASE_URL", func(s *config.Serve) { s.BaseURL = "https://example.org/account" }, "no path"},
		{"PORTICO_BASE_URL", func(s *config.Serve) { s.BaseURL = "https://user:secret@example.org" }, "nothing else"},
		{"PORTICO_BASE_URL", func(s *config.Serve) { s.BaseURL = "https://example.org?x=secret" }, "nothing else"},
		{"PORTICO_DATABASE_URL", func(s *config.Serve) { s.DatabaseURL = "" }, "is missing"},
		{"PORTICO_DATABASE_URL", func(s *config.Serve) { s.DatabaseURL = "postgres://user:secret@db/x" }, "must begin with mysql://"},
		{"PORTICO_KEYS", func(s *config.Serve) { s.Keys = "" }, "portico key"},
		{"PORTICO_KEYS", func(s *config.Serve) { s.Keys = "secret!" }, "not base64"},
		{"PORTICO_KEYS", func(s *config.Serve) { s.Keys += ",c2VjcmV0" }, "key 2 has 6 bytes"},
		{"PORTICO_SMTP_URL", func(s *config.Serve) { s.SMTPURL = "" }, "is missing"},
		{"PORTICO_SMTP_URL", func(s *config.Serve) { s.SMTPURL = "mail.example.org:587" }, "must look like"},
		{"PORTICO_SMTP_URL", func(s *config.Serve) { s.SMTPURL = "smtp://user:secret@host:port" }, "must look like"},
		{"PORTICO_MAIL_FROM", func(s *config.Serve) { s.MailFrom = "" }, "is missing"},
		{"PORTICO_MAIL_FROM", func(s *config.Serve) { s.MailFrom = "Harbour Books" }, "must look like"},
		{"PORTICO_SUPPORT_EMAIL", func(s *config.Serve) { s.Support = "help" }, "must look like"},
		{"PORTICO_LEDGER_AUDITOR", func(s *config.Serve) { s.Auditor = "Auditor <a@example.org>" }, "must look like"},
		{"PORTICO_SUPPORT_EMAIL", func(s *config.Serve) { s.Support = "Help <help@example.org>" }, "must look like"},
		{"PORTICO_LOCALES", func(s *config.Serve) { s.Locales = nil }, "is missing"},
		{"PORTICO_LOCALES", func(s *config.Serve) { s.Locales = []string{"en", "tlh"} }, `"tlh" is not shipped`},
		{"PORTICO_LOCALES", func(s *config.Serve) { s.Locales = []string{"en", "de", "en"} }, `"en" is named twice`},
		{"PORTICO_TRUSTED_PROXIES", func(s *config.Serve) { s.Proxies = []string{"10.0.0.1"} }, `"10.0.0.1" is no network`},
	} {
		s := right()
		c.change(&s)
		_, err := s.Check()
		if err == nil || !strings.HasPrefix(err.Error(), c.setting+": ") || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want it refused with %q, and nothing else", c.setting, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, which repeats a secret", c.setting, err)
		}
	}
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Serve{Addr: "x", Support: "x", Locales: []string{"x", "y"}, Proxies: []string{"x", "y"}}.Check()
	if err == nil {
		t.Fatal("got nothing wrong")
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != 11 {
		t.Errorf("got %d problems, want 11:\n%v", got, err)
	}
}
