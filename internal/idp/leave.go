package idp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"portico/internal/audit"
	"portico/internal/guard"
	"portico/internal/i18n"
	"portico/internal/session"
	"portico/internal/tenant"
)

// SignedOutPath is where the provider sends people after they signed out there too.
const SignedOutPath = "/signed-out"

// BackChannelPath is where the provider tells us that somebody signed out there.
func (c Connection) BackChannelPath() string { return "/login/backchannel/" + c.ID }

// Leave returns where somebody who signed out here goes to sign out at the provider too (OpenID Connect RP-Initiated Logout
// 1.0), with no address when the connection does not ask for that, or the provider does not know it or does not answer
// within leaveLimit: who signs out is not kept waiting. No token is kept, so the provider may ask whether the person means it.
func (s *Service) Leave(ctx context.Context, live session.Live) (Trip, error) {
	id := live.Content[ContentConnection]
	if id == "" {
		return Trip{}, nil
	}
	connection, err := s.inUse(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Trip{}, nil
	}
	if err != nil || !connection.SignOut || connection.preset().Dialect != OpenID {
		return Trip{}, err
	}
	address := s.client.endSession(ctx, connection)
	if address == nil {
		return Trip{}, nil
	}
	q := address.Query()
	q.Set("client_id", connection.ClientID)
	q.Set("post_logout_redirect_uri", tenant.From(ctx).URL(SignedOutPath))
	q.Set("ui_locales", i18n.Current(ctx).Tag)
	if sid := live.Content[ContentSID]; sid != "" {
		q.Set("logout_hint", sid)
	}
	address.RawQuery = q.Encode()
	return Trip{connection, address.String()}, nil
}

// endSession is where a provider signs people out, or nil.
func (c *Client) endSession(ctx context.Context, connection Connection) *url.URL {
	ctx, cancel := context.WithTimeout(ctx, leaveLimit)
	defer cancel()
	d, err := c.describe(ctx, connection)
	if err != nil || d.EndSession == "" {
		return nil
	}
	address, err := url.Parse(d.EndSession)
	if err != nil {
		return nil
	}
	return address
}

// ErrNotice says that a notice of a provider is not proven, not meant for us, or no notice of a sign-out.
var ErrNotice = errors.New("no valid notice of a sign-out")

const (
	logoutEvent         = "http://schemas.openid.net/event/backchannel-logout"
	noticeAge           = 5 * time.Minute
	maxNotice           = 16 << 10
	noticed     Purpose = "notice"
)

// notice is a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4).
type notice struct {
	Subject string                     `json:"sub"`
	SID     string                     `json:"sid"`
	JTI     string                     `json:"jti"`
	Events  map[string]json.RawMessage `json:"events"`
	Nonce   *string                    `json:"nonce"`
	until   time.Time                  // when it is too old to be taken
}

// kept is a notice as it is remembered among the flows, where it counts once as they do. No answer of a browser finds it
// there: what browsers bring is looked up by hexadecimal digits alone.
func (n notice) kept(c Connection, now time.Time) Flow {
	return Flow{
		User: tenant.User{Tenant: c.Tenant}, State: "notice" + hashOf(c.ID + "\x00" + n.JTI)[len("notice"):], Connection: c.ID, Purpose: noticed,
		Sealed: []byte{}, CreatedAt: now, ExpiresAt: n.until,
	}
}

// Notice ends the sessions that a provider says are over there: those that were opened in its own session, by its id, or
// else all that the person opened by it; with both named, those in its session that are the person's (Back-Channel Logout
// 1.0, section 2.7). A notice counts once and is remembered for as long as it could be sent again, or a copy of it would end
// what the person opened since (section 2.6, step 8). It returns ErrNotFound for a connection that is not in use, ErrNotice,
// Failure or *guard.TooMany.
func (s *Service) Notice(ctx context.Context, connection, token string) error {
	t := tenant.From(ctx).ID
	if err := s.guard.Allow(ctx, t, guard.ProviderNotice, guard.Subject{IP: audit.OriginOf(ctx).IP}); err != nil {
		return err
	}
	c, err := s.inUse(ctx, connection)
	if err != nil {
		return err
	}
	n, err := s.client.readNotice(ctx, c, token)
	if err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		err := s.store.AddFlow(ctx, n.kept(c, s.now()))
		if errors.Is(err, ErrTaken) {
			return ErrNotice // it came before
		}
		if err != nil {
			return err
		}
		over, err := s.meant(ctx, t, c.ID, n)
		if err != nil {
			return err
		}
		return s.endNoticed(ctx, c.ID, over)
	})
}

// meant lists the sessions that a notice is about.
func (s *Service) meant(ctx context.Context, t tenant.ID, connection string, n notice) ([]session.Session, error) {
	if n.SID != "" {
		open, err := s.sessions.OfProvider(ctx, t, connection, n.SID)
		return slices.DeleteFunc(open, func(one session.Session) bool {
			return n.Subject != "" && one.Content[ContentSubject] != n.Subject
		}), err
	}
	known, err := s.store.LockIdentity(ctx, t, connection, n.Subject)
	if errors.Is(err, ErrNotFound) {
		return nil, nil // nobody here
	}
	if err != nil {
		return nil, err
	}
	return s.openedBy(ctx, known)
}

func (s *Service) endNoticed(ctx context.Context, connection string, over []session.Session) error {
	ended := map[tenant.User]bool{}
	for _, one := range over {
		err := s.sessions.End(ctx, one.User, one.Hash)
		if errors.Is(err, session.ErrNone) {
			continue // somebody was faster
		}
		if err != nil {
			return err
		}
		ended[one.User] = true
	}
	for u := range ended {
		err := s.log.Record(ctx, audit.Event{
			Type: audit.SessionsEnded, User: u, Actor: audit.Actor{Kind: audit.BySystem}, Detail: map[string]string{"connection": connection},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readNotice checks a logout token (section 2.6). It names a person, a session of the provider's, or both.
func (c *Client) readNotice(ctx context.Context, connection Connection, token string) (notice, error) {
	var n notice
	if len(token) > maxNotice || connection.preset().Dialect != OpenID {
		return n, ErrNotice
	}
	ctx, cancel := context.WithTimeout(ctx, exchangeLimit)
	defer cancel()
	d, err := c.describe(ctx, connection)
	if err != nil {
		return n, err
	}
	id, err := d.verify(ctx, c, connection, token)
	if err != nil {
		return n, errors.Join(ErrNotice, err)
	}
	var claims Claims
	if id.Claims(&n) != nil || id.Claims(&claims) != nil {
		return n, ErrNotice
	}
	n.until = id.IssuedAt.Add(noticeAge)
	n.Subject = connection.Mapping.over(DefaultMapping()).subject(claims)
	_, event := n.Events[logoutEvent]
	nobody := n.Subject == "" && n.SID == ""
	if !event || n.Nonce != nil || n.JTI == "" || nobody || !c.now().Before(n.until) || !noticeType(token) {
		return n, ErrNotice
	}
	return n, nil
}

// noticeType refuses a token that says it is something else. Many providers say nothing, or just JWT.
func noticeType(token string) bool {
	head, _, _ := strings.Cut(token, ".")
	content, err := base64.RawURLEncoding.DecodeString(head)
	var header struct {
		Type string `json:"typ"`
	}
	if err != nil || json.Unmarshal(content, &header) != nil {
		return false
	}
	return slices.Contains([]string{"", "jwt", "logout+jwt"}, strings.ToLower(header.Type))
}
