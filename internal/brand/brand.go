// Package brand turns a company's one colour into the colours of its portal. Of the colour only chroma and hue are taken:
// lightness is the portal's own, so that text can be read in any colour, by day and by night (ux.md 3.1).
package brand

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// Default is the portal's own colour, where a company has none.
const Default = "#0a5a4d"

// Least is the contrast that text must have with what is behind it (WCAG 2.2, 1.4.3).
const Least = 4.5

// ErrColour says that a text is no colour.
var ErrColour = errors.New("a colour is # and six hexadecimal digits")

var hexPattern = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// Brand is the chroma and hue of a colour, as the style sheet takes them.
type Brand struct {
	chroma float64
	hue    float64
}

// Parse reads a colour such as "#0a5a4d". It returns ErrColour.
func Parse(text string) (Brand, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if !hexPattern.MatchString(text) {
		return Brand{}, ErrColour
	}
	var c rgb
	for i := range c {
		var n int
		_, _ = fmt.Sscanf(text[1+2*i:3+2*i], "%02x", &n) // the pattern holds
		c[i] = linear(float64(n) / 255)
	}
	return c.brand(), nil
}

// of is b with a share of its chroma, in the lightness of the portal.
func (b Brand) of(lightness, share float64) rgb { return oklch(lightness, b.chroma*share, b.hue) }

// The shares of the chroma that washes and walls have: those of the portal's own colour.
const (
	tint  = .026 / .074
	shade = .046 / .074
)

// CSS sets the three pairs of chroma and hue that the style sheet is made from.
func (b Brand) CSS() string {
	pair := func(share float64) string { return fmt.Sprintf("%.3f %.0f", b.chroma*share, b.hue) }
	return ":root{--brand:" + pair(1) + ";--tint:" + pair(tint) + ";--shade:" + pair(shade) + "}\n"
}

// Pair is text on a ground, and the contrast between them. Name is the last part of a message key.
type Pair struct {
	Name     string
	Dark     bool
	Contrast float64
}

// Pairs are those that the colour takes part in, by day and by night.
func (b Brand) Pairs() []Pair {
	white, canvas, night := oklch(1, 0, 0), oklch(.968, .005, 168), oklch(.19, .01, 190)
	surface := oklch(.228, .012, 190)
	pair := func(name string, dark bool, text rgb, grounds ...rgb) Pair {
		p := Pair{Name: name, Dark: dark, Contrast: math.Inf(1)}
		for _, ground := range grounds {
			p.Contrast = min(p.Contrast, contrast(text, ground))
		}
		return p
	}
	return []Pair{
		pair("link", false, b.of(.42, 1), canvas, white, b.of(.945, tint)),
		pair("button", false, white, b.of(.42, 1), b.of(.37, 1)),
		pair("wall", false, b.of(.82, tint), b.of(.32, shade), b.of(.275, shade)),
		pair("link", true, b.of(.82, 1), night, surface, b.of(.285, tint)),
		pair("button", true, b.of(.2, tint), b.of(.82, 1), b.of(.88, 1)),
		pair("wall", true, b.of(.82, tint), b.of(.25, shade), b.of(.228, shade)),
	}
}

// Weakest is the pair with the least contrast.
func (b Brand) Weakest() Pair {
	weakest := Pair{Contrast: math.Inf(1)}
	for _, p := range b.Pairs() {
		if p.Contrast < weakest.Contrast {
			weakest = p
		}
	}
	return weakest
}

// Readable reports whether every text in this colour has at least the contrast Least.
func (b Brand) Readable() bool { return b.Weakest().Contrast >= Least }

// Letters are the colours that letters need, for programs that know no style sheet: links and buttons by day, the same by
// night, and what stands on a button by night.
func (b Brand) Letters() (day, night, onNight string) {
	return b.of(.42, 1).hex(), b.of(.82, 1).hex(), b.of(.2, tint).hex()
}

// rgb is a colour as light: red, green and blue, linear, within the gamut of sRGB.
type rgb [3]float64

// oklch is the colour nearest to one of OKLCH (CSS Color 4, 8.4), each part cut off at the edge of sRGB as browsers do.
func oklch(lightness, chroma, hue float64) rgb {
	a, b := chroma*math.Cos(hue*math.Pi/180), chroma*math.Sin(hue*math.Pi/180)
	l := cube(lightness + .3963377774*a + .2158037573*b)
	m := cube(lightness - .1055613458*a - .0638541728*b)
	s := cube(lightness - .0894841775*a - 1.2914855480*b)
	c := rgb{
		4.0767416621*l - 3.3077115913*m + .2309699292*s,
		-1.2684380046*l + 2.6097574011*m - .3413193965*s,
		-.0041960863*l - .7034186147*m + 1.7076147010*s,
	}
	for i := range c {
		c[i] = min(max(c[i], 0), 1)
	}
	return c
}

func cube(n float64) float64 { return n * n * n }

// brand is the way back: the chroma and hue of a colour.
func (c rgb) brand() Brand {
	l := math.Cbrt(.4122214708*c[0] + .5363325363*c[1] + .0514459929*c[2])
	m := math.Cbrt(.2119034982*c[0] + .6806995451*c[1] + .1073969566*c[2])
	s := math.Cbrt(.0883024619*c[0] + .2817188376*c[1] + .6299787005*c[2])
	x, y := 1.9779984951*l-2.4285922050*m+.4505937099*s, .0259040371*l+.7827717662*m-.8086757660*s
	hue := math.Atan2(y, x) * 180 / math.Pi
	if hue < 0 {
		hue += 360
	}
	return Brand{chroma: math.Hypot(x, y), hue: hue}
}

// hex writes a colour as letters need it.
func (c rgb) hex() string {
	text := "#"
	for _, part := range c {
		text += fmt.Sprintf("%02x", int(math.Round(255*gamma(part))))
	}
	return text
}

func linear(v float64) float64 {
	if v <= .04045 {
		return v / 12.92
	}
	return math.Pow((v+.055)/1.055, 2.4)
}

func gamma(v float64) float64 {
	if v <= .0031308 {
		return 12.92 * v
	}
	return 1.055*math.Pow(v, 1/2.4) - .055
}

// contrast is that of WCAG 2.2: of the relative luminance of two colours.
func contrast(a, b rgb) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

func (c rgb) luminance() float64 { return .2126*c[0] + .7152*c[1] + .0722*c[2] }
