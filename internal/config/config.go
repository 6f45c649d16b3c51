// Package config is the process's settings, by flag or environment. Everything that is wrong with them is reported at
// once, before anything starts.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"portico/internal/i18n"
	"portico/internal/keys"
)

// Serve is the settings of `portico serve`. The field tags are read by kong, which prints them for --help.
type Serve struct {
	Addr        string   `env:"PORTICO_ADDR" default:":8080" help:"Address to listen on."`
	BaseURL     string   `name:"base-url" env:"PORTICO_BASE_URL" help:"Where people reach the portal, such as https://account.example.org. Links in letters begin with it."`
	DatabaseURL string   `name:"database-url" env:"PORTICO_DATABASE_URL" help:"mysql://user:password@host:3306/name or sqlite:path."`
	Keys        string   `env:"PORTICO_KEYS" help:"Secret keys in base64, 32 bytes each, separated by commas, newest first. Make one with: portico key."`
	SMTPURL     string   `name:"smtp-url" env:"PORTICO_SMTP_URL" help:"smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465."`
	MailFrom    string   `name:"mail-from" env:"PORTICO_MAIL_FROM" help:"Sender of letters, such as Harbour Books <account@example.org>."`
	Product     string   `env:"PORTICO_PRODUCT" default:"Portico" help:"Name of the product as people know it, at the first start; administrators change it."`
	Support     string   `env:"PORTICO_SUPPORT_EMAIL" help:"Address at which people reach support, at the first start; administrators change it."`
	Locales     []string `env:"PORTICO_LOCALES" default:"en,de,es,fr,pt,pl,ar,ja" help:"Enabled languages at the first start, the first is the default; administrators change them."`
	Auditor     string   `name:"ledger-auditor" env:"PORTICO_LEDGER_AUDITOR" help:"Address that gets the signed checkpoint of every ledger each day."`
	Proxies     []string `name:"trusted-proxies" env:"PORTICO_TRUSTED_PROXIES" help:"Networks whose X-Forwarded-For is believed, such as 10.0.0.0/8."`
	ErasedList  string   `name:"erased-list" env:"PORTICO_ERASED_LIST" help:"File outside of the database that remembers erasures, so that a restored backup is erased again. Keep it apart from backups."`
}

// Checked is what the settings mean once they were found right.
type Checked struct {
	Ring    keys.Ring
	Secure  bool
	Proxies []netip.Prefix
}

// Check reads the settings and reports everything that is wrong with them in one error.
func (s Serve) Check() (Checked, error) {
	var wrong []error
	add := func(name, what string) { wrong = append(wrong, fmt.Errorf("%s: %s", name, what)) }

	var checked Checked
	if _, port, err := net.SplitHostPort(s.Addr); err != nil || port == "" {
		add("PORTICO_ADDR", "must look like :8080 or 127.0.0.1:8080")
	}
	base, err := url.Parse(s.BaseURL)
	switch {
	case s.BaseURL == "":
		add("PORTICO_BASE_URL", "is missing")
	case err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http"):
		add("PORTICO_BASE_URL", "must look like https://account.example.org")
	case base.Scheme == "http" && !loopback(base.Hostname()):
		add("PORTICO_BASE_URL", "must begin with https:// (http:// is for this machine alone)")
	case strings.Trim(base.Path, "/") != "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil:
		add("PORTICO_BASE_URL", "must have no path and nothing else behind the host")
	default:
		checked.Secure = base.Scheme == "https"
	}
	if s.DatabaseURL == "" {
		add("PORTICO_DATABASE_URL", "is missing")
	} else if !strings.HasPrefix(s.DatabaseURL, "mysql://") && !strings.HasPrefix(s.DatabaseURL, "sqlite:") {
		add("PORTICO_DATABASE_URL", "must begin with mysql:// or sqlite:")
	}
	if s.Keys == "" {
		add("PORTICO_KEYS", "is missing; make one with: portico key")
	} else if checked.Ring, err = keys.Parse(s.Keys); err != nil {
		add("PORTICO_KEYS", err.Error())
	}
	s.checkMail(add)
	s.checkLocales(add)
	for _, proxy := range s.Proxies {
		prefix, err := netip.ParsePrefix(proxy)
		if err != nil {
			add("PORTICO_TRUSTED_PROXIES", fmt.Sprintf("%q is no network such as 10.0.0.0/8", proxy))
			continue
		}
		checked.Proxies = append(checked.Proxies, prefix)
	}
	return checked, errors.Join(wrong...)
}

func (s Serve) checkMail(add func(name, what string)) {
	smtp, err := url.Parse(s.SMTPURL)
	switch {
	case s.SMTPURL == "":
		add("PORTICO_SMTP_URL", "is missing")
	case err != nil || smtp.Host == "" || (smtp.Scheme != "smtp" && smtp.Scheme != "smtps"):
		add("PORTICO_SMTP_URL", "must look like smtp://user:password@host:587 or smtps://user:password@host:465")
	}
	if s.MailFrom == "" {
		add("PORTICO_MAIL_FROM", "is missing")
	} else if _, err := mail.ParseAddress(s.MailFrom); err != nil {
		add("PORTICO_MAIL_FROM", "must look like Harbour Books <account@example.org>")
	}
	if auditor, err := mail.ParseAddress(s.Auditor); s.Auditor != "" && (err != nil || auditor.Address != s.Auditor) {
		add("PORTICO_LEDGER_AUDITOR", "must look like auditor@example.org")
	}
	if support, err := mail.ParseAddress(s.Support); s.Support != "" && (err != nil || support.Address != s.Support) {
		add("PORTICO_SUPPORT_EMAIL", "must look like help@example.org")
	}
}

func (s Serve) checkLocales(add func(name, what string)) {
	if len(s.Locales) == 0 {
		add("PORTICO_LOCALES", "is missing")
	}
	for i, tag := range s.Locales {
		if _, ok := i18n.Find(tag); !ok {
			add("PORTICO_LOCALES", fmt.Sprintf("%q is not shipped", tag))
		} else if slices.Contains(s.Locales[:i], tag) {
			add("PORTICO_LOCALES", fmt.Sprintf("%q is named twice", tag))
		}
	}
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && address.IsLoopback())
}
