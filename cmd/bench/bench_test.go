package main

import (
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	median, least, most := spread([]float64{0.9, 0.1, 0.5})
	if median != 0.5 || least != 0.1 || most != 0.9 {
		t.Errorf("got %v %v %v, want 0.5 0.1 0.9", median, least, most)
	}
	if median, _, _ := spread(nil); median != 0 {
		t.Errorf("got %v of nothing, want 0", median)
	}
}

func TestPercentile(t *testing.T) {
	var all []time.Duration
	for i := range 200 {
		all = append(all, time.Duration(i+1))
	}
	if got := percentile(all, 50); got != 101 {
		t.Errorf("got %d, want 101", got)
	}
	if got := percentile(all, 99); got != 199 {
		t.Errorf("got %d, want 199", got)
	}
	if got := percentile(all[:1], 99); got != 1 {
		t.Errorf("got %d of one, want it", got)
	}
}

func TestTicksOfAProcessWithAStrangeName(t *testing.T) {
	stat := "42 (a) b (c)) S 1 1 1 0 -1 0 0 0 0 0 70 30 0 0 20 0 1 0 1 1 1"
	if got := ticksOf(stat); got != 100 {
		t.Errorf("got %d, want 100", got)
	}
}

func rounds(portico, limit int) []round {
	return []round{{Limit: sample{Done: limit, Took: time.Second}, Portico: sample{Done: portico, Took: time.Second}}}
}

func TestReached(t *testing.T) {
	for want, r := range map[string]result{
		"yes":    {Goal: goal{"P1", 0.65, 0}, Rounds: rounds(70, 100)},
		"nearly": {Goal: goal{"P1", 0.65, 0}, Rounds: rounds(60, 100)},
		"no":     {Goal: goal{"P1", 0.65, 0}, Rounds: rounds(40, 100)},
		"":       {Rounds: rounds(40, 100)},
	} {
		if got := r.reached(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for want, r := range map[string]result{
		"yes": {Goal: goal{"P8", 0, 40}, Value: 40}, "nearly": {Goal: goal{"P8", 0, 40}, Value: 49}, "no": {Goal: goal{"P8", 0, 40}, Value: 51},
	} {
		if got := r.reached(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTableHasNoAbsoluteRates(t *testing.T) {
	r := &report{Database: "sqlite", Size: 10, Results: []result{{Scenario: "profile page", Goal: goal{"P1", 0.65, 0}, Rounds: rounds(7777, 9999)}}}
	if got := r.table(); strings.Contains(got, "7777") || !strings.Contains(got, "0.78") || len(r.missed()) != 0 {
		t.Errorf("got %s, want the ratio alone", got)
	}
	if lines := r.lines(); len(lines) != 1 || lines[0].Portico.Done != 7777 {
		t.Errorf("got %+v, want the rates in the lines", lines)
	}
}
