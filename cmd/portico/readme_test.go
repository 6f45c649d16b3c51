package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portico/internal/mail"
	"portico/internal/store/storetest"
)

// fenced are the blocks of code in a language in a section of README.md, as they stand there.
func fenced(t *testing.T, section, language string) []string {
	t.Helper()
	content, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(content), "\n## "+section+"\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	if !found {
		t.Fatalf("README.md has no section %q", section)
	}
	var blocks []string
	for {
		_, after, more := strings.Cut(rest, "```"+language+"\n")
		if !more {
			return blocks
		}
		block, left, _ := strings.Cut(after, "```\n")
		blocks, rest = append(blocks, block), left
	}
}

// TestAStrangerChecksAReceipt does what README.md says, by the very lines that stand there: with Go's standard library and
// openssl, and nothing of ours.
func TestAStrangerChecksAReceipt(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"go", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	w := newWorld(t, storetest.SQLite(t))
	ana := w.member(t)
	w.issue(t, 1, "Seven days.", nil)
	ana.want(decide(ana, ana.get("/account"), "accept"), http.StatusOK, "/account", "")
	path := link(t, w.letter(t, anaAddress, mail.TermsAccepted), "/account/terms/")
	if err := w.portal.config.Ledger.SequenceTenant(t.Context(), w.Tenant); err != nil {
		t.Fatal(err)
	}
	receipt, folder := ana.get(path).body, t.TempDir()
	programs, commands := fenced(t, "Check a receipt without us", "go"), fenced(t, "Check a receipt without us", "sh")
	if len(programs) != 1 || len(commands) != 2 || !strings.Contains(commands[0], "/ledger/default/key -o ledger.key") {
		t.Fatalf("got %d programs and %q", len(programs), commands)
	}
	for name, content := range map[string]string{
		"receipt.go": programs[0], "ledger.key": ana.get("/ledger/" + string(w.Tenant.ID) + "/key").body, "terms.tlog-proof": receipt,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(commands[1]), "\n")
	run := func(line string) (string, error) {
		fields := strings.Fields(line)
		command := exec.CommandContext(t.Context(), fields[0], fields[1:]...) //nolint:gosec // from README.md
		command.Dir = folder
		said, err := command.CombinedOutput()
		return string(said), err
	}
	for i, want := range []string{`"document":"terms"`, "Signature Verified Successfully"} {
		if said, err := run(lines[i]); err != nil || !strings.Contains(said, want) {
			t.Fatalf("%s: got %v, %s", lines[i], err, said)
		}
	}
	forged := strings.Replace(receipt, "\nindex 1\n", "\nindex 0\n", 1)
	if err := os.WriteFile(filepath.Join(folder, "terms.tlog-proof"), []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := run(lines[0]); err == nil {
		t.Errorf("another index: got %s", said)
	}
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "checkpoint.txt"), append(signed, 'x'), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := run(lines[1]); err == nil {
		t.Errorf("another checkpoint: got %s", said)
	}
}
