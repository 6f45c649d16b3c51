package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"portico/internal/idp"
	"portico/internal/tenant"
)

type connectionRow struct {
	TenantID     string
	ConnectionID string
	Name         string
	Preset       string
	Issuer       string
	ClientID     string
	Secret       []byte
	Enabled      bool
	Settings     string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

func (connectionRow) TableName() string { return "connections" }

func connectionRowOf(c idp.Connection) (connectionRow, error) {
	settings, err := json.Marshal(c.Settings)
	return connectionRow{
		TenantID: string(c.Tenant), ConnectionID: c.ID, Name: c.Name, Preset: c.Preset, Issuer: c.Issuer, ClientID: c.ClientID, Secret: c.Secret,
		Enabled: c.Enabled, Settings: string(settings), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}, err
}

func (r connectionRow) connection() (idp.Connection, error) {
	c := idp.Connection{
		Tenant: tenant.ID(r.TenantID), ID: r.ConnectionID, Name: r.Name, Preset: r.Preset, Issuer: r.Issuer, ClientID: r.ClientID,
		Secret: r.Secret, Enabled: r.Enabled, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	return c, json.Unmarshal([]byte(r.Settings), &c.Settings)
}

// AddConnection stores a new connection. It returns idp.ErrTaken when there is one with its id.
func (db *DB) AddConnection(ctx context.Context, c idp.Connection) error {
	row, err := connectionRowOf(c)
	if err != nil {
		return err
	}
	err = db.db(ctx).Create(&row).Error
	if duplicate(err) {
		return idp.ErrTaken
	}
	return err
}

// SaveConnection writes what may change of a connection; its issuer is none of that.
func (db *DB) SaveConnection(ctx context.Context, c idp.Connection) error {
	row, err := connectionRowOf(c)
	if err != nil {
		return err
	}
	return db.db(ctx).Model(&row).Where("tenant_id = ? AND connection_id = ?", row.TenantID, row.ConnectionID).
		Select("name", "client_id", "secret", "enabled", "settings", "updated_at").UpdateColumns(&row).Error
}

// SaveSecret replaces the secret of a connection, unless it is no longer the one that was read.
func (db *DB) SaveSecret(ctx context.Context, read idp.Connection, secret []byte) error {
	return db.db(ctx).Exec("UPDATE connections SET secret = ? WHERE tenant_id = ? AND connection_id = ? AND secret = ?",
		secret, string(read.Tenant), read.ID, read.Secret).Error
}

// RemoveConnection removes a connection that nobody's identity belongs to, or returns idp.ErrInUse.
func (db *DB) RemoveConnection(ctx context.Context, t tenant.ID, id string) error {
	gone := db.db(ctx).Exec(`DELETE FROM connections WHERE tenant_id = ? AND connection_id = ?
		AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.tenant_id = ? AND i.connection_id = ?)`, string(t), id, string(t), id)
	if gone.Error == nil && gone.RowsAffected == 0 {
		return idp.ErrInUse
	}
	return gone.Error
}

// FindConnection returns a connection, or idp.ErrNotFound.
func (db *DB) FindConnection(ctx context.Context, t tenant.ID, id string) (idp.Connection, error) {
	var row connectionRow
	err := found(db.db(ctx).Where("tenant_id = ? AND connection_id = ?", string(t), id).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return idp.Connection{}, idp.ErrNotFound
	}
	if err != nil {
		return idp.Connection{}, err
	}
	return row.connection()
}

// Connections lists the connections of a tenant, by name.
func (db *DB) Connections(ctx context.Context, t tenant.ID) ([]idp.Connection, error) {
	var rows []connectionRow
	if err := db.db(ctx).Where("tenant_id = ?", string(t)).Order("name, connection_id").Limit(100).Find(&rows).Error; err != nil {
		return nil, err
	}
	connections := make([]idp.Connection, len(rows))
	for i, row := range rows {
		c, err := row.connection()
		if err != nil {
			return nil, err
		}
		connections[i] = c
	}
	return connections, nil
}

type flowRow struct {
	TenantID     string
	StateHash    string
	ConnectionID string
	BrowserHash  string
	UserID       string
	Purpose      string
	ReturnTo     string
	Sealed       []byte
	CreatedAt    time.Time
	ExpiresAt    time.Time
}

func (flowRow) TableName() string { return "idp_flows" }

// AddFlow stores the beginning of a trip to a provider. It returns idp.ErrTaken when there is one with its state.
func (db *DB) AddFlow(ctx context.Context, f idp.Flow) error {
	row := flowRow{
		TenantID: string(f.User.Tenant), StateHash: f.State, ConnectionID: f.Connection, BrowserHash: f.Browser, UserID: f.User.ID,
		Purpose: string(f.Purpose), ReturnTo: f.ReturnTo, Sealed: f.Sealed, CreatedAt: f.CreatedAt, ExpiresAt: f.ExpiresAt,
	}
	err := db.db(ctx).Create(&row).Error
	if duplicate(err) {
		return idp.ErrTaken
	}
	return err
}

// FindFlow returns a flow, or idp.ErrNotFound.
func (db *DB) FindFlow(ctx context.Context, t tenant.ID, state string) (idp.Flow, error) {
	var row flowRow
	err := found(db.db(ctx).Where("tenant_id = ? AND state_hash = ?", string(t), state).Take(&row).Error)
	if errors.Is(err, ErrNotFound) {
		return idp.Flow{}, idp.ErrNotFound
	}
	return idp.Flow{
		User: tenant.User{Tenant: t, ID: row.UserID}, State: row.StateHash, Connection: row.ConnectionID, Browser: row.BrowserHash,
		Purpose: idp.Purpose(row.Purpose), ReturnTo: row.ReturnTo, Sealed: row.Sealed, CreatedAt: row.CreatedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(),
	}, err
}

// TakeFlow finds a flow and removes it: of two that ask at once one gets it, the other idp.ErrNotFound.
func (db *DB) TakeFlow(ctx context.Context, t tenant.ID, state string) (idp.Flow, error) {
	flow, err := db.FindFlow(ctx, t, state)
	if err != nil {
		return idp.Flow{}, err
	}
	gone := db.db(ctx).Exec("DELETE FROM idp_flows WHERE tenant_id = ? AND state_hash = ?", string(t), state)
	if gone.Error == nil && gone.RowsAffected == 0 {
		return idp.Flow{}, idp.ErrNotFound
	}
	return flow, gone.Error
}
