package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// stepTime is how long one step of the conversation with a mail server may take.
const stepTime = 15 * time.Second

// SMTP is a Sender that hands messages to a mail server, each over a connection of its own.
type SMTP struct {
	host    string
	from    netmail.Address
	options []gomail.Option
	roots   *x509.CertPool // nil means those of the machine
}

// NewSMTP returns the sender for the server at address and the sender's address from, such as
// "Harbour Books <account@example.org>". The address is smtp://user:password@host:587, which demands STARTTLS unless
// it ends in ?starttls=opportunistic or ?starttls=off, or smtps://user:password@host:465. A password is never sent
// in the clear to another machine.
func NewSMTP(address, from string) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, errors.New("a mail server's address looks like smtp://user:password@host:587 or smtps://user:password@host:465")
	}
	sender, err := netmail.ParseAddress(from)
	if err != nil {
		return nil, errors.New("the sender's address looks like Harbour Books <account@example.org>")
	}
	s := &SMTP{host: u.Hostname(), from: *sender, options: []gomail.Option{gomail.WithTimeout(stepTime)}}
	if err := s.secure(u); err != nil {
		return nil, err
	}
	if password, ok := u.User.Password(); ok {
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	_, err = s.client()
	return s, err
}

// secure reads how the connection is encrypted, and the port.
func (s *SMTP) secure(u *url.URL) error {
	policies := map[string]gomail.TLSPolicy{"": gomail.TLSMandatory, "opportunistic": gomail.TLSOpportunistic, "off": gomail.NoTLS}
	policy, ok := policies[u.Query().Get("starttls")]
	if !ok {
		return errors.New("starttls is opportunistic or off, or left out")
	}
	port := 587
	if u.Scheme == "smtps" {
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	} else {
		s.options = append(s.options, gomail.WithTLSPolicy(policy))
	}
	if given := u.Port(); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil {
			return err
		}
		port = n
	}
	s.options = append(s.options, gomail.WithPort(port))
	return nil
}

func (s *SMTP) client() (*gomail.Client, error) {
	secure := gomail.WithTLSConfig(&tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12, RootCAs: s.roots})
	return gomail.NewClient(s.host, append([]gomail.Option{secure}, s.options...)...)
}

// Send hands m to the mail server. The error is ErrRefused when the server says that there is no such address.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	letter, err := s.compose(m)
	if err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	connection, err := dial(ctx, client)
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = connection.Text.Close() }) // connection.Close waits for the answer under way
	defer stop()
	err = client.SendWithSMTPClient(connection, letter)
	_ = client.CloseWithSMTPClient(connection)
	if letter.IsDelivered() {
		return nil // what went wrong after the server took the letter is no reason to send it twice
	}
	if refusal, ok := errors.AsType[*gomail.SendError](err); ok && strings.HasPrefix(refusal.EnhancedStatusCode(), "5.1.") {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// dial greets the mail server. When ctx ends meanwhile, it does not wait for a server that says nothing.
func dial(ctx context.Context, client *gomail.Client) (*smtp.Client, error) {
	type greeted struct {
		connection *smtp.Client
		err        error
	}
	answer := make(chan greeted, 1)
	go func() {
		connection, err := client.DialToSMTPClientWithContext(ctx)
		answer <- greeted{connection, err}
	}()
	select {
	case a := <-answer:
		return a.connection, a.err
	case <-ctx.Done():
		go func() {
			if a := <-answer; a.err == nil {
				_ = a.connection.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

// compose writes m as RFC 5322 wants it: both parts, the plainer first, and an id that is the same at every try.
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	for _, value := range []string{m.ID, m.FromName, m.To, m.Subject, m.Language, m.Unsubscribe} {
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("%w: a line break in a header", ErrRefused)
		}
	}
	name := m.FromName
	if name == "" {
		name = s.from.Name
	}
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	letter.FromMailAddress(&netmail.Address{Name: name, Address: s.from.Address})
	if err := letter.To(m.To); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	letter.SetMessageIDWithValue(m.ID + "@" + domain)
	letter.SetDateWithValue(m.SentAt)
	letter.Subject(m.Subject)
	letter.SetGenHeader(gomail.HeaderContentLang, m.Language)
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answering machine answers
	letter.SetGenHeader("X-Auto-Response-Suppress", "All")
	if m.Unsubscribe != "" { // RFC 8058, 3.1
		letter.SetGenHeader("List-Unsubscribe", "<"+m.Unsubscribe+">")
		letter.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	for _, f := range m.Files {
		if strings.ContainsAny(f.Name+f.Type, "\r\n\x00\"") {
			return nil, fmt.Errorf("%w: a line break in the name of a file", ErrRefused)
		}
		letter.AttachReadSeeker(f.Name, bytes.NewReader(f.Content), gomail.WithFileContentType(gomail.ContentType(f.Type)))
	}
	return letter, nil
}
