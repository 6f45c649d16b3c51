package main

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// TestTheLedgerIsWatched verifies at the start, tells the auditor once a day, and warns where machines look when it is broken.
func TestTheLedgerIsWatched(t *testing.T) {
	t.Parallel()
	storetest.Unguarded(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.portal.auditor = "auditor@example.org"
		ana := w.member(t)
		w.issue(t, 1, "Seven days.", nil)
		ana.want(decide(ana, ana.get("/account"), "accept"), http.StatusOK, "/account", "")
		ledger := w.portal.config.Ledger
		if err := ledger.SequenceTenant(t.Context(), w.Tenant); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.portal.watchTenant(t.Context(), w.Tenant.ID, true, true); err != nil {
				t.Fatal(err)
			}
		}
		checkpoint, err := ledger.Checkpoint(t.Context(), w.Tenant.ID)
		if err != nil {
			t.Fatal(err)
		}
		letter := w.letter(t, "auditor@example.org", mail.LedgerCheckpoint)
		if !strings.Contains(letter.Text, strings.TrimSpace(checkpoint)) {
			t.Errorf("got %s, want the checkpoint to the letter", letter.Text)
		}
		if got := strings.Count(w.log.String(), `"msg":"ledger checkpoint"`); got != 1 {
			t.Errorf("got %d checkpoints in the log, want one a day", got)
		}
		if p := ana.get("/readyz"); p.body != "ready\n" {
			t.Errorf("got %q", p.body)
		}
		if _, err := f.SQL(t).ExecContext(t.Context(), "UPDATE assent_events SET payload = 'x' WHERE tenant_id = ?", string(w.Tenant.ID)); err != nil {
			t.Fatal(err)
		}
		if err := w.portal.watchTenant(t.Context(), w.Tenant.ID, true, true); err == nil {
			t.Error("got no alarm")
		}
		if p := ana.get("/readyz"); p.status != http.StatusOK || !strings.Contains(p.body, "warning: the ledger does not verify") {
			t.Errorf("got %d %q, want a warning", p.status, p.body)
		}
	})
}

// TestTheLedgerCommands run as an operator runs them.
func TestTheLedgerCommands(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	secret := keys.Generate()
	address := "sqlite:" + filepath.Join(folder, "portico.db")
	db, err := openMigrated(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.AddTenant(t.Context(), tenant.Tenant{ID: tenant.Default, Settings: tenant.Settings{Product: "X", Locales: []string{"en"}}}, nil); err != nil {
		t.Fatal(err)
	}
	rotate := &ledgerRotate{Keys: base64.StdEncoding.EncodeToString(secret), BaseURL: "http://portico.example", Tenant: "default"}
	rotate.DatabaseURL = address
	verify := &ledgerVerify{DatabaseURL: address, Tenant: "default"}
	for range 2 {
		if err := rotate.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := verify.Run(t.Context()); err != nil {
			t.Error(err)
		}
	}
	head, err := db.Head(t.Context(), tenant.Default)
	if err != nil || head.Size != 2 {
		t.Fatalf("got %+v, %v, want an entry for each rotation", head, err)
	}
	verify.Since = filepath.Join(folder, "checkpoint")
	if err := os.WriteFile(verify.Since, []byte(head.Checkpoint), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := verify.Run(t.Context()); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(verify.Since, []byte(strings.Replace(head.Checkpoint, "\n2\n", "\n3\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := verify.Run(t.Context()); err == nil {
		t.Error("a checkpoint that was changed holds")
	}
	if err := (&ledgerVerify{}).Run(t.Context()); err == nil {
		t.Error("nothing to verify, and nothing said")
	}
}
