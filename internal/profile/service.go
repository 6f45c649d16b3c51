package profile

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"portico/internal/audit"
	"portico/internal/i18n"
	"portico/internal/mail"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// Store is what this package needs of persistence.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	FindProfile(ctx context.Context, u tenant.User) (Profile, error)
	LockProfile(ctx context.Context, u tenant.User) (Profile, error) // until the transaction ends
	// SaveEdit writes what people may change about themselves, and nothing else, over the profile that was locked before.
	SaveEdit(ctx context.Context, before, p Profile) error
}

// Service finds and edits profiles.
type Service struct {
	store   Store
	outbox  *mail.Outbox
	log     *audit.Log
	now     func() time.Time
	schemas sync.Map // text of a declaration → Schema, so that each is compiled once
}

// New returns the service on store.
func New(store Store, outbox *mail.Outbox, log *audit.Log, now func() time.Time) *Service {
	return &Service{store: store, outbox: outbox, log: log, now: now}
}

// Schema returns the declared user_metadata of a tenant. A declaration that cannot be read declares nothing.
func (s *Service) Schema(t tenant.Tenant) Schema {
	if known, ok := s.schemas.Load(string(t.Metadata)); ok {
		return known.(Schema)
	}
	schema, err := ParseSchema(t.Metadata)
	if err != nil {
		schema = Schema{}
	}
	s.schemas.Store(string(t.Metadata), schema)
	return schema
}

// Find returns the profile of u, or ErrNotFound.
func (s *Service) Find(ctx context.Context, u tenant.User) (Profile, error) {
	return s.store.FindProfile(ctx, u)
}

// Edit is what a person asks to change about themselves. Version is that of the profile the form was made from. Values
// holds the attributes that were sent, by their names; an absent one stays as it is, an empty one is removed (rule P-5).
// Metadata holds the declared keys of user_metadata as text. Forged names fields that were sent though no form offers
// them: they are recorded and otherwise ignored (security.md row 61).
type Edit struct {
	Version  int64
	Values   map[string]string
	Metadata map[string]string
	Forged   []string
}

// Stale is the refusal of an edit that was made from an older profile. It is ErrStale and carries what is saved now.
type Stale struct{ Current Profile }

// Error describes the conflict for logs.
func (Stale) Error() string { return ErrStale.Error() }

// Is makes a Stale an ErrStale.
func (Stale) Is(target error) bool { return target == ErrStale }

// attribute binds the name of an editable attribute to its place and its rule.
type attribute struct {
	name  string
	value func(*Profile) *string
	max   int
}

// attributes are those people may change about themselves, in the order of the page (rule P-3).
var attributes = []attribute{
	{FieldName, func(p *Profile) *string { return &p.Name }, MaxName},
	{FieldGivenName, func(p *Profile) *string { return &p.GivenName }, MaxName},
	{FieldFamilyName, func(p *Profile) *string { return &p.FamilyName }, MaxName},
	{FieldNickname, func(p *Profile) *string { return &p.Nickname }, MaxNickname},
	{FieldUsername, func(p *Profile) *string { return &p.Username }, 0},
	{FieldPhone, func(p *Profile) *string { return &p.PhoneNumber }, 0},
}

// Attributes lists the names of all that a tenant's policy can speak of, in the order of the page.
func Attributes() []string {
	names := make([]string, 0, len(attributes)+3)
	for _, a := range attributes {
		names = append(names, a.name)
	}
	return append(names, FieldPageLang, FieldLang, FieldZone)
}

// Value returns the attribute called name as a form shows it.
func (p Profile) Value(name string) string {
	for _, a := range attributes {
		if a.name == name {
			return *a.value(&p)
		}
	}
	return p.UserMetadata.Text(name)
}

// Editable lists the names of the attributes that this tenant's people may change, in the order of the page.
func Editable(t tenant.Tenant) []string {
	var names []string
	for _, a := range attributes {
		if t.Policy(a.name).Access == tenant.ReadWrite {
			names = append(names, a.name)
		}
	}
	for _, name := range []string{FieldPageLang, FieldLang, FieldZone} {
		if t.Policy(name).Access == tenant.ReadWrite {
			names = append(names, name)
		}
	}
	return names
}

// Edit applies what the user asked to change about themselves. It returns valid.Errors when a field is refused and
// Stale when the form was made from an older version.
func (s *Service) Edit(ctx context.Context, u tenant.User, e Edit) error {
	if err := s.recordForged(ctx, u, e.Forged); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		saved, err := s.store.LockProfile(ctx, u)
		if err != nil {
			return err
		}
		if err := s.recordForged(ctx, u, saved.overManaged(e.Values)); err != nil {
			return err
		}
		edited, refused := s.applied(ctx, saved, e)
		if err := refused.Err(); err != nil {
			return err
		}
		fields := changes(saved, edited)
		if len(fields) == 0 {
			return nil
		}
		if e.Version != saved.Version {
			return Stale{saved}
		}
		edited.Version++
		edited.UpdatedAt, edited.EditedAt = s.now(), s.now()
		if err := Taken(s.store.SaveEdit(ctx, saved, edited)); err != nil {
			return err
		}
		if saved.PhoneNumber != "" && saved.PhoneNumber != edited.PhoneNumber {
			if err := s.tellPhone(ctx, edited); err != nil {
				return err
			}
		}
		return s.log.Record(ctx, audit.Event{Type: audit.ProfileUpdated, User: u, Fields: fields})
	})
}

// tellPhone mails that a phone number that we had was changed or removed (security.md row 66).
func (s *Service) tellPhone(ctx context.Context, p Profile) error {
	t, origin := tenant.From(ctx), audit.OriginOf(ctx)
	language, _ := LetterLanguage(t, p, i18n.Current(ctx).Tag)
	facts := mail.Facts{Name: p.Nickname, Time: s.now(), Browser: origin.UserAgent, Link: t.URL("/secure")}
	if origin.IP.IsValid() {
		facts.IP = origin.IP.String()
	}
	return s.outbox.Send(ctx, mail.Letter{
		Tenant: t.ID, User: p.User.ID, To: p.Email, Kind: mail.PhoneChanged, Language: language, Facts: facts,
	})
}

func (s *Service) recordForged(ctx context.Context, u tenant.User, names []string) error {
	if len(names) == 0 {
		return nil
	}
	for i, name := range names {
		if utf8.RuneCountInString(name) > MaxMetadataKey || hasControl(name) {
			names[i] = "?"
		}
	}
	return s.log.Record(ctx, audit.Event{Type: audit.ForbiddenField, User: u, Fields: names[:min(len(names), 8)]})
}

// applied returns the profile as it would be after the edit, and what of the edit is refused.
func (s *Service) applied(ctx context.Context, saved Profile, e Edit) (Profile, valid.Errors) {
	t, edited, refused := tenant.From(ctx), saved, valid.Errors(nil)
	edited.UserMetadata = maps.Clone(saved.UserMetadata)
	if edited.UserMetadata == nil {
		edited.UserMetadata = Metadata{}
	}
	for _, a := range attributes {
		text, sent := e.Values[a.name]
		if policy := t.Policy(a.name); sent && policy.Access == tenant.ReadWrite && !saved.IsManaged(a.name) {
			refused = append(refused, a.set(&edited, text, policy.Required)...)
		}
	}
	refused = append(refused, setPreferences(t, &edited, e)...)
	return edited, append(refused, s.setMetadata(ctx, &edited, e.Metadata)...)
}

// IsManaged reports whether an identity provider owns the attribute called name, so that nobody here changes it (rule P-3).
func (p Profile) IsManaged(name string) bool { return slices.Contains(p.Managed, name) }

// overManaged lists the attributes that somebody tries to change although a provider owns them; the form shows them to be
// read and sends them as they are.
func (p Profile) overManaged(values map[string]string) []string {
	var names []string
	for _, a := range attributes {
		if text, sent := values[a.name]; sent && p.IsManaged(a.name) && tidy(text) != *a.value(&p) {
			names = append(names, a.name)
		}
	}
	return names
}

// set puts text into the attribute, or says why not. A name must stay when it is required, and the full name always is.
func (a attribute) set(p *Profile, text string, required bool) valid.Errors {
	text = tidy(text)
	switch a.name {
	case FieldPhone:
		text = Phone(text)
	case FieldUsername:
		text = strings.ToLower(text)
	}
	var refused valid.Errors
	switch {
	case text == "" && a.name == FieldName:
		refused.Add(a.name, "err.name.empty")
	case text == "" && required:
		refused.Add(a.name, "err.required")
	case a.name == FieldPhone && text != "" && !phonePattern.MatchString(text):
		refused.Add(a.name, "err.phone", "example", "+351 912 345 678")
	case a.name == FieldUsername && text != "" && text != p.Username && !validUsername(text):
		refused.Add(a.name, "err.username", "max", MaxUsername)
	case a.max > 0 && utf8.RuneCountInString(text) > a.max:
		refused.Add(a.name, "err.name.long", "max", a.max)
	case hasControl(text):
		refused.Add(a.name, "err.name.control")
	default:
		if a.name == FieldPhone && text != p.PhoneNumber {
			p.PhoneVerified = false
		}
		*a.value(p) = text
	}
	return refused
}

// setPreferences puts the languages and the time zone into user_metadata.
func setPreferences(t tenant.Tenant, p *Profile, e Edit) valid.Errors {
	var refused valid.Errors
	for _, name := range []string{FieldPageLang, FieldLang} {
		text, sent := e.Values[name]
		if !sent || t.Policy(name).Access != tenant.ReadWrite {
			continue
		}
		if text != "" && !slices.Contains(t.Locales, text) {
			refused.Add(name, "err.language")
			continue
		}
		p.UserMetadata.set(name, text)
	}
	zone, sent := e.Values[FieldZone]
	if !sent || t.Policy(FieldZone).Access != tenant.ReadWrite {
		return refused
	}
	zone = tidy(zone)
	if _, err := Zone(zone); err != nil {
		refused.Add(FieldZone, "err.zone")
		return refused
	}
	p.UserMetadata.set(FieldZone, zone)
	return refused
}

// Zone returns the time zone with a name of the IANA data base, such as "Europe/Lisbon"; no name is UTC.
func Zone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, ErrNotFound // the machine's own zone is nobody's
	}
	return time.LoadLocation(name)
}

// setMetadata puts the declared keys of user_metadata in that people may change.
func (s *Service) setMetadata(ctx context.Context, p *Profile, texts map[string]string) valid.Errors {
	if len(texts) == 0 {
		return nil
	}
	schema := s.Schema(tenant.From(ctx))
	texts = maps.Clone(texts)
	for _, property := range schema.ReadOnly() {
		delete(texts, property.Key)
	}
	return schema.put(p, texts, i18n.Current(ctx).Tag)
}

// MetadataField is the name of the form field of a declared key.
func MetadataField(key string) string { return "user_metadata." + key }

// changes lists what an edit changed, by the names of the attributes and "user_metadata.key".
func changes(before, after Profile) []string {
	var fields []string
	for _, a := range attributes {
		if *a.value(&before) != *a.value(&after) {
			fields = append(fields, a.name)
		}
	}
	for _, key := range after.UserMetadata.Changed(before.UserMetadata) {
		fields = append(fields, MetadataField(key))
	}
	return fields
}

// LetterLanguage chooses the language of a letter to p, which a request in the language request causes, and says why.
func LetterLanguage(t tenant.Tenant, p Profile, request string) (string, i18n.Reason) {
	return i18n.LetterLanguage(t.Locales, p.Lang(), request, p.AppMetadata.Text("locale"))
}

// ChooseLanguage keeps the language of pages that u chose.
func (s *Service) ChooseLanguage(ctx context.Context, u tenant.User, lang string) error {
	p, err := s.store.FindProfile(ctx, u)
	if err != nil {
		return err
	}
	return s.Edit(ctx, u, Edit{Version: p.Version, Values: map[string]string{FieldPageLang: lang}})
}

// Preferences are the page language and the time zone in a user_metadata text, as every page needs them.
func Preferences(userMetadata string) (lang, letters, zone string) {
	var m Metadata
	if json.Unmarshal([]byte(userMetadata), &m) != nil {
		return "", "", ""
	}
	return m.Text(FieldPageLang), m.Text(FieldLang), m.Text(FieldZone)
}

// Corrected is p with the attributes that an administrator of t sent, whatever people may change themselves, and the names of
// those that changed. It returns valid.Errors.
func Corrected(t tenant.Tenant, p Profile, values map[string]string) (Profile, []string, error) {
	corrected, refused, correctable := p, valid.Errors(nil), Correctable(t, p)
	for _, a := range attributes {
		text, sent := values[a.name]
		switch {
		case !sent || !slices.Contains(correctable, a.name):
		case !p.IsManaged(a.name):
			refused = append(refused, a.set(&corrected, text, false)...)
		case tidy(text) != *a.value(&p):
			refused.Add(a.name, "profile.managed", "provider", p.ManagedBy)
		}
	}
	return corrected, changes(p, corrected), refused.Err()
}

// Correctable lists the attributes of p that an administrator of t can change, in the order of the page. A username is
// among them where the tenant uses them, or the person has one from elsewhere.
func Correctable(t tenant.Tenant, p Profile) []string {
	var names []string
	for _, a := range attributes {
		if a.name != FieldUsername || p.Username != "" || t.Policy(a.name).Access != tenant.Hide {
			names = append(names, a.name)
		}
	}
	return names
}

// Taken turns ErrTaken, which an edit can only come upon by its username, into valid.Errors.
func Taken(err error) error {
	if errors.Is(err, ErrTaken) {
		return valid.Errors{{Field: FieldUsername, Key: "err.username.taken"}}
	}
	return err
}
