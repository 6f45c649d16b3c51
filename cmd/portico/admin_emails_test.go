package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"portico/internal/audit"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"

	"portico/views/emails"
)

// administrator signs up and is made one.
func (w *world) administrator(t *testing.T, email string) *visitor {
	t.Helper()
	v := w.visitor(t)
	v.signUp(email)
	p, err := w.DB.FindByEmail(t.Context(), w.Tenant.ID, email)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.DB.SaveRole(t.Context(), p.User, profile.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAdministratorSeesHowLettersLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	ben := w.visitor(t)
	ben.signUp("ben@example.org")
	for _, path := range []string{"/admin/emails", "/admin/emails/verify_email/preview", "/admin/emails/verify_email/preview/html", "/admin/emails/outbox"} {
		if p := ben.get(path); p.status != http.StatusNotFound {
			t.Errorf("%s: got %d for who is no administrator, want 404", path, p.status)
		}
	}
	mara := w.administrator(t, "mara@example.org")
	p := mara.want(mara.get("/admin/emails"), http.StatusOK, "/admin/emails", "Confirm your email address")
	if got := strings.Count(p.body, "/preview\""); got != len(emails.Kinds()) {
		t.Errorf("got %d kinds, want %d", got, len(emails.Kinds()))
	}
	p = mara.want(mara.get("/admin/emails/reset_email/preview?lang=ar"), http.StatusOK, "/admin/emails/reset_email/preview", "إعادة تعيين كلمة المرور")
	if !strings.Contains(p.body, `src="/admin/emails/reset_email/preview/html?lang=ar"`) {
		t.Errorf("got no frame in %s", p.body)
	}
	if p := mara.get("/admin/emails/reset_email/preview/html?lang=ar"); !strings.Contains(p.body, `lang="ar" dir="rtl"`) {
		t.Errorf("got %d %s", p.status, p.body)
	}
	for _, path := range []string{"/admin/emails/none/preview", "/admin/emails/none/preview/html", "/admin/emails/outbox?state=lost"} {
		if p := mara.get(path); p.status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, p.status)
		}
	}
}

func TestAdministratorTriesAFailedLetterAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		failed := mail.Queued{ID: "00000000-0000-7000-8000-000000000001", Tenant: f.Tenant.ID, User: "portico|gone", To: "gone@example.org", Kind: mail.NewSignIn}
		// Not sealed by our key: whenever it is tried, it fails. It is claimed here, so that no worker does.
		failed.Sealed = []byte("sealed by a key that is lost")
		err := f.DB.InTx(t.Context(), func(ctx context.Context) error {
			if err := f.DB.QueueLetter(ctx, failed); err != nil {
				return err
			}
			if _, err := f.DB.ClaimLetters(ctx, f.Tenant.ID, "claim", 50, 1<<40); err != nil {
				return err
			}
			_, err := f.DB.LetterFailed(ctx, failed, "claim", "550 no such mailbox")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p := mara.want(mara.get("/admin/emails/outbox?state=failed"), http.StatusOK, "/admin/emails/outbox", "550 no such mailbox")
		if strings.Contains(p.text(), "mara@example.org") {
			t.Error("got a letter that was sent among those given up")
		}
		p = mara.send(p, "/admin/emails/outbox", map[string]string{"letter": failed.ID})
		mara.want(p, http.StatusOK, "/admin/emails/outbox", "The email will be tried again now.")
		if entry, err := f.DB.FindLetter(t.Context(), f.Tenant.ID, failed.ID); err != nil || entry.State == mail.Failed {
			t.Errorf("got %+v, %v, want it tried again", entry, err)
		}
		events, err := w.portal.config.Audit.Search(t.Context(), f.Tenant.ID, audit.Filter{User: failed.User, Types: []audit.Type{audit.AdminWrote}, Limit: 2})
		if err != nil || len(events) != 1 || events[0].Actor.Kind != audit.ByAdmin {
			t.Errorf("got %+v, %v, want one event of an administrator", events, err)
		}
		list := mara.get("/admin/emails/outbox?state=queued")
		for _, id := range []string{failed.ID, "nonsense"} {
			values := formOf(t, list, "/logout")
			values.Set("letter", id)
			if p := mara.do(http.MethodPost, "/admin/emails/outbox", values); p.status != http.StatusNotFound {
				t.Errorf("%s: got %d, want 404", id, p.status)
			}
		}
	})
}

func TestOutboxIsPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	mara := w.administrator(t, "mara@example.org")
	err := w.DB.InTx(t.Context(), func(ctx context.Context) error {
		for i := range 60 {
			q := mail.Queued{
				ID: fmt.Sprintf("00000000-0000-7000-8000-%012d", i), Tenant: w.Tenant.ID, To: fmt.Sprintf("p%02d@example.org", i), Kind: mail.NewSignIn,
				Sealed: []byte("x"),
			}
			if err := w.DB.QueueLetter(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p := mara.want(mara.get("/admin/emails/outbox"), http.StatusOK, "/admin/emails/outbox", "p59@example.org")
	if strings.Contains(p.text(), "p05@example.org") || !strings.Contains(p.body, "after=00000000-0000-7000-8000-000000000011") {
		t.Errorf("got %s", p.text())
	}
	p = mara.want(mara.get("/admin/emails/outbox?after=00000000-0000-7000-8000-000000000011"), http.StatusOK, "/admin/emails/outbox", "p10@example.org")
	if strings.Contains(p.text(), "p11@example.org") || strings.Contains(p.body, `rel="next"`) {
		t.Errorf("got %s", p.text())
	}
}
