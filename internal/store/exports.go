package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"portico/internal/privacy"
	"portico/internal/tenant"
)

type exportRow struct {
	TenantID  string
	ExportID  string
	UserID    string
	Layer     string
	State     string
	Language  string
	IP        string
	UserAgent string
	AskedAt   time.Time
	NextAt    time.Time
	Claim     string
	Attempts  int
	Done      int
	Total     int
	Chunks    int
	Size      int64
	ReadyAt   *time.Time
	ExpiresAt *time.Time
}

func (exportRow) TableName() string { return "exports" }

func (r exportRow) export() privacy.Export {
	return privacy.Export{
		ID: r.ExportID, User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, Layer: privacy.Layer(r.Layer),
		State: privacy.ExportState(r.State), Language: r.Language, IP: r.IP, UserAgent: r.UserAgent, AskedAt: r.AskedAt.UTC(),
		Claim: r.Claim, Attempts: r.Attempts, Done: r.Done, Total: r.Total, Chunks: r.Chunks, Size: r.Size,
		ReadyAt: orZero(r.ReadyAt), ExpiresAt: orZero(r.ExpiresAt),
	}
}

// AddExport stores a file that is to be made, at once.
func (db *DB) AddExport(ctx context.Context, e privacy.Export) error {
	now, err := db.Now(ctx)
	if err != nil {
		return err
	}
	row := exportRow{
		TenantID: string(e.User.Tenant), ExportID: e.ID, UserID: e.User.ID, Layer: string(e.Layer), State: string(e.State),
		Language: cut(e.Language, 35), IP: e.IP, UserAgent: cut(e.UserAgent, 400), AskedAt: e.AskedAt, NextAt: now,
	}
	return db.db(ctx).Create(&row).Error
}

// Exports lists the files of u, newest first.
func (db *DB) Exports(ctx context.Context, u tenant.User) ([]privacy.Export, error) {
	return exportsOf(db.db(ctx).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Order("export_id DESC").Limit(100))
}

func exportsOf(query *gorm.DB) ([]privacy.Export, error) {
	var rows []exportRow
	err := query.Find(&rows).Error
	exports := make([]privacy.Export, len(rows))
	for i, row := range rows {
		exports[i] = row.export()
	}
	return exports, err
}

// ClaimExport takes the file that has waited longest, of tenant t or, when it is empty, of any: it is the caller's until d has
// passed, then due again. While a file is claimed, next_at is when the claim ends. Like ClaimLetters it may look across tenants.
func (db *DB) ClaimExport(ctx context.Context, t tenant.ID, claim string, d time.Duration) (privacy.Export, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return privacy.Export{}, err
	}
	open := []string{string(privacy.ExportWaiting), string(privacy.ExportPreparing)}
	query := db.db(ctx).Where("state IN ? AND next_at <= ?", open, now)
	if t != "" {
		query = query.Where("tenant_id = ?", string(t))
	}
	var due []exportRow
	if err := query.Order("next_at").Limit(spread).Find(&due).Error; err != nil {
		return privacy.Export{}, err
	}
	for _, row := range due {
		taken := db.db(ctx).Exec(`UPDATE exports SET state = ?, claim = ?, next_at = ?, attempts = attempts + 1, done = 0, total = 0, chunks = 0,
			size = 0 WHERE tenant_id = ? AND export_id = ? AND state IN ? AND next_at <= ?`,
			string(privacy.ExportPreparing), claim, now.Add(d), row.TenantID, row.ExportID, open, now)
		if taken.Error != nil {
			return privacy.Export{}, taken.Error
		}
		if taken.RowsAffected == 0 {
			continue // another replica was faster
		}
		e := row.export()
		e.State, e.Claim, e.Done, e.Total, e.Chunks, e.Size = privacy.ExportPreparing, claim, 0, 0, 0, 0
		e.Attempts++
		return e, nil
	}
	return privacy.Export{}, privacy.ErrNoExport
}

// keep writes columns of a file for whoever still holds it, or returns privacy.ErrExportLost.
func (db *DB) keep(ctx context.Context, e privacy.Export, columns map[string]any) error {
	done := db.db(ctx).Table("exports").Where("tenant_id = ? AND export_id = ? AND state = ? AND claim = ?",
		string(e.User.Tenant), e.ID, string(privacy.ExportPreparing), e.Claim).UpdateColumns(columns)
	if done.Error == nil && done.RowsAffected == 0 {
		return privacy.ErrExportLost
	}
	return done.Error
}

// KeepExport writes how far a claimed file is and prolongs the claim by d.
func (db *DB) KeepExport(ctx context.Context, e privacy.Export, d time.Duration) error {
	now, err := db.Now(ctx)
	if err != nil {
		return err
	}
	return db.keep(ctx, e, map[string]any{"done": e.Done, "total": e.Total, "next_at": now.Add(d)})
}

// EndExport writes what became of a claimed file; one that waits again is due after wait.
func (db *DB) EndExport(ctx context.Context, e privacy.Export, wait time.Duration) error {
	now, err := db.Now(ctx)
	if err != nil {
		return err
	}
	return db.keep(ctx, e, map[string]any{
		"state": string(e.State), "done": e.Done, "total": e.Total, "chunks": e.Chunks, "size": e.Size, "next_at": now.Add(wait),
		"ready_at": orNull(e.ReadyAt), "expires_at": orNull(e.ExpiresAt),
	})
}

type chunkRow struct {
	TenantID string
	ExportID string
	Claim    string
	Number   int
	Sealed   []byte
	MadeAt   time.Time
}

func (chunkRow) TableName() string { return "export_chunks" }

// AddChunk stores a part of a file, or returns privacy.ErrExportLost when the file is gone with its person. What an earlier
// claim has written is another file's, and removed when this one expires.
func (db *DB) AddChunk(ctx context.Context, e privacy.Export, number int, sealed []byte, now time.Time) error {
	done := db.db(ctx).Exec(`INSERT INTO export_chunks (tenant_id, export_id, claim, number, sealed, made_at)
		SELECT tenant_id, export_id, ?, ?, ?, ? FROM exports WHERE tenant_id = ? AND export_id = ?`,
		e.Claim, number, sealed, now, string(e.User.Tenant), e.ID)
	if done.Error == nil && done.RowsAffected == 0 {
		return privacy.ErrExportLost
	}
	return done.Error
}

// Chunk reads a part of a file, or returns privacy.ErrNoExport.
func (db *DB) Chunk(ctx context.Context, e privacy.Export, number int) ([]byte, error) {
	var row chunkRow
	err := found(db.db(ctx).Where("tenant_id = ? AND export_id = ? AND claim = ? AND number = ?", string(e.User.Tenant), e.ID, e.Claim, number).
		Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		err = privacy.ErrNoExport
	}
	return row.Sealed, err
}

// DropChunks removes the content of a file, whoever wrote it, and notes that it is gone.
func (db *DB) DropChunks(ctx context.Context, e privacy.Export) error {
	return db.InTx(ctx, func(ctx context.Context) error {
		err := db.db(ctx).Where("tenant_id = ? AND export_id = ?", string(e.User.Tenant), e.ID).Delete(&chunkRow{}).Error
		if err != nil {
			return err
		}
		return db.db(ctx).Table("exports").Where("tenant_id = ? AND export_id = ?", string(e.User.Tenant), e.ID).UpdateColumn("chunks", 0).Error
	})
}

// FindPresentation returns a screen on which an assent was given, or nothing.
func (db *DB) FindPresentation(ctx context.Context, t tenant.ID, sha string) (string, error) {
	var row presentationRow
	err := found(db.db(ctx).Where("tenant_id = ? AND sha256 = ?", string(t), sha).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return row.Content, err
}

// source is a table with rows of people, the column that puts the rows of one person in order, and what they get to see of
// it. Hashes, proofs, claims and names of other people are not among the columns.
type source struct{ table, key, columns string }

var sources = map[privacy.RecordKind]source{
	privacy.Passwords: {"passwords", "user_id", "changed_at, must_change"},
	privacy.EmailChanges: {
		"email_changes", "user_id", "new_email, old_email, old_verified, requested_at, confirmed_at, approved_at, due_at, done_at, frozen_until",
	},
	privacy.Sessions: {
		"sessions", "session_hash", "created_at, seen_at, authenticated_at, idle_at, expires_at, keep, ip, user_agent",
	},
	privacy.Devices: {"devices", "device_hash", "seen_at"},
	privacy.Tickets: {
		"tickets", "ticket_hash", "kind, address, note, code_tries, created_at, code_expires_at, expires_at, used_at, voided_at",
	},
	privacy.Attempts:  {"guard_counters", "counter_key", "place, tries, last_at, expires_at, blocked_at"},
	privacy.Activity:  {"audit_events", "event_id", "event_id, at, type, actor_kind, actor_id, ip, user_agent, request_id, fields, detail"},
	privacy.Messages:  {"letters", "letter_id", "letter_id, kind, language, to_address, state, attempts, queued_at, sent_at, error"},
	privacy.Decisions: {"assent_events", "event_id", "event_id, type, document, number, nonce, occurred_at, payload, salt, commitment, leaf_index"},
	privacy.Requests: {
		"privacy_requests", "request_id", "request_id, kind, subject, old_value, new_value, note, asked_at, due_at, open, answered_at, answer, " +
			"outcome, extended_at, extension, name, contact, reference, locale",
	},
	privacy.Notices: {
		"term_notices", "CONCAT(document, ' ', number)", "document, number, locale, noticed_at, mailed_at, seen_at, declined_at, due_at",
	},
	privacy.Files: {
		"exports", "export_id", "export_id, layer, state, language, ip, user_agent, asked_at, attempts, size, ready_at, expires_at",
	},
}

// Records returns a page of what is kept of a kind about u, and about accounts that became part of theirs, in the order of
// its keys, and the key of the last row.
func (db *DB) Records(ctx context.Context, u tenant.User, kind privacy.RecordKind, after string, limit int) (page []privacy.Record, last string, err error) {
	s, ok := sources[kind]
	if !ok {
		return nil, "", fmt.Errorf("no source of %s", kind)
	}
	ids, err := db.IDs(ctx, u)
	if err != nil {
		return nil, "", err
	}
	// Names of tables and columns are from the list above.
	rows, err := db.db(ctx).Raw("SELECT "+s.key+" AS row_key, "+s.columns+" FROM "+s.table+" WHERE tenant_id = ? AND user_id IN ? AND "+s.key+" > ? ORDER BY "+
		s.key+" LIMIT ?", string(u.Tenant), ids, after, limit).Rows()
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return nil, "", err
	}
	values, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return nil, "", err
		}
		record := make(privacy.Record, 0, len(columns)-1)
		for i, column := range columns[1:] {
			record = append(record, privacy.Value{Name: column.Name(), Value: plainly(column, values[i+1])})
		}
		page, last = append(page, record), fmt.Sprint(plainly(columns[0], values[0]))
	}
	return page, last, rows.Err()
}

// plainly is a value as both dialects mean it: truth is no number, text no bytes, and JSON no text.
func plainly(column *sql.ColumnType, value any) any {
	switch v := value.(type) {
	case time.Time:
		return v.UTC()
	case int64:
		if kind := column.DatabaseTypeName(); strings.HasPrefix(kind, "BOOL") || strings.HasPrefix(kind, "TINYINT") {
			return v != 0
		}
	case []byte:
		return plainly(column, string(v))
	case string:
		if name := column.Name(); (name == "detail" || name == "payload") && json.Valid([]byte(v)) {
			return json.RawMessage(v)
		}
	}
	return value
}
