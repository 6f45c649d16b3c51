// Package guard protects against guessing and flooding: it counts tries, makes people wait, and stops sign-in from a
// place after too many failures (security.md rows 48–52, rule B-3).
//
// The counters live in the database, so that every replica knows them. Names that nobody has are counted like any
// other, and what counts is kept under hashes. An administrator's block is another matter and not known here (B-4).
package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"portico/internal/tenant"
)

// Action is what somebody is about to do.
type Action string

// The actions. Reauth is SignIn by somebody who is signed in already. SignUp, VerifyRequest and Resend send the same
// letter and share their limits. BlockLetter tells the owner of an account about an automatic block,
// CloseLink leads somebody who is blocked to the page that closes the account. Withdrawal is from a contract, OwnWithdrawal
// the same by who is signed in and has proven the address.
// ProviderTrip sends somebody to an identity provider, ProviderNotice is what a provider says on its own account.
const (
	SignIn        Action = "sign_in"
	Reauth        Action = "reauth"
	Code          Action = "code"
	SignUp        Action = "sign_up"
	ResetRequest  Action = "reset_request"
	VerifyRequest Action = "verify_request"
	Resend        Action = "resend"
	BlockLetter   Action = "block_letter"
	CloseLink     Action = "close_link"
	Withdrawal    Action = "withdrawal"
	OwnWithdrawal Action = "own_withdrawal"
	ProviderTrip  Action = "provider_trip"
	// GuardianLetter goes to a parent or guardian whose address is the Account; the User asks.
	GuardianLetter Action = "guardian_letter"
	// ExampleLetter shows an administrator how a letter arrives; the Account is their address and the kind of letter.
	ExampleLetter Action = "example_letter"

	ProviderNotice Action = "provider_notice"
)

// Subject is who tries. Account is the identifier as typed, normalised (for an e-mail address: profile.EmailKey), User
// whose it is, if anybody's: it is only kept for administrators to see. IPv6 addresses count by their /64.
// Device is the id of the browser, if it has one: it counts for something once the account was signed in to from it.
type Subject struct {
	Account string
	User    tenant.User
	IP      netip.Addr
	Device  string
}

// place is the network address that counts: an IPv4 address, or the /64 of an IPv6 address.
func place(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

// accountKey is the form in which an account is kept.
func accountKey(account string) string { return key("account", account) }

// key is the hash under which a counter is kept.
func key(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// TooMany says that something must wait for After. Blocked says that it is the automatic block of this account from
// this place, which its owner can lift by letter; Stopped that only a new password lifts it. First is true for the first
// of many refusals of one rate.
type TooMany struct {
	After   time.Duration
	Blocked bool
	Stopped bool
	First   bool
}

// Error describes the refusal for logs.
func (e *TooMany) Error() string { return fmt.Sprintf("too many tries, wait %v", e.After) }

// Outcome is what a failure led to. BlockedNow is true for exactly one failure of a block, StoppedNow for the one after
// which nobody may sign in from this place for a while. Tries is how many failures there were from this place.
type Outcome struct {
	BlockedNow bool
	StoppedNow bool
	Tries      int
}

// Counter is how often something happened within a span of time. Blocked is set when it reached the number from
// which it is an automatic block.
type Counter struct {
	Key       string
	Account   string
	User      tenant.User
	Place     string
	Count     int
	LastAt    time.Time
	ExpiresAt time.Time
	BlockedAt time.Time
}

// live returns c, or an empty counter once its time is over.
func (c Counter) live(now time.Time) Counter {
	if !now.Before(c.ExpiresAt) {
		return Counter{Key: c.Key}
	}
	return c
}

// Block is an automatic block: sign-in to one account from one place. User is nobody when no account has the name.
type Block struct {
	Key   string
	User  tenant.User
	Place string
	Tries int
	Since time.Time
	Until time.Time
}
