package password

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Context is the words a password must not consist of: the name and host of the service, the person's own names
// and address (ASVS 6.2.11). A sentence that merely contains one of them is fine.
type Context struct {
	list []string
}

// ContextOf returns the words of the texts, such as "Portico", "ann@example.org" or "Ann Lee": each text whole,
// and each word in it.
func ContextOf(texts ...string) Context {
	var c Context
	for _, text := range texts {
		words := strings.FieldsFunc(fold(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
		for _, w := range append(words, strings.Join(words, "")) {
			if utf8.RuneCountInString(w) >= 2 && !slices.Contains(c.list, w) {
				c.list = append(c.list, w)
			}
		}
	}
	return c
}

// consistsOf reports whether nothing but words of the context, digits and punctuation make up the password:
// "PorticoPortico1" does, "Portico opens at nine" does not. Digits that stand for letters are read as those too.
func (c Context) consistsOf(password string) bool {
	folded := fold(password)
	return c.covers(letters(folded)) || c.covers(letters(unleet.Replace(folded)))
}

// covers reports whether text can be cut into words of the context without remainder.
func (c Context) covers(text string) bool {
	if text == "" {
		return false
	}
	reached := make([]bool, len(text)+1) // reached[i]: the first i bytes can be cut into words
	reached[0] = true
	for i := range text {
		if !reached[i] {
			continue
		}
		for _, w := range c.list {
			if strings.HasPrefix(text[i:], w) {
				reached[i+len(w)] = true
			}
		}
	}
	return reached[len(text)]
}

// letters returns the letters of a folded text, without digits, spaces and punctuation.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, text)
}

// unleet reads the digits and signs that people put in the place of letters.
var unleet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t", "8", "b")
