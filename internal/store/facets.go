package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm/clause"

	"portico/internal/profile"
	"portico/internal/tenant"
)

type facetRow struct {
	TenantID string
	UserID   string
	Name     string
	Value    string
}

func (facetRow) TableName() string { return "user_facets" }

// saveFacets brings the facets of a profile up to date; before are those it had.
func (db *DB) saveFacets(ctx context.Context, p profile.Profile, before map[string]string) error {
	wanted := p.Facets()
	if maps.Equal(wanted, before) {
		return nil
	}
	var changed []string
	for name := range before {
		if wanted[name] != before[name] {
			changed = append(changed, name)
		}
	}
	t, id := string(p.User.Tenant), p.User.ID
	if len(changed) > 0 {
		err := db.db(ctx).Where("tenant_id = ? AND user_id = ? AND name IN ?", t, id, changed).Delete(&facetRow{}).Error
		if err != nil {
			return err
		}
	}
	var rows []facetRow
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if before[name] != wanted[name] {
			rows = append(rows, facetRow{t, id, name, wanted[name]})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return db.db(ctx).Create(&rows).Error
}

// Facets reads what u can be told apart by.
func (db *DB) Facets(ctx context.Context, u tenant.User) (map[string]string, error) {
	var rows []facetRow
	err := db.db(ctx).Where("tenant_id = ? AND user_id = ?", string(u.Tenant), u.ID).Find(&rows).Error
	facets := make(map[string]string, len(rows))
	for _, r := range rows {
		facets[r.Name] = r.Value
	}
	return facets, err
}

// facetsFilled is the migration that gives people who were there before the table their facets.
const facetsFilled = 114

// fillBatch is how many people are read at a time.
const fillBatch = 500

// filling is the migration that cannot be written in SQL, because what it copies is in JSON.
func (db *DB) filling() *goose.Migration {
	up := func(ctx context.Context, _ *sql.DB) error { return db.fillFacets(ctx) }
	down := func(context.Context, *sql.DB) error { return nil }
	return goose.NewGoMigration(facetsFilled, &goose.GoFunc{RunDB: up}, &goose.GoFunc{RunDB: down})
}

// fillFacets walks through the people of every tenant. It may run again: what is there already stays.
func (db *DB) fillFacets(ctx context.Context) error {
	var last userRow
	for {
		var rows []userRow
		err := db.db(ctx).Select("tenant_id", "user_id", "user_metadata", "app_metadata").
			Where("tenant_id > ? OR (tenant_id = ? AND user_id > ?)", last.TenantID, last.TenantID, last.UserID).
			Order("tenant_id, user_id").Limit(fillBatch).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		var facets []facetRow
		for _, row := range rows {
			var p profile.Profile
			_ = json.Unmarshal([]byte(row.UserMetadata), &p.UserMetadata)
			_ = json.Unmarshal([]byte(row.AppMetadata), &p.AppMetadata)
			for name, value := range p.Facets() {
				facets = append(facets, facetRow{row.TenantID, row.UserID, name, value})
			}
		}
		for part := range slices.Chunk(facets, fillBatch) {
			if err := db.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&part).Error; err != nil {
				return err
			}
		}
		last = rows[len(rows)-1]
	}
}
