package web

import (
	"testing"

	"portico/views/pages"
)

func TestLinesThatAreAddresses(t *testing.T) {
	t.Parallel()
	got := linked("Confirm:\nhttps://account.example.org/verify/x\njavascript:alert(1)\nsee https://example.org\n\n")
	want := []pages.MessageLine{
		{Text: "Confirm:"},
		{Text: "https://account.example.org/verify/x", Link: true},
		{Text: "javascript:alert(1)"},
		{Text: "see https://example.org"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}
