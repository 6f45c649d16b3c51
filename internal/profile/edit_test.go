package profile_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"portico/internal/audit"
	"portico/internal/keys"
	"portico/internal/mail"
	"portico/internal/profile"
	"portico/internal/store/storetest"
	"portico/internal/tenant"
	"portico/internal/valid"
)

// desk is the service on a database, and one person's profile on it.
type desk struct {
	storetest.Fixture
	*profile.Service
	ctx  context.Context
	user tenant.User
}

func newDesk(t *testing.T, f storetest.Fixture, changes ...func(*profile.Profile)) desk {
	t.Helper()
	ring, err := keys.New(keys.Generate())
	if err != nil {
		t.Fatal(err)
	}
	outbox := mail.NewOutbox(f.DB, ring, f.Clock.Now, nil)
	return desk{
		f, profile.New(f.DB, outbox, audit.New(f.DB, f.Clock.Now), f.Clock.Now), tenant.With(t.Context(), f.Tenant),
		f.NewUser(t, "ana@example.org", changes...),
	}
}

func (d desk) saved(t *testing.T) profile.Profile {
	t.Helper()
	p, err := d.Find(d.ctx, d.user)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// edit sends values from a form that is not stale.
func (d desk) edit(t *testing.T, values map[string]string) error {
	t.Helper()
	return d.Edit(d.ctx, d.user, profile.Edit{Version: d.saved(t).Version, Values: values})
}

// recorded are the names of the fields in the record, of a type, newest first.
func (d desk) recorded(t *testing.T, kind audit.Type) [][]string {
	t.Helper()
	events, err := audit.New(d.DB, d.Clock.Now).Search(d.ctx, d.Tenant.ID, audit.Filter{User: d.user.ID, Types: []audit.Type{kind}, Limit: 20})
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for _, e := range events {
		all = append(all, e.Fields)
	}
	return all
}

// refusals are fields and message keys of what is wrong.
func refusals(err error) string {
	if refused, ok := errors.AsType[valid.Errors](err); ok {
		return strings.TrimPrefix(refused.Error(), "refused: ")
	}
	return ""
}

// Rule P-1 and P-5: what each attribute may hold, and that emptying one removes it.
func TestAttributes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	for _, c := range []struct{ field, text, want, refused string }{
		{profile.FieldName, "  Ana\tFerreira ", "", "name: err.name.control"},
		{profile.FieldName, "  Ana Ferreira\u00a0", "Ana Ferreira", ""},
		{profile.FieldName, "e\u0301", "é", ""},
		{profile.FieldName, "", "", "name: err.name.empty"},
		{profile.FieldName, " \u3000 ", "", "name: err.name.empty"},
		{profile.FieldName, strings.Repeat("é", 150), strings.Repeat("é", 150), ""},
		{profile.FieldName, strings.Repeat("é", 151), "", "name: err.name.long"},
		{profile.FieldName, "Ana\r\nBcc: all@example.org", "", "name: err.name.control"},
		{profile.FieldName, "Ana\u2028Ferreira", "", "name: err.name.control"},
		{profile.FieldName, "\xff\xfeAna", "Ana", ""},
		{profile.FieldName, "<b>\"Ana\" & ${co}</b>", "<b>\"Ana\" & ${co}</b>", ""},
		{profile.FieldName, "عائشة", "عائشة", ""},
		{profile.FieldGivenName, "Ana", "Ana", ""},
		{profile.FieldGivenName, "", "", ""},
		{profile.FieldFamilyName, strings.Repeat("x", 151), "", "family_name: err.name.long"},
		{profile.FieldNickname, strings.Repeat("x", 350), strings.Repeat("x", 350), ""},
		{profile.FieldNickname, strings.Repeat("x", 351), "", "nickname: err.name.long"},
		{profile.FieldNickname, "", "", ""},
		{profile.FieldPhone, "+351 912-345 (678)", "+351912345678", ""},
		{profile.FieldPhone, "＋３５１９１２", "+351912", ""},
		{profile.FieldPhone, "912 345 678", "", "phone_number: err.phone"},
		{profile.FieldPhone, "+1234567890123456", "", "phone_number: err.phone"},
		{profile.FieldPhone, "+12x", "", "phone_number: err.phone"},
		{profile.FieldPhone, "", "", ""},
		{profile.FieldLang, "de", "de", ""},
		{profile.FieldLang, "tlh", "", "lang: err.language"},
		{profile.FieldLang, "", "", ""},
		{profile.FieldPageLang, "ar", "ar", ""},
		{profile.FieldPageLang, "de-CH", "", "ui_lang: err.language"},
		{profile.FieldZone, "Europe/Lisbon", "Europe/Lisbon", ""},
		{profile.FieldZone, "Lisbon", "", "zoneinfo: err.zone"},
		{profile.FieldZone, "../../etc/passwd", "", "zoneinfo: err.zone"},
		{profile.FieldZone, "Local", "", "zoneinfo: err.zone"},
		{profile.FieldZone, "", "", ""},
	} {
		before := d.saved(t).Value(c.field)
		err := d.edit(t, map[string]string{c.field: c.text})
		if got := refusals(err); got != c.refused || (err != nil) != (c.refused != "") {
			t.Errorf("%s %q: got %v, want %q", c.field, c.text, err, c.refused)
		}
		want := c.want
		if c.refused != "" {
			want = before
		}
		if got := d.saved(t).Value(c.field); got != want {
			t.Errorf("%s %q: got %q saved, want %q", c.field, c.text, got, want)
		}
	}
}

// A number that was proven is proven no longer once it is another.
func TestAnotherPhoneNumberIsNotVerified(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t), func(p *profile.Profile) { p.PhoneNumber, p.PhoneVerified = "+351912", true })
	if err := d.edit(t, map[string]string{profile.FieldPhone: "+351 912", profile.FieldName: "Ana"}); err != nil || !d.saved(t).PhoneVerified {
		t.Errorf("got %v, want the same number still proven", err)
	}
	if err := d.edit(t, map[string]string{profile.FieldPhone: "+351913"}); err != nil || d.saved(t).PhoneVerified {
		t.Errorf("got %v, want another number unproven", err)
	}
}

// Rule P-4: the policy holds whatever is sent, and says what the form offers.
func TestPolicyOfAttributes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f, func(p *profile.Profile) { p.GivenName, p.FamilyName, p.Nickname = "Ana", "Ferreira", "ana" })
		want := []string{profile.FieldName, profile.FieldNickname, profile.FieldPageLang, profile.FieldZone}
		if diff := cmp.Diff(want, profile.Editable(f.Tenant)); diff != "" {
			t.Errorf("what may be edited:\n%s", diff)
		}
		err := d.edit(t, map[string]string{
			profile.FieldGivenName: "Eve", profile.FieldFamilyName: "Evil", profile.FieldPhone: "+1", profile.FieldLang: "de", profile.FieldNickname: "annie",
		})
		p := d.saved(t)
		if err != nil || p.GivenName != "Ana" || p.FamilyName != "Ferreira" || p.PhoneNumber != "" || p.UserMetadata.Text(profile.FieldLang) != "" || p.Nickname != "annie" {
			t.Errorf("got %+v, %v, want only what is open changed", p, err)
		}
		if got := refusals(d.edit(t, map[string]string{profile.FieldNickname: " "})); got != "nickname: err.required" {
			t.Errorf("got %q, want a required attribute kept", got)
		}
		if err := d.edit(t, map[string]string{profile.FieldName: "Ana F."}); err != nil {
			t.Errorf("got %v, want what is not sent left alone", err)
		}
	}, func(s *tenant.Settings) {
		s.Attributes = map[string]tenant.AttributePolicy{
			profile.FieldGivenName: {Access: tenant.Hide}, profile.FieldFamilyName: {Access: tenant.ReadOnly, Required: true},
			profile.FieldPhone: {Access: tenant.Hide}, profile.FieldLang: {Access: tenant.ReadOnly}, profile.FieldNickname: {Required: true},
		}
	})
}

// Rule P-4, security.md row 61: what no form offers is recorded and has no effect; its names cannot flood the record.
func TestForgedFieldsAreRecorded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f)
		before := d.saved(t)
		forged := []string{"blocked", "app_metadata", strings.Repeat("x", 200), "a\r\nb", "c", "d", "e", "f", "g", "h"}
		err := d.Edit(d.ctx, d.user, profile.Edit{
			Version: before.Version, Forged: forged,
			Values: map[string]string{"blocked": "true", "email": "evil@example.org", "email_verified": "true", "role": "admin", "app_metadata": "{}", "picture": "x"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, d.saved(t)); diff != "" {
			t.Errorf("forged fields changed something:\n%s", diff)
		}
		got := d.recorded(t, audit.ForbiddenField)
		if want := [][]string{{"blocked", "app_metadata", "?", "?", "c", "d", "e", "f"}}; !cmp.Equal(got, want) {
			t.Errorf("got %q recorded, want %q", got, want)
		}
		if len(d.recorded(t, audit.ProfileUpdated)) != 0 {
			t.Error("got a change recorded that was none")
		}
	})
}

// Rule P-6: a stale edit changes nothing and brings back what is saved; sending what is saved anyway is no conflict.
func TestStaleEdits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, f storetest.Fixture) {
		d := newDesk(t, f)
		first := d.saved(t)
		if err := d.edit(t, map[string]string{profile.FieldName: "First", profile.FieldNickname: "one"}); err != nil {
			t.Fatal(err)
		}
		err := d.Edit(d.ctx, d.user, profile.Edit{Version: first.Version, Values: map[string]string{profile.FieldName: "Second"}})
		stale, ok := errors.AsType[profile.Stale](err)
		if !ok || !errors.Is(err, profile.ErrStale) || stale.Current.Name != "First" || stale.Current.Version != first.Version+1 {
			t.Errorf("got %v with %+v, want a conflict with what is saved", err, stale)
		}
		if p := d.saved(t); p.Name != "First" || p.Version != first.Version+1 {
			t.Errorf("got %+v, want nothing changed", p)
		}
		if err := d.Edit(d.ctx, d.user, profile.Edit{Version: first.Version, Values: map[string]string{profile.FieldName: "First"}}); err != nil {
			t.Errorf("got %v, want no conflict about what is the same", err)
		}
		err = d.Edit(d.ctx, d.user, profile.Edit{Version: stale.Current.Version, Values: map[string]string{profile.FieldName: "Second"}})
		if p := d.saved(t); err != nil || p.Name != "Second" || p.Nickname != "one" {
			t.Errorf("got %+v, %v, want the second name and the first nickname", p, err)
		}
	})
}

// Nothing is written, and no version is used up, when nothing changes.
func TestSavingTheSameChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	before := d.saved(t)
	d.Clock.Advance(time.Hour)
	if err := d.edit(t, map[string]string{profile.FieldName: "  " + before.Name + " ", profile.FieldPhone: "", profile.FieldLang: ""}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, d.saved(t)); diff != "" {
		t.Errorf("got changes:\n%s", diff)
	}
	if err := d.edit(t, map[string]string{profile.FieldName: "Ana", profile.FieldLang: "de"}); err != nil {
		t.Fatal(err)
	}
	after := d.saved(t)
	if after.Version != before.Version+1 || !after.EditedAt.After(before.EditedAt) || !after.UpdatedAt.After(before.UpdatedAt) {
		t.Errorf("got %+v, want a new version of an hour later", after)
	}
	if got := d.recorded(t, audit.ProfileUpdated); !cmp.Equal(got, [][]string{{"name", "user_metadata.lang"}}) {
		t.Errorf("got %v recorded, want the names of what changed", got)
	}
}

// Rule P-3: what an identity provider owns is changed by nobody here, and who tries is recorded.
func TestManagedAttributes(t *testing.T) {
	t.Parallel()
	p := profile.Profile{Name: "Ana", Nickname: "ana", Managed: []string{profile.FieldName}, ManagedBy: "GitHub"}
	got, _, err := profile.Corrected(tenant.Tenant{}, p, map[string]string{profile.FieldName: "Eve", profile.FieldNickname: "eve"})
	if refusals(err) != "name: profile.managed" || got.Name != "Ana" {
		t.Errorf("got %+v, %v, want the name refused", got, err)
	}
	got, changed, err := profile.Corrected(tenant.Tenant{}, p, map[string]string{profile.FieldName: " Ana ", profile.FieldNickname: "annie"})
	if err != nil || got.Nickname != "annie" || !slices.Equal(changed, []string{profile.FieldNickname}) {
		t.Errorf("got %+v, %v, %v, want only the nickname changed", got, changed, err)
	}
	if p.Nickname != "ana" {
		t.Error("the profile itself was changed")
	}
}

// The language and the zone of pages are read from the text of user_metadata, whatever else stands there.
func TestPreferences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]string{
		`{"ui_lang": "de", "lang": "fr", "zoneinfo": "Asia/Tokyo", "x": 1}`: {"de", "fr", "Asia/Tokyo"},
		`{"ui_lang": 5, "lang": ["fr"]}`:                                    {},
		`{}`:                                                                {},
		`[]`:                                                                {},
		``:                                                                  {},
	} {
		lang, letters, zone := profile.Preferences(text)
		if got := [3]string{lang, letters, zone}; got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
	if !json.Valid(profile.Metadata(nil).JSON()) {
		t.Error("nothing is no JSON")
	}
}
