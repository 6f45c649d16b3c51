package mail_test

import (
	"context"
	"errors"
	"mime"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"portico/internal/mail"
	"portico/internal/mail/mailtest"
	"portico/internal/store/storetest"
)

// senderOver is how Portico sends over a server of package mailtest.
func senderOver(t *testing.T, s *mailtest.Server) *mail.SMTP {
	t.Helper()
	sender, err := mail.NewSMTP(s.URL(), "Portico <account@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func TestRefusedRecipients(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, func(s *mailtest.Server) {
		s.Refuse = map[string]string{
			"nobody@example.org": "550 5.1.1 no such user", "nowhere@example.org": "553 5.1.2 bad domain",
			"full@example.org": "452 4.2.2 mailbox full", "later@example.org": "450 4.7.1 come back later", "spam@example.org": "554 5.7.1 we do not like you",
		}
	})
	sender := senderOver(t, s)
	for to, forGood := range map[string]bool{
		"nobody@example.org": true, "nowhere@example.org": true, // no later try will help
		"full@example.org": false, "later@example.org": false, "spam@example.org": false,
	} {
		m := greeting
		m.To = to
		err := sender.Send(t.Context(), m)
		if err == nil || errors.Is(err, mail.ErrRefused) != forGood {
			t.Errorf("%s: got %v, want it refused for good: %v", to, err, forGood)
		}
	}
	m := greeting
	if err := sender.Send(t.Context(), m); err != nil || len(s.Letters()) != 1 {
		t.Errorf("got %v, %d letters, want the server still usable", err, len(s.Letters()))
	}
}

func TestRefusedLetterIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	f := storetest.SQLite(t)
	s := mailtest.New(t, func(s *mailtest.Server) { s.Refuse = map[string]string{"gone@example.org": "550 5.1.1 no such user"} })
	ring := newRing(t)
	send(t, f, mail.NewOutbox(f.DB, ring, f.Clock.Now, nil), "gone@example.org")
	runUntil(t, mail.NewWorker(configOf(f, ring, senderOver(t, s))), func() bool { return only(t, f).State == mail.Failed })
	if e := only(t, f); e.Attempts != 1 || !strings.Contains(e.Error, "no such user") {
		t.Errorf("got %+v, want one try and the server's own words", e)
	}
}

// However the server hangs, sending ends with its context.
func TestHangingServers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*mailtest.Server){
		"says nothing":         func(s *mailtest.Server) { s.Silent = true },
		"never takes a letter": func(s *mailtest.Server) { s.Hold = make(chan struct{}) },
	} {
		sender := senderOver(t, mailtest.New(t, change))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		started := time.Now()
		err := sender.Send(ctx, greeting)
		cancel()
		if took := time.Since(started); err == nil || took > 3*time.Second {
			t.Errorf("a server that %s: got %v after %v, want an error when its time was over", name, err, took)
		}
	}
}

func TestLettersInArabicArriveWhole(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t)
	m := greeting
	m.Language, m.FromName = "ar", "كتب الميناء"
	m.Subject = "أكِّد عنوان بريدك الإلكتروني لدى \u200f" + strings.Repeat("كتب الميناء ", 12) + "– Harbour Books"
	m.Text, m.HTML = "مرحبًا\nرمزك: 123456\n", `<p dir="rtl">مرحبًا</p>`
	if err := senderOver(t, s).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got, err := netmail.ReadMessage(strings.NewReader(s.Letters()[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || strings.TrimSpace(subject) != strings.TrimSpace(m.Subject) {
		t.Errorf("got subject %q, %v, want %q", subject, err, m.Subject)
	}
	from, err := netmail.ParseAddress(got.Header.Get("From"))
	if err != nil || from.Name != m.FromName || from.Address != "account@example.org" {
		t.Errorf("got sender %v, %v, want %q", from, err, m.FromName)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(s.Letters()[0].Data, "\r\n"), "\r\n") {
		if len(line) > 998 {
			t.Errorf("got a line of %d bytes, want at most 998 (RFC 5322, 2.1.1)", len(line))
		}
	}
	head, _, _ := strings.Cut(s.Letters()[0].Data, "\r\n\r\n")
	for i := range len(head) {
		if head[i] > 127 {
			t.Fatalf("got a header outside of ASCII: %q", head)
		}
	}
}
