package store

import (
	"context"
	"strings"

	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// speaks is the language that somebody chose for pages, or else for letters, without its region, or an empty text: whose tenant and id are
// in these columns. terms.Version.Asks takes it so too.
func speaks(tenantColumn, userColumn string) string {
	chosen := func(facet string) string {
		return "(SELECT LOWER(SUBSTR(spoken.value, 1, INSTR(CONCAT(REPLACE(spoken.value, '_', '-'), '-'), '-') - 1)) FROM user_facets spoken WHERE spoken.tenant_id = " +
			tenantColumn + " AND spoken.user_id = " + userColumn + " AND spoken.name = '" + facet + "')"
	}
	return "COALESCE(" + chosen(profile.FacetPageLang) + ", " + chosen(profile.FacetLang) + ", '')"
}

// Exempt brings up to date which of the enabled languages of a tenant versions lack that ask only whom they have a text for.
func (db *DB) Exempt(ctx context.Context, t tenant.ID, enabled []string) error {
	var versions []versionRow
	err := db.db(ctx).Where("tenant_id = ? AND exempt_untranslated = ? AND deleted_at IS NULL", string(t), true).Find(&versions).Error
	for _, v := range versions {
		if err != nil {
			return err
		}
		var locales []string
		err = db.db(ctx).Model(&textRow{}).Where("tenant_id = ? AND document = ? AND number = ?", v.TenantID, v.Document, v.Number).
			Distinct().Pluck("locale", &locales).Error
		if err != nil {
			return err
		}
		lacks := strings.Join(terms.Untranslated(enabled, locales), " ")
		if lacks != "" {
			lacks = " " + lacks + " "
		}
		if lacks != v.Untranslated {
			err = db.db(ctx).Model(&versionRow{}).Where("tenant_id = ? AND document = ? AND number = ?", v.TenantID, v.Document, v.Number).
				UpdateColumn("untranslated", lacks).Error
		}
	}
	return err
}
