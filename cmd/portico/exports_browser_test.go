package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"portico/internal/privacy"
)

// appears waits until the page, which may be another one by then, has what the selector finds.
func (b *tab) appears(selector string) {
	b.t.Helper()
	for range 150 {
		there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf("document.querySelector(%q) !== null", selector)))
		if err == nil && there {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("%s never has %s", b.at(), selector)
}

// download clicks what the selector finds and returns the file that comes of it.
func (b *tab) download(selector string) string {
	b.t.Helper()
	folder := b.t.TempDir()
	own, err := chromedp.Run(b.ctx, func(ctx context.Context, t *chromedp.Target) (target.GetTargetInfoResult, error) {
		return cdp.Call(ctx, t, target.GetTargetInfo, target.GetTargetInfoParams{})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.run(call(cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder, BrowserContextID: own.TargetInfo.BrowserContextID,
	}), chromedp.Click(selector))
	for range 100 {
		found, err := filepath.Glob(filepath.Join(folder, "*.zip"))
		if err != nil {
			b.t.Fatal(err)
		}
		if len(found) == 1 {
			content, err := os.ReadFile(found[0])
			if err != nil {
				b.t.Fatal(err)
			}
			return string(content)
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatal("no file came")
	return ""
}

// TestDataIsDownloadedByBrowser has a file made and takes it home: the page brings it by itself when it is ready, with
// scripts and without.
func TestDataIsDownloadedByBrowser(t *testing.T) {
	t.Parallel()
	parent := browser(t)
	demo := startDemo(t)
	ben := demo.people[1]
	for _, l := range []look{{width: 1280, lang: "en", script: true}, {width: 360, lang: "ar"}} {
		t.Run(fmt.Sprintf("%s, scripts %v", l.lang, l.script), func(t *testing.T) {
			layer := privacy.MyData
			if !l.script {
				layer = privacy.TechnicalRecords
			}
			b := demo.tab(t, parent, l)
			b.signIn(ben.Email, ben.Password)
			b.open("/account/data")
			b.in(l.lang)
			b.press(fmt.Sprintf(`main button[value=%q]`, layer))
			link := `a[download]:has(+ form button[value="` + string(layer) + `"])`
			b.appears(link)
			b.in(l.lang)
			if b.wide() {
				t.Error("the page has to be moved sideways")
			}
			letter := demo.letter(t, ben.Email, "export_ready")
			if letter["language"] != l.lang || strings.Contains(letter["text"].(string), "/exports/") {
				t.Errorf("got %v, want a letter in %s that opens nothing", letter, l.lang)
			}
			parts := contents(t, b.download(link))
			if !strings.Contains(parts["index.html"], `<html lang="`+l.lang+`"`) || parts["manifest.json"] == "" {
				t.Errorf("got %v, want a page to read in %s", parts["index.html"], l.lang)
			}
			b.clean()
		})
	}
}
