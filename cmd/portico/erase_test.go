package main

import (
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// column is one of a table, as the schema has it.
type column struct {
	table, name, kind string
	length            int
}

// columnsOf reads the schema, whatever tables it has.
func columnsOf(t *testing.T, f storetest.Fixture) map[string][]column {
	t.Helper()
	query := `SELECT m.name AS t, c.name AS n, LOWER(c.type) AS k, 0 AS l FROM sqlite_schema m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'goose%'`
	if f.DB.Dialect() == "mysql" {
		query = `SELECT table_name AS t, column_name AS n, LOWER(data_type) AS k, COALESCE(character_maximum_length, 0) AS l
			FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name NOT LIKE 'goose%'`
	}
	all := map[string][]column{}
	for _, row := range texts(t, f.SQL(t), query) {
		c := column{table: row["t"], name: row["n"], kind: row["k"]}
		_, _ = fmt.Sscan(row["l"], &c.length)
		all[c.table] = append(all[c.table], c)
	}
	return all
}

// plain says which columns hold what the program chose from a few words, or a key: a canary has no place there.
var plain = map[string]string{
	"letters.state": "sent", "letters.kind": "verify_email", "letters.claim": "", "audit_events.type": "s", "audit_events.actor_kind": "user",
	"tickets.kind": "verify", "identities.connection_id": "demo", "idp_flows.connection_id": "demo", "privacy_requests.kind": "download",
	"consents.document": "news", "assents.document": "terms", "guard_counters.account_hash": "", "consents.state": "on",
}

// fill writes one row about u into every table that has a user_id, each text in it the canary.
func fill(t *testing.T, f storetest.Fixture, u tenant.User, canary string) (tables int) {
	t.Helper()
	pool := f.SQL(t)
	pool.SetMaxOpenConns(1)
	relax := "PRAGMA ignore_check_constraints = ON"
	if f.DB.Dialect() == "mysql" {
		relax = "SET SESSION check_constraint_checks = 0"
	}
	if _, err := pool.ExecContext(t.Context(), relax); err != nil {
		t.Fatal(err)
	}
	for table, columns := range columnsOf(t, f) {
		own := slices.ContainsFunc(columns, func(c column) bool { return c.name == "user_id" })
		if !own || slices.Contains([]string{"users", "assent_events", "closings"}, table) {
			continue // these are made by the program itself
		}
		tables++
		var names, marks []string
		var values []any
		for _, c := range columns {
			names, marks, values = append(names, c.name), append(marks, "?"), append(values, valueOf(c, u, canary))
		}
		verb := "INSERT OR IGNORE INTO " // where the program itself left the one row there can be, that one stays
		if f.DB.Dialect() == "mysql" {
			verb = "INSERT IGNORE INTO "
		}
		statement := verb + table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
		if _, err := pool.ExecContext(t.Context(), statement, values...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return tables
}

func valueOf(c column, u tenant.User, canary string) any {
	if value, ok := plain[c.table+"."+c.name]; ok {
		return value
	}
	text := canary
	if c.length > 0 && len(text) > c.length {
		text = text[len(text)-c.length:]
	}
	switch {
	case c.table == "audit_events" && c.name == "event_id":
		return uuid.NewString()
	case c.name == "tenant_id":
		return string(u.Tenant)
	case c.name == "user_id":
		return u.ID
	case strings.HasSuffix(c.name, "_email"):
		return canary + "@example.org"
	case strings.Contains(c.kind, "time"):
		return time.Now().UTC().Truncate(time.Microsecond).Add(-time.Hour)
	case strings.Contains(c.kind, "int"), c.kind == "boolean", strings.Contains(c.kind, "bool"):
		return 1
	case strings.Contains(c.kind, "blob"), strings.Contains(c.kind, "binary"):
		return []byte(canary)
	case c.name == "detail" || c.name == "content" || strings.HasSuffix(c.name, "metadata"):
		return `{"note":"` + canary + `"}`
	default:
		return text
	}
}

// sightings counts where a canary is seen, by table and column.
func sightings(t *testing.T, f storetest.Fixture, tenantID tenant.ID, canaries ...string) map[string]int {
	t.Helper()
	of := f
	of.Tenant.ID = tenantID
	seen := map[string]int{}
	dump(t, of, func(place, text string) {
		for _, canary := range canaries {
			for _, form := range []string{canary, hex.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary))} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
					seen[place]++
				}
			}
		}
	})
	return seen
}

// TestErasureLeavesNothing fills every table that the schema has with a person's canary, erases the person, and finds none of
// it: not in the database, not in the letters of the demonstration, not in the list of erasures, not in the log. A neighbour of
// the same tenant, and somebody of another tenant with the very same id, keep everything; and the ledger is whole.
func TestErasureLeavesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.portal.erased = erasedList(filepath.Join(t.TempDir(), "erased"))
		other := w.neighbour(t)
		w.issue(t, 1, "Seven days.", nil)
		ana, ben := w.visitor(t), w.visitor(t)
		const address = "canary-ana@example.org"
		ana.signUp(address)
		ben.signUp("neighbour-ben@example.org")
		u, neighbour := w.user(t, address), w.user(t, "neighbour-ben@example.org")
		twin := tenant.User{Tenant: other.Tenant.ID, ID: u.ID}
		if err := w.DB.AddProfile(t.Context(), profile.Profile{User: twin, Version: 1, Connection: profile.Database, Email: address, Name: "twin-kim"}); err != nil {
			t.Fatal(err)
		}
		w.live(t, ana, u)
		if n := fill(t, f, u, "canary-ana"); n < 15 {
			t.Fatalf("got %d tables filled, want every one that is about a person", n)
		}
		fill(t, f, neighbour, "neighbour-ben")
		fill(t, f, twin, "twin-kim")
		before := sightings(t, f, w.Tenant.ID, "canary-ana", u.ID)
		if len(before) < 60 {
			t.Errorf("got %d places with the person, want them everywhere: %v", len(before), before)
		}
		beside := sightings(t, f, w.Tenant.ID, "neighbour-ben", neighbour.ID)
		elsewhere := sightings(t, f, other.Tenant.ID, "twin-kim", u.ID)
		mailed := len(w.mailbox.Messages())

		p := ana.get("/account/data/close")
		ana.want(ana.send(p, "/account/data/close", map[string]string{"confirm": address}), http.StatusOK, "/closed", "")
		w.letter(t, address, mail.AccountClosing)
		f.Clock.Advance(8 * 24 * time.Hour)
		if err := w.portal.erase(t.Context()); err != nil {
			t.Fatal(err)
		}
		last := w.letter(t, address, mail.AccountClosed)
		for range 100 { // until it is noted that the last letter has left
			if len(sightings(t, f, w.Tenant.ID, "canary-ana")) == 0 {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}

		for place, n := range sightings(t, f, w.Tenant.ID, "canary-ana", u.ID) {
			t.Errorf("%s holds the person %d times", place, n)
		}
		if after := sightings(t, f, w.Tenant.ID, "neighbour-ben", neighbour.ID); fmt.Sprint(after) != fmt.Sprint(beside) {
			t.Errorf("the neighbour had %v, has %v", beside, after)
		}
		if after := sightings(t, f, other.Tenant.ID, "twin-kim", u.ID); fmt.Sprint(after) != fmt.Sprint(elsewhere) {
			t.Errorf("the other tenant had %v, has %v", elsewhere, after)
		}
		for _, m := range w.mailbox.Messages() {
			if m.ID != last.ID && strings.Contains(m.To+m.Subject+m.Text+m.HTML, "canary-ana") {
				t.Errorf("the mailbox still shows %s to %s", m.Kind, m.To)
			}
		}
		if len(w.mailbox.Messages()) < 2 || mailed < 3 {
			t.Error("the mailbox of the demonstration lost more than the person's letters")
		}
		w.log.mustNotHold(t, "canary-ana", u.ID)
		w.portal.erased.mustNotHold(t, "canary-ana", u.ID)
		if err := w.portal.config.Ledger.SequenceTenant(t.Context(), w.Tenant); err != nil {
			t.Fatal(err)
		}
		if _, err := w.portal.config.Ledger.Verify(t.Context(), w.Tenant.ID, ""); err != nil {
			t.Error(err)
		}
	})
}

func (l *written) mustNotHold(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(l.String(), text) {
			t.Errorf("the log holds %s", text)
		}
	}
}

func (l erasedList) mustNotHold(t *testing.T, texts ...string) {
	t.Helper()
	content, err := os.ReadFile(string(l))
	if err != nil || len(content) == 0 {
		t.Fatalf("got %q, %v, want the list of erasures", content, err)
	}
	for _, text := range texts {
		if strings.Contains(string(content), text) {
			t.Errorf("the list of erasures holds %s", text)
		}
	}
}

// live leaves traces by the ways of the program itself: a wrong password from elsewhere, a link to reset it, a pending change of
// address, a parked form, and what an administrator did to others and to the person.
func (w *world) live(t *testing.T, v *visitor, u tenant.User) {
	t.Helper()
	robot := w.visitor(t)
	robot.signIn("canary-ana@example.org", "a wrong password")
	robot.send(robot.get("/password/forgot"), "/password/forgot", map[string]string{"email": "canary-ana@example.org"})
	v.send(v.get("/account/email"), "/account/email", map[string]string{"new_email": "canary-ana-2@example.org"})
	w.letter(t, "canary-ana-2@example.org", mail.EmailChangeConfirm)
	pool := w.SQL(t)
	for _, row := range []struct{ statement, text string }{
		{"UPDATE users SET given_name = ? WHERE tenant_id = ? AND user_id = ?", "canary-ana"},
		{"UPDATE users SET user_metadata = ? WHERE tenant_id = ? AND user_id = ?", `{"note":"canary-ana"}`},
		{"UPDATE users SET block_reason = ? WHERE tenant_id = ? AND user_id = ?", "canary-ana"},
	} {
		if _, err := pool.ExecContext(t.Context(), row.statement, row.text, string(u.Tenant), u.ID); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct{ statement, text string }{ // what an administrator leaves beside others
		{"UPDATE users SET blocked_by = ? WHERE tenant_id = ? AND user_id <> ?", u.ID},
		{"UPDATE term_versions SET created_by = ? WHERE tenant_id = ? AND ? <> ''", u.ID},
		{"UPDATE term_versions SET approved_by = ? WHERE tenant_id = ? AND ? <> ''", u.ID},
	} {
		if _, err := pool.ExecContext(t.Context(), row.statement, row.text, string(u.Tenant), u.ID); err != nil {
			t.Fatal(err)
		}
	}
	file := privacy.Export{ID: uuid.NewString(), User: u, Layer: privacy.MyData, State: privacy.ExportReady, AskedAt: w.Clock.Now()}
	for _, err := range []error{
		w.DB.AddExport(t.Context(), file), w.DB.AddChunk(t.Context(), file, 1, []byte("canary-ana"), w.Clock.Now()),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := tenant.With(t.Context(), w.Tenant)
	if err := w.portal.config.Admin.SetRole(ctx, u, w.user(t, "neighbour-ben@example.org"), profile.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	for i, statement := range []string{
		"INSERT INTO reset_requests (tenant_id, request_id, address, browser_hash, language, ip, user_agent, origin_id, asked_at) VALUES (?, ?, ?, '', 'en', '', '', '', ?)",
		"INSERT INTO sessions (tenant_id, session_hash, user_id, created_at, seen_at, authenticated_at, idle_at, expires_at, keep, ip, user_agent, content) " +
			"SELECT ?, ?, '', now, now, now, now, now, 0, '', '', p FROM (SELECT ? AS p, ? AS now) AS x",
	} {
		text := "canary-ana@example.org"
		if i == 1 {
			text = `{"parked":"{\"values\":{\"email\":\"canary-ana@example.org\"}}"}`
		}
		key := strings.Repeat("0", 36)
		if i == 1 {
			key = strings.Repeat("0", 64)
		}
		if _, err := pool.ExecContext(t.Context(), statement, string(u.Tenant), key, text, time.Now().UTC().Add(24*30*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}

// restored copies everything of a tenant out of every table, and puts it back as it was: what restoring a backup does.
type restored struct {
	columns []string
	rows    [][]any
}

// copied is every row of a tenant in a table.
func copied(t *testing.T, pool *sql.DB, f storetest.Fixture, table string) restored {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), "SELECT * FROM "+table+" WHERE tenant_id = ?", string(f.Tenant.ID))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	kept := restored{columns: names}
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		kept.rows = append(kept.rows, values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return kept
}

func backup(t *testing.T, pool *sql.DB, f storetest.Fixture, tables map[string][]column) map[string]restored {
	t.Helper()
	all := map[string]restored{}
	for table := range tables {
		all[table] = copied(t, pool, f, table)
	}
	return all
}

// bring puts rows back whose person is there no more.
func bring(t *testing.T, f storetest.Fixture, kept map[string]restored, tables ...string) {
	t.Helper()
	pool, verb := f.SQL(t), "INSERT OR IGNORE INTO "
	if f.DB.Dialect() == "mysql" {
		verb = "INSERT IGNORE INTO "
	}
	for _, table := range tables {
		one := kept[table]
		marks := strings.TrimSuffix(strings.Repeat("?, ", len(one.columns)), ", ")
		for _, row := range one.rows {
			if _, err := pool.ExecContext(t.Context(), verb+table+" ("+strings.Join(one.columns, ", ")+") VALUES ("+marks+")", row...); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestErasureIsReplayed restores a backup from before an erasure: the portal is not ready until the person is erased again, by
// the list outside of the database, or by the one inside.
func TestErasureIsReplayed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		w.portal.erased = erasedList(filepath.Join(t.TempDir(), "erased"))
		ana, ben := w.member(t), w.visitor(t)
		ben.signUp("ben@example.org")
		u, neighbour := w.user(t, anaAddress), w.user(t, "ben@example.org")
		ana.close(anaAddress)
		w.letter(t, anaAddress, mail.AccountClosing)
		pool := f.SQL(t)
		tables := columnsOf(t, f)
		delete(tables, "tenant_hosts")
		kept := backup(t, pool, f, tables)
		f.Clock.Advance(8 * 24 * time.Hour)
		if err := w.portal.erase(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.letter(t, anaAddress, mail.AccountClosed)
		_, erased := w.pseudonym(t)

		for _, c := range []struct {
			name   string
			forget bool // the table of erasures is as old as the backup
		}{{"rows came back", false}, {"everything came back", true}} {
			t.Run(c.name, func(t *testing.T) {
				if c.forget {
					if _, err := pool.ExecContext(t.Context(), "DELETE FROM erased_subjects WHERE tenant_id = ?", string(f.Tenant.ID)); err != nil {
						t.Fatal(err)
					}
				}
				bring(t, f, kept, "users", "passwords", "user_words", "sessions", "closings", "audit_events", "letters", "tickets", "devices")
				if _, err := w.DB.FindProfile(t.Context(), u); err != nil {
					t.Fatalf("the backup did not come back: %v", err)
				}
				w.portal.replaying.Store(true)
				visitor := w.visitor(t)
				if p := visitor.get("/readyz"); p.status != http.StatusServiceUnavailable {
					t.Errorf("got %d, want not ready before the replay", p.status)
				}
				if err := w.portal.erase(t.Context()); err != nil { // the job waits for the replay
					t.Fatal(err)
				}
				w.portal.replay(t.Context())
				if p := visitor.get("/readyz"); p.status != http.StatusOK {
					t.Errorf("got %d, want ready", p.status)
				}
				for place, n := range sightings(t, f, w.Tenant.ID, anaAddress, u.ID) {
					t.Errorf("%s holds the person %d times", place, n)
				}
				if _, err := w.DB.FindProfile(t.Context(), neighbour); err != nil {
					t.Errorf("the neighbour: %v", err)
				}
				if n, again := w.pseudonym(t); n != 1 || again != erased {
					t.Errorf("got %d erasures as %s, want the one as %s", n, again, erased)
				}
			})
		}
		time.Sleep(200 * time.Millisecond)
		if n := len(erasedLetters(w, anaAddress)); n != 0 { // the first one went with the mailbox
			t.Errorf("got %d last letters more, want none", n)
		}
	})
}

// pseudonym is what stands in the place of whom this tenant erased, and how many there are.
func (w *world) pseudonym(t *testing.T) (int, string) {
	t.Helper()
	erased, err := w.DB.Erased(t.Context(), w.Tenant.ID)
	if err != nil || len(erased) == 0 {
		t.Fatalf("got %v, %v, want an erasure", erased, err)
	}
	return len(erased), erased[0].Pseudonym
}

// TestBackupFileComesBack copies the file of a database back, with everything in it as it was before the erasure.
func TestBackupFileComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, list := filepath.Join(dir, "portico.db"), erasedList(filepath.Join(dir, "erased"))
	f := storetest.SQLiteAt(t, file)
	w := newWorld(t, f)
	w.portal.erased = list
	ana := w.member(t)
	u := w.user(t, anaAddress)
	ana.close(anaAddress)
	w.letter(t, anaAddress, mail.AccountClosing)
	saved := filepath.Join(dir, "backup.db")
	if _, err := f.SQL(t).ExecContext(t.Context(), "VACUUM INTO ?", saved); err != nil {
		t.Fatal(err)
	}
	f.Clock.Advance(8 * 24 * time.Hour)
	if err := w.portal.erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := f.Reopened(t, saved)
	if _, err := back.DB.FindProfile(t.Context(), u); err != nil {
		t.Fatalf("the backup holds nobody: %v", err)
	}
	again := worldWith(t, back, w.ring)
	again.portal.erased = list
	again.portal.replaying.Store(true)
	again.portal.replay(t.Context())
	if err := again.portal.erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	for place, n := range sightings(t, back, w.Tenant.ID, anaAddress, u.ID) {
		t.Errorf("%s holds the person %d times", place, n)
	}
	if _, err := again.portal.config.Ledger.Verify(t.Context(), w.Tenant.ID, ""); err != nil {
		t.Error(err)
	}
}
