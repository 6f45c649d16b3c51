// Package static holds the files that never change under their address: style, script and icons. Each is served under a
// name that contains the hash of its content, so that browsers may keep it for ever.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed portico.css portico.js icons.svg favicon.svg
var files embed.FS

// Prefix is what the address of every file begins with.
const Prefix = "/static/"

var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml; charset=utf-8",
}

type file struct {
	name    string // with the hash
	kind    string
	content []byte
	gzipped func() []byte
}

var hashed, byName = index()

// index reads the embedded files once: by their hashed names, for requests, and by their own, for pages.
func index() (hashed, byName map[string]file) {
	hashed, byName = map[string]file{}, map[string]file{}
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("static: " + err.Error()) // embedded files: a defect of the build
	}
	for _, entry := range entries {
		content, err := files.ReadFile(entry.Name())
		if err != nil {
			panic("static: " + err.Error())
		}
		extension := path.Ext(entry.Name())
		sum := sha256.Sum256(content)
		f := file{
			name:    strings.TrimSuffix(entry.Name(), extension) + "." + hex.EncodeToString(sum[:6]) + extension,
			kind:    types[extension],
			content: content,
			gzipped: sync.OnceValue(func() []byte { return compress(content) }),
		}
		hashed[f.name], byName[entry.Name()] = f, f
	}
	return hashed, byName
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}

// URL is the address of the file called name. It panics for a file that does not exist: a defect that every page would
// show at its first rendering.
func URL(name string) string {
	f, ok := byName[name]
	if !ok {
		panic("static: no file " + name)
	}
	return Prefix + f.name
}

// Content returns the content of the file called name.
func Content(name string) []byte { return byName[name].content }

// Handler serves the files under Prefix, compressed for who can read that, and nothing else.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := hashed[strings.TrimPrefix(r.URL.Path, Prefix)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Vary", "Accept-Encoding")
		h.Set("X-Content-Type-Options", "nosniff")
		content, tag := f.content, `"`+f.name+`"`
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			content, tag = f.gzipped(), `"`+f.name+`.gz"` // other bytes, another tag (RFC 9110, 8.8.3.3)
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("ETag", tag)
		if known := r.Header.Get("If-None-Match"); known == "*" || strings.Contains(known, f.name) {
			h.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if r.Method != http.MethodHead {
			_, _ = w.Write(content)
		}
	})
}
