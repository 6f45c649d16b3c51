package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
)

// peer is another portal that runs already, described by whoever started it. Nothing of it is in this repository:
//
//	{"base_url": "http://127.0.0.1:4000", "cookie": "session=…", "page": "/settings",
//	 "update": {"path": "/settings", "fields": {"name": "Kim", "csrf": "…"}, "status": 302}}
//
// Cookie is that of a session that is signed in. A scenario that is not described is not measured.
type peer struct {
	BaseURL string `json:"base_url"`
	Cookie  string `json:"cookie"`
	Page    string `json:"page"`
	Update  struct {
		Path   string            `json:"path"`
		Fields map[string]string `json:"fields"`
		Status int               `json:"status"`
	} `json:"update"`
}

func openPeer(path string) (*peer, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no peer
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var p peer
	return &p, json.Unmarshal(content, &p)
}

func (p *peer) page() request {
	if p == nil || p.Page == "" {
		return nil
	}
	v := &visitor{base: p.BaseURL}
	return func(int, int) (*http.Request, func(*http.Response) bool) {
		r := v.request(http.MethodGet, p.Page, nil)
		r.Header.Set("Cookie", p.Cookie)
		return r, status(http.StatusOK)
	}
}

func (p *peer) update() request {
	if p == nil || p.Update.Path == "" {
		return nil
	}
	form := url.Values{}
	for name, value := range p.Update.Fields {
		form.Set(name, value)
	}
	v := &visitor{base: p.BaseURL}
	return func(int, int) (*http.Request, func(*http.Response) bool) {
		r := v.request(http.MethodPost, p.Update.Path, form)
		r.Header.Set("Cookie", p.Cookie)
		return r, status(p.Update.Status)
	}
}
