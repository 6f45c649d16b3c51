package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"portico/internal/keys"
)

// Bounds of what a provider may cost us: one request, everything between the answer of the browser and ours, what somebody
// who signs out waits for, and how long what a provider says of itself is believed. Skew is how far its clock may be off.
const (
	requestLimit  = 5 * time.Second
	exchangeLimit = 8 * time.Second
	leaveLimit    = 2 * time.Second
	believedFor   = time.Hour
	skew          = time.Minute
)

// Reason is why something with a provider did not work. It is the last part of a message key,
// "connections.reason.…".
type Reason string

// The reasons.
const (
	Unreachable Reason = "unreachable" // no answer at all
	Slow        Reason = "slow"        // no answer in time
	Status      Reason = "status"      // an answer, but that of an error
	Rubbish     Reason = "rubbish"     // an answer that makes no sense
	Issuer      Reason = "issuer"      // it calls itself something else
	Insecure    Reason = "insecure"    // an address that is not https
	NoCode      Reason = "code"        // it does not know the way we ask
	NoPKCE      Reason = "pkce"        // it does not know how to bind a code to us
	Stranger    Reason = "client"      // it does not know us, or the secret is wrong
	Grant       Reason = "grant"       // it does not take the code
	Callback    Reason = "callback"    // it does not take our address
	Token       Reason = "token"       // what it says of the person is not proven
	Expired     Reason = "expired"     // what it says is over, or from the future
	Nonce       Reason = "nonce"       // what it says was said to somebody else
	Subject     Reason = "subject"     // it does not say who it is
	NotFresh    Reason = "fresh"       // it does not say that the person proved just now who they are
	Sealed      Reason = "secret"      // our own keys do not open the secret
)

// Failure says that a provider is down, slow or talks rubbish. Err is for logs alone.
type Failure struct {
	Reason Reason
	Err    error
}

// Error describes the failure for logs.
func (f Failure) Error() string {
	if f.Err == nil {
		return "provider: " + string(f.Reason)
	}
	return "provider: " + string(f.Reason) + ": " + f.Err.Error()
}

// Unwrap returns what was seen.
func (f Failure) Unwrap() error { return f.Err }

// Down reports whether it is worth trying again later, as opposed to something being set up wrongly.
func (f Failure) Down() bool {
	return f.Reason == Unreachable || f.Reason == Slow || f.Reason == Status || f.Reason == Rubbish
}

// failure gives err a reason, unless it has one.
func failure(reason Reason, err error) error {
	if _, ok := errors.AsType[Failure](err); ok {
		return err
	}
	if timeout, ok := errors.AsType[net.Error](err); (ok && timeout.Timeout()) || errors.Is(err, context.DeadlineExceeded) {
		return Failure{Slow, err}
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return Failure{Unreachable, err}
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return Failure{Unreachable, err}
	}
	return Failure{reason, err}
}

// Client talks to providers: over TLS, within limits, and following nobody elsewhere.
type Client struct {
	http     *http.Client
	loopback bool
	now      func() time.Time
	known    sync.Map // connection → *described
}

// NewClient returns a client. With loopback set, a provider on this very machine is talked to, and without TLS: for the
// demonstration and for tests.
func NewClient(loopback bool, now func() time.Time) *Client {
	dialer := &net.Dialer{Timeout: requestLimit, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return reachable(address, loopback)
	}}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: requestLimit, ForceAttemptHTTP2: true,
		ResponseHeaderTimeout: requestLimit, MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
	}
	return &Client{loopback: loopback, now: now, http: &http.Client{
		Transport: bounded{transport}, Timeout: requestLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var errPlace = errors.New("address is not one a provider can have")

// reachable keeps whoever sets up a connection from reaching the services of this machine and of its cloud.
func reachable(address string, loopback bool) error {
	place, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := place.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || (ip.IsLoopback() && !loopback) {
		return errPlace
	}
	return nil
}

// bounded reads at most MaxAnswer bytes of an answer.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = limitedBody{io.LimitReader(response.Body, MaxAnswer), response.Body}
	return response, nil
}

type limitedBody struct {
	io.Reader
	io.Closer
}

// Close ends the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// readJSON asks for what is at an address and reads it into value. It returns Failure. Dress changes the request before it
// goes out.
func (c *Client) readJSON(ctx context.Context, address string, value any, dress ...func(*http.Request)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Failure{Rubbish, err}
	}
	for _, change := range dress {
		change(request)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return failure(Unreachable, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return Failure{Status, fmt.Errorf("status %d", response.StatusCode)}
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return failure(Rubbish, err)
	}
	if err := json.Unmarshal(content, value); err != nil {
		return Failure{Rubbish, err}
	}
	return nil
}

// addressOf is where the browser is sent.
func (c *Client) addressOf(ctx context.Context, connection Connection, a asking) (string, error) {
	if connection.preset().Dialect == GitHub {
		return gitHubAt(connection.Issuer).address(connection, a), nil
	}
	d, err := c.describe(ctx, connection)
	if err != nil {
		return "", err
	}
	return d.address(connection, a), nil
}

// ask turns the code of an answer into what the provider says, in bounded time. It returns Failure or ErrNotAsked.
func (c *Client) ask(ctx context.Context, ring keys.Ring, connection Connection, answer Answer, a asking) (told, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeLimit)
	defer cancel()
	secret, err := c.secretOf(ring, connection)
	if err != nil {
		return told{}, err
	}
	if connection.preset().Dialect == GitHub {
		return gitHubAt(connection.Issuer).ask(ctx, c, connection, secret, answer.Code, a)
	}
	d, err := c.describe(ctx, connection)
	if err != nil {
		return told{}, err
	}
	if d.NamesIssuer && answer.Issuer == "" {
		return told{}, ErrNotAsked // it always names itself (RFC 9207, section 2.4)
	}
	return d.ask(ctx, c, connection, secret, answer.Code, a)
}

// secretOf opens the secret of a connection. Apple's is a key, with which a secret is made for a few minutes.
func (c *Client) secretOf(ring keys.Ring, connection Connection) (string, error) {
	secret, err := connection.secret(ring)
	if err != nil {
		return "", Failure{Sealed, err}
	}
	if connection.TeamID == "" || connection.KeyID == "" {
		return secret, nil
	}
	made, err := appleSecret(connection, secret, c.now())
	if err != nil {
		return "", Failure{Sealed, err}
	}
	return made, nil
}
