package store

import (
	"context"
	"sync"

	"portico/internal/tenant"
)

// content is what is long in a text, hashes what names it for ever.
type (
	content struct{ source, html string }
	hashes  struct{ source, html string }
)

// contents are the long parts of each tenant's texts, as they were read last. Every acceptance reads the texts anew, so that it
// is of what stands now; what a hash names need not come from the database each time.
type contents struct {
	mu sync.Mutex
	of map[tenant.ID]map[hashes]content
}

func (c *contents) known(t tenant.ID) map[hashes]content {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[t]
}

// keep replaces what is known of a tenant.
func (c *contents) keep(t tenant.ID, rows []textRow) {
	known := make(map[hashes]content, len(rows))
	for _, r := range rows {
		known[r.hashes()] = content{r.Source, r.HTML}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[tenant.ID]map[hashes]content{}
	}
	c.of[t] = known
}

func (r textRow) hashes() hashes { return hashes{r.SourceSHA256, r.HTMLSHA256} }

// texts reads every revision of every text of a tenant, in their order.
func (db *DB) texts(ctx context.Context, t tenant.ID) ([]textRow, error) {
	find := func(omit ...string) (rows []textRow, err error) {
		err = db.db(ctx).Omit(omit...).Where("tenant_id = ?", string(t)).Order("document, number, locale, revision").Find(&rows).Error
		return rows, err
	}
	if known := db.contents.known(t); known != nil {
		if rows, err := find("source", "html"); err != nil || filled(rows, known) {
			return rows, err
		}
	}
	rows, err := find()
	if err == nil {
		db.contents.keep(t, rows)
	}
	return rows, err
}

// filled puts what is known into the rows, and reports whether that was all.
func filled(rows []textRow, known map[hashes]content) bool {
	for i := range rows {
		c, ok := known[rows[i].hashes()]
		if !ok {
			return false
		}
		rows[i].Source, rows[i].HTML = c.source, c.html
	}
	return true
}
