package main

import (
	"net/http"
	"strings"
	"testing"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
)

// Row 66, "admin change": whoever is made or unmade an administrator, or is to choose a new password, is told of it, at the
// address of last week too.
func TestAdministratorsChangesAreTold(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.moved(t)
		mara, u := w.administrator(t, "mara@example.org"), w.user(t, "new@example.org")
		actions := userPath(u, "/actions")
		act := func(action string) {
			p := mara.send(mara.get(actions), actions, map[string]string{"action": action})
			mara.want(p, http.StatusOK, "/admin/users/"+u.ID+"/actions", "")
		}
		for _, c := range []struct {
			action, says string
			kind         mail.Kind
		}{
			{"change", "asks you to choose a new password", mail.PasswordChangeAsked},
			{"promote", "made you an administrator too", mail.AdministratorAdded},
			{"demote", "ended your work as an administrator", mail.AdministratorGone},
		} {
			act(c.action)
			for _, to := range []string{"new@example.org", "ana@example.org"} {
				if n := w.lettersTo(t, to, c.kind); n != 1 {
					t.Errorf("%s: got %d letters to %s, want 1", c.action, n, to)
				}
			}
			if letter := w.letter(t, "new@example.org", c.kind); !strings.Contains(letter.Text, c.says) || strings.Contains(letter.Text, "mara") {
				t.Errorf("%s: got %s, want what was done, and not by whom", c.action, letter.Text)
			}
		}
		act("demote")
		if n := w.lettersTo(t, "new@example.org", mail.AdministratorGone); n != 1 {
			t.Errorf("got %d letters for the same form sent twice, want 1", n)
		}
		social := f.NewUser(t, "sam@example.org", func(p *profile.Profile) { p.Connection = "google" })
		actions = userPath(social, "/actions")
		u = social
		act("change")
		for _, m := range w.mailbox.Messages() {
			if m.To == "sam@example.org" {
				t.Errorf("got %s about a password to somebody who has none", m.Kind)
			}
		}
	})
}
