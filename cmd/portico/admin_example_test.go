package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/views/emails"
	"portico/web"
)

func TestAnAdministratorSendsThemselvesATest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		const path = "/admin/emails/email_changed/preview"
		p := mara.want(mara.get(path+"?lang=de"), http.StatusOK, path, "Send me a test")
		mara.want(p, http.StatusOK, path, "mara@example.org")
		p = mara.want(mara.send(p, path, nil), http.StatusOK, path, "The test is on its way to you.")
		if !strings.Contains(p.body, path+"/html?lang=de") {
			t.Error("the page after it is of another language")
		}
		got := w.letter(t, "mara@example.org", mail.Example)
		facts := emails.Sample(mail.EmailChanged)
		facts.Name = "mara"
		subject, text, _, err := emails.Render(i18n.With(t.Context(), "de", time.UTC), web.LetterFrom(f.Tenant), mail.Letter{
			User: "x", To: "mara@example.org", Kind: mail.EmailChanged, Language: "de", Facts: facts,
		})
		text = strings.Replace(text, subject, "[Test] "+subject, 1)
		if err != nil || got.Subject != "[Test] "+subject || got.Text != text || got.Language != "de" {
			t.Errorf("got %q %s, want the preview marked as a test: %q %s", got.Subject, got.Text, subject, text)
		}
		me := w.user(t, "mara@example.org")
		events, err := w.portal.config.Audit.Search(t.Context(), f.Tenant.ID, audit.Filter{Actor: me.ID, Types: []audit.Type{audit.AdminWrote}, Limit: 9})
		if err != nil || len(events) != 1 || events[0].Detail["kind"] != "email_changed" || events[0].Detail["action"] != "example_sent" {
			t.Errorf("got %+v, %v, want a line", events, err)
		}
		p = mara.send(p, path, nil)
		mara.want(p, http.StatusTooManyRequests, path, "You can send the next test of this email in 60 seconds")
		if p.header.Get("Retry-After") == "" || formOf(t, p, path).Get("lang") != "de" {
			t.Errorf("got %v and %v, want when to try again, in the same language", p.header, formOf(t, p, path))
		}
		const other = "/admin/emails/account_closed/preview"
		mara.want(mara.send(mara.get(other), other, nil), http.StatusOK, other, "The test is on its way to you.")
		f.Clock.Advance(16 * time.Minute)
		mara.want(mara.send(mara.get(other), other, nil), http.StatusOK, "/reauth", "")
	})
}

func TestAnExampleOfEveryLetterLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	u := w.NewUser(t, "mara@example.org", func(p *profile.Profile) { p.Role = profile.RoleAdmin })
	ctx := tenant.With(t.Context(), w.Tenant)
	for i, kind := range emails.Kinds() {
		if err := w.portal.config.Admin.SendExample(ctx, u, kind, "en"); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for tries := 0; w.lettersOf("mara@example.org", mail.Example) <= i; tries++ {
			if tries == 200 {
				t.Fatalf("no example of %s", kind)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if i%20 == 19 {
			time.Sleep(100 * time.Millisecond) // in which the worker writes down that it was sent
			w.Clock.Advance(time.Hour)
		}
	}
	for _, m := range w.mailbox.Messages() {
		if m.Kind != mail.Example || m.To != "mara@example.org" || !strings.HasPrefix(m.Subject, "[Test] ") || m.Unsubscribe != "" || len(m.Files) > 0 {
			t.Errorf("got %+v, want a test and nothing else", m)
		}
	}
	nobody := w.NewUser(t, "", func(p *profile.Profile) { p.Role = profile.RoleAdmin })
	if err := w.portal.config.Admin.SendExample(ctx, nobody, mail.VerifyEmail, "en"); err == nil || !strings.Contains(err.Error(), "emails.test.nowhere") {
		t.Errorf("got %v, want that there is no address", err)
	}
}
