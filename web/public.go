package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"portico/internal/i18n"
	"portico/internal/tenant"
	"portico/internal/terms"
)

// How long a public page may be kept (terms.md 2), never beyond the moment at which it says something else.
const (
	keepCurrent = 5 * time.Minute
	keepVersion = time.Hour
)

// public is what a page of the public documents is made from: the same for everybody, whoever asks.
type public struct {
	ctx     context.Context
	tenant  tenant.Tenant
	library terms.Library
	now     time.Time
	lang    string
}

// content is what a public address answers, whole.
type content struct {
	status    int
	kind      string // of media
	body      []byte
	tag       string      // strong validator
	until     time.Time   // when time alone makes it say something else; zero is never
	fields    [][2]string // more of the header
	immutable bool
}

// with adds a field to the header.
func (a content) with(name, value string) content {
	a.fields = append(slices.Clip(a.fields), [2]string{name, value})
	return a
}

// maxContents is how many answers of public addresses are kept in memory, the texts in all languages many times over.
const maxContents = 256

// contents are the answers of public addresses as they were made last. An answer is right as long as the library it was
// made from is, so nothing is made twice, and it outlives the database with the library.
type contents struct {
	mu   sync.Mutex
	made map[contentKey]content
}

type contentKey struct {
	tenant                         tenant.ID
	product, brand, origin         string // what an administrator may change about the tenant
	locales, embed                 string
	withdrawal                     bool
	reading                        uint64
	path, lang, revision, from, to string
}

func (k *contents) find(key contentKey, now time.Time) (content, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, ok := k.made[key]
	return found, ok && (found.until.IsZero() || now.Before(found.until))
}

func (k *contents) keep(key contentKey, made content) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.made == nil || len(k.made) >= maxContents {
		k.made = map[contentKey]content{}
	}
	k.made[key] = made
}

// public answers a public address with what build makes of it: cacheable for keep, with a strong validator, without a
// cookie. Its language is the one in the address or the tenant's default, never what a browser or a cookie says, so that
// the same address gives the same bytes.
func (s *Server) public(keep time.Duration, build func(c echo.Context, p public) (content, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		t := tenant.From(r.Context())
		lang := t.Locales[0]
		if found, ok := i18n.MatchTag(t.Locales, c.QueryParam("lang")); ok {
			lang = found
		}
		ctx := i18n.With(r.Context(), lang, nil)
		c.SetRequest(r.WithContext(ctx))
		library, now, err := s.Terms.Library(ctx, t.ID)
		if err != nil {
			return err
		}
		key := contentKey{
			tenant: t.ID, product: t.Product, brand: t.Brand, origin: t.Origin, locales: strings.Join(t.Locales, " "),
			embed: t.FrameAncestors(), withdrawal: t.Withdrawal, reading: library.Reading, path: r.URL.Path,
			lang: lang, revision: c.QueryParam("rev"), from: c.QueryParam("from"), to: c.QueryParam("to"),
		}
		answer, ok := s.contents.find(key, now)
		if !ok {
			if answer, err = build(c, public{ctx, t, library, now, lang}); err != nil {
				return err
			}
			answer.until = library.NextChange(now)
			s.contents.keep(key, answer)
		}
		if answer.until.IsZero() {
			return answer.write(c, keep)
		}
		return answer.write(c, min(keep, answer.until.Sub(now)))
	}
}

// html is a page as content.
func (p public) html(page templ.Component) (content, error) {
	var b bytes.Buffer
	err := page.Render(p.ctx, &b)
	return contentOf(echo.MIMETextHTMLCharsetUTF8, b.Bytes()), err
}

func contentOf(kind string, body []byte) content {
	sum := sha256.Sum256(body)
	return content{status: http.StatusOK, kind: kind, body: body, tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

func (a content) write(c echo.Context, keep time.Duration) error {
	h := c.Response().Header()
	if a.immutable {
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, immutable", int(keepForever.Seconds())))
	} else {
		h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, stale-while-revalidate=60, stale-if-error=86400", int(keep.Seconds())))
	}
	for i, field := range a.fields {
		if i > 0 && a.fields[i-1][0] == field[0] {
			h.Add(field[0], field[1])
		} else {
			h.Set(field[0], field[1])
		}
	}
	if a.tag == "" {
		return c.NoContent(a.status)
	}
	h.Set("ETag", a.tag)
	if strings.Contains(c.Request().Header.Get("If-None-Match"), a.tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(a.status, a.kind, a.body)
}
