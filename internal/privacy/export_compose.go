package privacy

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	"portico/internal/i18n"
	"portico/internal/profile"
	"portico/internal/tenant"
)

//go:embed schemas
var schemas embed.FS

// exportRows is how many rows are read at once: with chunkSize it bounds what a file takes of memory.
const exportRows = 500

// shownRows is how many of many rows the page in the file shows; the others are beside it.
const shownRows = 100

// composer writes one file.
type composer struct {
	*archive
	s    *Exports
	ctx  context.Context //nolint:containedctx // lives as long as the making of one file
	t    tenant.Tenant
	p    profile.Profile
	e    *Export
	page Page
}

// compose writes the parts of the file, one after the other, and how far it is.
func (s *Exports) compose(ctx context.Context, t tenant.Tenant, p profile.Profile, e *Export) error {
	chunks := &chunkWriter{ctx: ctx, s: s, e: e, open: make([]byte, 0, chunkSize)}
	c := &composer{archive: newArchive(chunks, s.Now()), s: s, ctx: ctx, t: t, p: p, e: e}
	parts := c.myData()
	if e.Layer == TechnicalRecords {
		parts = c.technical()
	}
	parts = append(parts, c.schemas, c.index, c.manifest)
	e.Total = len(parts)
	for _, part := range parts {
		if err := part(); err != nil {
			return err
		}
		e.Done++
		if err := c.beat(); err != nil {
			return err
		}
	}
	if err := c.zip.Close(); err != nil {
		return err
	}
	return chunks.flush()
}

// beat says how far the file is, and that somebody is at it.
func (c *composer) beat() error { return c.s.Store.KeepExport(c.ctx, *c.e, exportClaim) }

// each calls do for every row of a kind, in their order.
func (c *composer) each(kind RecordKind, do func(Record) error) error {
	for after := ""; ; {
		page, last, err := c.s.Store.Records(c.ctx, c.e.User, kind, after, exportRows)
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := do(r); err != nil {
				return err
			}
		}
		if len(page) < exportRows {
			return nil
		}
		after = last
		if err := c.beat(); err != nil {
			return err
		}
	}
}

// all returns every row of a kind that nobody has many of.
func (c *composer) all(kind RecordKind) ([]Record, error) {
	rows := []Record{}
	err := c.each(kind, func(r Record) error { rows = append(rows, r); return nil })
	return rows, err
}

// lines writes every row of a kind as a line of JSON, and returns the newest of them as row puts them for the page.
func (c *composer) lines(name string, kind RecordKind, change func(Record), row func(Record) []string) (rows [][]string, more bool, err error) {
	newest, count := make([]Record, 0, shownRows), 0
	err = c.add(name, func(w io.Writer) error {
		encoder := plainJSON(w)
		return c.each(kind, func(r Record) error {
			if change != nil {
				change(r)
			}
			if len(newest) < shownRows {
				newest = append(newest, nil)
			}
			newest[count%shownRows] = r
			count++
			return encoder.Encode(r)
		})
	})
	for i := range newest {
		rows = append(rows, row(newest[(count-1-i)%shownRows]))
	}
	return rows, count > len(newest), err
}

// schemas puts the JSON Schemas beside the parts that are there.
func (c *composer) schemas() error {
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		file := "schemas/" + name + ".schema.json"
		content, err := schemas.ReadFile(file)
		if err != nil {
			continue // a part that is no JSON
		}
		if err := c.addText(file, string(content)); err != nil {
			return err
		}
	}
	return nil
}

// excluded are the words for what is kept and not in the files, with the reason (GDPR article 15(4)).
func (c *composer) excluded() []string {
	reasons := []string{
		i18n.T(c.ctx, "export.x.hashes"), i18n.T(c.ctx, "export.x.secrets"), i18n.T(c.ctx, "export.x.others"), i18n.T(c.ctx, "export.x.copies"),
		i18n.T(c.ctx, "export.x.brief"), i18n.T(c.ctx, "export.x.guardian"),
	}
	if c.e.Layer == MyData {
		return append(reasons, i18n.T(c.ctx, "export.x.records"))
	}
	return append(reasons, i18n.T(c.ctx, "export.x.data"))
}

// index writes the page that people read, which needs nothing but this file.
func (c *composer) index() error {
	c.page.Title = i18n.T(c.ctx, "export.file."+string(c.e.Layer), "product", c.t.Product)
	c.page.Lead = i18n.T(c.ctx, "export.file.lead", "time", i18n.DateTime(c.ctx, c.at))
	files := Section{Title: i18n.T(c.ctx, "export.s.files")}
	files.Files = append(slices.Sorted(maps.Keys(c.files)), "manifest.json", "manifest.json.sig")
	excluded := Section{Title: i18n.T(c.ctx, "export.s.excluded"), Items: c.excluded()}
	c.page.Sections = append(c.page.Sections, files, excluded)
	return c.add("index.html", func(w io.Writer) error { return c.s.Write(c.ctx, w, c.page) })
}

// manifestWhat begins the note that signs a manifest.
const manifestWhat = "portico.export.manifest/v1"

// manifest lists the parts by their hashes, and signs that list with the key of the tenant's ledger.
func (c *composer) manifest() error {
	content, err := json.MarshalIndent(map[string]any{
		"format": "portico.export/v1", "export_id": c.e.ID, "layer": c.e.Layer, "user_id": c.e.User.ID, "tenant": c.t.ID, "product": c.t.Product,
		"made_at": c.at.Format(time.RFC3339), "language": i18n.Current(c.ctx).Tag, "files": c.files, "excluded": c.excluded(),
	}, "", "  ")
	if err != nil {
		return err
	}
	content = append(content, '\n')
	signed, err := c.s.Ledger.Attest(c.ctx, c.t, manifestWhat, sha256.Sum256(content))
	if err != nil {
		return err
	}
	key, err := c.s.Ledger.Key(c.ctx, c.t.ID)
	if err != nil {
		return err
	}
	if err := c.addText("manifest.json", string(content)); err != nil {
		return err
	}
	return c.addText("manifest.json.sig", key+"\n"+signed)
}

// nameOf makes a part of a name of a file out of something that we did not choose.
func nameOf(s string) string {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' {
			sum := sha256.Sum256([]byte(s))
			return hex.EncodeToString(sum[:8])
		}
	}
	return s
}
