package brand

import (
	"errors"
	"fmt"
	"math"
	"testing"
)

// The figures are those of the table in the design, which were computed elsewhere.
func TestTheOwnColour(t *testing.T) {
	t.Parallel()
	b, err := Parse(Default)
	if err != nil || math.Abs(b.chroma-.074) > .001 || math.Abs(b.hue-178) > 1 {
		t.Fatalf("got %+v, %v, want .074 178", b, err)
	}
	want := []Pair{
		{"link", false, 6.99}, {"button", false, 8.13}, {"wall", false, 7.23}, {"link", true, 8.40}, {"button", true, 10.60}, {"wall", true, 9.07},
	}
	for i, p := range b.Pairs() {
		if p.Name != want[i].Name || p.Dark != want[i].Dark || math.Abs(p.Contrast-want[i].Contrast) > .1 {
			t.Errorf("got %+v, want %+v", p, want[i])
		}
	}
	day, night, onNight := b.Letters()
	if day != "#0a5a4d" && day != "#0b594d" || night[0] != '#' || len(onNight) != 7 {
		t.Errorf("got %s %s %s, want the colours of letters", day, night, onNight)
	}
	if got := b.CSS(); got != ":root{--brand:0.074 178;--tint:0.026 178;--shade:0.046 178}\n" {
		t.Errorf("got %s", got)
	}
}

// Every colour a screen can show gives text that can be read, because its lightness is ours.
func TestEveryColourCanBeRead(t *testing.T) {
	t.Parallel()
	least := math.Inf(1)
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				text := fmt.Sprintf("#%02X%02x%02x", r, g, b)
				brand, err := Parse(text)
				if err != nil {
					t.Fatal(text, err)
				}
				if !brand.Readable() {
					t.Errorf("%s: got %+v, want at least %v", text, brand.Weakest(), Least)
				}
				least = min(least, brand.Weakest().Contrast)
			}
		}
	}
	if least > 7.3 {
		t.Errorf("got %v at the least, want the wall's own contrast or less", least)
	}
}

func TestWhatIsNotReadableIsFound(t *testing.T) {
	t.Parallel()
	if b := (Brand{chroma: 2, hue: 110}); b.Readable() {
		t.Errorf("got %+v readable", b.Pairs())
	}
}

func TestWhatIsNoColour(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0a5a4d", "#0a5a4", "#0a5a4d;", "#gggggg", "red", "#0a5a4d\n}x{"} {
		if _, err := Parse(text); !errors.Is(err, ErrColour) {
			t.Errorf("%q: got %v, want it refused", text, err)
		}
	}
}
