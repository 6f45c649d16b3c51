package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/terms"
	"portico/views/layouts"
	"portico/views/pages"
)

// frame is the frame of a public page: nobody is signed in on it.
func (p public) frame(c echo.Context, title string) layouts.Page {
	return layouts.Page{
		Title: title, Product: p.tenant.Product, Brand: brandURL(p.tenant.Brand), Language: i18n.Current(p.ctx), Path: "/terms", Canonical: p.tenant.URL(c.Request().URL.Path),
		Withdrawal: p.tenant.Withdrawal,
	}
}

func (s *Server) indexContent(c echo.Context, p public) (content, error) {
	view := pages.DocumentsPage{Page: p.frame(c, i18n.T(p.ctx, "terms.index"))}
	view.Feed = "/terms/feed.atom" + p.query()
	for _, d := range p.library.Documents {
		current, ok := p.library.Current(d.Key, p.now)
		if !ok || d.Retired() {
			continue
		}
		text, _ := p.library.Text(d.Key, current.Number, p.lang)
		view.Rows = append(view.Rows, pages.DocumentRow{
			Title: text.Title, Lang: text.Locale, URL: "/terms/" + d.Key + p.query(),
			State: i18n.T(p.ctx, "terms.since", "n", current.Number, "date", i18n.Date(p.ctx, current.EffectiveAt)),
		})
	}
	return p.html(pages.Documents(view))
}

// query carries the chosen language on, unless it is the default.
func (p public) query() string {
	if p.lang == p.tenant.Locales[0] {
		return ""
	}
	return "?lang=" + p.lang
}

// currentContent is the current version of a document, at the address that marketing links to.
func (s *Server) currentContent(c echo.Context, p public) (content, error) {
	key, form := segment(c.Param("doc"))
	current, ok := p.library.Current(key, p.now)
	if !ok {
		return content{}, echo.ErrNotFound
	}
	return s.represented(c, p, current, form)
}

// segment takes the end off the last part of an address: "3.json" is 3 as JSON.
func segment(s string) (name, form string) {
	if i := strings.LastIndexByte(s, '.'); i > 0 && i < len(s)-1 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// represented is a version as people read it, or in the form that the end of the address asks for.
func (s *Server) represented(c echo.Context, p public, v terms.Version, form string) (content, error) {
	switch form {
	case "":
		return s.documentPage(c, p, v)
	case "json":
		return p.described(v)
	case "md":
		return p.source(v, c.QueryParam("rev"))
	default:
		return content{}, echo.ErrNotFound
	}
}

// versionContent is one version of a document, at an address that stays for ever.
func (s *Server) versionContent(c echo.Context, p public) (content, error) {
	name, form := segment(c.Param("n"))
	number, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(number) != name {
		return content{}, echo.ErrNotFound
	}
	version, ok := p.library.Version(c.Param("doc"), number)
	if !ok || !version.Visible(p.now) {
		return content{}, echo.ErrNotFound
	}
	return s.represented(c, p, version, form)
}

func (s *Server) upcomingContent(c echo.Context, p public) (content, error) {
	next, ok := p.library.Upcoming(c.Param("doc"), p.now)
	if !ok {
		return content{}, echo.ErrNotFound
	}
	return s.documentPage(c, p, next)
}

func (s *Server) documentPage(c echo.Context, p public, v terms.Version) (content, error) {
	text, ok := p.text(v, c.QueryParam("rev"))
	if !ok {
		return content{}, echo.ErrNotFound
	}
	view := pages.DocumentPage{
		Page: p.frame(c, text.Title), HTML: text.HTML, Lang: text.Locale, Dir: direction(text.Locale), Hash: text.SourceSHA256,
		State:    i18n.T(p.ctx, "terms.state", "n", v.Number, "published", i18n.Date(p.ctx, v.PublishedAt), "date", i18n.Date(p.ctx, v.EffectiveAt)),
		Versions: "/terms/" + v.Document + "/versions" + p.query(),
	}
	permanent := fmt.Sprintf("/terms/%s/%d", v.Document, v.Number)
	view.Feed = "/terms/" + v.Document + "/feed.atom" + p.query()
	view.Canonical, view.Permanent = p.tenant.URL(permanent+p.query()), p.tenant.URL(permanent+p.query())
	for _, heading := range terms.Contents(text.Source) {
		view.Contents = append(view.Contents, pages.ContentsRow{Anchor: heading.Anchor, Text: heading.Text})
	}
	for _, locale := range p.library.Locales(v.Document, v.Number) {
		language, _ := i18n.Find(locale)
		url := c.Request().URL.Path + "?lang=" + locale
		view.Languages = append(view.Languages, pages.LanguageLink{Name: language.Name, Lang: locale, URL: url, Current: locale == text.Locale})
		view.Alternates = append(view.Alternates, layouts.Alternate{Lang: locale, URL: p.tenant.URL(permanent + "?lang=" + locale)})
	}
	view.Alternates = append(view.Alternates, layouts.Alternate{Lang: "x-default", URL: p.tenant.URL(permanent)})
	p.banner(&view, v)
	if text.Locale != p.lang {
		view.Untranslated = s.untranslated(p.ctx, text.Locale)
	}
	made, err := p.html(pages.Document(view))
	made = p.relations(made, v)
	if c.Param("n") != "" {
		made = made.with("Memento-Datetime", v.EffectiveAt.UTC().Format(http.TimeFormat))
	}
	return made, err
}

// text is a version in the language of the page, as it is now or in the revision that is asked for.
func (p public) text(v terms.Version, revision string) (terms.Text, bool) {
	text, ok := p.library.Text(v.Document, v.Number, p.lang)
	if revision == "" {
		return text, ok
	}
	number, err := strconv.Atoi(revision)
	if err != nil {
		return terms.Text{}, false
	}
	return p.library.Revision(v.Document, v.Number, text.Locale, number)
}

// embedContent is the bare text of the current version, for a frame on one of the company's own sites.
func (s *Server) embedContent(c echo.Context, p public) (content, error) {
	current, ok := p.library.Current(c.Param("doc"), p.now)
	text, found := p.text(current, "")
	if !ok || !found {
		return content{}, echo.ErrNotFound
	}
	view := pages.EmbedPage{Page: p.frame(c, text.Title), HTML: text.HTML, Lang: text.Locale, Dir: direction(text.Locale)}
	view.Canonical, view.Robots = p.tenant.URL(permanent(current)+p.query()), "noindex, follow"
	made, err := p.html(pages.Embed(view))
	policy := strings.Replace(contentPolicy, "frame-ancestors 'none'", "frame-ancestors "+p.tenant.FrameAncestors(), 1)
	return made.with("Content-Security-Policy", policy).with("Cross-Origin-Resource-Policy", "cross-origin"), err
}

// retired says since when a document does not apply any more, or nothing.
func (p public) retired(document string) string {
	d, _ := p.library.Document(document)
	if !d.Retired() {
		return ""
	}
	return i18n.T(p.ctx, "terms.retired", "date", i18n.Date(p.ctx, d.RetiredAt))
}

// banner says what a version is now: announced, in force, replaced or withdrawn.
func (p public) banner(view *pages.DocumentPage, v terms.Version) {
	current, inForce := p.library.Current(v.Document, p.now)
	switch {
	case !v.WithdrawnAt.IsZero() && v.WithdrawnAt.Before(v.EffectiveAt):
		view.Tone, view.Banner, view.Robots = "warn", i18n.T(p.ctx, "terms.cancelled", "date", i18n.Date(p.ctx, v.WithdrawnAt)), "noindex, follow"
	case !v.WithdrawnAt.IsZero():
		view.Tone, view.Banner, view.Robots = "warn", i18n.T(p.ctx, "terms.withdrawn", "date", i18n.Date(p.ctx, v.WithdrawnAt)), "noindex, follow"
	case p.retired(v.Document) != "":
		view.Tone, view.Banner, view.Robots = "warn", p.retired(v.Document), "noindex, follow"
	case v.Announced(p.now):
		view.Tone, view.Banner = "info", i18n.T(p.ctx, "terms.announced", "date", i18n.Date(p.ctx, v.EffectiveAt))
	case inForce && current.Number != v.Number:
		view.Tone, view.Banner, view.Robots = "info", i18n.T(p.ctx, "terms.replaced", "date", i18n.Date(p.ctx, current.EffectiveAt)), "noindex, follow"
	}
	if inForce && current.Number != v.Number {
		view.Other = fmt.Sprintf("/terms/%s%s", v.Document, p.query())
		view.OtherText = i18n.T(p.ctx, "terms.current", "n", current.Number)
	}
	previous := 0
	for _, other := range p.library.Of(v.Document) {
		if other.Number < v.Number && other.Visible(p.now) {
			previous = other.Number
		}
	}
	if previous > 0 {
		view.Compare, view.CompareText = compareURL(v.Document, previous, v.Number, p.lang), i18n.T(p.ctx, "terms.compare", "n", previous)
	}
}

func (s *Server) historyContent(c echo.Context, p public) (content, error) {
	key := c.Param("doc")
	view := pages.VersionsPage{}
	versions := p.library.Of(key)
	for i := len(versions) - 1; i >= 0; i-- {
		v := versions[i]
		if !v.Visible(p.now) {
			continue
		}
		text, _ := p.library.Text(key, v.Number, p.lang)
		if view.Title == "" {
			view.Page = p.frame(c, i18n.T(p.ctx, "terms.versions.of", "document", text.Title))
		}
		row := pages.VersionRow{
			URL: fmt.Sprintf("/terms/%s/%d%s", key, v.Number, p.query()), Number: v.Number, Note: text.ChangeNote,
			Effective: i18n.Date(p.ctx, v.EffectiveAt), State: i18n.T(p.ctx, "terms.state."+string(p.library.Stage(v, p.now))),
		}
		if i > 0 {
			row.Compare = compareURL(key, versions[i-1].Number, v.Number, p.lang)
		}
		view.Rows = append(view.Rows, row)
	}
	if len(view.Rows) == 0 {
		return content{}, echo.ErrNotFound
	}
	view.Robots, view.Feed = "noindex, follow", "/terms/"+key+"/feed.atom"+p.query()
	return p.html(pages.Versions(view))
}

// stateOf is the last part of a message key: what a version is now.
func (s *Server) compareContent(c echo.Context, p public) (content, error) {
	key := c.Param("doc")
	from, errFrom := strconv.Atoi(c.QueryParam("from"))
	to, errTo := strconv.Atoi(c.QueryParam("to"))
	old, okOld := p.library.Version(key, from)
	fresh, okNew := p.library.Version(key, to)
	if errFrom != nil || errTo != nil || !okOld || !okNew || !old.Visible(p.now) || !fresh.Visible(p.now) {
		return content{}, echo.ErrNotFound
	}
	text, _ := p.library.Text(key, to, p.lang)
	before, _ := p.library.Text(key, from, text.Locale)
	view := pages.ComparePage{
		Page: p.frame(c, i18n.T(p.ctx, "terms.compare.title", "from", from, "to", to)), Lang: text.Locale, Dir: direction(text.Locale),
		Changes: diffView(s.Terms.Compare(before, text)), Document: "/terms/" + key + "/versions" + p.query(),
	}
	view.Robots = "noindex, follow"
	return p.html(pages.Compare(view))
}

func (s *Server) toPrivacy(c echo.Context) error {
	return c.Redirect(http.StatusMovedPermanently, "/terms/privacy")
}
