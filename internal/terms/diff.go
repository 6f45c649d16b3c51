package terms

import (
	"slices"
	"strings"
	"unicode"

	"github.com/aymanbagabas/go-udiff"
)

// Kind says what became of a piece of text.
type Kind string

// The kinds.
const (
	Same  Kind = "same"
	Gone  Kind = "del"
	Added Kind = "ins"
)

// Segment is a piece of a changed paragraph.
type Segment struct {
	Kind Kind
	Text string
}

// Change is a paragraph that differs, under the heading it stands under.
type Change struct {
	Heading  string
	Anchor   string
	Segments []Segment
}

// maxWords bounds the work of comparing two paragraphs word by word, and maxPairs how many are; what is over is shown as a
// whole (terms.md 1.5, case 23).
const (
	maxWords = 4000
	maxPairs = 2000
)

// Diff lists what changed between two sources: by paragraph, then by word. Paragraphs that stayed are left out.
func Diff(old, fresh string) []Change {
	before, after := blocks(old), blocks(fresh)
	ops := align(texts(before), texts(after))
	var changes []Change
	var heading Heading
	at := 0 // in after, for the heading that a change stands under
	for i := 0; i < len(ops); i++ {
		switch ops[i].Kind {
		case Same:
			heading = headingOf(after[at], heading)
			at++
			continue
		case Gone:
			if i+1 < len(ops) && ops[i+1].Kind == Added {
				heading = headingOf(after[at], heading)
				replaced := []Segment{ops[i], ops[i+1]}
				if len(changes) < maxPairs {
					replaced = wordDiff(ops[i].Text, ops[i+1].Text)
				}
				changes = append(changes, changeUnder(heading, replaced))
				i, at = i+1, at+1
				continue
			}
			changes = append(changes, changeUnder(heading, []Segment{ops[i]}))
		case Added:
			heading = headingOf(after[at], heading)
			at++
			changes = append(changes, changeUnder(heading, []Segment{ops[i]}))
		}
	}
	return changes
}

func texts(all []block) []string {
	out := make([]string, len(all))
	for i, b := range all {
		out[i] = b.text
	}
	return out
}

func headingOf(b block, before Heading) Heading {
	if b.heading != nil {
		return *b.heading
	}
	return before
}

func changeUnder(h Heading, segments []Segment) Change { return Change{h.Text, h.Anchor, segments} }

// align compares two lists and pairs what was replaced: one gone, one new, in turn.
func align(before, after []string) []Segment {
	var ops []Segment
	at, starts := 0, startsOf(before)
	for _, e := range udiff.Lines(lines(before), lines(after)) {
		start, _ := slices.BinarySearch(starts, e.Start)
		end, _ := slices.BinarySearch(starts, e.End)
		for _, same := range before[at:start] {
			ops = append(ops, Segment{Same, same})
		}
		gone, fresh := before[start:end], unlines(e.New)
		for i := range max(len(gone), len(fresh)) {
			if i < len(gone) {
				ops = append(ops, Segment{Gone, gone[i]})
			}
			if i < len(fresh) {
				ops = append(ops, Segment{Added, fresh[i]})
			}
		}
		at = end
	}
	for _, same := range before[at:] {
		ops = append(ops, Segment{Same, same})
	}
	return ops
}

// newline stands for a line break inside an item while items are lines.
const newline = "\u2028"

func lines(items []string) string {
	var b strings.Builder
	for _, item := range items {
		b.WriteString(strings.ReplaceAll(item, "\n", newline) + "\n")
	}
	return b.String()
}

func unlines(s string) []string {
	if s == "" {
		return nil
	}
	items := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i := range items {
		items[i] = strings.ReplaceAll(items[i], newline, "\n")
	}
	return items
}

// startsOf are the offsets in lines(items) at which each item begins, and the end.
func startsOf(items []string) []int {
	starts, offset := make([]int, 0, len(items)+1), 0
	for _, item := range items {
		starts = append(starts, offset)
		offset += len(strings.ReplaceAll(item, "\n", newline)) + 1
	}
	return append(starts, offset)
}

// wordDiff compares two paragraphs word by word and joins neighbours of the same kind.
func wordDiff(before, after string) []Segment {
	old, fresh := split(before), split(after)
	if len(old) > maxWords || len(fresh) > maxWords {
		return []Segment{{Gone, before}, {Added, after}}
	}
	var joined []Segment
	for _, group := range grouped(align(old, fresh)) {
		if n := len(joined); n > 0 && joined[n-1].Kind == group.Kind {
			joined[n-1].Text += group.Text
			continue
		}
		joined = append(joined, group)
	}
	return joined
}

// grouped puts what is gone before what is new within each run of changes, so that whole phrases are read, and counts
// spaces and signs between two changes as part of them.
func grouped(ops []Segment) []Segment {
	var out []Segment
	var gone, fresh strings.Builder
	flush := func() {
		if gone.Len() > 0 {
			out = append(out, Segment{Gone, gone.String()})
		}
		if fresh.Len() > 0 {
			out = append(out, Segment{Added, fresh.String()})
		}
		gone.Reset()
		fresh.Reset()
	}
	for i, op := range ops {
		switch op.Kind {
		case Gone:
			gone.WriteString(op.Text)
		case Added:
			fresh.WriteString(op.Text)
		case Same:
			if gone.Len()+fresh.Len() > 0 && bridges(ops[i:]) {
				gone.WriteString(op.Text)
				fresh.WriteString(op.Text)
				continue
			}
			flush()
			out = append(out, op)
		}
	}
	flush()
	return out
}

// bridges reports whether ops begin with a few spaces and signs that stayed, and then change.
func bridges(ops []Segment) bool {
	for i, op := range ops {
		if op.Kind != Same {
			return true
		}
		sign := strings.TrimFunc(op.Text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) }) == ""
		if !sign || i == 3 {
			return false
		}
	}
	return false
}

// split cuts a text into words, spaces and signs; scripts without spaces are cut by character.
func split(s string) []string {
	var words []string
	start := 0
	kind := func(r rune) int {
		switch {
		case unicode.Is(unicode.Han, r) || unicode.Is(unicode.Hiragana, r) || unicode.Is(unicode.Katakana, r) || unicode.IsPunct(r):
			return 0
		case unicode.IsSpace(r):
			return 1
		default:
			return 2
		}
	}
	before := -1
	for i, r := range s {
		k := kind(r)
		if i > start && (k != before || k == 0) {
			words = append(words, s[start:i])
			start = i
		}
		before = k
	}
	if start < len(s) {
		words = append(words, s[start:])
	}
	return words
}
