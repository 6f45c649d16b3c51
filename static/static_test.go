package static_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"portico/static"
)

// budgets are the most bytes that a file may have once it is compressed: every visitor waits for it.
var budgets = map[string]int{"portico.css": 6 << 10, "portico.js": 2 << 10, "icons.svg": 1 << 10, "favicon.svg": 512}

// ask requests a path, with headers as pairs of name and value.
func ask(method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, r io.Reader) string {
	t.Helper()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestFilesAreServedForEver(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{
		"portico.css": "text/css; charset=utf-8", "portico.js": "text/javascript; charset=utf-8",
		"icons.svg": "image/svg+xml; charset=utf-8", "favicon.svg": "image/svg+xml; charset=utf-8",
	} {
		address := static.URL(name)
		if !regexp.MustCompile(`^/static/[a-z]+\.[0-9a-f]{12}\.[a-z]+$`).MatchString(address) {
			t.Errorf("got address %s, want one with the hash of the content", address)
		}
		plain := ask(http.MethodGet, address)
		for header, want := range map[string]string{
			"Content-Type": kind, "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff",
			"Content-Encoding": "",
		} {
			if got := plain.Header.Get(header); got != want {
				t.Errorf("%s: got %s %q, want %q", name, header, got, want)
			}
		}
		content := bodyOf(t, plain.Body)
		if content != string(static.Content(name)) || content == "" {
			t.Errorf("%s: got %d bytes, want the file", name, len(content))
		}
		packed := ask(http.MethodGet, address, "Accept-Encoding", "br, gzip")
		if packed.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: got %q, want it compressed", name, packed.Header.Get("Content-Encoding"))
		}
		bytes := bodyOf(t, packed.Body)
		if len(bytes) > budgets[name] {
			t.Errorf("%s: got %d bytes compressed, want at most %d", name, len(bytes), budgets[name])
		}
		unpacked, err := gzip.NewReader(strings.NewReader(bytes))
		if err != nil || bodyOf(t, unpacked) != content {
			t.Errorf("%s: got something else compressed, %v", name, err)
		}
		if head := ask(http.MethodHead, address); head.StatusCode != http.StatusOK || bodyOf(t, head.Body) != "" {
			t.Errorf("%s: got a body for HEAD", name)
		}
	}
}

// A browser that has a file is told so; the two encodings of a file are not the same bytes, so they have two tags (RFC 9110, 8.8.3.3).
func TestFilesAreAskedForAgain(t *testing.T) {
	t.Parallel()
	address := static.URL("portico.css")
	plain, packed := ask(http.MethodGet, address).Header.Get("ETag"), ask(http.MethodGet, address, "Accept-Encoding", "gzip").Header.Get("ETag")
	if plain == packed || !strings.HasPrefix(plain, `"`) || !strings.HasPrefix(packed, `"`) {
		t.Errorf("got tags %s and %s, want two strong ones", plain, packed)
	}
	for _, tag := range []string{plain, packed, "W/" + plain, `"x", ` + packed, "*"} {
		if got := ask(http.MethodGet, address, "If-None-Match", tag, "Accept-Encoding", "gzip"); got.StatusCode != http.StatusNotModified || bodyOf(t, got.Body) != "" {
			t.Errorf("%s: got %d, want 304 without a body", tag, got.StatusCode)
		}
	}
	if got := ask(http.MethodGet, address, "If-None-Match", `"other"`); got.StatusCode != http.StatusOK {
		t.Errorf("another tag: got %d, want the file", got.StatusCode)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/static/", "/static/portico.css", "/static/static.go", "/static/portico.000000000000.css", "/static/../static.go", "/static//portico.css", "/",
	} {
		got := ask(http.MethodGet, path)
		if got.StatusCode != http.StatusNotFound || strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: got %d, %q, want 404 that nobody keeps", path, got.StatusCode, got.Header.Get("Cache-Control"))
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("got an address for a file that does not exist")
		}
	}()
	static.URL("nothing.css")
}

var physical = regexp.MustCompile(`(?i)(?:^|[;{\s-])((?:margin|padding|border)-(?:left|right)[a-z-]*|left|right|border-(?:top|bottom)-(?:left|right)-radius|scroll-(?:margin|padding)-(?:left|right))\s*:` +
	`|((?:float|clear|text-align|caption-side)\s*:\s*(?:left|right))`)

// Pages in Arabic are the same pages from the other side: the style sheet speaks of start and end only (ux.md).
func TestStyleHasNoSides(t *testing.T) {
	t.Parallel()
	css := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(string(static.Content("portico.css")), "")
	for n, line := range strings.Split(css, "\n") {
		if found := physical.FindString(line); found != "" {
			t.Errorf("line %d: got %q, want a logical property", n+1, strings.TrimSpace(found))
		}
	}
	for _, sided := range []string{"a{margin-left:1px}", "a { left: 0 }", "a{text-align:right}", "a{border-top-left-radius:2px}", "a{color:red;padding-right:1px}"} {
		if !physical.MatchString(sided) {
			t.Errorf("%s is not noticed", sided)
		}
	}
	for name := range budgets {
		if content := strings.ReplaceAll(string(static.Content(name)), "http://www.w3.org/2000/svg", ""); regexp.MustCompile(`(?i)url\(|@import|https?:|//[a-z0-9.-]+\.[a-z]{2,}/`).MatchString(content) {
			t.Errorf("%s loads something from elsewhere (security.md row 65)", name)
		}
	}
}

// Every icon that a page asks for is in the sprite.
func TestIcons(t *testing.T) {
	t.Parallel()
	drawn := map[string]bool{}
	for _, found := range regexp.MustCompile(`<symbol id="([a-z-]+)"`).FindAllStringSubmatch(string(static.Content("icons.svg")), -1) {
		drawn[found[1]] = false
	}
	if len(drawn) < 5 {
		t.Fatalf("got %d icons, want those of the sprite", len(drawn))
	}
	err := filepath.WalkDir("../views", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".templ") && !strings.HasSuffix(path, "components.go") {
			return err
		}
		content, err := os.ReadFile(path)
		for _, found := range regexp.MustCompile(`Icon\("([a-z-]+)"\)|return "([a-z]+)"`).FindAllStringSubmatch(string(content), -1) {
			name := found[1] + found[2]
			if _, there := drawn[name]; there {
				drawn[name] = true
			} else if found[1] != "" {
				t.Errorf("%s: got icon %s, which nobody drew", path, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !drawn["alert"] || !drawn["ok"] {
		t.Error("got no icon on any page")
	}
}
