package main

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"portico/internal/store/storetest"
)

// few are the tables that do not grow with the number of people: a company has few of these.
var few = []string{
	"tenants", "tenant_hosts", "connections", "documents", "term_versions", "term_texts", "term_waves", "ledger_keys", "ledger_heads",
	"ledger_rotations", "goose_db_version",
}

var (
	// named finds what a statement calls its tables.
	named = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|UPDATE)\s+["` + "`" + `]?(\w+)["` + "`" + `]?(?:\s+(?:AS\s+)?["` + "`" + `]?(\w+)["` + "`" + `]?)?`)
	// bound are the values in a statement, which make no other statement of it.
	bound = regexp.MustCompile(`'(?:[^'\\]|''|\\.)*'|\b\d+\b`)
)

// reading collects every kind of statement that reads or changes rows, one of each.
type reading struct {
	mu  sync.Mutex
	all map[string]string
}

func (r *reading) saw(_ context.Context, statement string) {
	statement = strings.TrimSpace(statement)
	verb, _, _ := strings.Cut(statement, " ")
	if !slices.Contains([]string{"SELECT", "UPDATE", "DELETE", "WITH"}, strings.ToUpper(verb)) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[bound.ReplaceAllString(statement, "?")] = statement
}

// scans are the growing tables that a statement reads from one end to the other, by the plan of the database itself.
func scans(t *testing.T, pool *sql.DB, dialect, statement string) ([]string, error) {
	t.Helper()
	tables := map[string]string{}
	for _, found := range named.FindAllStringSubmatch(statement, -1) {
		tables[found[1]] = found[1]
		tables[found[2]] = found[1]
	}
	grows := func(alias string) bool { return tables[alias] != "" && !slices.Contains(few, tables[alias]) }
	explain := "EXPLAIN "
	if dialect == "sqlite" {
		explain = "EXPLAIN QUERY PLAN "
	}
	rows, err := pool.QueryContext(t.Context(), explain+statement)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var whole []string
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		cell := func(name string) sql.NullString { return cells[slices.Index(columns, name)] }
		if dialect == "sqlite" {
			words := strings.Fields(cell("detail").String)
			if len(words) > 1 && words[0] == "SCAN" && grows(words[1]) {
				whole = append(whole, cell("detail").String)
			}
			continue
		}
		// A server reads a small table as a whole even where an index would do; that it knows none is what counts.
		kind := cell("type").String
		if (kind == "ALL" || kind == "index") && !cell("possible_keys").Valid && grows(cell("table").String) {
			whole = append(whole, kind+" of "+cell("table").String)
		}
	}
	return whole, rows.Err()
}

// everything asks for every page and sends every form as it stands, for strangers, people and administrators, and does what a
// portal does in the background.
func (w *world) everything(t *testing.T) {
	t.Helper()
	w.publish(t, 1, "Rules.", 0)
	w.Clock.Advance(time.Second)
	root, ana := w.administrator(t, "root@example.org"), w.visitor(t)
	ana.signUp("ana@example.org")
	w.publish(t, 2, "More rules.", time.Hour)
	w.connect(t, "demo", "Demo ID")
	parameters := map[string]string{"id": w.user(t, "ana@example.org").ID, "doc": "terms", "n": "2", "kind": "verify_email"}
	for _, v := range []*visitor{w.visitor(t), ana, root} {
		for _, r := range routes(t) {
			if r.method != http.MethodGet {
				continue
			}
			p := v.get(r.with(parameters))
			for _, found := range formActions.FindAllStringSubmatch(p.body, -1) {
				if action := html.UnescapeString(found[1]); !strings.HasPrefix(action, "/logout") && !strings.Contains(action, "/end") {
					v.do(http.MethodPost, action, formOf(t, p, action))
				}
			}
		}
	}
	for _, query := range []string{"q=an", "q=an&state=unverified", "q=an&after=b", "state=blocked", "state=unverified", "state=admins", "after=x", "before=x"} {
		root.get("/admin/users?" + query)
	}
	for _, query := range []string{"type=ss", "user=x", "actor=x", "user=x&type=ss&from=2026-01-01&to=2026-02-01", "after=x", "before=x"} {
		root.get("/admin/audit?" + query)
	}
	for _, action := range []string{"verify", "reset", "change", "end", "lift", "promote", "demote", "block", "unblock"} {
		path := userPath(w.user(t, "ana@example.org"), "/actions")
		token := formOf(t, root.get(path), path)
		root.do(http.MethodPost, path, url.Values{"form_token": token["form_token"], "action": {action}, "reason": {"x"}})
	}
	stranger := w.visitor(t)
	stranger.signIn("ana@example.org", "the wrong password here")
	stranger.send(stranger.get("/password/forgot"), "/password/forgot", map[string]string{"email": "ana@example.org"})
	ctx := context.WithoutCancel(t.Context())
	err := errors.Join(w.portal.resets.Answer(ctx, w.Tenant.ID), w.portal.due(ctx), w.portal.config.Ledger.SequenceTenant(ctx, w.Tenant))
	if err != nil {
		t.Error(err)
	}
}

// TestEveryStatementHasAnIndex runs through the whole portal and asks the database how it finds the rows of each statement:
// none may read a table that grows with the people from one end to the other.
func TestEveryStatementHasAnIndex(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		w := newWorld(t, f)
		r := &reading{all: map[string]string{}}
		f.Trace.Watch(r.saw)
		w.everything(t)
		f.Trace.Watch(nil)
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.all) < 90 {
			t.Errorf("got %d statements, want those of the whole portal", len(r.all))
		}
		pool := f.SQL(t)
		for _, kind := range slices.Sorted(maps.Keys(r.all)) {
			whole, err := scans(t, pool, f.DB.Dialect(), r.all[kind])
			if err != nil {
				t.Errorf("%s: %v", r.all[kind], err)
			}
			for _, one := range whole {
				t.Errorf("%s\n\treads a table as a whole: %s", kind, one)
			}
		}
	})
}

// A plan that reads everything is told from one that does not.
func TestScansAreFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		pool := f.SQL(t)
		for statement, want := range map[string]int{
			"SELECT * FROM users WHERE nickname = 'x'":                                    1,
			"SELECT * FROM users u WHERE u.tenant_id = 'x' AND u.user_id = 'y'":           0,
			"UPDATE letters SET state = 'x' WHERE language = 'y'":                         1,
			"DELETE FROM sessions WHERE ip = 'x'":                                         1,
			"SELECT * FROM tenants":                                                       0,
			"SELECT (SELECT COUNT(*) FROM users) AS n FROM tenants WHERE tenant_id = 'x'": 1,
		} {
			if got, err := scans(t, pool, f.DB.Dialect(), statement); err != nil || len(got) != want {
				t.Errorf("%s: got %v, %v, want %d", statement, got, err, want)
			}
		}
	})
}
