package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// goal is what a scenario aims at: a ratio at least, or, for figures without a limit beside them, a value at most.
type goal struct {
	name    string // of bench.md, such as P1
	atLeast float64
	atMost  float64
}

// round is a measurement of the bare limit and one of Portico, made one after the other.
type round struct {
	Limit   sample `json:"limit"`
	Portico sample `json:"portico"`
	Peer    sample `json:"peer,omitzero"`
}

// ratio is how much of the limit Portico reaches.
func (r round) ratio() float64 { return r.Portico.rate() / r.Limit.rate() }

// result is a scenario and what was measured.
type result struct {
	Scenario string
	Goal     goal
	Rounds   []round
	Value    float64 // of a scenario without a limit
	Unit     string
	Note     string
}

// report is everything that was measured on one database.
type report struct {
	Database string
	Size     int
	Results  []result
}

func (r *report) add(results ...result) { r.Results = append(r.Results, results...) }

// median, smallest and largest of some values.
func spread(values []float64) (median, least, most float64) {
	if len(values) == 0 {
		return 0, 0, 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1]
}

func (r result) ratios() []float64 {
	var all []float64
	for _, round := range r.Rounds {
		all = append(all, round.ratio())
	}
	return all
}

// reached reports how the goal was met: fully, nearly (within a fifth), or not.
func (r result) reached() string {
	median, _, _ := spread(r.ratios())
	switch {
	case r.Goal.atLeast > 0 && median >= r.Goal.atLeast, r.Goal.atMost > 0 && r.Value <= r.Goal.atMost:
		return "yes"
	case r.Goal.atLeast == 0 && r.Goal.atMost == 0:
		return ""
	case r.Goal.atLeast > 0 && median >= 0.8*r.Goal.atLeast, r.Goal.atMost > 0 && r.Value <= r.Goal.atMost/0.8:
		return "nearly"
	default:
		return "no"
	}
}

// missed lists the scenarios that are further than a fifth from their goal.
func (r *report) missed() []string {
	var names []string
	for _, one := range r.Results {
		if one.reached() == "no" {
			names = append(names, one.Scenario)
		}
	}
	return names
}

// table is the report for people: ratios, never absolute rates.
func (r *report) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, %d people, %s %s/%s, %d processors\n\n", r.Database, r.Size, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	b.WriteString("| scenario | of the limit (median, min–max) | goal | reached | CPU/request, of the limit's | p99/p50 | bytes | to peer |\n|---|---|---|---|---|---|---|---|\n")
	for _, one := range r.Results {
		b.WriteString(one.row())
	}
	return b.String()
}

func (r result) row() string {
	if len(r.Rounds) == 0 {
		aim := "–"
		if r.Goal.atMost > 0 {
			aim = fmt.Sprintf("%s ≤ %.4g %s", r.Goal.name, r.Goal.atMost, r.Unit)
		}
		return fmt.Sprintf("| %s | %.4g %s %s | %s | %s | | | | |\n", r.Scenario, r.Value, r.Unit, r.Note, aim, r.reached())
	}
	median, least, most := spread(r.ratios())
	var costs, tails, peers []float64
	var size int64
	for _, round := range r.Rounds {
		costs = append(costs, float64(round.Portico.cost())/float64(max(round.Limit.cost(), time.Microsecond)))
		tails = append(tails, float64(round.Portico.P99)/float64(max(round.Portico.P50, 1)))
		if round.Peer.Done > 0 {
			peers = append(peers, round.Portico.rate()/round.Peer.rate())
		}
		size = round.Portico.Bytes
	}
	cost, _, _ := spread(costs)
	tail, _, _ := spread(tails)
	peer := "–"
	if m, _, _ := spread(peers); m > 0 {
		peer = fmt.Sprintf("%.1f×", m)
	}
	aim := "–"
	if r.Goal.atLeast > 0 {
		aim = fmt.Sprintf("%s ≥ %.2f", r.Goal.name, r.Goal.atLeast)
	}
	return fmt.Sprintf("| %s | %.2f (%.2f–%.2f) %s | %s | %s | %.2f× | %.1f | %d | %s |\n",
		r.Scenario, median, least, most, r.Note, aim, r.reached(), cost, tail, size, peer)
}

// line is one scenario and round for machines; only here stand absolute figures.
type line struct {
	Database string  `json:"database"`
	Size     int     `json:"size"`
	Go       string  `json:"go"`
	CPUs     int     `json:"cpus"`
	Scenario string  `json:"scenario"`
	Round    int     `json:"round"`
	Ratio    float64 `json:"ratio,omitempty"`
	Value    float64 `json:"value,omitempty"`
	Unit     string  `json:"unit,omitempty"`
	round
}

func (r *report) lines() []line {
	var all []line
	for _, one := range r.Results {
		base := line{Database: r.Database, Size: r.Size, Go: runtime.Version(), CPUs: runtime.NumCPU(), Scenario: one.Scenario, Value: one.Value, Unit: one.Unit}
		if len(one.Rounds) == 0 {
			all = append(all, base)
		}
		for i, round := range one.Rounds {
			l := base
			l.Round, l.Ratio, l.round = i+1, round.ratio(), round
			all = append(all, l)
		}
	}
	return all
}
