package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
)

func TestAdministratorsCreatePeopleButNoPasswords(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		const path = "/admin/users/new"
		mara, ana := w.administrator(t, "mara@example.org"), w.visitor(t)
		form := mara.want(mara.get(path), http.StatusOK, path, "choose a password themselves")
		if strings.Contains(form.body, `type="password"`) {
			t.Error("an administrator is asked for a password")
		}
		p := mara.send(form, path, map[string]string{"email": "ana", "name": "Ana\x01", "lang": "xx"})
		p = mara.want(p, http.StatusUnprocessableEntity, path, "name@example.org")
		if kept := formOf(t, p, path); kept.Get("email") != "ana" {
			t.Errorf("got %q, want what was typed", kept.Get("email"))
		}
		p = mara.send(p, path, map[string]string{"email": "MARA@example.org", "name": "Ana", "lang": "pt"})
		p = mara.want(p, http.StatusUnprocessableEntity, path, "Another account has this address")
		p = mara.send(p, path, map[string]string{"email": "ana@example.org", "name": "Ana Ferreira"})
		u := w.user(t, "ana@example.org")
		mara.want(p, http.StatusOK, "/admin/users/"+u.ID, "The account is created.")

		ana.want(ana.signIn("ana@example.org", ""), http.StatusUnprocessableEntity, "/login", "")
		letter := w.letter(t, "ana@example.org", mail.Invited)
		if letter.Language != "pt" || !strings.Contains(letter.Text, "Escolher uma palavra-passe") {
			t.Errorf("got %s in %s, want the language that was chosen", letter.Text, letter.Language)
		}
		f.Clock.Advance(23 * time.Hour)
		p = ana.get(link(t, letter, "/password/reset/"))
		p = ana.send(p, "/password/reset", map[string]string{"password": goodPassword, "code": code(t, letter)})
		ana.want(p, http.StatusOK, "/login", "")
		ana.want(ana.signIn("ana@example.org", goodPassword), http.StatusOK, "/account", "")
		saved, err := f.DB.FindProfile(t.Context(), u)
		if err != nil || !saved.EmailVerified || saved.Name != "Ana Ferreira" || saved.UserMetadata.Text("lang") != "pt" {
			t.Errorf("got %+v, %v, want it proven and as it was created", saved, err)
		}
		mara = w.visitor(t)
		mara.signIn("mara@example.org", goodPassword)
		mara.want(mara.get(userPath(u, "/activity")), http.StatusOK, "/admin/users/"+u.ID+"/activity", "Account created")
	})
}

// rowsOf are the addresses of the people that a page lists, and where its pager leads.
func rowsOf(t *testing.T, p page) (people []string, newer, older string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		switch {
		case n.Data == "td" && attribute(n, "class") == "any":
			people = append(people, n.FirstChild.Data)
		case attribute(n, "rel") == "prev":
			newer = attribute(n, "href")
		case attribute(n, "rel") == "next":
			older = attribute(n, "href")
		}
	}
	return people, newer, older
}

func TestPeopleAreFoundPageByPageBothWays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		mara := w.administrator(t, "mara@example.org")
		for i := range 120 {
			f.NewUser(t, fmt.Sprintf("ana%03d@example.org", i), func(p *profile.Profile) {
				p.Name, p.EmailVerified = fmt.Sprintf("Ana Anakin %d", i), i%2 == 0
			})
		}
		for address, want := range map[string]int{
			"/admin/users": 121, "/admin/users?q=ana": 120, "/admin/users?state=unverified": 60, "/admin/users?q=ANA&state=unverified": 60,
			"/admin/users?q=ana00": 10, "/admin/users?state=admins": 1, "/admin/users?q=ana&state=admins": 0,
		} {
			var there [][]string
			seen, path, back := map[string]bool{}, address, ""
			for path != "" {
				rows, newer, older := rowsOf(t, mara.want(mara.get(path), http.StatusOK, "/admin/users", ""))
				if (newer == "") != (len(there) == 0) {
					t.Errorf("%s: got newer rows at %q, want none before the first page alone", path, newer)
				}
				for _, email := range rows {
					if seen[email] {
						t.Errorf("%s: %s is listed twice", address, email)
					}
					seen[email] = true
				}
				there, path, back = append(there, rows), older, newer
			}
			if len(seen) != want || len(there) != max(1, (want+49)/50) {
				t.Errorf("%s: got %d people on %d pages, want %d", address, len(seen), len(there), want)
			}
			for i := len(there) - 2; i >= 0; i-- {
				rows, newer, _ := rowsOf(t, mara.get(back))
				if strings.Join(rows, " ") != strings.Join(there[i], " ") {
					t.Errorf("%s back to page %d: got %v, want %v", address, i+1, rows, there[i])
				}
				back = newer
			}
		}
		u := w.user(t, "ana007@example.org")
		rows, _, _ := rowsOf(t, mara.get("/admin/users?q="+url.QueryEscape(u.ID)))
		if len(rows) != 1 || rows[0] != "ana007@example.org" {
			t.Errorf("got %v by the id, want the one person", rows)
		}
	})
}
