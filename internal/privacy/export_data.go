package privacy

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"portico/internal/i18n"
	"portico/internal/idp"
	"portico/internal/profile"
	"portico/internal/terms"
)

// myData are the parts of MyData.
func (c *composer) myData() []func() error {
	return []func() error{c.profile, c.metadata, c.identities, c.consents, c.accepted, c.requests, c.notes, c.processing}
}

// profile writes the profile in the shape of Auth0's user, and what only we know in the section "portico".
func (c *composer) profile() error {
	p := c.p
	own := map[string]any{
		"version": p.Version, "connection": p.Connection, "role": p.Role, "phone_verified": p.PhoneVerified, "edited_at": p.EditedAt,
		"block":       map[string]any{"blocked": p.Block.Blocked, "at": orNil(p.Block.At), "until": orNil(p.Block.Until), "message": p.Block.Message},
		"restriction": map[string]any{"restricted": p.Restriction.On, "at": orNil(p.Restriction.At), "reason": c.masked(p.Restriction.Reason)},
	}
	for name, kind := range map[string]RecordKind{"password": Passwords, "email_change": EmailChanges} {
		rows, err := c.all(kind)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			own[name] = rows[0]
		}
	}
	identities, err := c.shortIdentities()
	if err != nil {
		return err
	}
	disputed, err := c.disputed()
	if err != nil {
		return err
	}
	own["disputed"] = disputed
	user := map[string]any{
		"user_id": p.User.ID, "email": p.Email, "email_verified": p.EmailVerified, "username": p.Username, "name": p.Name, "given_name": p.GivenName,
		"family_name": p.FamilyName, "nickname": p.Nickname, "picture": p.Picture, "phone_number": p.PhoneNumber, "phone_verified": p.PhoneVerified,
		"created_at": p.CreatedAt, "updated_at": p.UpdatedAt, "last_login": orNil(p.LastLogin), "last_ip": p.LastIP, "logins_count": p.LoginsCount,
		"last_password_reset": orNil(p.LastPasswordReset), "blocked": p.Block.Blocked, "identities": identities,
		"user_metadata": p.UserMetadata, "app_metadata": p.AppMetadata, "portico": own,
	}
	s := Section{Title: i18n.T(c.ctx, "export.s.profile")}
	for _, field := range []string{
		profile.FieldEmail, profile.FieldUsername, profile.FieldName, profile.FieldGivenName, profile.FieldFamilyName, profile.FieldNickname,
		profile.FieldPicture, profile.FieldPhone,
	} {
		if value, _ := user[field].(string); value != "" {
			s.Facts = append(s.Facts, Fact{i18n.T(c.ctx, "mail.field."+field), value})
		}
	}
	if len(disputed) > 0 {
		s.Facts = append(s.Facts, Fact{i18n.T(c.ctx, "export.c.disputed"), c.named(disputed)})
	}
	s.Facts = append(s.Facts, Fact{i18n.T(c.ctx, "export.c.since"), c.when(p.CreatedAt)}, Fact{i18n.T(c.ctx, "event.s"), c.when(p.LastLogin)})
	c.show(s)
	return c.addJSON("profile.json", user)
}

// disputed are the attributes and keys that the person says are wrong, while nobody has answered (terms.md section 3).
func (c *composer) disputed() ([]string, error) {
	names := []string{}
	err := c.each(Requests, func(r Record) error {
		subject := r.text("subject")
		if open, _ := r.find("open").(bool); open && r.text("kind") == string(Rectification) && subject != Other {
			names = append(names, subject)
		}
		return nil
	})
	return names, err
}

// named says attributes and declared keys in the person's words.
func (c *composer) named(subjects []string) string {
	words := make([]string, len(subjects))
	for i, subject := range subjects {
		words[i] = i18n.T(c.ctx, "mail.field."+subject)
		if _, property, ok := declared(c.t, Request{Subject: subject}); ok {
			words[i] = property.Label(i18n.Current(c.ctx).Tag)
		}
		if words[i] == "" {
			words[i] = subject
		}
	}
	return strings.Join(words, ", ")
}

// orNil is a time that may be missing.
func orNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

// metadata writes both parts, those keys too that the portal shows nobody (rule M-7).
func (c *composer) metadata() error {
	s := Section{Title: i18n.T(c.ctx, "export.s.metadata")}
	for _, m := range []profile.Metadata{c.p.UserMetadata, c.p.AppMetadata} {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			s.Facts = append(s.Facts, Fact{key, plain(m[key])})
		}
	}
	c.show(s)
	return c.addJSON("metadata.json", map[string]any{"user_metadata": c.p.UserMetadata, "app_metadata": c.p.AppMetadata})
}

// shortIdentities are the identities in the shape of Auth0's (rule I-6), with what we took over from the provider. All that it
// said is in TechnicalRecords.
func (c *composer) shortIdentities() ([]any, error) {
	linked, err := c.s.Store.Identities(c.ctx, c.e.User)
	if err != nil {
		return nil, err
	}
	connections, err := c.s.Store.Connections(c.ctx, c.e.User.Tenant)
	if err != nil {
		return nil, err
	}
	by := map[string]idp.Connection{}
	for _, one := range connections {
		by[one.ID] = one
	}
	all := []any{}
	for _, l := range linked {
		said := l.Identity
		said.Data, said.Given, said.Left = nil, nil, nil
		all = append(all, struct {
			Connection string `json:"connection"`
			Provider   string `json:"provider"`
			Social     bool   `json:"isSocial"`
			Main       bool   `json:"main"`
			idp.Identity
			Since time.Time `json:"created_at"`
			Seen  time.Time `json:"seen_at"`
		}{l.Connection, by[l.Connection].Provider(), by[l.Connection].Social(), l.Main, said, l.CreatedAt, l.SeenAt})
	}
	return all, nil
}

func (c *composer) identities() error {
	all, err := c.shortIdentities()
	if err != nil {
		return err
	}
	linked, err := c.s.Store.Identities(c.ctx, c.e.User)
	if err != nil {
		return err
	}
	s := Section{Title: i18n.T(c.ctx, "export.s.identities"), Head: c.head("provider", "address", "since", "seen")}
	for _, l := range linked {
		s.Rows = append(s.Rows, []string{l.Connection, l.Email, c.when(l.CreatedAt), c.when(l.SeenAt)})
	}
	c.show(s)
	return c.addJSON("identities.json", all)
}

// consents writes where the person stands on each purpose, in the sections of a consent record (ISO/IEC TS 27560: record,
// processing, parties, event), what they accepted, and every decision.
func (c *composer) consents() error {
	library, _, err := c.s.Library(c.ctx, c.t.ID)
	if err != nil {
		return err
	}
	given, err := c.s.Store.Consents(c.ctx, c.e.User)
	if err != nil {
		return err
	}
	party, err := c.s.Store.Party(c.ctx, c.e.User)
	if err != nil {
		return err
	}
	s := Section{Title: i18n.T(c.ctx, "export.s.consents"), Head: c.head("document", "version", "state", "since")}
	consents, accepted, decisions := []any{}, []any{}, []Record{}
	for _, choice := range given {
		text, _ := library.Text(choice.Document, choice.Number, choice.Locale)
		s.Rows = append(s.Rows, []string{title(text, choice.Document), fmt.Sprint(choice.Number), i18n.T(c.ctx, "export.state."+string(choice.State)), c.when(choice.Since)})
		consents = append(consents, c.consentRecord(choice, text))
	}
	for _, a := range party.Accepted {
		text, _ := library.Text(a.Document, a.Number, a.Locale)
		s.Rows = append(s.Rows, []string{title(text, a.Document), fmt.Sprint(a.Number), i18n.T(c.ctx, "event.terms_accepted"), c.when(a.At)})
		accepted = append(accepted, map[string]any{
			"document": a.Document, "number": a.Number, "title": text.Title, "locale": a.Locale, "event_id": a.Event, "accepted_at": a.At, "expires_at": orNil(a.ExpiresAt),
		})
	}
	err = c.each(Decisions, func(r Record) error {
		decisions = append(decisions, Record{
			{"event_id", r.find("event_id")},
			{"type", r.find("type")},
			{"document", r.find("document")},
			{"number", r.find("number")},
			{"occurred_at", r.find("occurred_at")},
		})
		return nil
	})
	if err != nil {
		return err
	}
	c.show(s)
	return c.addJSON("consents.json", map[string]any{"consents": consents, "accepted": accepted, "decisions": decisions})
}

func (c *composer) consentRecord(choice terms.Choice, text terms.Text) map[string]any {
	return map[string]any{
		"record": map[string]any{"schema": "ISO/IEC TS 27560:2023", "record_id": choice.Event, "subject_id": c.e.User.ID},
		"processing": map[string]any{
			"purpose": choice.Document, "title": text.Title, "legal_basis": "GDPR 6(1)(a)", "notice_version": choice.Number, "notice_locale": choice.Locale,
			"notice_sha256": text.HTMLSHA256,
		},
		"parties": map[string]any{"controller": c.t.Product, "contact": c.contact()},
		"event":   map[string]any{"state": choice.State, "since": choice.Since, "expires_at": orNil(choice.ExpiresAt)},
	}
}

func title(text terms.Text, document string) string {
	if text.Title == "" {
		return document
	}
	return text.Title
}

// accepted writes the full text of every version that the person accepted or consented to, or a guardian approved, to the byte
// as it was shown, and the screens on which they decided. The hashes in the record are those of these parts.
func (c *composer) accepted() error {
	library, _, err := c.s.Library(c.ctx, c.t.ID)
	if err != nil {
		return err
	}
	s := Section{Title: i18n.T(c.ctx, "export.s.accepted"), Head: c.head("document", "version", "file")}
	err = c.each(Decisions, func(r Record) error {
		var e terms.Event
		_ = json.Unmarshal([]byte(r.text("payload")), &e) // an entry that was erased names no text
		if err := c.screen(e.Presentation); err != nil {
			return err
		}
		switch e.Type {
		case terms.Accepted, terms.Acknowledged, terms.Given, terms.GuardianApproved:
		default:
			return nil
		}
		text, ok := library.Revision(e.Document, e.Number, e.LocaleShown, e.Revision)
		name := fmt.Sprintf("terms/%s-%d-%s-%d", nameOf(e.Document), e.Number, nameOf(e.LocaleShown), e.Revision)
		if _, known := c.files[name+".html"]; !ok || known {
			return nil
		}
		s.Rows = append(s.Rows, []string{title(text, e.Document), fmt.Sprint(e.Number), name + ".html"})
		if err := c.addText(name+".md", text.Source); err != nil {
			return err
		}
		return c.addText(name+".html", text.HTML)
	})
	c.show(s)
	return err
}

// screen writes a screen once.
func (c *composer) screen(sha string) error {
	name := "terms/screens/" + nameOf(sha) + ".json"
	if _, known := c.files[name]; known || sha == "" {
		return nil
	}
	content, err := c.s.Store.FindPresentation(c.ctx, c.t.ID, sha)
	if err != nil || content == "" {
		return err
	}
	return c.addText(name, content)
}

// requests writes what the person asked us about their data, and the answers.
func (c *composer) requests() error {
	rows, err := c.all(Requests)
	if err != nil {
		return err
	}
	s := Section{Title: i18n.T(c.ctx, "export.s.requests"), Head: c.head("time", "what", "answer")}
	for _, r := range rows {
		s.Rows = append(s.Rows, []string{c.when(r.time("asked_at")), i18n.T(c.ctx, "cases.kind."+r.text("kind")), r.text("answer")})
	}
	c.show(s)
	return c.addJSON("requests.json", rows)
}

func number(r Record, name string) string { return fmt.Sprint(r.find(name)) }

var (
	addressLike = regexp.MustCompile(`[^\s@<>()\[\]\\,;:"]+@[^\s@<>()\[\]\\,;:"]+\.[^\s@<>()\[\]\\,;:".]+`)
	idLike      = regexp.MustCompile(`[a-z0-9-]+\|[A-Za-z0-9_.-]+`)
)

// masked is a text of an administrator without the addresses and ids of anybody but the person.
func (c *composer) masked(text string) string {
	text = addressLike.ReplaceAllStringFunc(text, func(address string) string {
		if profile.EmailKey(address) == profile.EmailKey(c.p.Email) {
			return address
		}
		return "[…]"
	})
	return idLike.ReplaceAllStringFunc(text, func(id string) string {
		if id == c.e.User.ID {
			return id
		}
		return "[…]"
	})
}
