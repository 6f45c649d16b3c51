package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
)

// gitHub is GitHub's dialect of OAuth, or that of a server of one's own: fixed addresses, no id token, and addresses of
// people in a list of their own (docs.github.com, "Authorizing OAuth apps", "List email addresses"; rule N-3).
type gitHub struct {
	issuer string
	api    string
}

func gitHubAt(issuer string) gitHub {
	issuer = strings.TrimRight(issuer, "/")
	if issuer == "https://github.com" {
		return gitHub{issuer, "https://api.github.com"}
	}
	return gitHub{issuer, issuer + "/api/v3"}
}

// issuers are what it calls itself in an answer, when it does: GitHub names its OAuth part there since April 2026 (RFC 9207).
func (g gitHub) issuers() []string { return []string{g.issuer, g.issuer + "/login/oauth"} }

func (g gitHub) oauth(connection Connection, secret, callback string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: connection.ClientID, ClientSecret: secret, RedirectURL: callback, Scopes: connection.Scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL: g.issuer + "/login/oauth/authorize", TokenURL: g.issuer + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

func (g gitHub) address(connection Connection, a asking) string {
	return g.oauth(connection, "", a.callback).AuthCodeURL(a.state, oauth2.S256ChallengeOption(a.verifier))
}

func (g gitHub) ask(ctx context.Context, c *Client, connection Connection, secret, code string, a asking) (told, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.http)
	token, err := g.oauth(connection, secret, a.callback).Exchange(ctx, code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		return told{}, tokenFailure(err)
	}
	var claims Claims
	if err := g.read(ctx, c, token, "/user", &claims); err != nil {
		return told{}, err
	}
	if claims == nil {
		return told{}, Failure{Rubbish, errors.New("no user")}
	}
	delete(claims, "email") // what is shown in public, verified or not
	delete(claims, "email_verified")
	var addresses []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := g.read(ctx, c, token, "/user/emails", &addresses); err != nil {
		if f, ok := errors.AsType[Failure](err); !ok || f.Reason != Status {
			return told{}, err
		} // the person did not allow it: a profile without an address
	}
	for _, one := range addresses {
		if one.Primary {
			claims["email"], _ = json.Marshal(one.Email)
			claims["email_verified"], _ = json.Marshal(one.Verified)
			break
		}
	}
	return told{claims: claims}, nil
}

func (g gitHub) read(ctx context.Context, c *Client, token *oauth2.Token, path string, value any) error {
	return c.readJSON(ctx, g.api+path, value, func(r *http.Request) {
		r.Header.Set("Accept", "application/vnd.github+json")
		token.SetAuthHeader(r)
	})
}
