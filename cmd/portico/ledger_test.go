package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/store/storetest"
)

// TestPeopleProveWhatTheyAccepted goes from an acceptance to its receipt, and checks that with nothing but the public key.
func TestPeopleProveWhatTheyAccepted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana, ben := w.member(t), w.visitor(t)
		w.issue(t, 1, "Seven days.", nil)
		ana.want(decide(ana, ana.get("/account"), "accept"), http.StatusOK, "/account", "")
		letter := w.letter(t, anaAddress, mail.TermsAccepted)
		if !strings.Contains(letter.Text, "> Accepting covers “Terms of use”, version 1, and nothing else.") || !strings.Contains(letter.Text, "/terms/terms/1?lang=en") {
			t.Errorf("got %s, want the statement in the words of the page", letter.Text)
		}
		path := link(t, letter, "/account/terms/")
		ana.want(ana.get(path), http.StatusOK, "/account/terms", "The proof is being made")
		ana.want(ana.get("/account/terms"), http.StatusOK, "/account/terms", "Download the promise")
		promise := ana.get(strings.Replace(path, "/receipt", "/promise", 1)).body
		promised, err := ledger.VerifyPromise(promise, strings.Split(ben.get("/ledger/"+string(w.Tenant.ID)+"/keys").body, "\n\n")[0])
		_, note, _ := strings.Cut(promise, "\n\n")
		if err != nil || !strings.Contains(promised.Payload, `"document":"terms"`) || !strings.Contains(letter.Text, strings.TrimSpace(note)) {
			t.Errorf("got %+v, %v, and the letter %s", promised, err, letter.Text)
		}
		if len(letter.Files) != 1 || letter.Files[0].Name != "terms-1.promise" || string(letter.Files[0].Content) != promise {
			t.Errorf("got the files %+v, want the promise", letter.Files)
		}
		if err := w.portal.config.Ledger.SequenceTenant(t.Context(), w.Tenant); err != nil {
			t.Fatal(err)
		}
		receipt := ana.want(ana.get(path), http.StatusOK, path, "")
		base := "/ledger/" + string(w.Tenant.ID)
		key := ben.want(ben.get(base+"/key"), http.StatusOK, base+"/key", "").body
		proven, err := ledger.VerifyReceipt(receipt.body, key)
		if err != nil || !strings.Contains(proven.Payload, `"document":"terms"`) || proven.Size != 2 || proven.Index != 1 {
			t.Errorf("got %+v, %v, want the acceptance after the publication", proven, err)
		}
		if checkpoint := ben.get(base + "/checkpoint").body; !strings.HasSuffix(receipt.body, checkpoint) {
			t.Errorf("got %q, want the checkpoint of the receipt", checkpoint)
		}
		ben.want(ben.get(base+"/consistency?from=1&to=2"), http.StatusOK, base+"/consistency", "=")
		ben.want(ben.get(base+"/inclusion?index=1&size=2"), http.StatusOK, base+"/inclusion", "=")
		ben.want(ben.get(base+"/keys"), http.StatusOK, base+"/keys", strings.TrimSpace(key))
		for path, status := range map[string]int{
			base + "/inclusion?index=2&size=2": http.StatusNotFound, base + "/inclusion?size=2": http.StatusBadRequest,
			base + "/consistency?from=1&to=3": http.StatusNotFound, base + "/consistency?from=x&to=1": http.StatusBadRequest,
			"/ledger/other/checkpoint": http.StatusNotFound,
		} {
			if p := ben.get(path); p.status != status {
				t.Errorf("%s: got %d, want %d", path, p.status, status)
			}
		}
		ben.signUp("ben@example.org")
		if p := ben.get(path); p.status != http.StatusNotFound {
			t.Errorf("somebody else's receipt: got %d, want 404", p.status)
		}

		file := filepath.Join(t.TempDir(), "terms.tlog-proof")
		if err := os.WriteFile(file, []byte(receipt.body), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (&ledgerVerify{Receipt: file, Key: key}).Run(t.Context()); err != nil {
			t.Error(err)
		}
		if err := (&ledgerVerify{Receipt: file, Key: strings.Replace(key, "+", "+0", 1)}).Run(t.Context()); err == nil {
			t.Error("a receipt holds by a key that is none")
		}
	})
}
