package password

import (
	"strings"
	"unicode"

	"github.com/trustelem/zxcvbn"
	"golang.org/x/text/unicode/norm"
)

const (
	// scored is how many characters of a password are scored: the time that takes grows with their square.
	scored = 64
	// enough is the score from which a password withstands guessing: more than 10^8 tries.
	enough = 3
)

// strong reports whether a password is hard to guess for someone who knows words, names, dates, keyboards and
// repetitions, and the words of its context.
func strong(password string, words Context) bool {
	return score(password, words.list) >= enough
}

// weakness returns the message for a password that is not strong: a personal one when only its context gives it away.
func weakness(password string) string {
	if score(password, nil) >= enough {
		return "err.password.personal"
	}
	return "err.password.common"
}

func score(password string, words []string) int {
	text := latin(password)
	inputs := make([]string, len(words))
	for i, w := range words {
		inputs[i] = latin(w)
	}
	return zxcvbn.PasswordStrength(text[:min(len(text), scored)], inputs).Score
}

// latin returns text in ASCII, because zxcvbn takes the bytes of other letters for sequences: accents are dropped,
// and every letter of another script becomes one and the same consonant each time, so that repetitions stay.
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
