package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// help is what `portico ARGS --help` prints, with its line breaks undone.
func help(t *testing.T, args ...string) string {
	t.Helper()
	var printed bytes.Buffer
	p, err := parser(kong.Writers(&printed, &printed), kong.Exit(func(int) { panic("the end") }))
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }() // kong ends the process after --help
		_, _ = p.Parse(append(args, "--help"))
	}()
	return strings.Join(strings.Fields(printed.String()), " ")
}

// TestReadmeNamesEverySetting holds the table of the README to what the program itself says.
func TestReadmeNamesEverySetting(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(PORTICO_[A-Z_]+)`").FindAllStringSubmatch(string(readme), -1) {
		told = append(told, row[1])
	}
	var known []string
	text := help(t, "serve")
	for _, found := range regexp.MustCompile(`\(\$(PORTICO_[A-Z_]+)\)`).FindAllStringSubmatch(text, -1) {
		known = append(known, found[1])
	}
	if len(known) < 10 || !slices.Equal(told, known) {
		t.Errorf("the README tells of\n%v, the program of\n%v:\n%s", told, known, text)
	}
	for _, c := range []struct{ setting, value string }{
		{"PORTICO_ADDR", ":8080"}, {"PORTICO_PRODUCT", "Portico"}, {"PORTICO_LOCALES", "en,de,es,fr,pt,pl,ar,ja"},
	} {
		row := regexp.MustCompile("(?m)^\\| `" + c.setting + "` .*$").FindString(string(readme))
		if !strings.Contains(row, "`"+c.value+"`") || !strings.Contains(text, c.value) {
			t.Errorf("%s: got %q in the README, want the default %s that the program has", c.setting, row, c.value)
		}
	}
}

// TestReadmeNamesEveryCommand: what the README has people type exists.
func TestReadmeNamesEveryCommand(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := help(t)
	for _, typed := range regexp.MustCompile("(?m)(?:^|`)portico ([a-z]+)").FindAllStringSubmatch(string(readme), -1) {
		if !regexp.MustCompile(`\b` + typed[1] + `\b`).MatchString(all) {
			t.Errorf("the README has people type portico %s, which the program does not know: %s", typed[1], all)
		}
	}
}
