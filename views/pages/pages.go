package pages

import (
	"slices"

	"github.com/a-h/templ"
)

// ltr marks what is written from left to right in every language.
func ltr(is bool) templ.Attributes {
	if is {
		return templ.Attributes{"dir": "ltr"}
	}
	return nil
}

// openFirst opens the full text for somebody who has not accepted any version yet.
func openFirst(from int) templ.Attributes {
	if from == 0 {
		return templ.Attributes{"open": true}
	}
	return nil
}

// anchored gives a change the address that the lines in short lead to.
func anchored(anchor string) templ.Attributes {
	if anchor == "" {
		return nil
	}
	return templ.Attributes{"id": "change-" + anchor}
}

// currentState marks the link of the page one is on.
func currentState(is bool) templ.Attributes {
	if is {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}

// typed reports whether there is something that a person typed.
func (v ResumePage) typed() bool {
	return slices.ContainsFunc(v.Values, func(one ResumeValue) bool { return one.Label != "" && one.Value != "" })
}
