package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
)

type waveRow struct {
	TenantID  string
	Document  string
	Number    int
	Kind      string
	Done      bool
	DueAt     time.Time
	StartedAt *time.Time
	DoneAt    *time.Time
	AfterUser string
	Sent      int
}

func (waveRow) TableName() string { return "term_waves" }

func waveRowOf(w terms.Wave) waveRow {
	return waveRow{
		TenantID: string(w.Tenant), Document: w.Document, Number: w.Number, Kind: string(w.Kind), Done: w.Done, DueAt: w.DueAt,
		StartedAt: orNull(w.StartedAt), DoneAt: orNull(w.DoneAt), AfterUser: w.After, Sent: w.Sent,
	}
}

func (r waveRow) wave() terms.Wave {
	return terms.Wave{
		Tenant: tenant.ID(r.TenantID), Document: r.Document, Number: r.Number, Kind: terms.WaveKind(r.Kind), Done: r.Done,
		DueAt: r.DueAt.UTC(), StartedAt: orZero(r.StartedAt), DoneAt: orZero(r.DoneAt), After: r.AfterUser, Sent: r.Sent,
	}
}

// AddWave begins a wave, once.
func (db *DB) AddWave(ctx context.Context, w terms.Wave) error {
	row := waveRowOf(w)
	return db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
}

// DueWaves lists a few waves whose time has come, of every tenant or only one.
func (db *DB) DueWaves(ctx context.Context, only tenant.ID) ([]terms.Wave, error) {
	query := db.db(ctx).Where("done = ? AND due_at <= ?", false, db.now())
	if only != "" {
		query = query.Where("tenant_id = ?", string(only))
	}
	var rows []waveRow
	err := query.Order("due_at").Limit(20).Find(&rows).Error
	waves := make([]terms.Wave, len(rows))
	for i, r := range rows {
		waves[i] = r.wave()
	}
	return waves, err
}

func (db *DB) waveOf(ctx context.Context, w terms.Wave) *gorm.DB {
	return db.db(ctx).Where("tenant_id = ? AND document = ? AND number = ? AND kind = ?", string(w.Tenant), w.Document, w.Number, string(w.Kind))
}

// LockWave finds a wave and keeps others from moving it until the transaction ends. It returns terms.ErrNotFound.
func (db *DB) LockWave(ctx context.Context, w terms.Wave) (terms.Wave, error) {
	var row waveRow
	err := found(db.forUpdate(db.waveOf(ctx, w)).Take(&row).Error)
	if err == ErrNotFound { //nolint:errorlint // found returns it bare
		return w, terms.ErrNotFound
	}
	return row.wave(), err
}

// SaveWave notes how far a wave has come.
func (db *DB) SaveWave(ctx context.Context, w terms.Wave) error {
	row := waveRowOf(w)
	return db.waveOf(ctx, w).Model(&row).Select("done", "due_at", "started_at", "done_at", "after_user", "sent").UpdateColumns(&row).Error
}

// People lists whom to tell about a version, by id.
func (db *DB) People(ctx context.Context, t tenant.ID, v terms.Version, told terms.Told) ([]profile.Profile, error) {
	accepted := "EXISTS (SELECT 1 FROM assents a WHERE a.tenant_id = u.tenant_id AND a.user_id = u.user_id AND a.document = @document AND a.number = @number)"
	satisfied := ` AND NOT EXISTS (SELECT 1 FROM assents s WHERE s.tenant_id = u.tenant_id AND s.user_id = u.user_id AND s.document = @document
		AND s.number IN @satisfied AND (s.expires_at IS NULL OR s.expires_at > @now))`
	var condition string
	from := "users u"
	args := map[string]any{
		"tenant": string(t), "document": v.Document, "number": v.Number, "after": told.After, "upto": told.UpTo, "most": told.Most,
		"satisfied": told.Satisfied, "now": db.now(),
	}
	switch {
	case told.Asked && told.Accepted:
		condition = " AND (" + accepted + " OR (" + db.audience(v, args) + "))"
	case told.Asked:
		condition = " AND " + db.audience(v, args)
	default: // few of many: by their acceptances, which are in order
		from = "assents b JOIN users u ON u.tenant_id = b.tenant_id AND u.user_id = b.user_id"
		condition = " AND b.tenant_id = @tenant AND b.document = @document AND b.number = @number AND b.user_id > @after"
	}
	if len(told.Satisfied) > 0 {
		condition += satisfied
	}
	if told.Language != "" {
		condition += " AND " + speaks("u.tenant_id", "u.user_id") + " = @language"
		args["language"] = told.Language
	}
	if told.Asked && told.UpTo != "" {
		condition += " AND u.user_id <= @upto"
	}
	order := " ORDER BY u.user_id"
	if !told.Asked {
		order = " ORDER BY b.user_id"
	}
	var rows []userRow
	err := db.db(ctx).Raw("SELECT u.* FROM "+from+" WHERE u.tenant_id = @tenant AND u.user_id > @after"+condition+order+" LIMIT @most", args).
		Scan(&rows).Error
	people := make([]profile.Profile, len(rows))
	for i, row := range rows {
		people[i] = row.profile()
	}
	return people, err
}

// audience is the condition that the person u is one a version asks: terms.Version.Asks in SQL, for a version whose limits
// are known before.
func (db *DB) audience(v terms.Version, args map[string]any) string {
	condition, a := "TRUE", v.Audience
	if !a.JoinedBefore.IsZero() {
		condition += " AND u.created_at < @joined"
		args["joined"] = a.JoinedBefore
	}
	if a.Locale != "" {
		condition += ` AND EXISTS (SELECT 1 FROM assents r WHERE r.tenant_id = u.tenant_id AND r.user_id = u.user_id
			AND r.document = @document AND r.number = @read AND r.locale = @locale)`
		args["read"], args["locale"] = a.Number, a.Locale
	}
	if a.Name != "" {
		condition += ` AND EXISTS (SELECT 1 FROM user_facets f WHERE f.tenant_id = u.tenant_id AND f.user_id = u.user_id
			AND f.name = @facet AND f.value = @value)`
		args["facet"], args["value"] = a.Name, a.Value
	}
	if len(v.Untranslated) > 0 {
		condition += " AND " + speaks("u.tenant_id", "u.user_id") + " NOT IN @untranslated"
		args["untranslated"] = v.Untranslated
	}
	return condition
}
