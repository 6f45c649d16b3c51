package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	frames "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// demonstration is the built program, started as a person would start it.
type demonstration struct {
	base   string
	people []demoPerson
}

// startDemo builds and starts `portico demo` on a free port and waits until it answers.
func startDemo(t *testing.T) demonstration {
	t.Helper()
	folder := t.TempDir()
	program := filepath.Join(folder, "portico")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	data := filepath.Join(folder, "data")
	process := exec.Command(program, "demo", "--addr", "127.0.0.1:0", "--dir", data)
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(os.Interrupt)
		if err := process.Wait(); err != nil {
			t.Errorf("the program ended badly: %v", err)
		}
	})
	var announced struct {
		BaseURL string       `json:"base_url"`
		People  []demoPerson `json:"people"`
	}
	for range 400 {
		content, err := os.ReadFile(filepath.Join(data, "demo.json"))
		if err == nil && json.Unmarshal(content, &announced) == nil && reachable(announced.BaseURL+"/readyz") {
			return demonstration{announced.BaseURL, announced.People}
		}
		time.Sleep(25 * time.Millisecond)
	}
	written, _ := os.ReadFile(log.Name())
	t.Fatalf("the demonstration does not answer:\n%s", written)
	return demonstration{}
}

func reachable(address string) bool {
	response, err := http.Get(address)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// letter waits for the newest letter of a kind to an address.
func (d demonstration) letter(t *testing.T, to, kind string) map[string]any {
	t.Helper()
	for range 200 {
		response, err := http.Get(d.base + "/dev/mailbox.json")
		if err != nil {
			t.Fatal(err)
		}
		var letters []map[string]any
		err = json.NewDecoder(response.Body).Decode(&letters)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range letters {
			if l["to"] == to && l["kind"] == kind {
				return l
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no letter %s to %s", kind, to)
	return nil
}

// tab is a browser of its own: own cookies, one window.
type tab struct {
	t       *testing.T
	ctx     context.Context
	demo    demonstration
	mu      *sync.Mutex
	foreign []string // requests that left our origin
	errors  []string // what the browser complained about
}

// browser starts Chromium once for a test.
func browser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Chromium")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return ctx
}

// look is how a tab shows pages.
type look struct {
	width  int64
	dark   bool
	lang   string
	script bool
}

func (d demonstration) tab(t *testing.T, parent context.Context, l look) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	ctx, stop := context.WithTimeout(ctx, 20*time.Minute)
	t.Cleanup(stop)
	b := &tab{t: t, ctx: ctx, demo: d, mu: &sync.Mutex{}}
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch event := event.(type) {
		case *network.EventRequestWillBeSent:
			if u := event.Request.URL; !strings.HasPrefix(u, d.base) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "about:") {
				b.foreign = append(b.foreign, u)
			}
		case *browserlog.EventEntryAdded:
			if event.Entry.Source == "security" { // what the content policy kept from loading or running
				b.errors = append(b.errors, event.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			b.errors = append(b.errors, event.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if event.Type == "error" {
				b.errors = append(b.errors, "console.error")
			}
		case *frames.EventJavascriptDialogOpening: // nothing goes on until it is answered; those who walk on leave what they typed
			go func() {
				_ = chromedp.Do(ctx, call(frames.HandleJavaScriptDialog, frames.HandleJavaScriptDialogParams{Accept: true}))
			}()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if l.lang == "" {
		l.lang = "en"
	}
	b.run(
		call(network.Enable, network.EnableParams{}), call(runtime.Enable, cdp.Empty{}), call(browserlog.Enable, cdp.Empty{}),
		call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": l.lang}}),
		call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !l.script}),
	)
	b.dress(l)
	return b
}

// scheme is what pages ask for to tell day from night.
func (l look) scheme() string {
	if l.dark {
		return "dark"
	}
	return "light"
}

// dress changes how wide the tab is, and day for night.
func (b *tab) dress(l look) {
	b.t.Helper()
	b.run(
		call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: 900, DeviceScaleFactor: 1, Mobile: l.width < 600}),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: l.scheme()}, {Name: "prefers-reduced-motion", Value: "reduce"}, // no click falls into a transition
		}}),
	)
}

// call is a command of the browser's protocol as a step.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// patience is how long a step may take.
const patience = time.Minute

func (b *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("at %s: %v", b.at(), err)
	}
}

// at is the path the tab shows.
func (b *tab) at() string {
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	address, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Path
}

func (b *tab) open(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.demo.base+path), chromedp.WaitReady("main"))
}

// fill types into a field by its name. It works without scripts on the page: the keys come from outside.
func (b *tab) fill(name, value string) {
	b.t.Helper()
	field := fmt.Sprintf(`main [name="%s"]`, name)
	clear := fmt.Sprintf(`document.querySelector(%q).value = ""`, field)
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](clear)); err != nil {
		b.t.Fatalf("clear %s at %s: %v", name, b.at(), err)
	}
	if value != "" {
		b.run(chromedp.SendKeys(field, value))
	}
}

// press clicks what the selector finds and waits for the page that follows.
func (b *tab) press(selector string) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	response, err := chromedp.RunResponse(ctx, chromedp.Click(selector))
	if err != nil {
		b.t.Fatalf("press %s at %s: %v", selector, b.at(), err)
	}
	if response.Status >= 500 {
		b.t.Fatalf("press %s: got %d at %s", selector, response.Status, b.at())
	}
	b.run(chromedp.WaitReady("main"))
}

// submit sends the form with this action.
func (b *tab) submit(action string) {
	b.t.Helper()
	b.press(fmt.Sprintf(`main form[action=%q] button:not([type=button])`, action))
}

// want fails the test unless the tab is at path and its page says text.
func (b *tab) want(path, text string) {
	b.t.Helper()
	said, err := chromedp.Run(b.ctx, chromedp.Text("body"))
	if err != nil {
		b.t.Fatal(err)
	}
	if got := b.at(); got != path || !strings.Contains(said, text) {
		b.t.Fatalf("got %s, want %s with %q:\n%s", got, path, text, said)
	}
}

func (b *tab) signIn(email, password string) {
	b.t.Helper()
	b.open("/login")
	b.fill("email", email)
	b.fill("password", password)
	b.submit("/login")
}

// clean fails the test when the page asked somebody else for something or the browser complained.
func (b *tab) clean() {
	b.t.Helper()
	if errors := b.complaints(); len(errors) > 0 {
		b.t.Errorf("complaints of the browser: %v", errors)
	}
	if len(b.foreign) > 0 {
		b.t.Errorf("requests to others: %v", b.foreign)
	}
}

// complaints are what the browser complained about until now.
func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.errors)
}

// axe checks the page that is open in each of the looks, as it is when there are none. It runs in an isolated world, so that the
// page's own content policy stays as strict as it is. What is wrong is named with its look.
func (b *tab) axe(source string, looks ...look) (found []string) {
	b.t.Helper()
	world, err := chromedp.Run(b.ctx, func(ctx context.Context, t *chromedp.Target) (runtime.ExecutionContextID, error) {
		tree, err := cdp.Call(ctx, t, frames.GetFrameTree, cdp.Empty{})
		if err != nil {
			return 0, err
		}
		world, err := cdp.Call(ctx, t, frames.CreateIsolatedWorld, frames.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "axe"})
		return world.ExecutionContextID, err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.evaluate(world, source+`;"\"\""`)
	check := func(as string) {
		text := b.evaluate(world, `axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]})
			.then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 160)).join(" | "))))`)
		var violations []string
		if err := json.Unmarshal([]byte(text), &violations); err != nil {
			b.t.Fatal(err)
		}
		for _, violation := range violations {
			found = append(found, as+violation)
		}
		if b.wide() {
			found = append(found, as+"has to be moved sideways")
		}
	}
	for _, l := range looks {
		b.dress(l)
		check(fmt.Sprintf("%d px, %s: ", l.width, l.scheme()))
	}
	if len(looks) == 0 {
		check("")
	}
	return found
}

// evaluate runs a script in a world and returns the text it promises.
func (b *tab) evaluate(world runtime.ExecutionContextID, script string) string {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, patience)
	defer end()
	text, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) (text string, err error) {
		yes := true
		result, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{Expression: script, ContextID: world, AwaitPromise: &yes, ReturnByValue: &yes})
		if err != nil || result.ExceptionDetails != nil {
			return "", fmt.Errorf("%w %v", err, result.ExceptionDetails)
		}
		return text, json.Unmarshal(result.Result.Value, &text)
	})
	if err != nil {
		b.t.Fatalf("at %s: %v", b.at(), err)
	}
	return text
}

// wide reports whether the page has to be moved sideways.
func (b *tab) wide() bool {
	b.t.Helper()
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`))
	if err != nil {
		b.t.Fatal(err)
	}
	return wide
}

func axeSource(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("PORTICO_TEST_TOOLS")
	if folder == "" {
		folder = filepath.Join("..", "..", ".tools")
	}
	source, err := os.ReadFile(filepath.Join(folder, "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("axe-core is installed by make test: %v", err)
	}
	return string(source)
}
