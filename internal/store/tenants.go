package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"portico/internal/tenant"
)

type tenantRow struct {
	TenantID  string
	Settings  string
	CreatedAt time.Time
}

func (tenantRow) TableName() string { return "tenants" }

type hostRow struct {
	Host     string
	TenantID string
}

func (hostRow) TableName() string { return "tenant_hosts" }

// Tenants returns every tenant with its hosts; there are few, and they are kept in memory.
func (db *DB) Tenants(ctx context.Context) ([]tenant.Tenant, map[string]tenant.ID, error) {
	var rows []tenantRow
	if err := db.db(ctx).Order("tenant_id").Find(&rows).Error; err != nil {
		return nil, nil, err
	}
	var hosts []hostRow
	if err := db.db(ctx).Order("host").Find(&hosts).Error; err != nil {
		return nil, nil, err
	}
	tenants := make([]tenant.Tenant, len(rows))
	for i, row := range rows {
		tenants[i].ID = tenant.ID(row.TenantID)
		if err := json.Unmarshal([]byte(row.Settings), &tenants[i].Settings); err != nil {
			return nil, nil, err
		}
	}
	byHost := make(map[string]tenant.ID, len(hosts))
	for _, h := range hosts {
		byHost[h.Host] = tenant.ID(h.TenantID)
	}
	return tenants, byHost, nil
}

// AddTenant creates a tenant that answers to hosts. It returns tenant.ErrTaken when the id or a host is taken.
func (db *DB) AddTenant(ctx context.Context, t tenant.Tenant, hosts []string) error {
	settings, err := json.Marshal(t.Settings)
	if err != nil {
		return err
	}
	err = db.InTx(ctx, func(ctx context.Context) error {
		row := tenantRow{TenantID: string(t.ID), Settings: string(settings), CreatedAt: utcNow()}
		if err := db.db(ctx).Create(&row).Error; err != nil {
			return err
		}
		for _, host := range hosts {
			if err := db.db(ctx).Create(&hostRow{host, string(t.ID)}).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if duplicate(err) {
		return tenant.ErrTaken
	}
	return err
}

// FindSettings reads the settings of a tenant, and with lock keeps others from changing them until the transaction ends.
func (db *DB) FindSettings(ctx context.Context, id tenant.ID, lock bool) (tenant.Settings, error) {
	query := db.db(ctx)
	if lock {
		query = db.forUpdate(query)
	}
	var row tenantRow
	var s tenant.Settings
	err := query.Where("tenant_id = ?", string(id)).Take(&row).Error
	if err == nil {
		err = json.Unmarshal([]byte(row.Settings), &s)
	}
	return s, found(err)
}

// SaveSettings replaces the settings of a tenant, and brings up to date what depends on its languages.
func (db *DB) SaveSettings(ctx context.Context, id tenant.ID, s tenant.Settings) error {
	settings, err := json.Marshal(s)
	if err != nil {
		return err
	}
	result := db.db(ctx).Model(&tenantRow{}).Where("tenant_id = ?", string(id)).Update("settings", string(settings))
	if result.Error == nil && result.RowsAffected == 0 {
		return tenant.ErrUnknown
	}
	return errors.Join(result.Error, db.Exempt(ctx, id, s.WithDefaults().Locales))
}
