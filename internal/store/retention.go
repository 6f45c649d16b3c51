package store

import (
	"context"
	"net/netip"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"portico/internal/privacy"
	"portico/internal/retention"
	"portico/internal/tenant"
)

type retentionRow struct {
	TenantID string
	Entity   string
	Days     int
	RanAt    *time.Time
	Removed  int64
}

func (retentionRow) TableName() string { return "retention" }

// unchosen is what days holds while no administrator has chosen a period.
const unchosen = -1

// Retention returns what is known of each entity of a tenant.
func (db *DB) Retention(ctx context.Context, t tenant.ID) (map[retention.Entity]retention.Stored, error) {
	var rows []retentionRow
	err := db.db(ctx).Where("tenant_id = ?", string(t)).Find(&rows).Error
	known := make(map[retention.Entity]retention.Stored, len(rows))
	for _, row := range rows {
		known[retention.Entity(row.Entity)] = retention.Stored{Days: row.Days, RanAt: orZero(row.RanAt), Removed: row.Removed}
	}
	return known, err
}

// SavePeriod stores how long rows of an entity are kept.
func (db *DB) SavePeriod(ctx context.Context, t tenant.ID, e retention.Entity, days int) error {
	row := retentionRow{TenantID: string(t), Entity: string(e), Days: days}
	return db.db(ctx).Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "tenant_id"}, {Name: "entity"}}, DoUpdates: clause.AssignmentColumns([]string{"days"}),
	}).Create(&row).Error
}

// ClaimRetention notes that the job looks at an entity now, unless somebody has since the time before.
func (db *DB) ClaimRetention(ctx context.Context, t tenant.ID, e retention.Entity, before, now time.Time) (bool, error) {
	row := retentionRow{TenantID: string(t), Entity: string(e), Days: unchosen}
	if err := db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return false, err
	}
	taken := db.db(ctx).Exec("UPDATE retention SET ran_at = ? WHERE tenant_id = ? AND entity = ? AND (ran_at IS NULL OR ran_at <= ?)",
		now, string(t), string(e), before)
	return taken.RowsAffected == 1, taken.Error
}

// CountPurged adds to what the job has done for an entity.
func (db *DB) CountPurged(ctx context.Context, t tenant.ID, e retention.Entity, n int) error {
	return db.db(ctx).Exec("UPDATE retention SET removed = removed + ? WHERE tenant_id = ? AND entity = ?", n, string(t), string(e)).Error
}

// over says of each entity in which rows, by which key, something is over before a time.
var over = map[retention.Entity]struct{ table, key, condition string }{
	retention.Audit:    {"audit_events", "event_id", "at < ?"},
	retention.AuditIP:  {"audit_events", "event_id", "at < ? AND ip <> '' AND ip NOT LIKE '%/%'"},
	retention.Letters:  {"letters", "letter_id", "state IN ('sent', 'failed') AND next_at < ?"},
	retention.Sessions: {"sessions", "session_hash", "expires_at < ?"},
	retention.Flows:    {"idp_flows", "state_hash", "expires_at < ?"},
	retention.Tickets:  {"tickets", "ticket_hash", "expires_at < ?"},
	retention.Counters: {"guard_counters", "counter_key", "expires_at < ?"},
	retention.Requests: {"privacy_requests", "request_id", "open = FALSE AND answered_at < ?"},
	// Whose account is still to close is no business of this job: that comes first, and forgets them.
	retention.Guardians: {"guardians", "user_id", `due_at < ? AND NOT EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = guardians.tenant_id
		AND u.user_id = guardians.user_id AND u.age_state = 'pending')`},
	retention.LastIP:  {"users", "user_id", "last_ip <> '' AND last_login < ?"},
	retention.Exports: {"exports", "export_id", "state IN ('ready', 'failed') AND chunks = 0 AND COALESCE(expires_at, asked_at) < ?"},
}

// Purge removes or cuts at most limit rows of an entity that were over before then. Whatever was changed since they were
// found stays.
func (db *DB) Purge(ctx context.Context, t tenant.ID, e retention.Entity, then time.Time, limit int) (int, error) {
	if e == retention.Files {
		return db.dropFiles(ctx, t, then, limit)
	}
	what, known := over[e]
	if !known {
		return 0, nil
	}
	var keys []string
	err := db.db(ctx).Table(what.table).Where("tenant_id = ?", string(t)).Where(what.condition, then).Limit(limit).Pluck(what.key, &keys).Error
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	rows := db.db(ctx).Table(what.table).Where("tenant_id = ?", string(t)).Where(what.key+" IN ?", keys).Where(what.condition, then)
	var done *gorm.DB
	switch e {
	case retention.AuditIP:
		return db.cutAddresses(ctx, t, keys)
	case retention.LastIP:
		done = rows.UpdateColumn("last_ip", "")
	default:
		done = rows.Delete(nil)
	}
	return int(done.RowsAffected), done.Error
}

// dropFiles removes the content of files with people's data that expired before then, and content that belongs to none.
func (db *DB) dropFiles(ctx context.Context, t tenant.ID, then time.Time, limit int) (int, error) {
	stray := then.Add(-2 * privacy.ExportLifetime) // no file is kept that long
	if err := db.db(ctx).Where("tenant_id = ? AND made_at < ?", string(t), stray).Delete(&chunkRow{}).Error; err != nil {
		return 0, err
	}
	expired, err := exportsOf(db.db(ctx).Where("tenant_id = ? AND state = ? AND expires_at <= ? AND chunks > 0",
		string(t), string(privacy.ExportReady), then).Limit(limit))
	if err != nil {
		return 0, err
	}
	for i, e := range expired {
		if err := db.DropChunks(ctx, e); err != nil {
			return i, err
		}
	}
	return len(expired), nil
}

// cutAddresses keeps of the network addresses of these events only the /24, or the /48 of an IPv6 address.
func (db *DB) cutAddresses(ctx context.Context, t tenant.ID, events []string) (int, error) {
	var addresses []string
	err := db.db(ctx).Table("audit_events").Where("tenant_id = ? AND event_id IN ?", string(t), events).Distinct().Pluck("ip", &addresses).Error
	n := 0
	for _, address := range addresses {
		if err != nil {
			return n, err
		}
		done := db.db(ctx).Exec("UPDATE audit_events SET ip = ? WHERE tenant_id = ? AND event_id IN ? AND ip = ?",
			network(address), string(t), events, address)
		n, err = n+int(done.RowsAffected), done.Error
	}
	return n, err
}

// network is the part of an address that names no single connection.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	bits := 24
	if ip.Is6() && !ip.Is4In6() {
		bits = 48
	}
	prefix, err := ip.Unmap().Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}
