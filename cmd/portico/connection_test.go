package main

import (
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portico/internal/idp"
	"portico/internal/idp/idptest"
	"portico/internal/keys"
	"portico/internal/store"
	"portico/internal/tenant"
)

// TestConnectionAdd is not parallel: it stands in for the process's standard input and output.
func TestConnectionAdd(t *testing.T) {
	p := idptest.New(t)
	address := "sqlite:" + filepath.Join(t.TempDir(), "portico.db")
	key := base64.StdEncoding.EncodeToString(keys.Generate())
	db, err := openMigrated(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.AddTenant(t.Context(), tenant.Tenant{ID: tenant.Default}, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	flags := []string{"--database-url", address, "--keys", key, "--base-url", "http://127.0.0.1:8080"}
	add := append([]string{"connection", "add", "oidc", "--id", "demo", "--name", "Demo ID", "--client-id", idptest.ClientID, "--trust-email", "--round-trip"}, flags...)

	if _, err := command(t, idptest.Secret, append(add, "--issuer", "https://user@id.example")...); err == nil || !strings.Contains(err.Error(), "issuer: ") {
		t.Errorf("got %v, want the issuer refused", err)
	}
	if _, err := command(t, "", append(add, "--issuer", p.Issuer)...); err == nil || !strings.Contains(err.Error(), "--public") {
		t.Errorf("got %v, want a secret asked for", err)
	}
	out, err := command(t, idptest.Secret+"\n", append(add, "--issuer", p.Issuer)...)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "http://127.0.0.1:8080/login/callback/demo") || strings.Contains(out, "Does not work") || strings.Contains(out, idptest.Secret) {
		t.Errorf("got %q, want the address to register and a good test", out)
	}
	made := added(t, db)
	if !made.Trust || !made.RoundTrip || !made.SignUp || !made.Enabled || made.Sync != idp.EachLogin || !made.HasSecret() {
		t.Errorf("got %+v", made)
	}
	p.Metadata = map[string]any{"issuer": "https://elsewhere.example"}
	out, err = command(t, "", append([]string{"connection", "test", "demo"}, flags...)...)
	if err == nil || !strings.Contains(out, "Does not work. It calls itself something else") {
		t.Errorf("got %q and %v, want what is wrong, and a refusal for scripts", out, err)
	}
	p.Metadata = map[string]any{"code_challenge_methods_supported": []string{"plain"}}
	if out, err = command(t, "", append([]string{"connection", "test", "demo"}, flags...)...); err != nil || !strings.Contains(out, "Does not work. It does not say that it supports PKCE") {
		t.Errorf("without PKCE: got %q and %v, want a remark", out, err)
	}
	if _, err = command(t, "", append([]string{"connection", "test", "nowhere"}, flags...)...); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("an unknown one: got %v, want %v", err, idp.ErrNotFound)
	}
}

func added(t *testing.T, db *store.DB) idp.Connection {
	t.Helper()
	made, err := db.FindConnection(t.Context(), tenant.Default, "demo")
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// command runs the program with a standard input, and returns its standard output.
func command(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(in, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(in) //nolint:gosec // a file of the test
	if err != nil {
		t.Fatal(err)
	}
	to, err := os.Create(out) //nolint:gosec // a file of the test
	if err != nil {
		t.Fatal(err)
	}
	before, after := os.Stdin, os.Stdout
	os.Stdin, os.Stdout = from, to
	ran := run(args)
	os.Stdin, os.Stdout = before, after
	_ = from.Close()
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(to)
	if err != nil {
		t.Fatal(err)
	}
	_ = to.Close()
	return string(content), ran
}
