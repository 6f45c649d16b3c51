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

// timing is whether the time of an answer tells who has an account: P4, and the wish for a new password.
func (b *bench) timing(ctx context.Context, r *report) error {
	for _, one := range []struct {
		name, path string
		status     int
	}{
		{"refused sign-in, known against unknown", "/login", http.StatusUnprocessableEntity},
		{"forgotten password, known against unknown", "/password/forgot", http.StatusSeeOther},
	} {
		difference, err := b.apart(ctx, one.path, one.status)
		if err != nil {
			return err
		}
		r.add(result{Scenario: one.name, Goal: goal{"P4", 0, 5}, Value: difference, Unit: "% apart"})
	}
	return nil
}

// apart is how far the middle answers to known and unknown addresses lie from each other, in percent.
func (b *bench) apart(ctx context.Context, path string, status int) (float64, error) {
	form := &visitor{base: b.portico.base}
	if err := form.open(path, path); err != nil {
		return 0, err
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
		response, err := c.Do(b.attempt(form, path, address, "the wrong one entirely", 900_000+i).WithContext(ctx))
		if err != nil {
			return 0, err
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != status {
			return 0, fmt.Errorf("%s: got %s", path, response.Status)
		}
		took[known] = append(took[known], time.Since(begun))
	}
	for _, all := range took {
		slices.Sort(all)
	}
	known, unknown := percentile(took[true], 50), percentile(took[false], 50)
	return 100 * float64((known - unknown).Abs()) / float64(max(known, 1)), nil
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
	few := min(20, len(took))
	first, last := slices.Sorted(slices.Values(took[:few])), slices.Sorted(slices.Values(took[len(took)-few:]))
	slices.Sort(took)
	r.add(
		result{Scenario: fmt.Sprintf("search, p99 over %d pages", len(took)), Goal: goal{"P10", 0, 20}, Value: float64(percentile(took, 99).Microseconds()) / 1000, Unit: "ms"},
		result{
			Scenario: fmt.Sprintf("search, the last %d pages to the first", few), Unit: "×",
			Value: float64(percentile(last, 50)) / float64(max(percentile(first, 50), 1)),
		},
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
