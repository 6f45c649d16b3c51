package i18n

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Country is a country by its code (ISO 3166-1) and its name in the reader's language.
type Country struct {
	Code string
	Name string
}

// CountryName is the name of a country in the reader's language, and the code itself of one that has none.
func CountryName(ctx context.Context, code string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	if name := display.Regions(language.Make(Current(ctx).Tag)).Name(region); name != "" {
		return name
	}
	return code
}

// Countries names countries in the reader's language, in the order of its alphabet.
func Countries(ctx context.Context, codes []string) []Country {
	order := collate.New(language.Make(Current(ctx).Tag), collate.IgnoreCase)
	all := make([]Country, len(codes))
	for i, code := range codes {
		all[i] = Country{code, CountryName(ctx, code)}
	}
	slices.SortStableFunc(all, func(a, b Country) int { return order.CompareString(a.Name, b.Name) })
	return all
}

// DateOrder lists the parts of a date, "day", "month" and "year", in the order in which the reader's language writes them.
func DateOrder(ctx context.Context) []string {
	pattern, parts := find(Current(ctx).Tag, "date.day", nil), []string{"day", "month", "year"}
	slices.SortStableFunc(parts, func(a, b string) int { return strings.Index(pattern, "{"+a+"}") - strings.Index(pattern, "{"+b+"}") })
	return parts
}
