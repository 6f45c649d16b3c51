package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/terms"
)

const (
	mimeMarkdown = "text/markdown; charset=utf-8"
	keepForever  = 365 * 24 * time.Hour
)

// described is a version for programs. Names of fields are promised to stay.
type described struct {
	Document        string          `json:"document"`
	TermsType       string          `json:"terms_type"`
	Assent          terms.Assent    `json:"assent"`
	Number          int             `json:"number"`
	State           string          `json:"state"` // announced, current, replaced or withdrawn
	Materiality     string          `json:"materiality"`
	PublishedAt     time.Time       `json:"published_at"`
	AnnouncedAt     time.Time       `json:"announced_at,omitzero"`
	EffectiveAt     time.Time       `json:"effective_at"`
	EnforcedAt      time.Time       `json:"enforced_at,omitzero"`
	WithdrawnAt     time.Time       `json:"withdrawn_at,omitzero"`
	GoverningLocale string          `json:"governing_locale"`
	GoverningSHA256 string          `json:"governing_sha256"`
	ManifestSHA256  string          `json:"manifest_sha256"`
	URL             string          `json:"url"`
	Supersedes      int             `json:"supersedes,omitempty"`
	Texts           []describedText `json:"texts"`
	Versions        []describedRow  `json:"versions"`
	Upcoming        *describedRow   `json:"upcoming,omitempty"`
}

// describedText is a version in one language.
type describedText struct {
	Locale       string       `json:"locale"`
	Revision     int          `json:"revision"`
	CorrectedAt  time.Time    `json:"corrected_at,omitzero"`
	Title        string       `json:"title"`
	Summary      []terms.Line `json:"summary"`
	ChangeNote   string       `json:"change_note,omitempty"`
	SourceSHA256 string       `json:"source_sha256"`
	HTMLSHA256   string       `json:"html_sha256"`
	URL          string       `json:"url"`
	MarkdownURL  string       `json:"markdown_url"`
	SHA256URL    string       `json:"sha256_url"`
}

// describedRow is a line of the history.
type describedRow struct {
	Number      int       `json:"number"`
	State       string    `json:"state"`
	Materiality string    `json:"materiality"`
	EffectiveAt time.Time `json:"effective_at"`
	ChangeNote  string    `json:"change_note,omitempty"`
	URL         string    `json:"url"`
}

// termsTypes are the names by which archives of terms know the kinds of documents.
var termsTypes = map[terms.Assent]string{terms.Agree: "Terms of Service", terms.Acknowledge: "Privacy Policy"}

// permanent is the path of a version that stays for ever.
func permanent(v terms.Version) string { return fmt.Sprintf("/terms/%s/%d", v.Document, v.Number) }

// described is a version as JSON: the Digital Services Act asks for machine-readable terms (Regulation (EU) 2022/2065,
// article 14), and so do those who archive them.
func (p public) described(v terms.Version) (content, error) {
	d, _ := p.library.Document(v.Document)
	out := described{
		Document: v.Document, TermsType: termsTypes[d.Assent], Assent: d.Assent, Number: v.Number,
		State: string(p.library.Stage(v, p.now)), Materiality: string(v.Materiality), PublishedAt: v.PublishedAt, AnnouncedAt: v.AnnounceAt,
		EffectiveAt: v.EffectiveAt, EnforcedAt: v.EnforceAt, WithdrawnAt: v.WithdrawnAt, GoverningLocale: d.GoverningLocale,
		GoverningSHA256: v.Governing, ManifestSHA256: v.Manifest, URL: p.tenant.URL(permanent(v)),
		Texts: []describedText{}, Versions: []describedRow{},
	}
	for _, locale := range p.library.Locales(v.Document, v.Number) {
		text, _ := p.library.Text(v.Document, v.Number, locale)
		out.Texts = append(out.Texts, describedText{
			Locale: locale, Revision: text.Revision, CorrectedAt: text.AddedAt, Title: text.Title, Summary: text.Summary, ChangeNote: text.ChangeNote,
			SourceSHA256: text.SourceSHA256, HTMLSHA256: text.HTMLSHA256, URL: p.tenant.URL(permanent(v) + "?lang=" + locale),
			MarkdownURL: p.tenant.URL(fmt.Sprintf("%s.md?lang=%s", permanent(v), locale)), SHA256URL: p.tenant.URL("/terms/sha256/" + text.SourceSHA256),
		})
	}
	for _, other := range p.library.Of(v.Document) {
		if !other.Visible(p.now) {
			continue
		}
		row := describedRow{
			Number: other.Number, State: string(p.library.Stage(other, p.now)), Materiality: string(other.Materiality), EffectiveAt: other.EffectiveAt,
			URL: p.tenant.URL(permanent(other)),
		}
		if text, ok := p.library.Text(v.Document, other.Number, p.lang); ok {
			row.ChangeNote = text.ChangeNote
		}
		if other.Number < v.Number && other.WithdrawnAt.IsZero() {
			out.Supersedes = other.Number
		}
		if other.Announced(p.now) && out.Upcoming == nil {
			out.Upcoming = &row
		}
		out.Versions = append(out.Versions, row)
	}
	body, err := json.MarshalIndent(out, "", "  ")
	return anywhere(contentOf(echo.MIMEApplicationJSON, append(body, '\n'))), err
}

// source is the Markdown of a version, byte for byte what was published.
func (p public) source(v terms.Version, revision string) (content, error) {
	text, ok := p.text(v, revision)
	if !ok {
		return content{}, echo.ErrNotFound
	}
	made := anywhere(contentOf(mimeMarkdown, []byte(text.Source)))
	return made.with("Content-Language", text.Locale).with("Link", related(p.tenant.URL(permanent(v)+"?lang="+text.Locale), "canonical")), nil
}

// bytesContent is the text that a receipt names by its SHA-256.
func (s *Server) bytesContent(c echo.Context, p public) (content, error) {
	text, ok := p.library.Bytes(strings.ToLower(c.Param("hash")), p.now)
	if !ok {
		return content{}, echo.ErrNotFound
	}
	made := anywhere(contentOf(mimeMarkdown, []byte(text.Source)))
	made.immutable = true
	return made.with("Content-Language", text.Locale), nil
}

// anywhere lets every site read a content: there is nothing in it that is not public, and nobody is signed in for it.
func anywhere(made content) content {
	return made.with("Access-Control-Allow-Origin", "*").with("Cross-Origin-Resource-Policy", "cross-origin")
}

// asOfContent leads to the version that applied at the end of a day by UTC: an old contract names its terms by a date.
func (s *Server) asOfContent(c echo.Context, p public) (content, error) {
	day, err := time.Parse(time.DateOnly, c.Param("date"))
	if err != nil || day.After(p.now) {
		return content{}, echo.ErrNotFound
	}
	end := day.AddDate(0, 0, 1).Add(-time.Microsecond)
	then, ok := p.library.AsOf(c.Param("doc"), end)
	if !ok {
		return content{}, echo.ErrNotFound
	}
	return content{status: http.StatusSeeOther}.with("Location", permanent(then)+p.query()), nil
}

// relations are the Link fields of a version (RFC 5829 for its neighbours, RFC 6903 for what it is, RFC 7089 for archives).
func (p public) relations(made content, v terms.Version) content {
	latest := "/terms/" + v.Document
	made = made.with("Link", related(p.tenant.URL(latest), "latest-version original")).
		with("Link", related(p.tenant.URL(latest+"/versions"), "version-history")).
		with("Link", related(p.tenant.URL(permanent(v)+".json"), "alternate")+`; type="application/json"`).
		with("Link", related(p.tenant.URL(permanent(v)+".md"), "alternate")+`; type="text/markdown"`)
	for _, other := range p.library.Of(v.Document) {
		if !other.Visible(p.now) {
			continue
		}
		switch other.Number {
		case v.Number - 1:
			made = made.with("Link", related(p.tenant.URL(permanent(other)), "predecessor-version"))
		case v.Number + 1:
			made = made.with("Link", related(p.tenant.URL(permanent(other)), "successor-version"))
		}
	}
	d, _ := p.library.Document(v.Document)
	switch d.Assent {
	case terms.Agree:
		made = made.with("Link", related(p.tenant.URL(latest), "terms-of-service"))
	case terms.Acknowledge:
		made = made.with("Link", related(p.tenant.URL(latest), "privacy-policy"))
	case terms.Consent, terms.Inform, terms.Interest:
	}
	return made
}

func related(address, relation string) string {
	return "<" + address + ">; rel=" + strconv.Quote(relation)
}
