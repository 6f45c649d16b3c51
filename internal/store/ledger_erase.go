package store

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"portico/internal/ledger"
	"portico/internal/tenant"
)

// AppendEntry adds an entry that is of nobody: what becomes of the ledger itself.
func (db *DB) AppendEntry(ctx context.Context, e ledger.Entry, kind string, at time.Time) error {
	row := assentEventRow{
		TenantID: string(e.Tenant), EventID: e.ID, Type: kind, Nonce: e.ID, OccurredAt: at, Payload: e.Payload, Salt: e.Salt, Commitment: e.Commitment,
	}
	return db.db(ctx).Create(&row).Error
}

// EraseEntries takes payload and salt from everything that is recorded of u, and all that tells of whom and when it was:
// what stays is the commitment, the document, the number and the month. It returns how many entries there were.
func (db *DB) EraseEntries(ctx context.Context, u tenant.User) (int, error) {
	var rows []assentEventRow
	err := db.db(ctx).Select("event_id", "occurred_at").Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Find(&rows).Error
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		at := row.OccurredAt.UTC()
		month := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		blank := uuid.New() // the id it had tells the moment
		err := db.db(ctx).Exec(`UPDATE assent_events SET payload = NULL, salt = NULL, user_id = '', event_id = ?, nonce = ?, occurred_at = ?
			WHERE tenant_id = ? AND event_id = ?`, blank.String(), strings.ReplaceAll(blank.String(), "-", ""), month, string(u.Tenant), row.EventID).Error
		if err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}
