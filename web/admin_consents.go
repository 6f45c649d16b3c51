package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
	"portico/internal/terms"
	"portico/views/components"
)

// assents are the kinds of document an administrator can add.
var assents = []terms.Assent{terms.Agree, terms.Acknowledge, terms.Inform, terms.Consent, terms.Interest}

// purposeBoxes are what only an optional purpose can be.
func purposeBoxes(c echo.Context) []components.CheckModel {
	ctx, form := c.Request().Context(), c.Request().PostForm
	hint := i18n.T(ctx, "adminterms.purpose.only")
	return []components.CheckModel{
		{Name: "confirms", Label: i18n.T(ctx, "adminterms.confirms"), Hint: hint, Checked: form.Get("confirms") == "on"},
		{Name: "shares", Label: i18n.T(ctx, "adminterms.shares"), Hint: hint, Checked: form.Get("shares") == "on"},
		{Name: "marketing", Label: i18n.T(ctx, "adminterms.marketing"), Hint: i18n.T(ctx, "adminterms.interest.only"), Checked: form.Get("marketing") == "on"},
	}
}

// monthsField is how long a consent counts.
func monthsField(c echo.Context, f form) components.FieldModel {
	return components.FieldModel{
		Name: terms.FieldMonths, Label: i18n.T(f.ctx, "adminterms.expires"),
		Hint:  i18n.T(f.ctx, "adminterms.expires.hint") + " " + i18n.T(f.ctx, "adminterms.purpose.only"),
		Value: c.Request().PostForm.Get(terms.FieldMonths), InputMode: "numeric", LTR: true, Optional: true, Error: f.problem(terms.FieldMonths),
	}
}

// purposeOf reads what only a purpose can be from the form that adds a document.
func purposeOf(c echo.Context, d terms.Document) terms.Document {
	form := c.Request().PostForm
	ticked := func(name string, assents ...terms.Assent) bool {
		return form.Get(name) == "on" && slices.Contains(assents, d.Assent)
	}
	d.Confirms, d.Shares = ticked("confirms", terms.Consent), ticked("shares", terms.Consent, terms.Interest)
	d.Marketing = ticked("marketing", terms.Interest)
	if months := strings.TrimSpace(form.Get(terms.FieldMonths)); d.Assent == terms.Consent && months != "" {
		n, err := strconv.Atoi(months)
		d.ConsentMonths = n
		if err != nil {
			d.ConsentMonths = -1
		}
	}
	return d
}

// consenting says how many consent to a purpose.
func (s *Server) consenting(c echo.Context, d terms.Document) (string, error) {
	if d.Assent != terms.Consent {
		return "", nil
	}
	ctx := c.Request().Context()
	counts, err := s.Consents.Count(ctx, d.Tenant)
	return i18n.T(ctx, "adminterms.consents", "count", int(counts[d.Key])), err
}

// downloadConsents lists who consents to a purpose, with the address that withdraws it again, for whoever writes to them.
// It is written row by row: a list of any length takes no memory.
func (s *Server) downloadConsents(c echo.Context) error {
	_, d, _, err := s.document(c)
	if err != nil {
		return err
	}
	if d.Assent != terms.Consent {
		return echo.ErrNotFound
	}
	ctx := c.Request().Context()
	err = s.Audit.Record(ctx, audit.Event{
		Type: audit.ConsentsExported, User: tenant.User{Tenant: d.Tenant}, Fields: []string{d.Key},
		Actor: audit.Actor{Kind: audit.ByAdmin, ID: session.User(ctx).ID},
	})
	if err != nil {
		return err
	}
	t, list := tenant.From(ctx), s.table(c, d.Key, "user_id", "email", "name", "language", "since", "version", "unsubscribe")
	list.begin()
	return list.end(s.Consents.EachConsenter(ctx, d.Tenant, d.Key, func(p terms.Consenter) error {
		return list.row(p.User.ID, p.Email, p.Name, p.Locale, p.Since.UTC().Format(time.RFC3339), strconv.Itoa(p.Number), t.URL("/unsubscribe/"+p.Link))
	}))
}
