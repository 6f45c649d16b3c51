package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// visitor is a browser of somebody, as the scenarios need it: its cookies and the form it has open.
type visitor struct {
	base    string
	cookies map[string]string
	form    url.Values
}

// fromEverywhere gives every request an address of its own, as a proxy would: guessing protection counts by address.
func fromEverywhere(r *http.Request, n int) {
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
}

func (v *visitor) request(method, path string, form url.Values) *http.Request {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, v.base+path, body)
	if err != nil {
		panic(err) // a path of ours
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	pairs := make([]string, 0, len(v.cookies))
	for name, value := range v.cookies {
		pairs = append(pairs, name+"="+value)
	}
	r.Header.Set("Cookie", strings.Join(pairs, "; "))
	r.Header.Set("User-Agent", "bench")
	return r
}

// open reads a page, keeps its cookies and the fields of its form.
func (v *visitor) open(path, action string) error {
	response, err := client(1).Do(v.request(http.MethodGet, path, nil))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	v.keep(response)
	root, err := html.Parse(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s to %s", path, response.Status, response.Header.Get("Location"))
	}
	v.form = url.Values{}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" && attribute(n, "action") == action {
			v.read(n)
		}
	}
	if v.form.Get("form_token") == "" {
		return fmt.Errorf("%s has no form %s", path, action)
	}
	return nil
}

func (v *visitor) read(form *html.Node) {
	for n := range form.Descendants() {
		if name := attribute(n, "name"); n.Data == "input" && name != "" && attribute(n, "type") != "checkbox" {
			v.form.Set(name, attribute(n, "value"))
		}
	}
}

func (v *visitor) keep(response *http.Response) {
	if v.cookies == nil {
		v.cookies = map[string]string{}
	}
	for _, c := range response.Cookies() {
		v.cookies[c.Name] = c.Value
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// signIn signs somebody in.
func signIn(ctx context.Context, base string, n int) (*visitor, error) {
	v := &visitor{base: base}
	if err := v.open("/login", "/login"); err != nil {
		return nil, err
	}
	v.form.Set("email", email(n))
	v.form.Set("password", secret)
	r := v.request(http.MethodPost, "/login", v.form).WithContext(ctx)
	fromEverywhere(r, n)
	response, err := client(1).Do(r)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	v.keep(response)
	if response.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("sign-in of %s: %s", email(n), response.Status)
	}
	return v, nil
}
