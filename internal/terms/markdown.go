package terms

import (
	"bytes"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"golang.org/x/text/unicode/norm"
)

var markdown = goldmark.New(goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithHeadingAttribute()))

// allowed is what may stand in a rendered text; nothing else survives, whatever the renderer did.
var allowed = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "hr", "br", "a")
	p.AllowAttrs("id").OnElements("h1", "h2", "h3", "h4")
	p.AllowAttrs("start").OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("https", "mailto")
	p.AllowRelativeURLs(true)
	return p
}()

// Normal is the form in which a source is kept and hashed: UTF-8, NFC, LF, no byte order mark, one newline at the end.
func Normal(source string) string {
	source = strings.TrimPrefix(source, "\ufeff")
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	source = norm.NFC.String(strings.ToValidUTF8(source, "\uFFFD"))
	return strings.TrimSpace(source) + "\n"
}

// Render turns a normal source into clean HTML, or returns the first BadText of Lint. Where links lead to is not looked at.
func Render(source string) (string, error) {
	if bad := Lint(source, nil); len(bad) > 0 {
		return "", bad[0]
	}
	var b bytes.Buffer
	if err := markdown.Convert([]byte(source), &b); err != nil {
		return "", err
	}
	return string(allowed.SanitizeBytes(b.Bytes())), nil
}

// lineOf is the line of the source in which the block of n begins.
func lineOf(n ast.Node, source []byte) int {
	for ; n != nil; n = n.Parent() {
		if n.Type() == ast.TypeInline || n.Lines() == nil || n.Lines().Len() == 0 {
			continue
		}
		return 1 + bytes.Count(source[:n.Lines().At(0).Start], []byte("\n"))
	}
	return 1
}

// Heading is an entry of a table of contents.
type Heading struct {
	Anchor string
	Text   string
	Level  int
}

// block is a paragraph, list item or heading of a source, as plain text.
type block struct {
	heading *Heading
	text    string
}

// blocks cuts a source into what people read one after the other.
func blocks(source string) []block {
	content := []byte(source)
	root := markdown.Parser().Parse(text.NewReader(content))
	var all []block
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			h := &Heading{Text: plain(n, content), Level: n.Level}
			if id, ok := n.AttributeString("id"); ok {
				if anchor, ok := id.([]byte); ok {
					h.Anchor = string(anchor)
				}
			}
			all = append(all, block{heading: h, text: h.Text})
			return ast.WalkSkipChildren, nil
		case *ast.Paragraph, *ast.TextBlock:
			all = append(all, block{text: plain(n, content)})
			return ast.WalkSkipChildren, nil
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			all = append(all, block{text: string(n.Lines().Value(content))})
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return all
}

// plain is the text of a node without its marks.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Value(source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// Contents lists the headings of a source that a table of contents shows.
func Contents(source string) []Heading {
	var headings []Heading
	for _, b := range blocks(source) {
		if b.heading != nil && b.heading.Level <= 2 && b.heading.Anchor != "" {
			headings = append(headings, *b.heading)
		}
	}
	return headings
}
