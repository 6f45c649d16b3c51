// Package emails writes letters: the text and the HTML of each kind, in the reader's language.
package emails

import (
	"context"
	"errors"
	"strings"

	"portico/internal/browser"
	"portico/internal/i18n"
	"portico/internal/mail"
)

// ErrKind says that a letter is of no known kind.
var ErrKind = errors.New("unknown kind of letter")

// From is whose letters they are. Origin is the configured scheme and host of the portal.
type From struct {
	Product      string
	Origin       string
	SupportEmail string
	SupportURL   string
	Brand        Colours
}

// Colours are those of a company's brand: of links and buttons by day and by night, and of words on a button by night. The
// zero value is the portal's own.
type Colours struct {
	Day     string
	Night   string
	OnNight string
}

// in writes a letter in these colours.
func (c Colours) in(html string) string {
	if c == (Colours{}) {
		return html
	}
	return strings.NewReplacer("#0a5a4d", c.Day, "#85d7c4", c.Night, "#051a16", c.OnNight).Replace(html)
}

// Kinds lists every kind of letter, in the order in which a person may meet them.
func Kinds() []mail.Kind {
	return []mail.Kind{
		mail.VerifyEmail, mail.AlreadyRegistered, mail.ResetEmail, mail.ResetProvider, mail.PasswordChanged, mail.BlockedAccount,
		mail.EmailChangeConfirm, mail.EmailChangeNotice, mail.EmailChanged, mail.EmailChangedByAdmin, mail.EmailTaken,
		mail.AccountLinked, mail.AccountUnlinked, mail.EmailFollowed, mail.EmailKept,
		mail.PhoneChanged, mail.NewSignIn, mail.SessionLimit,
		mail.TermsChanged, mail.TermsReminder, mail.TermsAccepted, mail.TermsRecorded, mail.TermsWithdrawn, mail.TermsCancelled, mail.ConsentConfirm, mail.ConsentGiven, mail.LedgerCheckpoint,
		mail.Invited, mail.AccountBlocked, mail.AccountUnblocked, mail.ProfileChangedByAdmin,
		mail.AdministratorAdded, mail.AdministratorGone, mail.PasswordChangeAsked,
		mail.RequestReceived, mail.RequestExtended, mail.RequestAnswered, mail.WithdrawalReceived, mail.WithdrawalAnswered, mail.AccountRestricted, mail.RestrictionLifted,
		mail.ExportReady, mail.ExportMade, mail.ExportFailed,
		mail.GuardianRequest, mail.GuardianDecided, mail.GuardianApproved, mail.AgeClosing,
		mail.AccountUnproven, mail.CloseLink, mail.AccountClosing, mail.AccountKept, mail.AccountClosed,
	}
}

// Render writes letter in its language, as text and as HTML, with times in the zone of ctx.
func Render(ctx context.Context, from From, letter mail.Letter) (subject, text, html string, err error) {
	m, err := modelOf(i18n.With(ctx, letter.Language, i18n.Zone(ctx)), from, letter)
	if err != nil {
		return "", "", "", err
	}
	var b strings.Builder
	if err := page(m).Render(ctx, &b); err != nil {
		return "", "", "", err
	}
	return m.Subject, m.text(), from.Brand.in(b.String()), nil
}

// block is a part of a letter in its words.
type block struct {
	form  form
	text  string
	url   string
	items []string
	whole mail.Enclosed
}

// spoken is the language of an enclosed document, which need not be the letter's.
func (b block) spoken() i18n.Language {
	language, _ := i18n.Find(b.whole.Locale)
	return language
}

// model is a letter in its words.
type model struct {
	Language i18n.Language
	Product  string
	Subject  string
	Preview  string
	Greeting string
	blocks   []block
	Why      string
	Settings string // words of the link to where the language is chosen; SetURL is empty for strangers
	SetURL   string
	Support  []i18n.Part
	Contact  string
	Address  string // of the link to support: mailto: or https:
}

// side is where lines begin: mail programs know no logical properties.
func (m model) side() string {
	if m.Language.Dir == "rtl" {
		return "right"
	}
	return "left"
}

// exampleOf is a letter of the kind that an example shows, with made-up facts, and marked as a test.
func exampleOf(ctx context.Context, from From, letter mail.Letter) (model, error) {
	facts := Sample(letter.Facts.Of)
	if facts.Name != "" && letter.Facts.Name != "" {
		facts.Name = letter.Facts.Name
	}
	letter.Kind, letter.Facts = letter.Facts.Of, facts
	if letter.Kind == mail.Example {
		return model{}, ErrKind
	}
	m, err := modelOf(ctx, from, letter)
	if err == nil {
		m.Subject = i18n.T(ctx, "mail.test", "subject", m.Subject)
	}
	return m, err
}

func modelOf(ctx context.Context, from From, letter mail.Letter) (model, error) {
	if letter.Kind == mail.Example {
		return exampleOf(ctx, from, letter)
	}
	s, ok := shapes[letter.Kind]
	if !ok {
		return model{}, ErrKind
	}
	w := words{ctx, letter, argsOf(ctx, from, letter)}
	m := model{
		Language: i18n.Current(ctx), Product: from.Product, Subject: oneLine(w.of("subject")), Greeting: i18n.T(ctx, "mail.hello.none"),
		Why: i18n.T(ctx, "mail.why."+s.why, w.args...),
	}
	if name := SafeName(letter.Facts.Name); name != "" && !s.stranger {
		m.Greeting = i18n.T(ctx, "mail.hello", "name", name)
	}
	for _, p := range s.parts {
		if p.only == nil || p.only(letter.Facts) {
			m.blocks = append(m.blocks, w.blocks(p)...)
		}
	}
	m.Preview = m.blocks[0].text
	if m.has(code) {
		m.Preview = i18n.T(ctx, "mail.code", "code", spaced(letter.Facts.Code))
		m.blocks = append(m.blocks, block{form: small, text: i18n.T(ctx, "mail.code.safe", w.args...)})
	}
	if letter.User != "" && !s.stranger {
		m.Settings, m.SetURL = i18n.T(ctx, "mail.language"), strings.TrimRight(from.Origin, "/")+"/account/profile#language"
	}
	m.support(ctx, from)
	return m, nil
}

func (m *model) support(ctx context.Context, from From) {
	switch {
	case from.SupportURL != "":
		m.Contact, m.Address = from.SupportURL, from.SupportURL
	case from.SupportEmail != "":
		m.Contact, m.Address = from.SupportEmail, "mailto:"+from.SupportEmail
	default:
		return
	}
	m.Support = i18n.Parts(ctx, "mail.support")
}

func (m model) has(f form) bool {
	for _, b := range m.blocks {
		if b.form == f {
			return true
		}
	}
	return false
}

// argsOf are the parameters that every message of a letter may use.
func argsOf(ctx context.Context, from From, letter mail.Letter) []any {
	f := letter.Facts
	return []any{
		"product", from.Product, "email", letter.To, "address", f.Address, "time", i18n.Moment(ctx, f.Time),
		"until", until(ctx, letter), "ttl", i18n.Duration(ctx, f.TTL), "document", f.Document, "version", f.Version,
		"count", f.Count, "provider", f.Provider,
	}
}

// until is a day where only the day matters, else a day and a time.
func until(ctx context.Context, letter mail.Letter) string {
	switch letter.Kind {
	case mail.TermsChanged, mail.TermsReminder, mail.TermsCancelled, mail.RequestReceived, mail.RequestExtended, mail.WithdrawalReceived,
		mail.AccountClosing, mail.GuardianRequest, mail.AgeClosing, mail.AccountUnproven:
		return i18n.Date(ctx, letter.Facts.Until)
	default:
		return i18n.Moment(ctx, letter.Facts.Until)
	}
}

// words finds the words of one letter.
type words struct {
	ctx    context.Context //nolint:containedctx // lives as long as one call of modelOf
	letter mail.Letter
	args   []any
}

func (w words) of(key string) string {
	return i18n.T(w.ctx, "mail."+string(w.letter.Kind)+"."+key, w.args...)
}

// blocks are what a part becomes: nothing when its facts are missing.
func (w words) blocks(p part) []block {
	f := w.letter.Facts
	switch p.form {
	case text, small:
		return []block{{form: p.form, text: w.of(p.key)}}
	case code:
		return w.code(p.key)
	case button:
		if f.Link != "" {
			return []block{{form: button, text: w.of(p.key), url: f.Link}}
		}
	case second:
		if f.SecondLink != "" {
			return []block{{form: second, text: w.of(p.key), url: f.SecondLink}}
		}
	case place:
		return w.place()
	case list:
		if len(f.Changes) > 0 {
			return []block{{form: list, items: f.Changes}}
		}
	case fields:
		return w.fields()
	case verbatim:
		if f.Proof != "" {
			return []block{{form: verbatim, items: strings.Split(strings.TrimSpace(f.Proof), "\n")}}
		}
	case document:
		if f.Enclosed.Source != "" {
			return []block{{form: document, text: w.of(p.key), whole: f.Enclosed}}
		}
	case statement:
		return w.statement()
	case quote:
		if said := f.Message + f.Text; said != "" {
			return []block{{form: quote, items: strings.Split(strings.ReplaceAll(said, "\r\n", "\n"), "\n")}}
		}
	}
	return nil
}

func (w words) code(key string) []block {
	if w.letter.Facts.Code == "" {
		return nil
	}
	blocks := []block{{form: code, text: w.letter.Facts.Code}}
	if key != "" {
		blocks = append([]block{{form: text, text: i18n.T(w.ctx, "mail.code."+key)}}, blocks...)
	}
	return blocks
}

// statement repeats what a stranger may have typed, so nothing in it becomes a link.
func (w words) statement() []block {
	f := w.letter.Facts
	lines := append([]string{w.of("says")}, strings.Split(unlinked(f.Reference), "\n")...)
	lines = append(lines, i18n.T(w.ctx, "mail.withdrawal_received.name", "name", unlinked(oneLine(f.Name))), w.of("address"))
	return []block{{form: quote, items: lines}}
}

func (w words) place() []block {
	f, lines := w.letter.Facts, []string(nil)
	if !f.Time.IsZero() {
		lines = append(lines, i18n.T(w.ctx, "mail.when", "time", i18n.Moment(w.ctx, f.Time)))
	}
	if name := browser.Name(f.Browser); name != "" {
		lines = append(lines, i18n.T(w.ctx, "mail.browser", "browser", name))
	}
	if f.IP != "" {
		lines = append(lines, i18n.T(w.ctx, "mail.ip", "ip", f.IP))
	}
	if lines == nil {
		return nil
	}
	return []block{{form: list, items: lines}}
}

func (w words) fields() []block {
	var names []string
	for _, field := range w.letter.Facts.Changes {
		if key := "mail.field." + field; i18n.Has("en", key) {
			field = i18n.T(w.ctx, key)
		}
		names = append(names, field)
	}
	if names == nil {
		return nil
	}
	return []block{{form: list, items: names}}
}

// text is the letter without any mark-up: the same facts, each address on a line of its own.
func (m model) text() string {
	var b strings.Builder
	para := func(lines ...string) { b.WriteString(strings.Join(lines, "\n") + "\n\n") }
	para(m.Product)
	para(m.Subject)
	para(m.Greeting)
	for _, p := range m.blocks {
		switch p.form {
		case button, second:
			para(p.text+":", p.url)
		case list:
			para("- " + strings.Join(p.items, "\n- "))
		case verbatim:
			para(p.items...)
		case document:
			para(p.text, p.whole.Source)
		case quote:
			para("> " + strings.Join(p.items, "\n> "))
		default:
			para(p.text)
		}
	}
	para("--\n" + m.Why)
	if m.SetURL != "" {
		para(m.Settings+":", m.SetURL)
	}
	if m.Contact != "" {
		var line strings.Builder
		for _, part := range m.Support {
			if part.Name != "" {
				part.Text = m.Contact
			}
			line.WriteString(part.Text)
		}
		para(line.String())
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
