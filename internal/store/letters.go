package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"portico/internal/mail"
	"portico/internal/tenant"
)

type letterRow struct {
	TenantID  string
	LetterID  string
	UserID    string
	Kind      string
	Language  string
	ToAddress string
	Sealed    []byte
	State     string
	Attempts  int
	NextAt    time.Time
	Claim     string
	QueuedAt  time.Time
	SentAt    *time.Time
	Error     string
}

func (letterRow) TableName() string { return "letters" }

func (r letterRow) queued() mail.Queued {
	return mail.Queued{
		ID: r.LetterID, Tenant: tenant.ID(r.TenantID), User: r.UserID, To: r.ToAddress, Kind: mail.Kind(r.Kind),
		Language: r.Language, Sealed: r.Sealed, QueuedAt: r.QueuedAt.UTC(), Attempts: r.Attempts,
	}
}

func (r letterRow) entry() mail.Entry {
	return mail.Entry{
		ID: r.LetterID, User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, To: r.ToAddress, Kind: mail.Kind(r.Kind),
		Language: r.Language, State: mail.State(r.State), Attempts: r.Attempts, QueuedAt: r.QueuedAt.UTC(), NextAt: r.NextAt.UTC(),
		SentAt: orZero(r.SentAt), Error: r.Error,
	}
}

// QueueLetter stores a letter that is due at once.
func (db *DB) QueueLetter(ctx context.Context, q mail.Queued) error {
	return db.db(ctx).Table("letters").Create(map[string]any{
		"tenant_id": string(q.Tenant), "letter_id": q.ID, "user_id": q.User, "kind": string(q.Kind), "language": cut(q.Language, 35),
		"to_address": q.To, "sealed": q.Sealed, "state": string(mail.Waiting), "attempts": 0, "next_at": db.now(), "claim": "",
		"queued_at": q.QueuedAt.UTC().Truncate(time.Microsecond), "sent_at": nil, "error": "",
	}).Error
}

// spread is how many times more letters a claim looks at than it takes, so that parallel workers rarely want the same.
const spread = 8

// ClaimLetters takes at most most letters that are due, of tenant t or, when it is empty, of any: they are the
// caller's until d has passed, then due again. While a letter is claimed, next_at is when the claim ends.
// It is the one query that may look across tenants.
func (db *DB) ClaimLetters(ctx context.Context, t tenant.ID, claim string, most int, d time.Duration) ([]mail.Queued, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, err
	}
	open := []string{string(mail.Waiting), string(mail.Sending)}
	query := db.db(ctx).Table("letters").Select("tenant_id", "letter_id").Where("state IN ? AND next_at <= ?", open, now)
	if t != "" {
		query = query.Where("tenant_id = ?", string(t))
	}
	var due []letterRow
	if err := query.Order("next_at").Limit(most * spread).Find(&due).Error; err != nil || len(due) == 0 {
		return nil, err
	}
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	keys := make([][]any, min(most, len(due)))
	for i := range keys {
		keys[i] = []any{due[i].TenantID, due[i].LetterID}
	}
	var rows []letterRow
	err = db.InTx(ctx, func(ctx context.Context) error {
		taken := db.db(ctx).Exec(`UPDATE letters SET state = ?, claim = ?, next_at = ?, attempts = attempts + 1
			WHERE (tenant_id, letter_id) IN ? AND state IN ? AND next_at <= ?`,
			string(mail.Sending), claim, now.Add(d), keys, open, now)
		if taken.Error != nil || taken.RowsAffected == 0 {
			return taken.Error
		}
		return db.db(ctx).Where("(tenant_id, letter_id) IN ? AND claim = ?", keys, claim).Find(&rows).Error
	})
	letters := make([]mail.Queued, len(rows))
	for i, row := range rows {
		letters[i] = row.queued()
	}
	return letters, err
}

// claimed is the door to a letter for the worker that still holds it.
const claimed = "tenant_id = ? AND letter_id = ? AND state = 'sending' AND claim = ?"

// LetterSent marks a claimed letter as sent and erases what it spoke of; of some kinds also to whom it went.
func (db *DB) LetterSent(ctx context.Context, q mail.Queued, claim string) error {
	columns := map[string]any{"state": string(mail.Sent), "sealed": nil, "sent_at": db.now(), "error": ""}
	if q.Kind.Forgets() {
		columns["to_address"] = ""
	}
	return db.db(ctx).Table("letters").Where(claimed, string(q.Tenant), q.ID, claim).UpdateColumns(columns).Error
}

// LetterDelayed gives a claimed letter back, due again after d.
func (db *DB) LetterDelayed(ctx context.Context, q mail.Queued, claim string, d time.Duration, reason string) error {
	now, err := db.Now(ctx)
	if err != nil {
		return err
	}
	return db.db(ctx).Table("letters").Where(claimed, string(q.Tenant), q.ID, claim).
		UpdateColumns(map[string]any{"state": string(mail.Waiting), "next_at": now.Add(d), "error": cut(reason, 500)}).Error
}

// LetterFailed gives a claimed letter up. What it speaks of stays sealed, so that it can be tried once more; of kinds that are
// forgotten nothing stays.
func (db *DB) LetterFailed(ctx context.Context, q mail.Queued, claim, reason string) (bool, error) {
	columns := map[string]any{"state": string(mail.Failed), "error": cut(reason, 500)}
	if q.Kind.Forgets() {
		columns["to_address"], columns["sealed"], columns["error"] = "", nil, ""
	}
	result := db.db(ctx).Table("letters").Where(claimed, string(q.Tenant), q.ID, claim).UpdateColumns(columns)
	return result.RowsAffected == 1, result.Error
}

// RetryLetter makes a letter that failed due at once, with all its attempts ahead; false when there is no such letter.
func (db *DB) RetryLetter(ctx context.Context, t tenant.ID, id string) (bool, error) {
	result := db.db(ctx).Table("letters").
		Where("tenant_id = ? AND letter_id = ? AND state = ? AND sealed IS NOT NULL", string(t), id, string(mail.Failed)).
		UpdateColumns(map[string]any{"state": string(mail.Waiting), "attempts": 0, "next_at": db.now()})
	return result.RowsAffected == 1, result.Error
}

// FindLetter finds a letter, or returns mail.ErrNoLetter.
func (db *DB) FindLetter(ctx context.Context, t tenant.ID, id string) (mail.Entry, error) {
	var row letterRow
	err := db.db(ctx).Omit("sealed").Where("tenant_id = ? AND letter_id = ?", string(t), id).Take(&row).Error
	if errors.Is(found(err), ErrNotFound) {
		return mail.Entry{}, mail.ErrNoLetter
	}
	return row.entry(), err
}

// SearchLetters finds letters of a tenant, newest first: those in state, or all when it is empty, older than the
// letter whose id is after.
func (db *DB) SearchLetters(ctx context.Context, t tenant.ID, state mail.State, after string, limit int) ([]mail.Entry, error) {
	query := db.db(ctx).Omit("sealed").Where("tenant_id = ?", string(t))
	if state != "" {
		query = query.Where("state = ?", string(state))
	}
	if after != "" {
		query = query.Where("letter_id < ?", after)
	}
	var rows []letterRow
	if err := query.Order("letter_id DESC").Limit(limit).Find(&rows).Error; err != nil {
		return nil, err
	}
	entries := make([]mail.Entry, len(rows))
	for i, row := range rows {
		entries[i] = row.entry()
	}
	return entries, nil
}
