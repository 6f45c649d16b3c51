package web

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/terms"
)

// atomFeed is a feed of RFC 4287.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string      `xml:"xml:lang,attr"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  atomAuthor  `xml:"author"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Relation string `xml:"rel,attr,omitempty"`
	Type     string `xml:"type,attr,omitempty"`
	Address  string `xml:"href,attr"`
}

type atomEntry struct {
	ID        string     `xml:"id"`
	Title     string     `xml:"title"`
	Published string     `xml:"published"`
	Updated   string     `xml:"updated"`
	Category  atomKind   `xml:"category"`
	Links     []atomLink `xml:"link"`
	Summary   string     `xml:"summary"`
}

// atomKind is first, change or correction.
type atomKind struct {
	Term string `xml:"term,attr"`
}

const mimeAtom = "application/atom+xml; charset=utf-8"

// feedContent tells feed readers about every version and correction of one document, or of all, the newest first.
func (s *Server) feedContent(c echo.Context, p public) (content, error) {
	self, title, only := "/terms/feed.atom", i18n.T(p.ctx, "terms.index"), c.Param("doc")
	var entries []atomEntry
	for _, d := range p.library.Documents {
		if only == "" || only == d.Key {
			entries = append(entries, p.entries(d.Key)...)
		}
	}
	if len(entries) == 0 {
		return content{}, echo.ErrNotFound
	}
	slices.SortStableFunc(entries, func(a, b atomEntry) int { return strings.Compare(b.Updated, a.Updated) })
	if only != "" {
		self = "/terms/" + only + "/feed.atom"
		newest, _ := p.library.Text(only, p.newest(only).Number, p.lang)
		title = newest.Title
	}
	return p.xml(mimeAtom, atomFeed{
		Lang: p.lang, ID: p.tag(p.library.Versions[0].PublishedAt, strings.TrimPrefix(self, "/")), Title: title + " – " + p.tenant.Product,
		Updated: entries[0].Updated, Author: atomAuthor{p.tenant.Product}, Entries: entries,
		Links: []atomLink{
			{Relation: "self", Type: "application/atom+xml", Address: p.tenant.URL(self + p.query())},
			{Relation: "alternate", Type: "text/html", Address: p.tenant.URL("/terms" + p.query())},
		},
	})
}

// newest is the newest version of a document that the public may read.
func (p public) newest(key string) terms.Version {
	var newest terms.Version
	for _, v := range p.library.Of(key) {
		if v.Visible(p.now) {
			newest = v
		}
	}
	return newest
}

// entries are the versions of a document and the corrections of its text in the language of the feed.
func (p public) entries(key string) []atomEntry {
	var entries []atomEntry
	for _, v := range p.library.Of(key) {
		if !v.Visible(p.now) {
			continue
		}
		shown, _ := p.library.Text(key, v.Number, p.lang)
		for revision := 1; revision <= shown.Revision; revision++ {
			text, ok := p.library.Revision(key, v.Number, shown.Locale, revision)
			if ok {
				entries = append(entries, p.entry(v, text))
			}
		}
	}
	return entries
}

func (p public) entry(v terms.Version, text terms.Text) atomEntry {
	made, kind, id := v.PublishedAt, "change", fmt.Sprintf("%s/%d", v.Document, v.Number)
	if v.AnnounceAt.After(made) {
		made = v.AnnounceAt
	}
	address := permanent(v) + "?lang=" + text.Locale
	switch {
	case text.Revision > 1:
		made, kind = text.AddedAt, "correction"
		id = fmt.Sprintf("%s/%s/%d", id, text.Locale, text.Revision)
		address += fmt.Sprintf("&rev=%d", text.Revision)
	case v.Materiality == terms.Correction:
		kind = "correction"
	case v.Number == 1:
		kind = "first"
	}
	at := made.UTC().Format(time.RFC3339)
	lines := []string{i18n.T(p.ctx, "terms.state", "n", v.Number, "published", i18n.Date(p.ctx, v.PublishedAt), "date", i18n.Date(p.ctx, v.EffectiveAt))}
	if text.ChangeNote != "" {
		lines = append(lines, text.ChangeNote)
	}
	for _, line := range text.Summary {
		lines = append(lines, strings.TrimPrefix(line.Title+": "+line.Text, ": "))
	}
	return atomEntry{
		ID: p.tag(v.PublishedAt, "terms/"+id), Title: fmt.Sprintf("%s %d", text.Title, v.Number), Published: at, Updated: at,
		Category: atomKind{kind}, Summary: strings.Join(lines, "\n"),
		Links: []atomLink{{Relation: "alternate", Type: "text/html", Address: p.tenant.URL(address)}},
	}
}

// tag is a name that never changes (RFC 4151).
func (p public) tag(day time.Time, name string) string {
	host := string(p.tenant.ID)
	if u, err := url.Parse(p.tenant.Origin); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	return "tag:" + host + "," + day.UTC().Format(time.DateOnly) + ":" + name
}

func (p public) xml(kind string, value any) (content, error) {
	body, err := xml.MarshalIndent(value, "", "  ")
	return contentOf(kind, append([]byte(xml.Header), append(body, '\n')...)), err
}

// siteMap is the sitemap of sitemaps.org, with the languages of each page.
type siteMap struct {
	XMLName xml.Name   `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
	XHTML   string     `xml:"xmlns:xhtml,attr"`
	Pages   []sitePage `xml:"url"`
}

type sitePage struct {
	Address    string          `xml:"loc"`
	Changed    string          `xml:"lastmod"`
	Alternates []siteAlternate `xml:"xhtml:link"`
}

type siteAlternate struct {
	Relation string `xml:"rel,attr"`
	Lang     string `xml:"hreflang,attr"`
	Address  string `xml:"href,attr"`
}

// siteMapContent lists what applies now, for search engines: its permanent address in every language.
func (s *Server) siteMapContent(_ echo.Context, p public) (content, error) {
	site := siteMap{XHTML: "http://www.w3.org/1999/xhtml"}
	for _, d := range p.library.Documents {
		current, ok := p.library.Current(d.Key, p.now)
		if !ok || d.Retired() {
			continue
		}
		page := sitePage{Address: p.tenant.URL(permanent(current)), Changed: current.EffectiveAt.UTC().Format(time.DateOnly)}
		for _, locale := range p.library.Locales(d.Key, current.Number) {
			page.Alternates = append(page.Alternates, siteAlternate{"alternate", locale, p.tenant.URL(permanent(current) + "?lang=" + locale)})
		}
		site.Pages = append(site.Pages, page)
	}
	return p.xml(echo.MIMEApplicationXMLCharsetUTF8, site)
}
