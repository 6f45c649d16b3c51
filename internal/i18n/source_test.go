package i18n

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// composed are the beginnings of keys that the source completes at run time.
var composed = []string{
	"date.month.", "date.mon.", // the month
	"mail.",                                                  // the kind of letter
	"event.", "actor.", "assent.", "terms.state.", "letter.", // words for a stored value
	"retention.entity.", "retention.purpose.", "cases.kind.", "cases.state.", "cases.said.", "cases.effect.",
	"bulk.effect.", "bulk.why.", // what is done to many, and why not to somebody
	"admin.actor.", "admin.state.", "admin.tab.", "outbox.state.",
	"data.download",                                                                 // a request of old
	"export.c.", "export.file.", "export.state.", "export.data.", "export.records.", // the column, the layer, the consent
	"err.text.", "err.metadata.", "err.mapping.", "connections.reason.", "connections.step.", "linking.refused.", // the reason of a refusal
	"rollout.wave.", "rollout.", // the kind of letter, the outcome
	"age.part.", "age.admin.", // the part of a date, how far the question is
	"settings.pair.",                                       // text in the colour of a brand
	"400.", "403.", "404.", "409.", "429.", "500.", "503.", // the status
}

var (
	literal = regexp.MustCompile(`"([a-z0-9_]+(?:\.[a-z0-9_]+)+)"`)
	message = regexp.MustCompile(`i18n\.(?:T|Parts)\([a-zA-Z.()]+, "([^"]+)"[,)]`)
)

// sources yields the text of every source file that may speak: pages, handlers, domain and commands.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, folder := range []string{"cmd", "internal", "views", "web"} {
		err := filepath.WalkDir(filepath.Join("..", "..", folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			speaks := strings.HasSuffix(path, ".templ") || strings.HasSuffix(path, ".go")
			if !speaks || strings.HasSuffix(path, "_templ.go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			content, err := os.ReadFile(path)
			all[path] = string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestEveryMessageIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, text := range sources(t) {
		for _, found := range literal.FindAllStringSubmatch(text, -1) {
			used[found[1]] = true
		}
	}
	for _, key := range Keys("en") {
		family := key[:strings.LastIndex(key, ".")] // "link.used" in the source also speaks "link.used.title"
		if used[key] || used[family] {
			continue
		}
		for _, beginning := range composed {
			used[key] = used[key] || strings.HasPrefix(key, beginning)
		}
		if !used[key] {
			t.Errorf("no page says %s", key)
		}
	}
}

func TestEveryMessageThatIsAskedForExists(t *testing.T) {
	count := 0
	for path, text := range sources(t) {
		for _, found := range message.FindAllStringSubmatch(text, -1) {
			count++
			if !Has("en", found[1]) {
				t.Errorf("%s asks for %s, which no language has", path, found[1])
			}
		}
		for _, found := range literal.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(found[1], "err.") && !Has("en", found[1]) {
				t.Errorf("%s refuses with %s, which no language has", path, found[1])
			}
		}
	}
	if count < 100 {
		t.Errorf("got %d messages asked for, want the words of a product: the pattern no longer fits the source", count)
	}
}
