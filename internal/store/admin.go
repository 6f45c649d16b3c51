package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"portico/internal/admin"
	"portico/internal/profile"
	"portico/internal/tenant"
)

// SearchProfiles finds one page of people. With a text it goes by their words, in their order; without, newest first.
func (db *DB) SearchProfiles(ctx context.Context, t tenant.ID, q admin.Query) (admin.Found, error) {
	if q.Text != "" {
		return db.searchByWord(ctx, t, q)
	}
	condition, values := inState(q)
	query := db.db(ctx).Where("tenant_id = ?", string(t)).Where(condition, values...)
	order := "user_id DESC"
	switch {
	case q.Before != "":
		query, order = query.Where("user_id > ?", q.Before), "user_id"
	case q.After != "":
		query = query.Where("user_id < ?", q.After)
	}
	var rows []userRow
	if err := query.Order(order).Limit(q.Limit + 1).Find(&rows).Error; err != nil {
		return admin.Found{}, err
	}
	var found admin.Found
	rows, found.Previous, found.Next = pageOf(rows, q, func(row userRow) string { return row.UserID })
	for _, row := range rows {
		found.People = append(found.People, row.profile())
	}
	return found, nil
}

// anyState is the condition that everybody meets.
const anyState = "1 = 1"

// inState is the condition on a row of users that narrows a search to its state.
func inState(q admin.Query) (condition string, values []any) {
	condition, values = "restricted = ?", []any{q.State == admin.Restricted}
	if q.Restricted {
		condition, values = anyState, nil
	}
	switch q.State {
	case admin.Blocked:
		return condition + " AND blocked = ? AND (blocked_until IS NULL OR blocked_until > ?)", append(values, true, q.Now)
	case admin.Unverified:
		return condition + " AND email_verified = ?", append(values, false)
	case admin.Admins:
		return condition + " AND role = ?", append(values, profile.RoleAdmin)
	case admin.Everybody, admin.Restricted:
	}
	return condition, values
}

// pageOf is a page of rows that were read with one more than it holds, in the order of reading, which is backwards for the page
// before another, and the cursors of the pages around it.
func pageOf[T any](rows []T, q admin.Query, cursor func(T) string) (kept []T, previous, next string) {
	more := len(rows) > q.Limit
	if more {
		rows = rows[:q.Limit]
	}
	if q.Before != "" {
		slices.Reverse(rows)
	}
	if len(rows) == 0 {
		return nil, "", ""
	}
	if q.Before == "" && q.After != "" || q.Before != "" && more {
		previous = cursor(rows[0])
	}
	if q.Before != "" || more {
		next = cursor(rows[len(rows)-1])
	}
	return rows, previous, next
}

// highest follows every character that a word can go on with.
const highest = "\U0010FFFF"

// searchByWord reads words in the order of their index, a page and one more, and then the people they are of. Who has several
// words with this beginning is found by the first.
func (db *DB) searchByWord(ctx context.Context, t tenant.ID, q admin.Query) (admin.Found, error) {
	rows, err := db.wordRows(ctx, t, q)
	if err != nil {
		return admin.Found{}, err
	}
	var found admin.Found
	rows, found.Previous, found.Next = pageOf(rows, q, func(row wordRow) string { return row.Word + "\x00" + row.UserID })
	people, err := db.profilesOf(ctx, t, rows)
	for _, row := range rows {
		if p, ok := people[row.UserID]; ok {
			found.People = append(found.People, p)
		}
	}
	return found, err
}

// wordRows reads a page of words and one more. A page behind another begins within a word that many have, and goes on with the
// words after it: two ranges of the index, so that the last page is as quick as the first.
func (db *DB) wordRows(ctx context.Context, t tenant.ID, q admin.Query) ([]wordRow, error) {
	prefix := fold(q.Text)
	part := func(order string, limit int, condition string, values ...any) ([]wordRow, error) {
		query := db.db(ctx).Table("user_words w").Select("w.word, w.user_id").Where("w.tenant_id = ?", string(t)).Where(condition, values...).
			Where("NOT EXISTS (SELECT 1 FROM user_words e WHERE e.tenant_id = w.tenant_id AND e.user_id = w.user_id AND e.word >= ? AND e.word < w.word)", prefix)
		if narrowed, of := inState(q); narrowed != anyState {
			// The words lead, in the order of their index: with the people first, all of them would be sorted for every page.
			query = query.Joins(db.leading()+" users u ON u.tenant_id = w.tenant_id AND u.user_id = w.user_id").Where(narrowed, of...)
		}
		var rows []wordRow
		err := query.Order(order).Limit(limit).Find(&rows).Error
		return rows, err
	}
	cursor, most := cmp.Or(q.Before, q.After), q.Limit+1
	word, id, _ := strings.Cut(cursor, "\x00")
	if cursor == "" {
		return part("w.word, w.user_id", most, "w.word >= ? AND w.word < ?", prefix, prefix+highest)
	}
	within, behind := "w.word = ? AND w.user_id > ?", "w.word > ? AND w.word >= ? AND w.word < ?"
	inWord, order := "w.user_id", "w.word, w.user_id"
	if q.Before != "" {
		within, behind = "w.word = ? AND w.user_id < ?", "w.word < ? AND w.word >= ? AND w.word < ?"
		inWord, order = "w.user_id DESC", "w.word DESC, w.user_id DESC"
	}
	rows, err := part(inWord, most, within, word, id)
	if err != nil || len(rows) == most {
		return rows, err
	}
	more, err := part(order, most-len(rows), behind, word, prefix, prefix+highest)
	return append(rows, more...), err
}

// leading is a join whose left table is read first, whatever the server takes for cheaper.
func (db *DB) leading() string {
	if db.dialect == "mysql" {
		return "STRAIGHT_JOIN"
	}
	return "CROSS JOIN" // SQLite never changes its order
}

// profilesOf reads the people that words are of, by their ids.
func (db *DB) profilesOf(ctx context.Context, t tenant.ID, words []wordRow) (map[string]profile.Profile, error) {
	ids := make([]string, len(words))
	for i, w := range words {
		ids[i] = w.UserID
	}
	found, err := db.FindPeople(ctx, t, ids)
	people := make(map[string]profile.Profile, len(found))
	for _, p := range found {
		people[p.User.ID] = p
	}
	return people, err
}

// FindNames returns what people are called, by their ids: the name, else the address.
func (db *DB) FindNames(ctx context.Context, t tenant.ID, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	if len(ids) == 0 {
		return names, nil
	}
	var rows []userRow
	err := db.db(ctx).Select("user_id", "name", "email").Where("tenant_id = ? AND user_id IN ?", string(t), ids).Find(&rows).Error
	for _, row := range rows {
		names[row.UserID] = row.Name
		if row.Name == "" {
			names[row.UserID] = row.Email
		}
	}
	return names, err
}

// FindPeople returns those of these ids that are people of a tenant, in any order.
func (db *DB) FindPeople(ctx context.Context, t tenant.ID, ids []string) ([]profile.Profile, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []userRow
	err := db.db(ctx).Where("tenant_id = ? AND user_id IN ?", string(t), ids).Find(&rows).Error
	people := make([]profile.Profile, len(rows))
	for i, row := range rows {
		people[i] = row.profile()
	}
	return people, err
}

// LockAdmins locks the administrators of a tenant until the transaction ends, and lists the ids of those not blocked.
func (db *DB) LockAdmins(ctx context.Context, t tenant.ID, now time.Time) ([]string, error) {
	var rows []userRow
	err := db.forUpdate(db.db(ctx)).Where("tenant_id = ? AND role = ?", string(t), profile.RoleAdmin).Order("user_id").Find(&rows).Error
	var ids []string
	for _, row := range rows {
		if p := row.profile(); !p.Block.InForce(now) {
			ids = append(ids, row.UserID)
		}
	}
	return ids, err
}

// SaveBlock writes an administrator's block, or its end.
func (db *DB) SaveBlock(ctx context.Context, p profile.Profile) error {
	return db.saveColumns(ctx, p, "blocked", "blocked_at", "blocked_until", "blocked_by", "block_reason", "block_message")
}

// SaveMetadata writes both metadata objects, which only an administrator may do.
func (db *DB) SaveMetadata(ctx context.Context, p profile.Profile) error {
	before, err := db.Facets(ctx, p.User)
	if err != nil {
		return err
	}
	err = db.saveColumns(ctx, p, "version", "user_metadata", "app_metadata", "age_state", "updated_at", "edited_at")
	return errors.Join(err, db.saveFacets(ctx, p, before))
}
