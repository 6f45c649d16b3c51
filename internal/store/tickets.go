package store

import (
	"context"
	"errors"
	"time"

	"portico/internal/tenant"
	"portico/internal/ticket"
)

type ticketRow struct {
	TenantID      string
	TicketHash    string
	UserID        string
	Kind          string
	Address       string
	Note          string
	BrowserHash   string
	CodeMac       string
	CodeTries     int
	CodeExpiresAt time.Time
	CreatedAt     time.Time
	ExpiresAt     time.Time
	UsedAt        *time.Time
	VoidedAt      *time.Time
}

func (ticketRow) TableName() string { return "tickets" }

func ticketRowOf(t ticket.Ticket) ticketRow {
	return ticketRow{
		TenantID: string(t.User.Tenant), TicketHash: t.Hash, UserID: t.User.ID, Kind: string(t.Kind), Address: t.Address,
		Note: t.Note, BrowserHash: t.Browser, CodeMac: t.CodeMAC, CodeTries: t.CodeTries, CodeExpiresAt: t.CodeExpiresAt,
		CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, UsedAt: orNull(t.UsedAt), VoidedAt: orNull(t.VoidedAt),
	}
}

func (r ticketRow) ticket() ticket.Ticket {
	return ticket.Ticket{
		User: tenant.User{Tenant: tenant.ID(r.TenantID), ID: r.UserID}, Hash: r.TicketHash, Kind: ticket.Kind(r.Kind),
		Address: r.Address, Note: r.Note, Browser: r.BrowserHash, CodeMAC: r.CodeMac, CodeTries: r.CodeTries,
		CodeExpiresAt: r.CodeExpiresAt.UTC(), CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
		UsedAt: orZero(r.UsedAt), VoidedAt: orZero(r.VoidedAt),
	}
}

// AddTicket stores a ticket.
func (db *DB) AddTicket(ctx context.Context, t ticket.Ticket) error {
	row := ticketRowOf(t)
	return db.db(ctx).Create(&row).Error
}

// FindTicket finds a ticket by the hash of its secret, or returns ticket.ErrUnknown.
func (db *DB) FindTicket(ctx context.Context, t tenant.ID, hash string) (ticket.Ticket, error) {
	var row ticketRow
	err := db.db(ctx).Where("tenant_id = ? AND ticket_hash = ?", string(t), hash).Take(&row).Error
	return ticketOr(row, err)
}

// NewestTicket finds the newest ticket of a kind sent to u or, when u has no ID, asked for by browser.
func (db *DB) NewestTicket(ctx context.Context, u tenant.User, browser string, kind ticket.Kind) (ticket.Ticket, error) {
	query := db.db(ctx).Where("tenant_id = ? AND kind = ?", string(u.Tenant), string(kind))
	switch {
	case !u.IsZero():
		query = query.Where("user_id = ?", u.ID)
	case browser != "":
		query = query.Where("browser_hash = ?", browser)
	default:
		return ticket.Ticket{}, ticket.ErrUnknown
	}
	var row ticketRow
	err := query.Order("created_at DESC").Limit(1).Take(&row).Error
	return ticketOr(row, err)
}

// PreviousAddresses lists the addresses that u had before: those that were mailed a link to bring them back which works at now,
// or were within the last week.
func (db *DB) PreviousAddresses(ctx context.Context, u tenant.User, now time.Time) ([]string, error) {
	var addresses []string
	err := db.db(ctx).Table("tickets").Distinct("address").
		Where("tenant_id = ? AND user_id = ? AND kind = ?", string(u.Tenant), u.ID, string(ticket.EmailUndo)).
		Where("used_at IS NULL AND voided_at IS NULL AND (expires_at > ? OR created_at > ?)", now, now.AddDate(0, 0, -7)).Order("address").Pluck("address", &addresses).Error
	return addresses, err
}

func ticketOr(row ticketRow, err error) (ticket.Ticket, error) {
	if errors.Is(found(err), ErrNotFound) {
		return ticket.Ticket{}, ticket.ErrUnknown
	}
	if err != nil {
		return ticket.Ticket{}, err
	}
	return row.ticket(), nil
}

// CountTry counts a try of the ticket's code before it is compared, so that parallel guesses are all counted.
func (db *DB) CountTry(ctx context.Context, t ticket.Ticket, most int) (tries int, counted bool, err error) {
	result := db.db(ctx).Exec(`UPDATE tickets SET code_tries = code_tries + 1
		WHERE tenant_id = ? AND ticket_hash = ? AND code_tries < ?`, string(t.User.Tenant), t.Hash, most)
	if result.Error != nil || result.RowsAffected == 0 {
		return most, false, result.Error
	}
	err = db.db(ctx).Raw("SELECT code_tries FROM tickets WHERE tenant_id = ? AND ticket_hash = ?",
		string(t.User.Tenant), t.Hash).Scan(&tries).Error
	return tries, true, err
}

// UseTicket marks an open ticket as used, in one statement that only one of many parallel calls wins.
func (db *DB) UseTicket(ctx context.Context, t ticket.Ticket, now time.Time) (bool, error) {
	result := db.db(ctx).Exec(`UPDATE tickets SET used_at = ?
		WHERE tenant_id = ? AND ticket_hash = ? AND used_at IS NULL AND voided_at IS NULL AND expires_at > ?`,
		now, string(t.User.Tenant), t.Hash, now)
	return result.RowsAffected == 1, result.Error
}

// VoidTickets makes the open tickets of u unusable: those of the given kinds, or all.
func (db *DB) VoidTickets(ctx context.Context, u tenant.User, now time.Time, kinds ...ticket.Kind) error {
	query := db.db(ctx).Table("tickets").Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID)
	if len(kinds) > 0 {
		query = query.Where("kind IN ?", kinds)
	}
	return query.Where("used_at IS NULL AND voided_at IS NULL").UpdateColumn("voided_at", now).Error
}

// VoidBrowserTickets makes the open decoys of a kind that a browser asked for unusable.
func (db *DB) VoidBrowserTickets(ctx context.Context, t tenant.ID, browser string, now time.Time, kind ticket.Kind) error {
	return db.db(ctx).Table("tickets").
		Where("tenant_id = ? AND browser_hash = ? AND kind = ? AND user_id = '' AND used_at IS NULL AND voided_at IS NULL",
			string(t), browser, string(kind)).UpdateColumn("voided_at", now).Error
}
