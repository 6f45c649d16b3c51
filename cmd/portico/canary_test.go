package main

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"testing"

	"portico/internal/store/storetest"
)

// canaries are secrets that passed by, each with where it was seen: nothing of them may be found where things are kept.
type canaries struct {
	mu    sync.Mutex
	found map[string]string
}

// secretName says whether a field or a parameter of this name carries a secret.
func secretName(name string) bool {
	for _, word := range []string{"password", "code", "token", "secret", "state"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// add notes a secret, and what is inside of it when it is text in base64, such as the id in a signed cookie.
func (c *canaries) add(what, value string) {
	if len(value) < 6 {
		return
	}
	c.mu.Lock()
	c.found[value] = what
	c.mu.Unlock()
	for _, alphabet := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding} {
		inside, err := alphabet.DecodeString(value)
		if err != nil {
			continue
		}
		if parts := strings.Split(string(inside), "|"); len(parts) >= 3 { // time, value, proof: the second is in base64 again
			if id, err := base64.URLEncoding.DecodeString(parts[1]); err == nil {
				c.add("what is in "+what, string(id))
			}
		}
	}
}

// RoundTrip notes the secrets of a request on its way: cookies, secret fields and parameters, links of letters.
func (c *canaries) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, cookie := range r.Cookies() {
		if len(cookie.Value) > 20 {
			c.add("cookie "+cookie.Name, cookie.Value)
		}
	}
	form := url.Values{}
	if r.Body != nil {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(content))
		form, _ = url.ParseQuery(string(content))
	}
	maps.Copy(form, r.URL.Query())
	for name, values := range form {
		if secretName(name) {
			c.add("field "+name+" of "+r.URL.Path, values[0])
		}
	}
	if last := path.Base(r.URL.Path); len(last) > 40 && !strings.Contains(r.URL.Path, "/static/") && !strings.HasPrefix(r.URL.Path, "/admin/") {
		c.add("link "+path.Dir(r.URL.Path), last)
	}
	return http.DefaultTransport.RoundTrip(r)
}

var sixAlone = regexp.MustCompile(`^\d{6}$`)

// in looks for every secret in a text, as it is and in the ways in which it might be written down.
func (c *canaries) in(text string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var seen []string
	for secret, what := range c.found {
		if sixAlone.MatchString(secret) { // in a time or an id six digits mean nothing
			if regexp.MustCompile(`(^|[^0-9A-Za-z.:-])` + secret + `($|[^0-9A-Za-z.:-])`).MatchString(text) {
				seen = append(seen, what+": "+secret)
			}
			continue
		}
		quoted, _ := json.Marshal(secret)
		raw := []byte(secret)
		for _, form := range []string{
			secret, strings.Trim(string(quoted), `"`), url.QueryEscape(secret), hex.EncodeToString(raw),
			base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
		} {
			if strings.Contains(text, form) {
				seen = append(seen, what+": "+secret)
				break
			}
		}
	}
	return seen
}

// dump reads every column of every table, and calls each with what stands in it.
func dump(t *testing.T, f storetest.Fixture, each func(place, text string)) {
	t.Helper()
	pool := f.SQL(t)
	tables := "SELECT name FROM sqlite_schema WHERE type = 'table'"
	if f.DB.Dialect() == "mysql" {
		tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
	}
	for _, table := range texts(t, pool, tables) {
		name := table["0"]
		for _, row := range texts(t, pool, "SELECT * FROM "+name) { // the name comes from the database itself
			if id, ok := row["tenant_id"]; ok && id != string(f.Tenant.ID) {
				continue // another test's
			}
			for column, text := range row {
				each(name+"."+column, text)
			}
		}
	}
}

// texts answers a query with rows of text, by the names of columns and by their places.
func texts(t *testing.T, pool *sql.DB, query string) []map[string]string {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, column := range columns {
			text := fmt.Sprint(*values[i].(*any))
			if content, ok := (*values[i].(*any)).([]byte); ok {
				text = string(content)
			}
			row[column] = text
			if i == 0 {
				row["0"] = text
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
