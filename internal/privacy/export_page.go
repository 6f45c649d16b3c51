package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"portico/internal/i18n"
)

// Page is a page in a file that people read, in their language; it needs nothing else.
type Page struct {
	Title    string
	Lead     string
	Sections []Section
}

// Section is a part of a Page. Every field but Title may be missing. Files are names of parts of the same archive.
type Section struct {
	Title string
	Text  string
	Items []string
	Facts []Fact
	Head  []string
	Rows  [][]string
	Files []string
}

// Fact is something by its name.
type Fact struct{ Name, Value string }

// PageWriter writes a page as HTML.
type PageWriter func(ctx context.Context, w io.Writer, p Page) error

// show puts a section on the page; without content it says that there is none.
func (c *composer) show(s Section) {
	if s.Text == "" && len(s.Facts) == 0 && len(s.Rows) == 0 {
		s.Text = i18n.T(c.ctx, "export.s.none")
	}
	c.page.Sections = append(c.page.Sections, s)
}

// more says that a table does not hold everything.
func (c *composer) more(more bool, file string) string {
	if !more {
		return ""
	}
	return i18n.T(c.ctx, "export.s.more", "count", shownRows, "file", file)
}

// head are the words above the columns of a table.
func (c *composer) head(columns ...string) []string {
	words := make([]string, len(columns))
	for i, column := range columns {
		words[i] = i18n.T(c.ctx, "export.c."+column)
	}
	return words
}

// when is a moment in the person's words; never, when it is none.
func (c *composer) when(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return i18n.DateTime(c.ctx, at)
}

// plain is a value of metadata as people write it.
func plain(value json.RawMessage) string {
	var text any
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	switch text.(type) {
	case string, bool:
		return fmt.Sprint(text)
	}
	return string(value)
}
