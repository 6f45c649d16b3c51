package pages

import "github.com/a-h/templ"

// ltr marks what is written from left to right in every language.
func ltr(is bool) templ.Attributes {
	if is {
		return templ.Attributes{"dir": "ltr"}
	}
	return nil
}
