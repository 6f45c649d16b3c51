package privacy

import (
	"io"
	"slices"
	"strings"

	"portico/internal/i18n"
	"portico/internal/terms"
)

// authorities is where the data protection authorities of the European Union are listed.
const authorities = "https://www.edpb.europa.eu/about-edpb/about-edpb/members_en"

// contact says how to reach whoever is responsible.
func (c *composer) contact() string {
	for _, way := range []string{c.t.SupportEmail, c.t.SupportURL} {
		if way != "" {
			return way
		}
	}
	return c.t.URL("/privacy")
}

// processing writes how the data is processed: all that GDPR article 15(1) and (2) asks for.
func (c *composer) processing() error {
	purposes, err := c.purposes()
	if err != nil {
		return err
	}
	periods, err := c.periods()
	if err != nil {
		return err
	}
	linked, err := c.s.Store.Identities(c.ctx, c.e.User)
	if err != nil {
		return err
	}
	var providers []string
	for _, l := range linked {
		if !slices.Contains(providers, l.Connection) {
			providers = append(providers, l.Connection)
		}
	}
	say := func(key string, args ...any) string { return i18n.T(c.ctx, key, args...) }
	names := strings.Join(providers, ", ")
	recipients, source := []string{say("export.p.recipients.admins", "product", c.t.Product), say("export.p.recipients.mail")}, []string{say("export.p.source.you")}
	if names != "" {
		recipients = append(recipients, say("export.p.recipients.idp", "names", names))
		source = append(source, say("export.p.source.idp", "names", names))
	}
	recipients = append(recipients, say("export.p.transfer", "link", c.t.URL("/privacy")))
	source = append(source, say("export.p.source.admins", "product", c.t.Product))
	p := Page{
		Title: say("export.p.title", "product", c.t.Product), Lead: say("export.p.lead", "time", c.when(c.at)),
		Sections: []Section{
			{Title: say("export.p.controller"), Text: say("export.p.controller.body", "product", c.t.Product, "contact", c.contact())},
			purposes,
			periods,
			{Title: say("export.p.recipients"), Items: recipients},
			{Title: say("export.p.source"), Items: source},
			{Title: say("export.p.automated"), Text: say("export.p.automated.body")},
			{Title: say("export.p.rights"), Text: say("export.p.rights.body", "link", c.t.URL("/account/data"), "consents", c.t.URL("/account/consents"))},
			{Title: say("export.p.authority"), Text: say("export.p.authority.body", "link", authorities)},
		},
	}
	return c.add("processing.html", func(w io.Writer) error { return c.s.Write(c.ctx, w, p) })
}

// periods are how long everything is kept, by the table that the company keeps to.
func (c *composer) periods() (Section, error) {
	s := Section{Title: i18n.T(c.ctx, "export.p.periods"), Head: c.head("what", "purpose", "kept")}
	rows, err := c.s.Periods(c.ctx, c.t.ID)
	for _, row := range rows {
		kept := i18n.Duration(c.ctx, row.Period())
		switch {
		case row.Forever():
			kept = i18n.T(c.ctx, "export.p.kept.account")
		case row.Days == 0:
			kept = i18n.T(c.ctx, "export.p.kept.none")
		}
		s.Rows = append(s.Rows, []string{i18n.T(c.ctx, "retention.entity."+string(row.Entity)), i18n.T(c.ctx, "retention.purpose."+string(row.Entity)), kept})
	}
	return s, err
}

// purposes are why the data is processed, on which ground, and for how long: those of every account, and what the person
// consents to. Numbers of days stand in periods alone.
func (c *composer) purposes() (Section, error) {
	s := Section{Title: i18n.T(c.ctx, "export.p.purposes"), Head: c.head("purpose", "basis", "kept")}
	for _, row := range [][3]string{
		{"export.p.account", "export.p.basis.contract", "export.p.kept.account"},
		{"export.p.letters", "export.p.basis.contract", "export.p.kept.below"},
		{"export.p.security", "export.p.basis.interest", "export.p.kept.below"},
		{"export.p.assent", "export.p.basis.duty", "export.p.kept.assent"},
		{"export.p.answering", "export.p.basis.duty", "export.p.kept.below"},
	} {
		s.Rows = append(s.Rows, []string{i18n.T(c.ctx, row[0]), i18n.T(c.ctx, row[1]), i18n.T(c.ctx, row[2], "section", i18n.T(c.ctx, "export.p.periods"))})
	}
	library, _, err := c.s.Library(c.ctx, c.t.ID)
	if err != nil {
		return s, err
	}
	given, err := c.s.Store.Consents(c.ctx, c.e.User)
	for _, choice := range given {
		if choice.State == terms.On {
			text, _ := library.Text(choice.Document, choice.Number, i18n.Current(c.ctx).Tag)
			s.Rows = append(s.Rows, []string{title(text, choice.Document), i18n.T(c.ctx, "export.p.basis.consent"), i18n.T(c.ctx, "export.p.kept.consent")})
		}
	}
	return s, err
}
