package main

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDemonstrationSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	stale := t.TempDir()
	if err := os.WriteFile(filepath.Join(stale, "portico.db"), []byte(strings.Repeat("of another time ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, c := range map[string]demoCommand{
		"is taken, perhaps by a demonstration that runs already": {Addr: taken.Addr().String(), Dir: t.TempDir()},
		"listens on this machine only":                           {Addr: "0.0.0.0:0", Dir: t.TempDir()},
		"remove the folder " + stale:                             {Addr: "127.0.0.1:0", Dir: stale},
	} {
		if err := c.Run(t.Context(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want it to say: %s", err, says)
		}
	}
}
