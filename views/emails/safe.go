package emails

import (
	"regexp"
	"strings"
	"unicode"
)

// longestName is how many characters of a name a letter repeats.
const longestName = 60

// linkish is what a mail program may turn into a link, or a reader take for one.
var linkish = regexp.MustCompile(`(?i)://|www\.|[@/\\]|[\pL\pN][.。．｡][\pL\pN]{2,}`)

// SafeName is name as a letter may repeat it: in one line, without what cannot be seen, at most 60 characters long,
// and empty when it looks like an address. Anybody can sign up with a stranger's address and "Pay at evil.example"
// for a name, and the letter would carry it under our own (security.md row 68).
func SafeName(name string) string {
	name = oneLine(name)
	if linkish.MatchString(name) {
		return ""
	}
	if letters := []rune(name); len(letters) > longestName {
		name = strings.TrimSpace(string(letters[:longestName])) + "…"
	}
	return name
}

// weblike is a word that a mail program turns into a link; numbers with dots and strokes are none.
var weblike = regexp.MustCompile(`(?i)://|www\.|@|[\pL\pN-][.。．｡]\pL{2,}`)

// hinges are where such a word is taken apart.
var hinges = regexp.MustCompile(`[.。．｡:/@]`)

// unlinked is text in which no mail program finds a link: words that look like an address are broken by a space that cannot be
// seen (security.md row 68).
func unlinked(s string) string {
	return word.ReplaceAllStringFunc(s, func(w string) string {
		if !weblike.MatchString(w) {
			return w
		}
		return hinges.ReplaceAllString(w, "$0\u200b")
	})
}

var word = regexp.MustCompile(`\S+`)

// oneLine is s without line breaks, control characters and marks that change the direction of what follows.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == '\uFEFF', r == '\u061C', r >= '\u200B' && r <= '\u200B', r >= '\u200E' && r <= '\u200F',
			r >= '\u202A' && r <= '\u202E', r >= '\u2060' && r <= '\u2069':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

// spaced sets a code in two halves, so that it is easy to read aloud.
func spaced(code string) string {
	if len(code) != 6 {
		return code
	}
	return code[:3] + "\u00a0" + code[3:]
}
