package layouts

import (
	"context"

	"github.com/a-h/templ"

	"portico/internal/i18n"
)

func navLabel(ctx context.Context, p Page) string {
	if p.Admin {
		return i18n.T(ctx, "app.admin")
	}
	return i18n.T(ctx, "app.account")
}

// current marks the link of the page one is on.
func current(is bool) templ.Attributes {
	if is {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}
