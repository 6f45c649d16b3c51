// Package browser says in a few words what browser a User-Agent line (RFC 9110 §10.1.5) speaks of, for people who want
// to recognise their own. Whatever it returns is a word of this package's, never a stranger's.
package browser

import "strings"

type mark struct{ token, name string }

// The order matters: most browsers also name the ones they are like.
var browsers = []mark{
	{"Edg", "Edge"},
	{"OPR/", "Opera"},
	{"Vivaldi/", "Vivaldi"},
	{"YaBrowser/", "Yandex Browser"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"DuckDuckGo/", "DuckDuckGo"},
	{"Brave/", "Brave"},
	{"FxiOS/", "Firefox"},
	{"Firefox/", "Firefox"},
	{"CriOS/", "Chrome"},
	{"Chromium/", "Chromium"},
	{"Chrome/", "Chrome"},
	{"Safari/", "Safari"},
	{"curl/", "curl"},
}

var systems = []mark{
	{"iPhone", "iPhone"},
	{"iPad", "iPad"},
	{"Android", "Android"},
	{"CrOS", "ChromeOS"},
	{"Windows", "Windows"},
	{"Mac OS X", "macOS"},
	{"Macintosh", "macOS"},
	{"FreeBSD", "FreeBSD"},
	{"Linux", "Linux"},
}

// Of returns the names of the browser and of the system it runs on; what is not known is empty.
func Of(userAgent string) (browser, system string) {
	return first(browsers, userAgent), first(systems, userAgent)
}

// Name is such as "Firefox, Windows"; one of the two when the other is not known, and empty when neither is.
func Name(userAgent string) string {
	browser, system := Of(userAgent)
	if browser != "" && system != "" {
		return browser + ", " + system
	}
	return browser + system
}

func first(marks []mark, s string) string {
	for _, m := range marks {
		if strings.Contains(s, m.token) {
			return m.name
		}
	}
	return ""
}
