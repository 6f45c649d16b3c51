// Command bench measures Portico against a bare server made of the same parts (Echo, templ, one statement), in one run on
// one machine, and reports ratios: requests a second of the one over requests a second of the other, round by round.
//
//	go run ./internal/store/storetest/withmariadb go run ./cmd/bench -size 10k
//
// It measures on SQLite and, when PORTICO_TEST_MYSQL_DSN names a server, on that. Everything stays on the loopback
// interface and ends by itself. It exits with 1 when a ratio's median falls under 0.8 of its goal.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are the settings of a run.
type options struct {
	size    int
	rounds  int
	length  time.Duration
	only    string
	part    string
	json    string
	peer    string
	folder  string
	program string // the portico that is measured
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "limit" {
		if err := limit(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "limit:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	size := flag.String("size", "10k", "how many people: 10k, 100k, 1m")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of every scenario")
	flag.DurationVar(&o.length, "length", 4*time.Second, "length of one measurement")
	flag.StringVar(&o.only, "db", "", "sqlite or mysql; both when empty")
	flag.StringVar(&o.part, "scenario", "", "some of profile, save, document, signin, timing, search, visit, ledger, with commas between; all when empty")
	flag.StringVar(&o.json, "json", "", "file for one JSON line a scenario and round")
	flag.StringVar(&o.peer, "peer", "", "JSON description of another portal that runs already (see peer.go)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, *size); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, size string) error {
	if _, err := fmt.Sscanf(strings.NewReplacer("k", "000", "m", "000000").Replace(size), "%d", &o.size); err != nil {
		return fmt.Errorf("-size %q: use 10k, 100k or 1m", size)
	}
	folder, err := os.MkdirTemp("", "portico-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	o.folder, o.program = folder, filepath.Join(folder, "portico")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", o.program, "./cmd/portico")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build portico: %w", err)
	}
	var reports []*report
	for name, address := range databases(o) {
		if o.only != "" && o.only != name {
			continue
		}
		r, err := measure(ctx, o, name, address)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println(r.table()) // at once: what follows may take long
		reports = append(reports, r)
		if !o.wants("ledger") {
			continue
		}
		said, err := ledgerReport(ctx, o, name, address)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Println(said)
	}
	missed := 0
	for _, r := range reports {
		missed += len(r.missed())
	}
	if o.json != "" {
		if err := writeJSON(o.json, reports); err != nil {
			return err
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d goals are missed by more than a fifth", missed)
	}
	return nil
}

// databases are those that can be measured on.
func databases(o options) map[string]string {
	all := map[string]string{"sqlite": "sqlite:" + filepath.Join(o.folder, "bench.db")}
	if address := os.Getenv("PORTICO_TEST_MYSQL_DSN"); address != "" {
		all["mysql"] = address
	}
	return all
}

func writeJSON(path string, reports []*report) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(file)
	for _, r := range reports {
		for _, line := range r.lines() {
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
	}
	return file.Close()
}
