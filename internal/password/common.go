package password

import (
	_ "embed"
	"hash/fnv"
	"iter"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// The words and phrases that common passwords are made of, the most common words first.
var (
	//go:embed blocklist/words.txt
	wordList string
	//go:embed blocklist/phrases.txt
	phraseList string
)

// paired is how many of the first words are also common in pairs.
const paired = 240

// rows are the keys of usual keyboards, row by row from the top, digits included.
var rows = [][]string{
	{"1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"},
	{"1234567890", "qwertzuiop", "asdfghjkl", "yxcvbnm"},
	{"1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn"},
	{"1234567890", "йцукенгшщз", "фывапролд", "ячсмить"},
}

// sequences are what people count along.
var sequences = []string{"0123456789", "abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмнопрстуфхцчшщъыьэюя", "あいうえおかきくけこさしすせそ"}

// common reports whether a password is on the list, whatever its case, spaces and punctuation, with digits that
// stand for letters, and with digits around it.
func common(password string) bool {
	folded := fold(password)
	for _, text := range []string{folded, unleet.Replace(folded)} {
		text = compact(text)
		if listed(text) || listed(strings.TrimFunc(text, unicode.IsDigit)) {
			return true
		}
	}
	return false
}

// commonPasswords yields the list: well-known phrases, words and their repetitions, pairs of the most common
// words, walks over the keyboard, and sequences. Only what is as long as the least password counts towards the
// 10,000 of security.md row 5; shorter words are there for being found with digits around them.
func commonPasswords() iter.Seq[string] {
	words := strings.Fields(wordList)
	return func(yield func(string) bool) {
		emit := func(texts iter.Seq[string]) bool {
			for text := range texts {
				if !yield(text) {
					return false
				}
			}
			return true
		}
		_ = emit(strings.Lines(phraseList)) && emit(repeated(words)) && emit(pairs(words[:paired])) &&
			emit(windows(walks())) && emit(windows(cycles()))
	}
}

// repeated yields each word once and up to five times in a row.
func repeated(words []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, w := range words {
			for n := 1; n <= 5; n++ {
				if !yield(strings.Repeat(w, n)) {
					return
				}
			}
		}
	}
}

// pairs yields every two different words that together are long enough.
func pairs(words []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, a := range words {
			for _, b := range words {
				if a != b && utf8.RuneCountInString(a+b) >= DefaultMin && !yield(a+b) {
					return
				}
			}
		}
	}
}

// walks returns long walks over each keyboard: along the rows, down the columns, and between two rows.
func walks() []string {
	var all []string
	for _, keys := range rows {
		down := strings.Join(keys[1:], "")
		up := keys[3] + keys[2] + keys[1]
		all = append(all, keys[0]+down, down+keys[0], up+keys[0], columns(keys), columns(keys[1:]),
			columns(keys[:2]), columns([]string{keys[1], keys[0]}), columns(keys[1:3]))
	}
	return all
}

// columns reads the keys of the rows from top to bottom, column after column.
func columns(keys []string) string {
	var b strings.Builder
	for i := range 10 {
		for _, row := range keys {
			if r := []rune(row); i < len(r) {
				b.WriteRune(r[i])
			}
		}
	}
	return b.String()
}

// cycles returns each sequence over and over.
func cycles() []string {
	var all []string
	for _, s := range sequences {
		all = append(all, strings.Repeat(s, 4))
	}
	return all
}

// windows yields the parts of each text that are 15 to 20 code points long, forwards and backwards.
func windows(texts []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, text := range texts {
			forwards := []rune(text)
			backwards := slices.Clone(forwards)
			slices.Reverse(backwards)
			for _, runes := range [][]rune{forwards, backwards} {
				for length := DefaultMin; length <= DefaultMin+5; length++ {
					for i := 0; i+length <= len(runes); i++ {
						if !yield(string(runes[i : i+length])) {
							return
						}
					}
				}
			}
		}
	}
}

// compact keeps the letters and digits of a folded text.
func compact(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, text)
}

// blocklist is the list as sorted hashes, made when the first password is checked: 64 bits are enough for
// a mistake to be rarer than a broken machine, and a twentieth of the memory.
var blocklist = sync.OnceValue(func() []uint64 {
	var hashes []uint64
	for text := range commonPasswords() {
		hashes = append(hashes, hash(compact(fold(text))))
	}
	slices.Sort(hashes)
	return slices.Clip(slices.Compact(hashes))
})

func listed(text string) bool {
	_, found := slices.BinarySearch(blocklist(), hash(text))
	return found
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}
