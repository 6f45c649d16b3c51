package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// starts measures how long a start takes, with an empty database and with a present schema: P8. It leaves the schema.
func starts(ctx context.Context, o options, r *report, address string) error {
	run := func() (time.Duration, error) {
		c, err := start(ctx, "/healthz", settings(address), o.program, "serve")
		if err != nil {
			return 0, err
		}
		c.stop()
		return c.started, nil
	}
	empty, err := run()
	if err != nil {
		return err
	}
	var present []time.Duration
	for range max(o.rounds, 3) {
		took, err := run()
		if err != nil {
			return err
		}
		present = append(present, took)
	}
	slices.Sort(present)
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	r.add(
		result{Scenario: "start with a present schema", Goal: goal{"P8", 0, 40}, Value: milliseconds(present[len(present)/2]), Unit: "ms"},
		result{Scenario: "start with an empty database", Goal: goal{"P8", 0, 150}, Value: milliseconds(empty), Unit: "ms"},
	)
	info, err := os.Stat(o.program)
	if err != nil {
		return err
	}
	r.add(result{Scenario: "size of the program", Goal: goal{"P9", 0, 20}, Value: float64(info.Size()) / 1e6, Unit: "MB"})
	return nil
}

// timing compares how long refusals take: of a wrong password, of an unknown address. It is a check of security, too.
func (b *bench) timing(ctx context.Context, r *report) error {
	form := &visitor{base: b.portico.base}
	if err := form.open("/login", "/login"); err != nil {
		return err
	}
	c := client(1)
	took := map[bool][]time.Duration{}
	for i := range 60 {
		known := i%2 == 0
		address := email(1500 + i)
		if !known {
			address = fmt.Sprintf("nobody%d@example.org", i)
		}
		begun := time.Now()
		response, err := c.Do(b.attempt(form, address, "the wrong one entirely", 900_000+i).WithContext(ctx))
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUnprocessableEntity {
			return fmt.Errorf("refused sign-in: got %s", response.Status)
		}
		took[known] = append(took[known], time.Since(begun))
	}
	for _, all := range took {
		slices.Sort(all)
	}
	known, unknown := percentile(took[true], 50), percentile(took[false], 50)
	difference := 100 * float64((known - unknown).Abs()) / float64(max(known, 1))
	r.add(result{Scenario: "refused sign-in, known against unknown", Goal: goal{"P4", 0, 5}, Value: difference, Unit: "% apart"})
	return nil
}

// search is what administrators do: by the beginning of a word, and far down the pages: P10.
func (b *bench) search(ctx context.Context, r *report) error {
	mara, err := signIn(ctx, b.portico.base, administrator)
	if err != nil {
		return err
	}
	next := regexp.MustCompile(`href="(/admin/users\?[^"]*after=[^"]+)"`)
	path, deep := "/admin/users?q=person", 0
	var took []time.Duration
	c := client(1)
	for deep < 300 {
		begun := time.Now()
		response, err := c.Do(mara.request(http.MethodGet, path, nil).WithContext(ctx))
		if err != nil {
			return err
		}
		page, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s %w", path, response.Status, err)
		}
		took = append(took, time.Since(begun))
		found := next.FindSubmatch(page)
		if found == nil {
			break
		}
		deep++
		path = strings.ReplaceAll(string(found[1]), "&amp;", "&")
	}
	first, last := took[0], took[len(took)-1]
	slices.Sort(took)
	r.add(
		result{Scenario: fmt.Sprintf("search, p99 over %d pages", len(took)), Goal: goal{"P10", 0, 20}, Value: float64(percentile(took, 99).Microseconds()) / 1000, Unit: "ms"},
		result{Scenario: "search, the last page to the first", Value: float64(last) / float64(max(first, 1)), Unit: "×"},
	)
	return nil
}

// firstVisit counts what a browser fetches that was never here: P6.
func (b *bench) firstVisit(ctx context.Context, r *report) error {
	wire, requests := 0, 0
	fetch := func(path string) ([]byte, error) {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, b.portico.base+path, nil)
		if err != nil {
			return nil, err
		}
		q.Header.Set("Accept-Encoding", "gzip")
		response, err := client(1).Do(q)
		if err != nil {
			return nil, err
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		wire, requests = wire+len(content), requests+1
		if err == nil && response.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(bytes.NewReader(content))
			if err != nil {
				return nil, err
			}
			return io.ReadAll(unzipped)
		}
		return content, err
	}
	page, err := fetch("/login")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?:href|src)="(/static/[^"#]+)`).FindAllSubmatch(page, -1) {
		path, err := url.PathUnescape(string(found[1]))
		if err != nil || seen[path] {
			continue
		}
		seen[path] = true
		if _, err := fetch(path); err != nil {
			return err
		}
	}
	r.add(
		result{Scenario: "first visit", Goal: goal{"P6", 0, 15}, Value: float64(wire) / 1000, Unit: "kB"},
		result{Scenario: "first visit", Goal: goal{"P6", 0, 4}, Value: float64(requests), Unit: "requests"},
	)
	return nil
}
