package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"portico/internal/store/storetest"
)

// inspected is a page that is looked through.
type inspected struct {
	root   *html.Node
	ids    map[string]int
	labels map[string]bool // the ids that labels are for
	faults []string
}

// faultsOf lists what is wrong with a page, whoever it is for: what a screen reader, a keyboard or a strict content policy
// would stumble over. What it looks like is the browser's test.
func faultsOf(p page) []string {
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return []string{err.Error()}
	}
	i := &inspected{root: root, ids: map[string]int{}, labels: map[string]bool{}}
	count := map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		if id := attribute(n, "id"); id != "" {
			i.ids[id]++
		}
		if n.Data == "label" && has(n, "for") {
			i.labels[attribute(n, "for")] = true
		}
		if n.Data == "title" && (n.FirstChild == nil || strings.TrimSpace(n.FirstChild.Data) == "") {
			i.fault(n, "is empty")
		}
		if n.Data == "html" && (attribute(n, "lang") == "" || attribute(n, "dir") == "") {
			i.fault(n, "has no language or direction")
		}
	}
	for _, one := range []string{"title", "main", "h1"} {
		if count[one] != 1 {
			i.faults = append(i.faults, "it has not one "+one)
		}
	}
	for id, n := range i.ids {
		if n > 1 {
			i.faults = append(i.faults, "two elements have the id "+id)
		}
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			i.element(n)
		}
	}
	return i.faults
}

func (i *inspected) fault(n *html.Node, what string) {
	var b strings.Builder
	_ = html.Render(&b, &html.Node{Type: n.Type, Data: n.Data, DataAtom: n.DataAtom, Attr: n.Attr})
	i.faults = append(i.faults, b.String()+" "+what)
}

func (i *inspected) element(n *html.Node) {
	for _, a := range n.Attr {
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			i.fault(n, "is inline")
		case a.Key == "aria-describedby" || a.Key == "aria-labelledby" || a.Key == "aria-controls" || a.Key == "popovertarget" || n.Data == "label" && a.Key == "for":
			for id := range strings.FieldsSeq(a.Val) {
				if i.ids[id] == 0 {
					i.fault(n, "refers to nothing: "+id)
				}
			}
		case (a.Key == "src" || a.Key == "href" && n.Data != "a" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && attribute(n, "rel") != "canonical" && attribute(n, "rel") != "alternate":
			i.fault(n, "leads elsewhere")
		}
	}
	switch n.Data {
	case "style":
		i.fault(n, "is inline")
	case "script":
		if !strings.HasPrefix(attribute(n, "src"), "/static/") {
			i.fault(n, "is inline")
		}
	case "a":
		target := attribute(n, "href")
		if id, inside := strings.CutPrefix(target, "#"); target == "" || inside && i.ids[id] == 0 || strings.HasPrefix(strings.ToLower(target), "javascript:") {
			i.fault(n, "leads nowhere")
		}
		if textOf(n) == "" && !has(n, "aria-label") {
			i.fault(n, "says nothing")
		}
	case "button":
		if textOf(n) == "" && !has(n, "aria-label") {
			i.fault(n, "says nothing")
		}
	case "img":
		if !has(n, "alt") {
			i.fault(n, "has no text")
		}
	case "iframe":
		if attribute(n, "title") == "" {
			i.fault(n, "has no title")
		}
	case "form":
		if strings.EqualFold(attribute(n, "method"), "post") && fieldsOf(n).Get("form_token") == "" {
			i.fault(n, "has no token")
		}
	case "input", "select", "textarea":
		i.control(n)
	}
}

func (i *inspected) control(n *html.Node) {
	kind := attribute(n, "type")
	if kind == "hidden" || kind == "submit" {
		return
	}
	if kind == "password" && attribute(n, "value") != "" {
		i.fault(n, "holds a password")
	}
	if kind == "password" && attribute(n, "autocomplete") == "" {
		i.fault(n, "says nothing to password managers")
	}
	if attribute(n, "aria-invalid") == "true" && !strings.Contains(attribute(n, "aria-describedby"), "-error") {
		i.fault(n, "does not say what is wrong")
	}
	if has(n, "aria-hidden") || has(n, "aria-label") || has(n, "aria-labelledby") || i.labels[attribute(n, "id")] {
		return
	}
	for above := n.Parent; above != nil; above = above.Parent {
		if above.Data == "label" {
			return
		}
	}
	i.fault(n, "has no label")
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// isPage says whether an answer is a page of ours, and not a letter, a file or nothing.
func (p page) isPage() bool {
	return strings.HasPrefix(p.header.Get("Content-Type"), "text/html") && strings.Contains(p.header.Get("Content-Security-Policy"), "script-src 'self'")
}

var formActions = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// TestEveryPageIsWellMade opens every page there is, and sends every form on it with nothing in it, and looks through what
// comes back: fresh pages, refused ones and errors, for strangers, people and administrators, in two directions of writing.
func TestEveryPageIsWellMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.publish(t, 1, "Rules.", 0)
	w.Clock.Advance(time.Second)
	root, ana := w.administrator(t, "root@example.org"), w.visitor(t)
	ana.signUp("ana@example.org")
	w.publish(t, 2, "More rules.", time.Hour)
	w.connect(t, "demo", "Demo ID")
	parameters := map[string]string{
		"id": w.user(t, "ana@example.org").ID, "doc": "terms", "n": "2", "kind": "verify_email", "preset": "oidc", "connection": "demo", "ticket": "x",
	}
	seen := map[int]int{}
	look := func(what string, p page) {
		t.Helper()
		if !p.isPage() {
			return
		}
		seen[p.status]++
		for _, fault := range faultsOf(p) {
			t.Errorf("%s (%d): %s", what, p.status, fault)
		}
	}
	for name, v := range map[string]*visitor{"a stranger": w.visitor(t), "ana": ana, "an administrator": root} {
		forms := map[string]url.Values{}
		for _, lang := range []string{"en", "ar"} {
			v.lang = lang
			for _, r := range routes(t) {
				if r.method != http.MethodGet || strings.HasPrefix(r.path, "/dev/") && v != root {
					continue
				}
				p := v.get(r.with(parameters))
				look(name+", "+lang+": "+r.path, p)
				for _, found := range formActions.FindAllStringSubmatch(p.body, -1) {
					if action := html.UnescapeString(found[1]); !strings.HasPrefix(action, "/logout") && !strings.Contains(action, "/end") && !strings.Contains(action, "/with/") {
						forms[action] = emptied(formOf(t, p, action))
					}
				}
			}
		}
		for action, form := range forms {
			look(name+" sends nothing to "+action, v.do(http.MethodPost, action, form))
		}
	}
	if seen[http.StatusOK] < 100 || seen[http.StatusUnprocessableEntity] < 15 || seen[http.StatusNotFound] < 5 || seen[http.StatusGone] < 5 {
		t.Errorf("got pages %v, want many of each kind", seen)
	}
}

// emptied is a form as somebody sends it who fills nothing in.
func emptied(form url.Values) url.Values {
	for name := range form {
		if name != "form_token" && name != "version" {
			form.Set(name, "")
		}
	}
	return form
}
