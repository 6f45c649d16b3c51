package password

import (
	"math"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/trustelem/zxcvbn/frequency"
	"golang.org/x/text/unicode/norm"
)

// The estimate follows zxcvbn (Wheeler, USENIX Security 2016) and uses its lists of words: a password is worth as many
// guesses as the cheapest way to cut it into pieces that people use. zxcvbn's own package is not used, because it takes
// 20 ms and 7 MB at every start of the process, a quarter of a second for a password full of signs that stand for
// letters, and the bytes of other scripts for sequences.

const (
	enough    = 1e8 // guesses that a password withstands (zxcvbn's score 3)
	scored    = 64  // how many characters are looked at
	pieces    = 5   // six pieces are worth more than enough, whatever they are
	perLetter = 10  // guesses for a character that follows no rule
	years     = 120
	keys      = 47  // of a keyboard
	ways      = 4.6 // from one key to the next, on average
)

// strong reports whether a password is hard to guess for someone who knows words, names, dates, keyboards and
// repetitions, and the words of its context.
func strong(password string, words Context) bool {
	return newEstimate(words).guesses(head(latin(password))) >= enough
}

// weakness returns the message for a password that is not strong: a personal one when only its context gives it away.
func weakness(password string) string {
	if strong(password, Context{}) {
		return "err.password.personal"
	}
	return "err.password.common"
}

func head(text string) string { return text[:min(len(text), scored)] }

// latin returns text in ASCII: accents are dropped, and every letter of another script becomes one and the same
// consonant each time, so that repetitions stay and nothing else is seen in them.
func latin(text string) string {
	const consonants = "bkqdxmgzwfrhpcvnj"
	return strings.Map(func(r rune) rune {
		switch {
		case r <= unicode.MaxASCII:
			return r
		case unicode.IsMark(r):
			return -1
		default:
			return rune(consonants[uint32(r)*2654435761>>8%uint32(len(consonants))])
		}
	}, norm.NFKD.String(text))
}

// estimate counts guesses. known remembers those of units that repeat.
type estimate struct {
	personal []string
	known    map[string]float64
}

func newEstimate(words Context) *estimate {
	e := &estimate{known: map[string]float64{}}
	for _, w := range words.list {
		e.personal = append(e.personal, latin(w))
	}
	return e
}

// guesses is what the cheapest way to cut text costs: the product of its pieces, times the orders they could come in.
func (e *estimate) guesses(text string) float64 {
	if g, ok := e.known[text]; ok {
		return g
	}
	n := len(text)
	best := make([][pieces + 1]float64, n+1) // best[j][l]: the first j bytes in l pieces
	for j := range best {
		for l := range best[j] {
			best[j][l] = math.Inf(1)
		}
	}
	best[0][0] = 1
	for i := range n {
		for j := i + 1; j <= n; j++ {
			cost := e.piece(text[i:j], n)
			for l := range pieces {
				best[j][l+1] = min(best[j][l+1], best[i][l]*cost)
			}
		}
	}
	least, orders := math.Inf(1), 1.0
	for l := 1; l <= pieces; l++ {
		orders *= float64(l)
		least = min(least, best[n][l]*orders)
	}
	e.known[text] = least
	return least
}

// piece is what it costs to guess s as one thing, within a text of n bytes.
func (e *estimate) piece(s string, n int) float64 {
	least := math.Pow(perLetter, float64(len(s)))
	for _, cost := range []func(string) float64{e.word, sequence, walk, date, e.repetition} {
		least = min(least, cost(s))
	}
	if len(s) == n {
		return least
	}
	if len(s) == 1 {
		return max(least, perLetter)
	}
	return max(least, 5*perLetter) // someone must think of combining it with others first
}

// word is the rank of s among words and names, forwards or backwards, with signs for letters and capitals.
func (e *estimate) word(s string) float64 {
	lower := strings.ToLower(s)
	least := math.Inf(1)
	for i, form := range []string{lower, unleet.Replace(lower), reversed(lower)} {
		if i > 0 && form == lower {
			continue
		}
		rank := dictionary().rank(form)
		if slices.Contains(e.personal, form) {
			rank = 1
		}
		if i > 0 {
			rank *= 2
		}
		least = min(least, rank)
	}
	return least * capitals(s)
}

// capitals is how many ways of writing capitals someone tries before that of s.
func capitals(s string) float64 {
	upper := 0
	for _, r := range s {
		if unicode.IsUpper(r) {
			upper++
		}
	}
	switch {
	case upper == 0:
		return 1
	case upper == len(s), upper == 1 && unicode.IsUpper(rune(s[0])):
		return 2
	default:
		return math.Pow(2, float64(min(upper, len(s)-upper)+1))
	}
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// sequence is the cost of s as "abcdef", "97531" and the like.
func sequence(s string) float64 {
	if len(s) < 3 {
		return math.Inf(1)
	}
	step := int(s[1]) - int(s[0])
	if step == 0 || step < -5 || step > 5 {
		return math.Inf(1)
	}
	for i := 2; i < len(s); i++ {
		if int(s[i])-int(s[i-1]) != step {
			return math.Inf(1)
		}
	}
	starts := 26.0
	if strings.ContainsRune("aAzZ019", rune(s[0])) {
		starts = 4
	}
	return starts * float64(len(s)) * math.Abs(float64(step)) * 2
}

// keyboard is where the keys of a usual keyboard are, each row half a key to the right of the one above.
var keyboard = sync.OnceValue(func() map[byte][2]int {
	at := map[byte][2]int{}
	for y, row := range []string{"`1234567890-=", " qwertyuiop[]\\", " asdfghjkl;'", " zxcvbnm,./"} {
		for x := range len(row) {
			if row[x] != ' ' {
				at[row[x]] = [2]int{2*x + y, y}
			}
		}
	}
	return at
})

// walk is the cost of s as a walk from key to key.
func walk(s string) float64 {
	if len(s) < 3 {
		return math.Inf(1)
	}
	lower, turns, before := strings.ToLower(s), 0, [2]int{}
	for i := 1; i < len(lower); i++ {
		from, ok1 := keyboard()[lower[i-1]]
		to, ok2 := keyboard()[lower[i]]
		way := [2]int{to[0] - from[0], to[1] - from[1]}
		near := way[1] == 0 && (way[0] == 2 || way[0] == -2) || (way[1] == 1 || way[1] == -1) && (way[0] == 1 || way[0] == -1)
		if !ok1 || !ok2 || !near {
			return math.Inf(1)
		}
		if i == 1 || way != before {
			turns++
		}
		before = way
	}
	return keys * float64(len(s)) * math.Pow(ways, float64(turns)) * capitals(s)
}

// date is the cost of s as a year, or as a day with up to two separators.
func date(s string) float64 {
	digits, separators := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case strings.ContainsRune("-/. _", r):
			separators++
		default:
			return math.Inf(1)
		}
	}
	switch {
	case digits == 4 && separators == 0 && (s[:2] == "19" || s[:2] == "20"):
		return years
	case (digits == 6 || digits == 8) && separators <= 2:
		return years * 365 * math.Pow(2, float64(separators))
	default:
		return math.Inf(1)
	}
}

// repetition is the cost of s as the same over and over.
func (e *estimate) repetition(s string) float64 {
	for unit := 1; unit <= len(s)/2; unit++ {
		if len(s)%unit == 0 && strings.Repeat(s[:unit], len(s)/unit) == s {
			return e.guesses(s[:unit]) * float64(len(s)/unit)
		}
	}
	return math.Inf(1)
}

// ranks are hashes of words with their ranks in the low 16 bits, sorted.
type ranks []uint64

// dictionary holds the words of zxcvbn's lists and of our own, made when the first password is checked.
var dictionary = sync.OnceValue(func() ranks {
	var all ranks
	add := func(words []string) {
		for i, w := range words {
			all = append(all, hash(latin(strings.ToLower(w)))&^0xffff|uint64(min(i+1, 0xffff)))
		}
	}
	for _, words := range frequency.FrequencyLists {
		add(words)
	}
	add(strings.Fields(wordList))
	slices.Sort(all)
	return slices.Clip(slices.CompactFunc(all, func(a, b uint64) bool { return a>>16 == b>>16 })) // the better rank comes first
})

// rank is the place of a word, or infinite.
func (r ranks) rank(word string) float64 {
	prefix := hash(word) &^ 0xffff
	i, _ := slices.BinarySearch(r, prefix)
	if i < len(r) && r[i]&^0xffff == prefix {
		return float64(r[i] & 0xffff)
	}
	return math.Inf(1)
}
