package main

import (
	"context"
	"io"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/ledger"
	"portico/internal/mail"
	"portico/internal/privacy"
	"portico/internal/retention"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/views/exports"
)

// exportsOf builds what makes the files with people's data.
func exportsOf(p parts, tenants *tenant.Directory, documents *terms.Service, proofs *ledger.Service, kept *retention.Service,
	outbox *mail.Outbox, log *audit.Log,
) *privacy.Exports {
	return privacy.NewExports(privacy.ExportConfig{
		Store: p.db, Ring: p.ring, Tenants: tenants.ByID, Library: documents.Library, Ledger: proofs, Periods: kept.List, Write: writePage, Outbox: outbox,
		Audit: log, Log: p.log, Now: p.now, Only: p.only,
	})
}

// writePage writes a page of a file.
func writePage(ctx context.Context, w io.Writer, p privacy.Page) error {
	view := exports.Page{Title: p.Title, Lead: p.Lead, Language: i18n.Current(ctx)}
	for _, s := range p.Sections {
		section := exports.Section{Title: s.Title, Text: s.Text, Items: s.Items, Head: s.Head, Rows: s.Rows, Files: s.Files}
		for _, f := range s.Facts {
			section.Facts = append(section.Facts, exports.Fact(f))
		}
		view.Sections = append(view.Sections, section)
	}
	return exports.Document(view).Render(ctx, w)
}
