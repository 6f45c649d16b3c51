package i18n

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// MatchAccept chooses among the enabled languages the one that an Accept-Language header (RFC 9110 §12.5.4)
// likes best. A header that cannot be read counts as none (false).
func MatchAccept(enabled []string, header string) (string, bool) {
	if len(header) > 1000 {
		return "", false
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return "", false
	}
	for _, tag := range tags {
		if found, ok := MatchTag(enabled, tag.String()); ok {
			return found, true
		}
	}
	return "", false
}

// MatchTag finds wanted among the enabled languages: as it is, else without its last subtags ("pt-BR" → "pt"), else one
// of the same language and script that is not for one region ("zh-CN" → "zh-Hans").
// It never crosses scripts: "zh-Hant" does not become "zh-Hans". Anything that is not a language tag is no match.
func MatchTag(enabled []string, wanted string) (string, bool) {
	if wanted == "" || len(wanted) > 35 {
		return "", false
	}
	tag, err := language.Parse(wanted)
	if err != nil {
		return "", false
	}
	if named, _, _ := tag.Raw(); named.String() == "und" {
		return "", false
	}
	base, _ := tag.Base()
	script, _ := tag.Script()
	for ; tag != language.Und; tag = tag.Parent() {
		i := slices.IndexFunc(enabled, func(e string) bool { return strings.EqualFold(e, tag.String()) })
		if i >= 0 && writes(enabled[i], base, script) {
			return enabled[i], true
		}
	}
	i := slices.IndexFunc(enabled, func(e string) bool {
		_, _, region := language.Make(e).Raw()
		return region == language.Region{} && writes(e, base, script)
	})
	if i >= 0 {
		return enabled[i], true
	}
	return "", false
}

// writes reports whether the language with this tag is base, written in script.
func writes(tag string, base language.Base, script language.Script) bool {
	t := language.Make(tag)
	b, _ := t.Base()
	s, _ := t.Script()
	return b == base && s == script
}

// Reason says why a letter is written in its language (rule L-2). It is the last part of a message key.
type Reason string

// The reasons, in the order they are tried.
const (
	BecauseChosen  Reason = "chosen"  // user_metadata.lang names an enabled language
	BecauseNear    Reason = "near"    // user_metadata.lang names a variant of an enabled language
	BecauseRequest Reason = "request" // the language of the request that caused the letter
	BecauseLocale  Reason = "locale"  // the locale an identity provider reported
	BecauseDefault Reason = "default" // the tenant's default
)

// LetterLanguage chooses the language of a letter among the enabled ones, of which the first is the default, and
// says why (rule L-2). chosen is user_metadata.lang as stored, of whatever type; what is not a usable tag is skipped.
func LetterLanguage(enabled []string, chosen any, request, locale string) (string, Reason) {
	if want, ok := chosen.(string); ok {
		if found, ok := MatchTag(enabled, want); ok {
			if strings.EqualFold(found, want) {
				return found, BecauseChosen
			}
			return found, BecauseNear
		}
	}
	if found, ok := MatchTag(enabled, request); ok {
		return found, BecauseRequest
	}
	if found, ok := MatchTag(enabled, locale); ok {
		return found, BecauseLocale
	}
	return enabled[0], BecauseDefault
}
