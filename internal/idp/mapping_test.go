package idp_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"portico/internal/idp"
)

func mapping(t *testing.T, preset, text string) idp.Mapping {
	t.Helper()
	m, err := idp.ParseMapping([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if preset == "" {
		return m
	}
	p, ok := idp.PresetOf(preset)
	if !ok {
		t.Fatalf("no preset %q", preset)
	}
	return p.Mapping
}

func normalize(t *testing.T, m idp.Mapping, claims string) idp.Identity {
	t.Helper()
	c, err := idp.ParseClaims([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	i, err := m.Normalize(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// Rules N-1…N-5 and security.md row 26.
func TestNormalize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, preset, mapping, claims string
		want                          idp.Identity
	}{
		{
			name:   "standard claims fill the attributes, the protocol's own are not kept",
			claims: `{"iss":"https://id.example.org","aud":"x","nonce":"n","sub":"248289761001","name":"Jane Doe","given_name":"Jane","family_name":"Doe","nickname":"J","picture":"https://example.org/j.jpg","email":"Jane@Example.org","email_verified":true,"phone_number":"+1 (604) 555-1234","phone_number_verified":true,"locale":"en_US"}`,
			want: idp.Identity{
				Subject: "248289761001", Name: "Jane Doe", GivenName: "Jane", FamilyName: "Doe", Nickname: "J", Picture: "https://example.org/j.jpg",
				Email: "Jane@Example.org", EmailVerified: true, PhoneNumber: "+16045551234", PhoneVerified: true, Locale: "en-US",
				Given: []string{"name", "given_name", "family_name", "nickname", "picture", "email", "phone_number", "locale"},
			},
		},
		{
			name:   "a missing email_verified is false, a missing nickname is the local part",
			claims: `{"sub":"a","email":"kim@example.org"}`,
			want:   idp.Identity{Subject: "a", Email: "kim@example.org", Nickname: "kim", Name: "kim", Given: []string{"email"}},
		},
		{name: "the text true is not true", claims: `{"sub":"a","email":"k@example.org","email_verified":"true"}`, want: idp.Identity{Subject: "a", Email: "k@example.org", Nickname: "k", Name: "k", Given: []string{"email"}}},
		{name: "the text false is not true", claims: `{"sub":"a","email":"k@example.org","email_verified":"false"}`, want: idp.Identity{Subject: "a", Email: "k@example.org", Nickname: "k", Name: "k", Given: []string{"email"}}},
		{name: "the number 1 is not true", claims: `{"sub":"a","email":"k@example.org","email_verified":1}`, want: idp.Identity{Subject: "a", Email: "k@example.org", Nickname: "k", Name: "k", Given: []string{"email"}}},
		{name: "verified without an address verifies nothing", claims: `{"sub":"a","email_verified":true}`, want: idp.Identity{Subject: "a"}},
		{name: "an address that is none is left out", claims: `{"sub":"a","email":"not an address","email_verified":true}`, want: idp.Identity{Subject: "a", Left: []string{"email"}}},
		{
			name: "Google", preset: "google",
			claims: `{"sub":"103547991597142817347","email":"john@example.com","email_verified":true,"given_name":"John","family_name":"Smith","name":"John Smith","picture":"https://lh3.example/photo.jpg","locale":"en","hd":"example.com"}`,
			want: idp.Identity{
				Subject: "103547991597142817347", Email: "john@example.com", EmailVerified: true, GivenName: "John", FamilyName: "Smith", Name: "John Smith",
				Nickname: "john", Picture: "https://lh3.example/photo.jpg", Locale: "en", Given: []string{"name", "given_name", "family_name", "picture", "email", "locale"},
			},
		},
		{
			name: "Microsoft never verifies an address", preset: "microsoft",
			claims: `{"sub":"AAAAAAAAAAA","email":"ceo@victim.example","email_verified":true,"name":"M"}`,
			want:   idp.Identity{Subject: "AAAAAAAAAAA", Email: "ceo@victim.example", Name: "M", Nickname: "ceo", Given: []string{"name", "email"}},
		},
		{
			name: "Apple may write true as text, and gives the name beside the token", preset: "apple",
			claims: `{"sub":"001.abc.1","email":"x@privaterelay.appleid.com","email_verified":"true","user":{"name":{"firstName":"Ada","lastName":"Byron"}}}`,
			want: idp.Identity{
				Subject: "001.abc.1", Email: "x@privaterelay.appleid.com", EmailVerified: true, GivenName: "Ada", FamilyName: "Byron", Name: "Ada Byron",
				Nickname: "x", Given: []string{"given_name", "family_name", "email"},
			},
		},
		{
			name: "GitHub: the id is a number, a null name is the login", preset: "github",
			claims: `{"id":12345678901234567890,"login":"octo","name":null,"avatar_url":"https://avatars.example/u/1","email":"o@example.org","email_verified":true,"plan":{"name":"pro"}}`,
			want: idp.Identity{
				Subject: "12345678901234567890", Name: "octo", Nickname: "octo", Picture: "https://avatars.example/u/1", Email: "o@example.org",
				EmailVerified: true, Given: []string{"name", "nickname", "picture", "email"},
			},
		},
		{
			name: "Facebook by a mapping alone", mapping: `{"attributes":{"user_id":"id","picture":["picture.data.url"],"email_verified":[]}}`,
			claims: `{"id":"10","first_name":"Jo","last_name":"Li","picture":{"data":{"url":"https://f.example/p"}},"email":"jo@example.org","email_verified":true}`,
			want: idp.Identity{
				Subject: "10", GivenName: "Jo", FamilyName: "Li", Name: "Jo Li", Nickname: "jo", Picture: "https://f.example/p", Email: "jo@example.org",
				Given: []string{"given_name", "family_name", "picture", "email"},
			},
		},
		{
			name: "a path may name a claim with dots, a place in a list, and what is not there", mapping: `{"attributes":{"name":["nowhere.at.all","https://example.org/name"],"email":"emails.1.value","nickname":["emails.x","emails.9"]}}`,
			claims: `{"sub":"a","https://example.org/name":"Dot","emails":[{"value":"a@example.org"},{"value":"b@example.org"}]}`,
			want:   idp.Identity{Subject: "a", Name: "Dot", Email: "b@example.org", Nickname: "b", Given: []string{"name", "email"}},
		},
		{
			name: "a claim on the deny-list fills nothing", mapping: `{"deny":["picture","phone_number"]}`,
			claims: `{"sub":"a","picture":"https://example.org/p","phone_number":"+491","name":"N"}`,
			want:   idp.Identity{Subject: "a", Name: "N", Given: []string{"name"}},
		},
		{
			name: "what is too long or dangerous is left out, never cut", claims: `{"sub":"a","name":"` + strings.Repeat("n", 151) + `","picture":"javascript:alert(1)","nickname":"a\u0007b","phone_number":"call me"}`,
			want: idp.Identity{Subject: "a", Left: []string{"name", "nickname", "picture", "phone_number"}},
		},
		{
			name: "a picture over http or with a password is left out", claims: `{"sub":"a","picture":"http://example.org/p"}`,
			want: idp.Identity{Subject: "a", Left: []string{"picture"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := normalize(t, mapping(t, test.preset, test.mapping), test.claims)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(idp.Identity{}, "Data"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("got (+), want (-):\n%s", diff)
			}
		})
	}
}

func TestProfileDataKeepsWhatIsUnknown(t *testing.T) {
	t.Parallel()
	got := normalize(t, mapping(t, "", `{"deny":["birthdate"]}`),
		`{"sub":"a","aud":"x","access_token":"s","birthdate":"2000-01-01","https://example.org/roles":["a",{"b":23}],"n":23,"address":{"country":"PT","street":null}}`)
	want := `{"address":{"country":"PT","street":null},"https://example.org/roles":["a",{"b":23}],"n":23,"sub":"a"}`
	if string(got.Data.JSON()) != want {
		t.Errorf("got %s, want %s", got.Data.JSON(), want)
	}
}

func TestProfileDataIsBounded(t *testing.T) {
	t.Parallel()
	claims := map[string]any{"sub": "a", "small": "kept", "deep": json.RawMessage(strings.Repeat(`[`, 6) + strings.Repeat(`]`, 6)), "long": strings.Repeat("x", 2<<10+1), "bad\u0001": 1}
	for i := range 60 {
		claims["big"+string(rune('A'+i))] = strings.Repeat("y", 1000)
	}
	content, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	got := normalize(t, idp.Mapping{}, string(content))
	if n := len(got.Data.JSON()); n > 16<<10 {
		t.Errorf("got %d bytes, want at most 16 KiB", n)
	}
	if got.Data.Text("small") != "kept" || len(got.Data) < 10 {
		t.Errorf("got %d claims, want the small ones and as many as fit", len(got.Data))
	}
	for _, name := range []string{"deep", "long", "bad\u0001"} {
		if _, kept := got.Data[name]; kept {
			t.Errorf("%q was kept", name)
		}
	}
	if len(got.Left) == 0 || len(got.Left) > 32 {
		t.Errorf("got %d names of what was left out", len(got.Left))
	}
}

func TestSubjectMustBeThere(t *testing.T) {
	t.Parallel()
	for _, claims := range []string{`{}`, `{"sub":""}`, `{"sub":null}`, `{"sub":true}`, `{"sub":["a"]}`, `{"sub":" a"}`, `{"sub":"a "}`, `{"sub":"a\n"}`, `{"sub":"é"}`, `{"sub":"` + strings.Repeat("a", 256) + `"}`} {
		c, err := idp.ParseClaims([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (idp.Mapping{}).Normalize(c); !errors.Is(err, idp.ErrNoSubject) {
			t.Errorf("%.30s: got %v, want ErrNoSubject", claims, err)
		}
	}
}

func TestMappingIsChecked(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]string{
		`{`: "json", `[]`: "json", `{"other":1}`: "json", `{"attributes":{"blocked":"x"}}`: "attribute", `{"attributes":{"role":["x"]}}`: "attribute",
		`{"attributes":{"name":""}}`: "path", `{"attributes":{"user_id":[]}}`: "attribute", `{"attributes":{"name":["` + strings.Repeat("a", 300) + `"]}}`: "path",
		`{"deny":["` + strings.Repeat("a", 16<<10) + `"]}`: "size",
	} {
		_, err := idp.ParseMapping([]byte(text))
		if bad, ok := errors.AsType[idp.BadMapping](err); !ok || bad.Reason != reason {
			t.Errorf("%.40s: got %v, want a mapping refused for %q", text, err, reason)
		}
	}
	for _, text := range []string{"", " ", "{}", `{"attributes":{"name":"displayName","nickname":[]},"deny":["x"],"text_true":true}`} {
		if _, err := idp.ParseMapping([]byte(text)); err != nil {
			t.Errorf("%s: got %v, want it taken", text, err)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add(`{"sub":"a","email":"k@example.org","picture":{"data":[1,2,{"x":null}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := idp.ParseClaims([]byte(text))
		if err != nil {
			return
		}
		i, err := idp.Mapping{Attributes: map[string]idp.Paths{"picture": {"picture.data.0.x", "a.b"}}}.Normalize(c)
		if err == nil && (len(i.Data.JSON()) > 16<<10 || i.Subject == "") {
			t.Errorf("got %d bytes of %q", len(i.Data.JSON()), i.Subject)
		}
	})
}
