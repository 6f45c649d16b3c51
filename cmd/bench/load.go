package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// request makes the n-th request of a connection and says whether the answer is the one that is measured.
type request func(connection, n int) (*http.Request, func(*http.Response) bool)

// sample is what one measurement of one server gave.
type sample struct {
	Done      int           `json:"done"`
	Wrong     int           `json:"wrong"`
	Took      time.Duration `json:"took_ns"`
	P50       time.Duration `json:"p50_ns"`
	P99       time.Duration `json:"p99_ns"`
	CPU       time.Duration `json:"cpu_ns"` // of the application and its database
	Outsiders float64       `json:"outsiders"`
	Bytes     int64         `json:"bytes"` // of one answer
	Memory    int64         `json:"memory"`
}

func (s sample) rate() float64 { return float64(s.Done) / s.Took.Seconds() }

func (s sample) cost() time.Duration { return s.CPU / time.Duration(max(s.Done, 1)) }

// client keeps as many connections open as it is used with, and follows nothing.
func client(connections int) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			MaxIdleConns: connections, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true,
			DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}
}

// load asks over a number of connections for a time. The processes are those whose processor time is counted.
func load(ctx context.Context, connections int, length time.Duration, ask request, processes ...int) (sample, error) {
	c := client(connections)
	defer c.CloseIdleConnections()
	var all sync.WaitGroup
	took := make([][]time.Duration, connections)
	wrong := make([]int, connections)
	failed := make([]error, connections)
	size := make([]int64, connections)
	before, machine, self := cpu(processes...), busy(), cpu(selfPID)
	start := time.Now()
	until := start.Add(length)
	for i := range connections {
		all.Go(func() {
			for n := 0; time.Now().Before(until) && ctx.Err() == nil; n++ {
				r, right := ask(i, n)
				asked := time.Now()
				response, err := c.Do(r)
				if err != nil {
					failed[i] = err
					return
				}
				written, _ := io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				size[i] = max(size[i], written)
				if right(response) {
					took[i] = append(took[i], time.Since(asked))
				} else {
					wrong[i]++
				}
			}
		})
	}
	all.Wait()
	s := sample{Took: time.Since(start), CPU: cpu(processes...) - before, Bytes: slices.Max(size)}
	s.Outsiders = outside(busy()-machine, s.CPU+cpu(selfPID)-self, s.Took)
	merged := slices.Concat(took...)
	slices.Sort(merged)
	s.Done, s.P50, s.P99 = len(merged), percentile(merged, 50), percentile(merged, 99)
	for i := range connections {
		s.Wrong += wrong[i]
		if failed[i] != nil {
			return s, failed[i]
		}
	}
	if s.Done == 0 {
		return s, fmt.Errorf("no right answer, %d wrong ones", s.Wrong)
	}
	return s, ctx.Err()
}

// percentile of sorted durations.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// outside is the share of one processor that others used.
func outside(machine, ours, took time.Duration) float64 {
	return max(0, float64(machine-ours)/float64(took))
}
