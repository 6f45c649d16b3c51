package main

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"portico/internal/ledger"
	"portico/internal/privacy"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
)

// ofNobody are tables that hold nothing of a person: settings, documents and their versions, keys, the tree of the ledger
// (hashes of salted commitments), and how far work for everybody is.
var ofNobody = strings.Fields(`tenants tenant_hosts connections documents term_versions term_waves
	ledger_keys ledger_heads ledger_checkpoints ledger_hashes ledger_rotations ledger_days erased_subjects retention`)

// leftOut says of every table with something of a person which columns are not in their files, and why. All others are, by
// their value. A new table or column that is neither exported nor named here fails TestEverythingKeptIsInTheFiles.
//
//	hash    a hash or proof of something secret   secret  what works for whoever has it, and what is sealed
//	copy    a form of what is in the files        other   who among others did it (GDPR article 15(4))
//	work    how far work is                       brief   gone in minutes
//	public  of the company, which anybody can read
var leftOut = map[string]string{
	"users":            "age_state:copy email_key:copy proven:copy warned_at:copy blocked_by:other restricted_by:other",
	"passwords":        "hash:hash",
	"user_words":       "word:copy",
	"user_facets":      "name:copy value:copy",
	"sessions":         "session_hash:hash content:brief provider_session:hash",
	"devices":          "device_hash:hash",
	"tickets":          "ticket_hash:hash browser_hash:hash code_mac:hash",
	"email_changes":    "",
	"audit_events":     "session_hash:hash",
	"guard_counters":   "counter_key:hash account_hash:hash",
	"reset_requests":   "request_id:brief address:brief browser_hash:brief language:brief ip:brief user_agent:brief origin_id:brief asked_at:brief",
	"letters":          "sealed:secret next_at:work claim:work",
	"term_texts":       "document:public number:public revision:public source_sha256:public html_sha256:public summary:public change_note:public added_at:public",
	"presentations":    "first_at:public",
	"assent_events":    "leaf_index:work",
	"assents":          "",
	"term_notices":     "",
	"consents":         "link:secret",
	"privacy_requests": "answered_by:other open_key:copy",
	"identities":       "subject:copy email:copy email_key:copy",
	"closings":         "asked_at:copy due_at:copy asked_by:other reason:copy",
	"former_users":     "former_id:copy",
	"guardians":        "address:other asked_at:copy due_at:work",
	"idp_flows":        "state_hash:brief connection_id:brief browser_hash:brief purpose:brief return_to:brief sealed:secret created_at:brief expires_at:brief",
	"exports":          "next_at:work claim:secret done:work total:work chunks:work",
	"export_chunks":    "export_id:copy claim:secret number:work sealed:secret made_at:work",
}

// planted is what stands in the rows of one person, by table and column, as it is looked for.
type planted map[string]map[string]string

// planter writes rows whose every value is like no other.
type planter struct {
	t       *testing.T
	pool    *sql.DB
	columns map[string][]*sql.ColumnType
	serial  int
}

func newPlanter(t *testing.T, f storetest.Fixture) *planter {
	t.Helper()
	p := &planter{t: t, pool: f.SQL(t), columns: map[string][]*sql.ColumnType{}}
	tables := "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	if f.DB.Dialect() == "mysql" {
		tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
	}
	for _, row := range texts(t, p.pool, tables) {
		name := row["0"]
		if strings.HasPrefix(name, "goose") || slices.Contains(ofNobody, name) {
			continue
		}
		p.columns[name] = p.columnsOf(name)
		if _, known := leftOut[name]; !known {
			t.Errorf("nothing says whether the table %s is in the files: export it, or say why not", name)
		}
	}
	return p
}

// columnsOf asks the database itself.
func (p *planter) columnsOf(table string) []*sql.ColumnType {
	p.t.Helper()
	rows, err := p.pool.QueryContext(p.t.Context(), "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.ColumnTypes()
	if err = errors.Join(err, rows.Err()); err != nil {
		p.t.Fatal(err)
	}
	return columns
}

// kindOf is the kind of a column, the same in both dialects.
func kindOf(c *sql.ColumnType) string {
	switch name := strings.ToUpper(c.DatabaseTypeName()); {
	case strings.HasPrefix(name, "BOOL"), name == "TINYINT":
		return "bool"
	case strings.Contains(name, "INT"):
		return "number"
	case strings.HasPrefix(name, "DATETIME"):
		return "time"
	case strings.Contains(name, "BLOB"):
		return "bytes"
	}
	return "text"
}

// canary is the value of a column, and what it looks like where it is found. Both are like no other of this test.
func (p *planter) canary(c *sql.ColumnType) (value any, seen string) {
	p.serial++
	switch kindOf(c) {
	case "bool":
		return true, ""
	case "number":
		return 7_310_000 + p.serial, fmt.Sprint(7_310_000 + p.serial)
	case "time":
		at := time.Date(2036, 3, 4, 5, 6, 7, 123_001_000+p.serial*1000, time.UTC)
		return at, at.Format(time.RFC3339Nano)
	case "bytes":
		seen = fmt.Sprintf("canary-%06dx", p.serial)
		return []byte(seen), seen
	}
	seen = fmt.Sprintf("canary%06dx", p.serial)
	return seen, seen
}

// fixed are values that must have a form to be what they are. They return the value and what is looked for in it.
var fixed = map[string]func(canary string) (any, string){
	"users.email":             func(c string) (any, string) { return c + "@example.org", c },
	"email_changes.old_email": func(c string) (any, string) { return c + "@example.org", c },
	"users.user_metadata":     inJSON, "users.app_metadata": inJSON, "audit_events.detail": inJSON,
	"term_texts.summary":       func(c string) (any, string) { return `[]`, c },
	"letters.state":            func(string) (any, string) { return "failed", "failed" },
	"consents.state":           func(string) (any, string) { return "pending", "pending" },
	"assent_events.leaf_index": func(string) (any, string) { return nil, "" },
	"identities.content": func(c string) (any, string) {
		return fmt.Sprintf(`{"user_id":"s","email_verified":true,"profileData":{"k":%q}}`, c), c
	},
}

func inJSON(c string) (any, string) { return fmt.Sprintf(`{"k":%q}`, c), c }

// long are columns of exactly so many hexadecimal digits, or of the form of an id.
func long(column string) (string, bool) {
	switch column {
	case "sessions.session_hash", "sessions.provider_session", "devices.device_hash", "tickets.ticket_hash", "guard_counters.counter_key", "idp_flows.state_hash":
		return strings.ReplaceAll(uuid.NewString()+uuid.NewString(), "-", ""), true
	case "audit_events.event_id", "reset_requests.request_id", "exports.export_id", "export_chunks.export_id":
		return uuid.NewString(), true
	}
	return "", false
}

// row plants one row of a table for u. given are values that other rows refer to.
func (p *planter) row(table string, u tenant.User, given map[string]any) map[string]string {
	p.t.Helper()
	names, places, values, seen := []string{}, []string{}, []any{}, map[string]string{}
	for _, c := range p.columns[table] {
		name := c.Name()
		value, canary := p.canary(c)
		if make, ok := fixed[table+"."+name]; ok {
			value, canary = make(canary)
		}
		if text, ok := long(table + "." + name); ok {
			value, canary = text, text
		}
		if set, ok := given[name]; ok {
			value, canary = set, fmt.Sprint(set)
		}
		switch name {
		case "tenant_id":
			value, canary = string(u.Tenant), ""
		case "user_id":
			value, canary = u.ID, ""
		}
		names, places, values, seen[name] = append(names, name), append(places, "?"), append(values, value), canary
	}
	statement := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")"
	if _, err := p.pool.ExecContext(p.t.Context(), statement, values...); err != nil {
		p.t.Fatalf("%s: %v", table, err)
	}
	return seen
}

// person plants a row for u in every table.
func (p *planter) person(u tenant.User) planted {
	p.t.Helper()
	all := planted{}
	text := p.row("term_texts", u, map[string]any{"locale": "en", "revision": 1})
	screen := p.row("presentations", u, nil)
	all["term_texts"], all["presentations"] = text, screen
	control := fmt.Sprintf("canary%06dx", p.serial+1_000)
	payload := fmt.Sprintf(`{"type":"accepted","document":%q,"number":%s,"locale_shown":"en","text_revision":1,"presentation_sha256":%q,"control":%q}`,
		text["document"], text["number"], screen["sha256"], control)
	salt, commitment := ledger.Commit(payload)
	for _, table := range slices.Sorted(maps.Keys(p.columns)) {
		switch table {
		case "term_texts", "presentations":
		case "assent_events":
			all[table] = p.row(table, u, map[string]any{"payload": payload, "salt": salt, "commitment": commitment})
			all[table]["payload"] = control
		default:
			all[table] = p.row(table, u, nil)
		}
	}
	return all
}

// files makes both files of u and returns everything in them, receipts opened.
func (w *world) files(t *testing.T, u tenant.User) string {
	t.Helper()
	var all strings.Builder
	for _, layer := range []privacy.Layer{privacy.MyData, privacy.TechnicalRecords} {
		if err := w.portal.config.Exports.Ask(tenant.With(t.Context(), w.Tenant), u, layer); err != nil {
			t.Fatal(err)
		}
		w.work(t)
	}
	exports, err := w.DB.Exports(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, e := range exports {
		if e.State != privacy.ExportReady {
			continue
		}
		made++
		var file bytes.Buffer
		if err := w.portal.config.Exports.Download(t.Context(), e, &file, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		for name, content := range contents(t, file.String()) {
			all.WriteString(name + "\n" + content + "\n")
			for line := range strings.Lines(content) {
				if extra, ok := strings.CutPrefix(line, "extra "); ok && strings.HasSuffix(name, ".tlog-proof") {
					opened, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(extra))
					all.Write(opened)
				}
			}
		}
	}
	if made != 2 {
		t.Fatalf("got %d files, want two", made)
	}
	return all.String()
}

// TestEverythingKeptIsInTheFiles plants a value like no other in every column of every table, for ana, for a neighbour and for
// somebody of another tenant who has ana's very id: all of hers but what is left out for a reason is in her files, and
// nothing of theirs (terms.md section 3).
func TestEverythingKeptIsInTheFiles(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		ana := tenant.User{Tenant: f.Tenant.ID, ID: "portico|ana"}
		elsewhere := tenant.Tenant{ID: f.Tenant.ID + "x", Settings: f.Tenant.Settings}
		if err := f.DB.AddTenant(t.Context(), elsewhere, nil); err != nil {
			t.Fatal(err)
		}
		p := newPlanter(t, f)
		hers := p.person(ana)
		neighbours := map[string]planted{
			"a neighbour":             p.person(tenant.User{Tenant: f.Tenant.ID, ID: "portico|ben"}),
			"somebody with her id":    p.person(tenant.User{Tenant: elsewhere.ID, ID: ana.ID}),
			"an administrator's deed": w.deed(t, p, ana),
		}
		files := w.files(t, ana)
		for table, columns := range hers {
			reasons := map[string]string{}
			for pair := range strings.FieldsSeq(leftOut[table]) {
				column, reason, _ := strings.Cut(pair, ":")
				if _, there := columns[column]; !there {
					t.Errorf("%s.%s is left out and not there", table, column)
				}
				reasons[column] = reason
			}
			for column, canary := range columns {
				reason, out := reasons[column]
				switch found := canary != "" && strings.Contains(files, canary); {
				case canary == "":
				case out && found && reason != "public" && reason != "copy":
					t.Errorf("%s.%s is in the files although it is %s", table, column, reason)
				case !out && !found:
					t.Errorf("%s.%s is not in the files: export it, or say why not", table, column)
				}
			}
		}
		for who, rows := range neighbours {
			for table, columns := range rows {
				for column, canary := range columns {
					if len(canary) > 8 && strings.Contains(files, canary) {
						t.Errorf("%s.%s of %s is in the files", table, column, who)
					}
				}
			}
		}
		if !strings.Contains(files, "[…] told me about canary reason") {
			t.Error("the reason of an administrator is not there, or names somebody else")
		}
	})
}

// deed plants what an administrator did to ana, and returns of it what is not hers to know.
func (w *world) deed(t *testing.T, p *planter, ana tenant.User) planted {
	t.Helper()
	detail, err := json.Marshal(map[string]string{"reason": "eve-canary@example.net told me about canary reason"})
	if err != nil {
		t.Fatal(err)
	}
	seen := p.row("audit_events", ana, map[string]any{"actor_kind": "admin", "type": "blocked", "detail": string(detail)})
	return planted{"audit_events": {
		"actor_id": seen["actor_id"], "ip": seen["ip"], "user_agent": seen["user_agent"], "request_id": seen["request_id"],
		"session_hash": seen["session_hash"], "detail": "eve-canary",
	}}
}
