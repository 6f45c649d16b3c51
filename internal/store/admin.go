package store

import (
	"context"
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
	query := db.db(ctx).Where("tenant_id = ?", string(t))
	switch q.State {
	case admin.Blocked:
		query = query.Where("blocked = ? AND (blocked_until IS NULL OR blocked_until > ?)", true, q.Now)
	case admin.Unverified:
		query = query.Where("email_verified = ?", false)
	case admin.Admins:
		query = query.Where("role = ?", profile.RoleAdmin)
	case admin.Everybody:
	}
	if q.After != "" {
		query = query.Where("user_id < ?", q.After)
	}
	var rows []userRow
	if err := query.Order("user_id DESC").Limit(q.Limit + 1).Find(&rows).Error; err != nil {
		return admin.Found{}, err
	}
	var found admin.Found
	for i, row := range rows {
		if i == q.Limit {
			found.Next = rows[i-1].UserID
			break
		}
		found.People = append(found.People, row.profile())
	}
	return found, nil
}

// highest follows every character that a word can go on with.
const highest = "\U0010FFFF"

// searchByWord reads words in the order of their index, a page and one more, and then the people they are of.
func (db *DB) searchByWord(ctx context.Context, t tenant.ID, q admin.Query) (admin.Found, error) {
	prefix := fold(q.Text)
	query := db.db(ctx).Where("tenant_id = ? AND word >= ? AND word < ?", string(t), prefix, prefix+highest)
	if word, id, ok := strings.Cut(q.After, "\x00"); ok {
		query = query.Where("(word > ? OR (word = ? AND user_id > ?))", word, word, id)
	}
	var words []wordRow
	if err := query.Order("word, user_id").Limit(q.Limit + 1).Find(&words).Error; err != nil {
		return admin.Found{}, err
	}
	var found admin.Found
	if len(words) > q.Limit {
		words = words[:q.Limit]
		last := words[q.Limit-1]
		found.Next = last.Word + "\x00" + last.UserID
	}
	ids := make([]string, len(words))
	for i, w := range words {
		ids[i] = w.UserID
	}
	if len(ids) == 0 {
		return found, nil
	}
	var rows []userRow
	if err := db.db(ctx).Where("tenant_id = ? AND user_id IN ?", string(t), ids).Find(&rows).Error; err != nil {
		return admin.Found{}, err
	}
	byID := make(map[string]profile.Profile, len(rows))
	for _, row := range rows {
		byID[row.UserID] = row.profile()
	}
	for _, id := range ids {
		if p, ok := byID[id]; ok {
			found.People = append(found.People, p)
			delete(byID, id) // one word is enough
		}
	}
	return found, nil
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
	return db.saveColumns(ctx, p, "version", "user_metadata", "app_metadata", "updated_at", "edited_at")
}
