package store

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"portico/internal/guard"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/profile"
)

// belongings are the tables whose rows go with their person, found by user_id. The account itself goes last.
var belongings = []string{
	"sessions", "devices", "tickets", "email_changes", "idp_flows", "identities", "assents", "consents", "term_notices", "privacy_requests",
	"letters", "exports", "guard_counters", "user_words", "user_facets", "passwords", "former_users", "closings", "guardians",
	"users",
}

// elsewhere are the tables in which an erasure takes care of single columns or rows, by a step of its own.
var elsewhere = []string{"assent_events", "audit_events", "export_chunks", "reset_requests", "term_versions", "term_waves"}

// impersonal are the tables that hold nothing of a person. What is kept of an erased one in erased_subjects names nobody.
var impersonal = []string{
	"connections", "documents", "erased_subjects", "goose_db_version", "goose_lock", "ledger_checkpoints", "ledger_hashes", "ledger_days", "ledger_heads",
	"ledger_keys", "ledger_rotations", "presentations", "retention", "tenant_hosts", "tenants", "term_texts",
}

// trail is everything by which rows of a person are found.
type trail struct {
	tenant    string
	id        string
	ids       []string // of the account, and of those that became part of it
	as        string   // what stands in their place
	addresses []string
	admin     bool // was ever an administrator
}

// step is one part of an erasure.
type step func(ctx context.Context, t trail) error

// Erase removes the account of p and everything that speaks of the person, in the transaction of ctx. What must stay is
// cut: audit rows keep the pseudonym. What the ledger holds is the ledger's own (EraseEntries).
func (db *DB) Erase(ctx context.Context, p profile.Profile, pseudonym string) error {
	t := trail{tenant: string(p.User.Tenant), id: p.User.ID, as: pseudonym}
	var err error
	if t.ids, err = db.IDs(ctx, p.User); err != nil {
		return err
	}
	if t.addresses, err = db.Addresses(ctx, p, time.Time{}); err != nil {
		return err
	}
	if t.admin, err = db.everAdmin(ctx, p, t.ids); err != nil {
		return err
	}
	for _, one := range []step{
		db.forgetCounters, db.forgetAddresses, db.forgetGuardian, db.forgetFiles, db.forgetActor, db.cutRecord, db.moveCursors, db.freeWithdrawals, db.forgetBelongings,
	} {
		if err := one(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// everAdmin reports whether somebody acts or has acted as an administrator.
func (db *DB) everAdmin(ctx context.Context, p profile.Profile, ids []string) (bool, error) {
	if p.Role == profile.RoleAdmin {
		return true, nil
	}
	var n int64
	err := db.db(ctx).Model(&auditRow{}).Where("tenant_id = ? AND actor_id IN ? AND actor_kind = ?", string(p.User.Tenant), ids, "admin").
		Limit(1).Count(&n).Error
	return n > 0, err
}

// forgetCounters removes what guards against guessing have counted of the person's addresses, wherever they tried from.
func (db *DB) forgetCounters(ctx context.Context, t trail) error {
	var places, devices []string
	err := db.db(ctx).Raw(`SELECT DISTINCT ip FROM audit_events WHERE tenant_id = ? AND user_id IN ? AND ip <> '' LIMIT 500`, t.tenant, t.ids).
		Scan(&places).Error
	if err != nil {
		return err
	}
	err = db.db(ctx).Raw("SELECT device_hash FROM devices WHERE tenant_id = ? AND user_id IN ? LIMIT 500", t.tenant, t.ids).Scan(&devices).Error
	if err != nil {
		return err
	}
	var ips []netip.Addr
	for _, place := range places {
		if ip, err := netip.ParseAddr(place); err == nil {
			ips = append(ips, ip)
		}
	}
	accounts := t.keys()
	if len(accounts) == 0 {
		return nil
	}
	err = db.db(ctx).Where("tenant_id = ? AND account_hash IN ?", t.tenant, guard.AccountKeys(accounts)).Delete(&counterRow{}).Error
	if err != nil {
		return err
	}
	return inParts(guard.Traces(accounts, ips, devices), func(keys []string) error {
		return db.db(ctx).Where("tenant_id = ? AND counter_key IN ?", t.tenant, keys).Delete(&counterRow{}).Error
	})
}

// keys are the addresses as accounts are known by.
func (t trail) keys() []string {
	var keys []string
	for _, address := range t.addresses {
		if key := profile.EmailKey(address); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// inParts calls fn with at most as many texts as a statement takes.
func inParts(all []string, fn func([]string) error) error {
	const most = 500
	for start := 0; start < len(all); start += most {
		if err := fn(all[start:min(start+most, len(all))]); err != nil {
			return err
		}
	}
	return nil
}

// forgetAddresses removes what strangers typed of the person's addresses: decoys, requests for a new password, letters,
// withdrawals from contracts that are answered, and forms that wait in sessions of nobody.
func (db *DB) forgetAddresses(ctx context.Context, t trail) error {
	keys := t.keys()
	if len(keys) == 0 {
		return nil
	}
	for _, statement := range []string{
		"DELETE FROM tickets WHERE tenant_id = ? AND user_id = '' AND LOWER(address) IN ?",
		"DELETE FROM letters WHERE tenant_id = ? AND user_id = '' AND LOWER(to_address) IN ?",
		"DELETE FROM reset_requests WHERE tenant_id = ? AND LOWER(address) IN ?",
		"DELETE FROM privacy_requests WHERE tenant_id = ? AND user_id = '' AND open = FALSE AND LOWER(contact) IN ?",
	} {
		if err := db.db(ctx).Exec(statement, t.tenant, keys).Error; err != nil {
			return err
		}
	}
	for _, key := range keys {
		err := db.db(ctx).Exec("DELETE FROM sessions WHERE tenant_id = ? AND user_id = '' AND INSTR(LOWER(content), ?) > 0", t.tenant, key).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetGuardian removes letters to a parent or guardian that are still on their way; the address itself goes with the rows of
// the person. What else is known of that address may be another account's.
func (db *DB) forgetGuardian(ctx context.Context, t trail) error {
	return db.db(ctx).Exec(`DELETE FROM letters WHERE tenant_id = ? AND user_id = '' AND kind IN ? AND to_address IN
		(SELECT address FROM guardians WHERE tenant_id = ? AND user_id IN ?)`, t.tenant,
		[]string{string(mail.GuardianRequest), string(mail.GuardianDecided)}, t.tenant, t.ids).Error
}

// forgetFiles removes the content of files that were made for the person.
func (db *DB) forgetFiles(ctx context.Context, t trail) error {
	return db.db(ctx).Exec(`DELETE FROM export_chunks WHERE tenant_id = ? AND export_id IN
		(SELECT export_id FROM exports WHERE tenant_id = ? AND user_id IN ?)`, t.tenant, t.tenant, t.ids).Error
}

// forgetActor puts the pseudonym where an administrator is named beside what they did to others.
func (db *DB) forgetActor(ctx context.Context, t trail) error {
	if !t.admin {
		return nil
	}
	for table, columns := range map[string][]string{
		"users": {"blocked_by", "restricted_by"}, "privacy_requests": {"answered_by"}, "closings": {"asked_by"},
		"term_versions": {"created_by", "published_by", "submitted_by", "approved_by", "edited_by"},
	} {
		for _, column := range columns {
			err := db.db(ctx).Exec("UPDATE "+table+" SET "+column+" = ? WHERE tenant_id = ? AND "+column+" IN ?", t.as, t.tenant, t.ids).Error
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// cutRecord leaves of the record what was done and when, under the pseudonym; addresses, devices and everything that was
// written about the person go. Where an administrator acted, it stays known from where.
func (db *DB) cutRecord(ctx context.Context, t trail) error {
	const origin = "ip = '', user_agent = '', request_id = '', session_hash = ''"
	for _, statement := range []string{
		"UPDATE audit_events SET " + origin + ", fields = '' WHERE tenant_id = ? AND user_id IN ? AND actor_kind <> 'admin'",
		"UPDATE audit_events SET detail = '{}', fields = '' WHERE tenant_id = ? AND user_id IN ?",
		"UPDATE audit_events SET " + origin + " WHERE tenant_id = ? AND actor_id IN ?",
	} {
		if err := db.db(ctx).Exec(statement, t.tenant, t.ids).Error; err != nil {
			return err
		}
	}
	for _, column := range []string{"user_id", "actor_id"} {
		err := db.db(ctx).Exec("UPDATE audit_events SET "+column+" = ? WHERE tenant_id = ? AND "+column+" IN ?", t.as, t.tenant, t.ids).Error
		if err != nil {
			return err
		}
	}
	for _, id := range t.ids {
		if err := db.cutMentions(ctx, t, id); err != nil {
			return err
		}
	}
	return nil
}

// cutMentions puts the pseudonym where the record of another person names an account that was linked or unlinked.
func (db *DB) cutMentions(ctx context.Context, t trail, id string) error {
	var rows []auditRow
	err := db.db(ctx).Select("event_id", "detail").Where("tenant_id = ? AND type IN ? AND INSTR(detail, ?) > 0", t.tenant,
		[]string{"linked", "unlinked"}, id).Find(&rows).Error
	for _, row := range rows {
		if err != nil {
			break
		}
		err = db.db(ctx).Exec("UPDATE audit_events SET detail = ? WHERE tenant_id = ? AND event_id = ?",
			strings.ReplaceAll(row.Detail, id, t.as), t.tenant, row.EventID).Error
	}
	return err
}

// moveCursors lets letters that are on their way to many people go on from the person before: nobody is left out or told twice.
func (db *DB) moveCursors(ctx context.Context, t trail) error {
	for _, id := range t.ids {
		var n int64
		at := db.db(ctx).Table("term_waves").Where("tenant_id = ? AND after_user = ?", t.tenant, id)
		if err := at.Count(&n).Error; err != nil || n == 0 {
			if err != nil {
				return err
			}
			continue
		}
		var before string
		err := db.db(ctx).Raw("SELECT COALESCE(MAX(user_id), '') FROM users WHERE tenant_id = ? AND user_id < ?", t.tenant, id).Scan(&before).Error
		if err != nil {
			return err
		}
		err = db.db(ctx).Exec("UPDATE term_waves SET after_user = ? WHERE tenant_id = ? AND after_user = ?", before, t.tenant, id).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// freeWithdrawals leaves withdrawals from contracts that wait for an answer: the company owes it, and the money, to people
// without an account too (Directive 2011/83/EU, article 13; GDPR article 17(3)(b)). They name the account no more.
func (db *DB) freeWithdrawals(ctx context.Context, t trail) error {
	return db.db(ctx).Exec("UPDATE privacy_requests SET user_id = '' WHERE tenant_id = ? AND user_id IN ? AND kind = ? AND open = TRUE",
		t.tenant, t.ids, string(privacy.Withdrawal)).Error
}

func (db *DB) forgetBelongings(ctx context.Context, t trail) error {
	for _, table := range belongings {
		if err := db.db(ctx).Exec("DELETE FROM "+table+" WHERE tenant_id = ? AND user_id IN ?", t.tenant, t.ids).Error; err != nil {
			return err
		}
	}
	return nil
}
