package idp

import "portico/internal/profile"

// Dialect is how a provider speaks.
type Dialect string

// The dialects: OpenID Connect, and GitHub's OAuth with its own addresses and answers.
const (
	OpenID Dialect = "oidc"
	GitHub Dialect = "github"
)

// Sync says when a provider's word replaces what the profile says (rule N-6).
type Sync string

// The modes of Sync.
const (
	EachLogin  Sync = "on_each_login"
	FirstLogin Sync = "on_first_login"
)

// Preset is what is known beforehand of a provider. Issuer may hold "{directory}", which the operator fills in. Social
// says that anybody can have an account there (identities[].isSocial, rule I-6). Trust says that its word on verified
// addresses is believed. RoundTrip says that the provider does not tell when the person proved who they are, so that
// having been sent there and back must do where a fresh proof is needed (security.md row 40).
type Preset struct {
	Key       string
	Name      string
	Prefix    string
	Issuer    string
	Dialect   Dialect
	Scopes    []string
	FormPost  bool
	Prompt    string // what asks for a fresh proof; "login" when empty
	Social    bool
	Trust     bool
	RoundTrip bool
	Mapping   Mapping
}

// Custom is the preset of any OpenID Connect provider that is not among the known ones.
const Custom = "oidc"

// Presets are the known providers, the custom one last.
//
// Google (developers.google.com/identity/openid-connect): standard claims, email_verified a boolean, no nickname; it knows
// no prompt=login and tells auth_time only to apps it has verified.
// Microsoft (learn.microsoft.com, "ID token claims reference"): says nothing about email_verified, and an e-mail there can
// be set by the administrator of any directory, so it is never verified; one directory per connection, because the
// issuer is checked.
// Apple (developer.apple.com, "Authenticating users with Sign in with Apple"): answers by form_post, email_verified may be
// the text "true", the name comes once and beside the token.
// GitHub (docs.github.com, "Get the authenticated user" and "List email addresses"): no OpenID Connect; id is a number,
// name may be null, addresses come from a list of their own (rule N-3).
func Presets() []Preset {
	return []Preset{
		{
			Key: "google", Name: "Google", Prefix: "google-oauth2", Issuer: "https://accounts.google.com", Dialect: OpenID,
			Scopes: []string{"openid", "profile", "email"}, Prompt: "select_account", Social: true, Trust: true, RoundTrip: true,
		},
		{
			Key: "microsoft", Name: "Microsoft", Prefix: "windowslive", Issuer: "https://login.microsoftonline.com/{directory}/v2.0",
			Dialect: OpenID, Scopes: []string{"openid", "profile", "email"}, Social: true, RoundTrip: true,
			Mapping: Mapping{Attributes: map[string]Paths{AttributeEmailVerified: {}}},
		},
		{
			Key: "apple", Name: "Apple", Prefix: "apple", Issuer: "https://appleid.apple.com", Dialect: OpenID,
			Scopes: []string{"openid", "name", "email"}, FormPost: true, Social: true, Trust: true, RoundTrip: true,
			Mapping: Mapping{
				Attributes: map[string]Paths{
					profile.FieldGivenName: {"user.name.firstName"}, profile.FieldFamilyName: {"user.name.lastName"},
				},
				TextTrue: true,
			},
		},
		{
			Key: "github", Name: "GitHub", Prefix: "github", Issuer: "https://github.com", Dialect: GitHub,
			Scopes: []string{"read:user", "user:email"}, Social: true, Trust: true, RoundTrip: true,
			Mapping: Mapping{
				Attributes: map[string]Paths{
					AttributeSubject: {"id"}, profile.FieldName: {"name", "login"}, profile.FieldNickname: {"login"}, profile.FieldPicture: {"avatar_url"},
				},
				Deny: []string{"plan", "two_factor_authentication", "private_gists", "total_private_repos", "owned_private_repos", "disk_usage"},
			},
		},
		{
			Key: Custom, Name: "OpenID Connect", Prefix: "oidc", Dialect: OpenID, Scopes: []string{"openid", "profile", "email"},
		},
	}
}

// PresetOf returns the preset with a key.
func PresetOf(key string) (Preset, bool) {
	for _, p := range Presets() {
		if p.Key == key {
			return p, true
		}
	}
	return Preset{}, false
}
