package store

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"portico/internal/keys"
	"portico/internal/mail"
)

func TestSecretsOfLettersAreSealedThenErased(t *testing.T) {
	t.Parallel()
	db, err := Open("sqlite:" + filepath.Join(t.TempDir(), "portico.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ring, err := keys.New(keys.Generate())
	if err != nil {
		t.Fatal(err)
	}
	row := func() letterRow {
		var r letterRow
		if err := db.db(t.Context()).Take(&r).Error; err != nil {
			t.Fatal(err)
		}
		return r
	}
	err = db.InTx(t.Context(), func(ctx context.Context) error {
		return mail.NewOutbox(db, ring, utcNow, nil).Send(ctx, mail.Letter{
			Tenant: "acme", To: "ana@example.org", Kind: mail.ResetEmail, Facts: mail.Facts{Code: "482913", Link: "https://example.org/?ticket=hidden"},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"482913", "hidden"} {
		if bytes.Contains(row().Sealed, []byte(secret)) {
			t.Errorf("got %q readable in the queue", secret)
		}
	}
	claimed, err := db.ClaimLetters(t.Context(), "", "claim", 4, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("got %d letters, %v, want 1", len(claimed), err)
	}
	if err := db.LetterSent(t.Context(), claimed[0], "another claim"); err != nil || row().Sealed == nil {
		t.Errorf("got a letter marked by who does not hold it, or %v", err)
	}
	if err := db.LetterSent(t.Context(), claimed[0], "claim"); err != nil || row().Sealed != nil || row().State != string(mail.Sent) {
		t.Errorf("got %+v, %v, want it sent and erased", row(), err)
	}
}
