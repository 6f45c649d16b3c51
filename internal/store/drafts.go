package store

import (
	"context"
	"time"

	"portico/internal/profile"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// LockDocument keeps others from changing a document until the transaction ends, and says which number was given out last.
// It returns terms.ErrNotFound.
func (db *DB) LockDocument(ctx context.Context, t tenant.ID, document string) (int, error) {
	var row documentRow
	err := db.forUpdate(db.db(ctx)).Where("tenant_id = ? AND document = ?", string(t), document).Take(&row).Error
	if found(err) == ErrNotFound { //nolint:errorlint // found returns it bare
		return 0, terms.ErrNotFound
	}
	if err != nil {
		return 0, err
	}
	var versions []versionRow
	err = db.forUpdate(db.db(ctx)).Select("number").Where("tenant_id = ? AND document = ?", string(t), document).
		Order("number DESC").Limit(1).Find(&versions).Error
	if err != nil || len(versions) == 0 {
		return 0, err
	}
	return versions[0].Number, nil
}

func (db *DB) documentColumns(ctx context.Context, t tenant.ID, document string, columns map[string]any) error {
	return db.db(ctx).Model(&documentRow{}).Where("tenant_id = ? AND document = ?", string(t), document).UpdateColumns(columns).Error
}

// SaveNotice writes how many days before its effect the law wants a change of a document announced, and whether it waits for
// people to be told.
func (db *DB) SaveNotice(ctx context.Context, t tenant.ID, document string, days int, personal bool) error {
	return db.documentColumns(ctx, t, document, map[string]any{"min_notice_days": days, "personal_notice": personal})
}

// RetireDocument ends a document. Its versions stand before no account any more.
func (db *DB) RetireDocument(ctx context.Context, t tenant.ID, document string, now time.Time) error {
	if err := db.documentColumns(ctx, t, document, map[string]any{"retired_at": now}); err != nil {
		return err
	}
	return db.db(ctx).Exec("UPDATE term_versions SET gates = FALSE WHERE tenant_id = ? AND document = ?", string(t), document).Error
}

// AddVersion stores a new draft with its texts.
func (db *DB) AddVersion(ctx context.Context, t tenant.ID, v terms.Version, texts []terms.Text) error {
	row := versionRowOf(t, v)
	if err := db.db(ctx).Create(&row).Error; err != nil {
		return err
	}
	for _, text := range texts {
		if err := db.AddText(ctx, t, text); err != nil {
			return err
		}
	}
	return nil
}

// WriteDraft replaces the text of a draft in one language.
func (db *DB) WriteDraft(ctx context.Context, t tenant.ID, v terms.Version, text terms.Text) error {
	if err := db.UpdateDraft(ctx, t, v); err != nil {
		return err
	}
	err := db.db(ctx).Where("tenant_id = ? AND document = ? AND number = ? AND locale = ?", string(t), v.Document, v.Number, text.Locale).
		Delete(&textRow{}).Error
	if err != nil {
		return err
	}
	return db.AddText(ctx, t, text)
}

// draftColumns writes columns of a version that is a draft, or returns terms.ErrPublished.
func (db *DB) draftColumns(ctx context.Context, row *versionRow, columns ...string) error {
	result := db.db(ctx).Model(row).Where("tenant_id = ? AND document = ? AND number = ? AND published_at IS NULL AND deleted_at IS NULL",
		row.TenantID, row.Document, row.Number).Select(columns).UpdateColumns(row)
	if result.Error == nil && result.RowsAffected == 0 {
		return terms.ErrPublished
	}
	return result.Error
}

// UpdateDraft saves what is known of a draft besides its texts. It returns terms.ErrPublished for what is none any more.
func (db *DB) UpdateDraft(ctx context.Context, t tenant.ID, v terms.Version) error {
	row := versionRowOf(t, v)
	return db.draftColumns(ctx, &row, "materiality", "edited_at", "edited_by", "audience_number", "audience_locale", "joined_before",
		"audience_name", "audience_value", "reaccept_months", "submitted_at", "submitted_by", "announce_at", "effective_at", "enforce_at", "reason",
		"exempt_untranslated")
}

// EraseDraft removes a draft. Its row stays, so that its number is not given out again.
func (db *DB) EraseDraft(ctx context.Context, t tenant.ID, v terms.Version, now time.Time) error {
	row := versionRowOf(t, v)
	row.DeletedAt = &now
	if err := db.draftColumns(ctx, &row, "deleted_at"); err != nil {
		return err
	}
	return db.db(ctx).Where("tenant_id = ? AND document = ? AND number = ?", row.TenantID, row.Document, row.Number).Delete(&textRow{}).Error
}

// PublishVersion fixes a draft, once. Whether it stands before the account is written beside it, for the gate.
func (db *DB) PublishVersion(ctx context.Context, t tenant.ID, v terms.Version) error {
	var document documentRow
	if err := db.db(ctx).Where("tenant_id = ? AND document = ?", string(t), v.Document).Take(&document).Error; err != nil {
		return err
	}
	row := versionRowOf(t, v)
	row.Gates = v.Materiality == terms.Material && terms.Assent(document.Assent).Gates() && document.RetiredAt == nil
	return db.draftColumns(ctx, &row, "published_at", "published_by", "announce_at", "effective_at", "enforce_at", "latest_at", "reason", "gates",
		"governing_sha256", "manifest_sha256", "approved_at", "approved_by", "exempt_untranslated")
}

// WithdrawVersion takes a published version back.
func (db *DB) WithdrawVersion(ctx context.Context, t tenant.ID, v terms.Version) error {
	return db.db(ctx).Exec(`UPDATE term_versions SET withdrawn_at = ?, withdraw_reason = ?
		WHERE tenant_id = ? AND document = ? AND number = ? AND withdrawn_at IS NULL`,
		v.WithdrawnAt, v.WithdrawReason, string(t), v.Document, v.Number).Error
}

// TermsApproval reads who must approve, as it is now and not as the process remembers it, and how many administrators there
// are who are not blocked.
func (db *DB) TermsApproval(ctx context.Context, t tenant.ID) (terms.Approval, int, error) {
	settings, err := db.FindSettings(ctx, t, true)
	if err != nil {
		return "", 0, err
	}
	var admins int64
	err = db.db(ctx).Model(&userRow{}).Where("tenant_id = ? AND role = ? AND blocked = ?", string(t), profile.RoleAdmin, false).Count(&admins).Error
	return terms.Approval(settings.TermsApproval), int(admins), err
}

// SaveTermsApproval writes who must approve and leaves every other setting as it is.
func (db *DB) SaveTermsApproval(ctx context.Context, t tenant.ID, setting terms.Approval) error {
	settings, err := db.FindSettings(ctx, t, true)
	if err != nil {
		return err
	}
	settings.TermsApproval = string(setting)
	return db.SaveSettings(ctx, t, settings)
}
