package store

import (
	"context"
	"fmt"
	"strings"
)

// trigger keeps what was recorded as it is: whoever has the database but not the schema cannot change it.
type trigger struct{ table, when, unless string }

// An entry may be given its place, once; and its payload may go, with the salt, and then also what tells of whom it was:
// the commitment stays, and the tree with it (terms.md 5). Everything else is refused. {same} is the dialect's comparison
// that takes NULL for a value.
var triggers = []trigger{
	{"assent_events", "DELETE", "FALSE"},
	{"assent_events", "UPDATE", `NEW.tenant_id = OLD.tenant_id AND NEW.type = OLD.type AND NEW.document = OLD.document
		AND NEW.number = OLD.number AND NEW.commitment = OLD.commitment
		AND (OLD.leaf_index IS NULL OR NEW.leaf_index {same} OLD.leaf_index)
		AND ((NEW.payload IS NULL AND NEW.salt IS NULL) OR (NEW.payload {same} OLD.payload AND NEW.salt {same} OLD.salt
			AND NEW.event_id = OLD.event_id AND NEW.user_id = OLD.user_id AND NEW.nonce = OLD.nonce AND NEW.occurred_at = OLD.occurred_at))`},
	{"ledger_hashes", "DELETE", "FALSE"},
	{"ledger_hashes", "UPDATE", "FALSE"},
	{"ledger_checkpoints", "DELETE", "FALSE"},
	{"ledger_checkpoints", "UPDATE", "FALSE"},
	{"ledger_heads", "DELETE", "FALSE"},
	{"ledger_heads", "UPDATE", "NEW.tenant_id = OLD.tenant_id AND NEW.size >= OLD.size"},
	{"ledger_keys", "DELETE", "FALSE"},
	{"ledger_keys", "UPDATE", "NEW.tenant_id = OLD.tenant_id AND NEW.public = OLD.public"},
	{"ledger_rotations", "DELETE", "FALSE"},
	{"ledger_rotations", "UPDATE", "NEW.tenant_id = OLD.tenant_id AND NEW.serial = OLD.serial AND NEW.public = OLD.public AND NEW.statement = OLD.statement"},
}

func (g trigger) name() string { return "guard_" + g.table + "_" + strings.ToLower(g.when) }

// statement makes the trigger.
func (g trigger) statement(dialect string) string {
	const said = "the ledger is append-only"
	if dialect == "sqlite" {
		return fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON %s WHEN NOT (%s) BEGIN SELECT RAISE(ABORT, '%s'); END",
			g.name(), g.when, g.table, strings.ReplaceAll(g.unless, "{same}", "IS"), said)
	}
	return fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON %s FOR EACH ROW BEGIN IF NOT (%s) THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '%s'; END IF; END",
		g.name(), g.when, g.table, strings.ReplaceAll(g.unless, "{same}", "<=>"), said)
}

// Guard puts triggers in place that refuse to change or remove what the ledger holds. A server without triggers (TiDB), or
// one whose account may make none, goes without: the error says so, and every change still shows when the ledger is
// verified. It is repeatable.
func (db *DB) Guard(ctx context.Context) error {
	return db.InTx(ctx, func(ctx context.Context) error { // one write to the disk where DDL can be rolled back
		for _, g := range triggers {
			if err := db.db(ctx).Exec(g.statement(db.dialect)).Error; err != nil && !strings.Contains(err.Error(), "already exists") {
				return fmt.Errorf("no triggers guard the ledger: %w", err)
			}
		}
		return nil
	})
}

// Guarded says how many of the triggers that Guard makes are in place, and how many there should be.
func (db *DB) Guarded(ctx context.Context) (have, want int, err error) {
	query := "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'trigger' AND name IN ?"
	if db.dialect == "mysql" {
		query = "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND trigger_name IN ?"
	}
	names := make([]string, len(triggers))
	for i, g := range triggers {
		names[i] = g.name()
	}
	err = db.db(ctx).Raw(query, names).Scan(&have).Error
	return have, len(triggers), err
}
