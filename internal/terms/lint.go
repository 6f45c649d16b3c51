package terms

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// MaxText is the most bytes of Markdown of one text (case 23).
const MaxText = 512 << 10

// BadText says why a text is refused and in which line, counted from 1.
type BadText struct {
	Line   int
	Reason TextReason
}

// TextReason is the last part of a message key, "err.text.…".
type TextReason string

// The reasons.
const (
	TextEmpty   TextReason = "empty"
	TextLarge   TextReason = "large"
	TextHTML    TextReason = "html"
	TextLink    TextReason = "link"
	TextImage   TextReason = "image"
	TextHeading TextReason = "heading"
	TextAnchor  TextReason = "anchor"  // a heading without a name that stays
	TextTwice   TextReason = "twice"   // two headings with one name
	TextNowhere TextReason = "nowhere" // a link to no page or clause of ours
	TextSign    TextReason = "sign"    // characters that are not seen, or turn the text around
	TextTangled TextReason = "tangled" // nested or marked up beyond what a document needs
)

// Error names the line for logs.
func (e BadText) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// What a document needs at most. A parser of Markdown takes time by the square of some of these.
const (
	maxNesting  = 20   // quotes and lists inside of each other, indents counted
	maxMarks    = 500  // marks such as * and [ from one empty line to the next
	maxHeadings = 1000 // of one text
	maxBad      = 20   // problems that are told at once
)

// strict sees only the names that an editor gave to headings.
var strict = goldmark.New(goldmark.WithParserOptions(parser.WithHeadingAttribute()))

var anchorPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// taken are names of parts of the pages on which a text stands.
var taken = []string{"main", "nav", "find", "toc", "short", "red", "decide", "decide-title", "errors-title"}

// Lint says what is wrong with a normal source, by line, at most twenty problems (terms.md 1.3). known says whether a path of
// ours leads to a page; without it every path does.
func Lint(source string, known func(path string) bool) []BadText {
	if strings.TrimSpace(source) == "" {
		return []BadText{{1, TextEmpty}}
	}
	if len(source) > MaxText {
		return []BadText{{1 + strings.Count(source[:MaxText], "\n"), TextLarge}}
	}
	if bad := untangled(source); len(bad) > 0 {
		return bad
	}
	l := linter{source: []byte(source), known: known, anchors: map[string]bool{}}
	root := strict.Parser().Parse(text.NewReader(l.source))
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			l.look(n)
		}
		if len(l.bad) >= maxBad {
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	for _, link := range l.links {
		if anchor, ok := strings.CutPrefix(link.to, "#"); ok && !l.anchors[anchor] {
			l.add(link.line, TextNowhere)
		}
	}
	slices.SortStableFunc(l.bad, func(a, b BadText) int { return a.Line - b.Line })
	return l.bad
}

// untangled looks for what is not seen, and for what would keep a parser busy, before there is one.
func untangled(source string) []BadText {
	var bad []BadText
	number, marks := 0, 0
	for line := range strings.Lines(source) {
		number++
		body := strings.TrimLeftFunc(line, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(">-+*.)0123456789", r) })
		opening := line[:len(line)-len(body)]
		if strings.TrimSpace(line) == "" {
			marks = 0
		}
		marks += strings.Count(body, "[") + strings.Count(body, "*") + strings.Count(body, "_") + strings.Count(body, "`") + strings.Count(body, "<")
		depth := strings.Count(opening, ">") + strings.Count(opening, "- ") + strings.Count(opening, "+ ") + strings.Count(opening, "* ") +
			(len(opening)-len(strings.TrimLeft(opening, " \t")))/2
		switch {
		case strings.ContainsFunc(line, unseen):
			bad = append(bad, BadText{number, TextSign})
		case depth > maxNesting || marks > maxMarks:
			return append(bad, BadText{number, TextTangled})
		}
		if len(bad) >= maxBad {
			break
		}
	}
	return bad
}

// unseen are controls, and the signs that make a text read otherwise than it is stored (Unicode TR 36, 2.8.2).
func unseen(r rune) bool {
	return (unicode.IsControl(r) && r != '\n' && r != '\t') || (r >= '\u202a' && r <= '\u202e') || r == '\ufffd' || r == '\u2028' || r == '\u2029'
}

type link struct {
	to   string
	line int
}

type linter struct {
	source   []byte
	known    func(path string) bool
	anchors  map[string]bool
	links    []link
	headings int
	bad      []BadText
}

func (l *linter) add(line int, why TextReason) { l.bad = append(l.bad, BadText{line, why}) }

func (l *linter) look(n ast.Node) {
	switch n := n.(type) {
	case *ast.HTMLBlock, *ast.RawHTML:
		l.add(lineOf(n, l.source), TextHTML)
	case *ast.Image:
		l.add(lineOf(n, l.source), TextImage)
	case *ast.Link:
		l.link(string(n.Destination), lineOf(n, l.source))
	case *ast.AutoLink:
		if n.AutoLinkType == ast.AutoLinkURL {
			l.link(string(n.URL(l.source)), lineOf(n, l.source))
		}
	case *ast.Heading:
		l.heading(n)
	}
}

func (l *linter) heading(n *ast.Heading) {
	line := lineOf(n, l.source)
	l.headings++
	anchor := anchorOf(n)
	switch {
	case n.Level > 4:
		l.add(line, TextHeading)
	case l.headings > maxHeadings:
		l.add(line, TextTangled)
	case !anchorPattern.MatchString(anchor) || slices.Contains(taken, anchor) || strings.HasPrefix(anchor, "change-"):
		l.add(line, TextAnchor)
	case l.anchors[anchor]:
		l.add(line, TextTwice)
	}
	l.anchors[anchor] = true
}

// anchorOf is the name of a heading, as its parser knows it.
func anchorOf(n *ast.Heading) string {
	id, _ := n.AttributeString("id")
	name, _ := id.([]byte)
	return string(name)
}

// link looks at where a link leads: to a clause of the text, to a page of ours, to https, or to an address for letters.
func (l *linter) link(to string, line int) {
	u, err := url.Parse(to)
	switch {
	case err != nil, u.Scheme == "https" && u.Host == "", u.Scheme == "" && !strings.HasPrefix(to, "#") && !ours(to):
		l.add(line, TextLink)
	case u.Scheme == "https", u.Scheme == "mailto":
	case u.Scheme != "":
		l.add(line, TextLink)
	case strings.HasPrefix(to, "#"):
		l.links = append(l.links, link{to, line})
	case l.known != nil && !l.known(u.Path):
		l.add(line, TextNowhere)
	}
}

func ours(to string) bool {
	return strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.Contains(to, "\\")
}

// Pages are the pages of the portal that a document may lead to, besides the documents themselves.
var Pages = []string{
	"/", "/terms", "/privacy", "/help", "/accessibility", "/language", "/login", "/signup", "/account", "/account/profile",
	"/account/security", "/account/terms", "/account/consents", "/account/data",
}

// leads reports whether a path is a page of the portal, a document, or a version of one that is published.
func (l Library) leads(path string) bool {
	if slices.Contains(Pages, path) {
		return true
	}
	parts := strings.Split(strings.TrimPrefix(path, "/terms/"), "/")
	if !strings.HasPrefix(path, "/terms/") || len(parts) > 2 {
		return false
	}
	if _, ok := l.Document(parts[0]); !ok {
		return false
	}
	if len(parts) == 1 || parts[1] == "versions" {
		return true
	}
	number, err := strconv.Atoi(parts[1])
	v, ok := l.Version(parts[0], number)
	return err == nil && ok && v.Published()
}

// anchors lists the names of the headings of a source, in their order, with the line of each.
func anchors(source string) (names []string, lines map[string]int) {
	content := []byte(source)
	lines = map[string]int{}
	_ = ast.Walk(strict.Parser().Parse(text.NewReader(content)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			if name := anchorOf(h); name != "" {
				names, lines[name] = append(names, name), lineOf(h, content)
			}
		}
		return ast.WalkContinue, nil
	})
	return names, lines
}

var placeholder = regexp.MustCompile(`\{[A-Za-z][A-Za-z0-9_.]*\}`)

// placeholders lists what is to be filled in, such as {company}, each once.
func placeholders(source string) []string {
	all := placeholder.FindAllString(source, -1)
	slices.Sort(all)
	return slices.Compact(all)
}
