package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"portico/internal/tenant"
	"portico/internal/terms"
)

type noticeRow struct {
	TenantID   string
	Document   string
	Number     int
	UserID     string
	Locale     string
	NoticedAt  time.Time
	MailedAt   *time.Time
	SeenAt     *time.Time
	DeclinedAt *time.Time
	DueAt      *time.Time
}

func (noticeRow) TableName() string { return "term_notices" }

func (r noticeRow) notice() terms.Notice {
	return terms.Notice{
		User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, Document: r.Document, Number: r.Number, Locale: r.Locale,
		At: r.NoticedAt.UTC(), MailedAt: orZero(r.MailedAt), SeenAt: orZero(r.SeenAt), DeclinedAt: orZero(r.DeclinedAt), DueAt: orZero(r.DueAt),
	}
}

// Noticed adds what n says to what is known of that person and version: the first time of each kind stays.
func (db *DB) Noticed(ctx context.Context, n terms.Notice) error {
	row := noticeRow{
		TenantID: string(n.User.Tenant), Document: n.Document, Number: n.Number, UserID: n.User.ID, Locale: n.Locale, NoticedAt: n.At,
		MailedAt: orNull(n.MailedAt), SeenAt: orNull(n.SeenAt), DeclinedAt: orNull(n.DeclinedAt), DueAt: orNull(n.DueAt),
	}
	added := db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if added.Error != nil || added.RowsAffected > 0 {
		return added.Error
	}
	for column, at := range map[string]*time.Time{"mailed_at": row.MailedAt, "seen_at": row.SeenAt, "declined_at": row.DeclinedAt} {
		if at == nil {
			continue
		}
		err := db.db(ctx).Model(&noticeRow{}).Where("tenant_id = ? AND document = ? AND number = ? AND user_id = ? AND "+column+" IS NULL",
			row.TenantID, row.Document, row.Number, row.UserID).UpdateColumns(map[string]any{column: *at, "locale": row.Locale}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// Unreached forgets the letters of u that tell of versions, and what followed from them, unless u has seen a page since.
func (db *DB) Unreached(ctx context.Context, u tenant.User) error {
	return db.db(ctx).Exec("DELETE FROM term_notices WHERE tenant_id = ? AND user_id = ? AND seen_at IS NULL", string(u.Tenant), u.ID).Error
}

// noticesOf lists what u was told of every version.
func (db *DB) noticesOf(ctx context.Context, u tenant.User) ([]terms.Notice, error) {
	var rows []noticeRow
	err := db.db(ctx).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Order("document, number").Find(&rows).Error
	all := make([]terms.Notice, len(rows))
	for i, r := range rows {
		all[i] = r.notice()
	}
	return all, err
}

// NoticesOf lists what these people were told of a version, by their ids.
func (db *DB) NoticesOf(ctx context.Context, t tenant.ID, v terms.Version, users []string) (map[string]terms.Notice, error) {
	var rows []noticeRow
	err := db.db(ctx).Where("tenant_id = ? AND document = ? AND number = ? AND user_id IN ?", string(t), v.Document, v.Number, users).Find(&rows).Error
	notices := make(map[string]terms.Notice, len(rows))
	for _, r := range rows {
		notices[r.UserID] = r.notice()
	}
	return notices, err
}

// tallies counts by day and language, in the words that both dialects have: the first ten characters of a time are its day.
const tallies = `SELECT 'accepted' AS outcome, SUBSTR(a.accepted_at, 1, 10) AS day, a.locale, COUNT(*) AS people FROM assents a
	WHERE a.tenant_id = @tenant AND a.document = @document AND a.number = @number GROUP BY SUBSTR(a.accepted_at, 1, 10), a.locale
UNION ALL
SELECT CASE WHEN n.declined_at IS NULL THEN 'seen' ELSE 'declined' END, SUBSTR(COALESCE(n.declined_at, n.seen_at), 1, 10), n.locale, COUNT(*)
	FROM term_notices n
	WHERE n.tenant_id = @tenant AND n.document = @document AND n.number = @number AND n.seen_at IS NOT NULL
	AND NOT EXISTS (SELECT 1 FROM assents a WHERE a.tenant_id = n.tenant_id AND a.user_id = n.user_id AND a.document = n.document
		AND a.number >= n.number AND (a.expires_at IS NULL OR a.expires_at > @now))
	GROUP BY CASE WHEN n.declined_at IS NULL THEN 'seen' ELSE 'declined' END, SUBSTR(COALESCE(n.declined_at, n.seen_at), 1, 10), n.locale`

// Decided counts what became of a version, by day and language.
func (db *DB) Decided(ctx context.Context, t tenant.ID, v terms.Version) ([]terms.Tally, error) {
	var rows []terms.Tally
	args := map[string]any{"tenant": string(t), "document": v.Document, "number": v.Number, "now": db.now()}
	err := db.db(ctx).Raw(tallies+" ORDER BY 2, 3, 1", args).Scan(&rows).Error
	return rows, err
}

// Waves lists the waves of a version by when they are due.
func (db *DB) Waves(ctx context.Context, t tenant.ID, document string, number int) ([]terms.Wave, error) {
	var rows []waveRow
	err := db.db(ctx).Where("tenant_id = ? AND document = ? AND number = ?", string(t), document, number).Order("due_at, kind").Find(&rows).Error
	waves := make([]terms.Wave, len(rows))
	for i, r := range rows {
		waves[i] = r.wave()
	}
	return waves, err
}
